"""The matrix: the same optimum either way, true to plans, whole and named."""

from __future__ import annotations

import random
import re
from fractions import Fraction

import numpy as np
import pytest
from brute import World
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from optima import drawn, made, minimum, row
from random_instances import random_instance, random_plan, random_rows

from optimiser.errors import UnsupportedError
from optimiser.model.check import check
from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.rounding import LARGEST
from optimiser.solvers.milp.formulation import Formulation
from optimiser.solvers.milp.names import unique
from optimiser.solvers.milp.rows import FREE, Rows, whole_row

quick = settings(derandomize=True, deadline=None, max_examples=150)
SEEDS = range(4000, 4024)


def problem_of(seed):
    """A random problem, every fourth one with side rows, every other one cleaned."""
    tables, given_settings = random_instance(seed)
    rows = random_rows(seed, tables, given_settings) if seed % 4 == 0 else []
    problem = compile_problem(made(tables, given_settings), rows)
    return (clean(problem)[0] if seed % 2 else problem), rows


def some_plans(seed, count=15):
    """Plans of options, of the package, whatever else they break."""
    tables, given_settings = random_instance(seed)
    world, rng = World(tables, given_settings), random.Random(seed)
    row_of = {p: n for n, p in enumerate(world.providers)} | {"in-house": BY_ITSELF}
    for _ in range(count):
        plan = random_plan(world, rng)
        if all(plan):
            yield Plan.of(
                (q, row_of[d], int(part * 10**world.volume_decimals))
                for q, ways in enumerate(plan)
                for d, part in ways
            )


def keeps(matrix, x):
    """Whether a column vector keeps all rows and bounds, but for what floats cannot tell."""
    found = matrix.a @ x
    room = 1e-9 * (np.abs(matrix.a) @ np.abs(x)) + 1e-9
    inside = (found >= matrix.row_lower - room) & (found <= matrix.row_upper + room)
    return bool(inside.all() and (x >= matrix.lower).all() and (x <= matrix.upper).all())


# The matrix as a whole


@pytest.mark.parametrize("block", range(3))
def test_strong_and_compact_have_the_same_optimum(block):
    """Linking every option-band or band by band is one and the same problem."""
    for seed in SEEDS[8 * block : 8 * block + 8]:
        problem, _ = problem_of(seed)
        found = [minimum(Formulation(problem, strong=strong).matrix) for strong in (True, False)]
        if None in found:
            assert found == [None, None], seed
            continue
        one, two = (value for value, _ in found)
        assert one == pytest.approx(two, rel=1e-8, abs=0.5), seed


@pytest.mark.parametrize("strong", [True, False])
def test_a_plan_is_feasible_in_the_matrix_exactly_where_it_keeps_the_rules(strong):
    """Encoded, a plan keeps all rows where the checker finds no fault, and only there."""
    seen = {True: 0, False: 0}
    for seed in SEEDS:
        instance = drawn(seed)
        tables, given_settings = random_instance(seed)
        rows = random_rows(seed, tables, given_settings) if seed % 4 == 0 else []
        formulation = Formulation(compile_problem(instance, rows), strong=strong)
        for plan in some_plans(seed):
            account, x = check(instance, plan, rows), formulation.encode(plan)
            fits = x is not None and keeps(formulation.matrix, x)
            assert fits == account.feasible, (seed, account.violations)
            seen[fits] += 1
    assert min(seen.values()) > 50


def test_the_objective_of_a_plan_is_right():
    """An encoded plan costs what the checker reckons, under split within the slack of rounding."""
    for seed in SEEDS:
        instance, formulation = drawn(seed), Formulation(compile_problem(drawn(seed)))
        matrix = formulation.matrix
        for plan in some_plans(seed):
            x = formulation.encode(plan)
            if x is None:
                continue
            objective = check(instance, plan).objective
            found = float(matrix.cost @ x) + matrix.offset
            if matrix.integral:
                assert round(found) == objective, seed
                assert abs(found - objective) <= 1e-9 * abs(objective), seed
            else:
                assert abs(found - objective) <= matrix.slack + 1e-9 * abs(objective), seed


def test_decode_undoes_encode():
    """A plan comes back the same, even from a vector that is not quite whole."""
    rng = np.random.default_rng(0)
    for seed in SEEDS:
        formulation = Formulation(compile_problem(drawn(seed)))
        for plan in some_plans(seed, 10):
            x = formulation.encode(plan)
            if x is not None:
                assert formulation.decode(x) == plan, seed
                noise = rng.uniform(-1e-6, 1e-6, len(x))
                assert formulation.decode(x + noise) == plan, seed


def test_decode_always_delivers_every_pair_in_whole():
    """Whatever a solver hands over, deliveries add up to the volume of each pair that has any."""
    rng = np.random.default_rng(1)
    for seed in SEEDS:
        formulation = Formulation(compile_problem(drawn(seed)))
        problem = formulation.problem
        plan = formulation.decode(rng.uniform(0, formulation.matrix.upper))
        if problem.split:
            continue  # beyond the volume there is no nearest plan
        delivered = np.bincount(plan.pair, plan.volume, minlength=problem.pairs)
        reachable = problem.home.copy()
        reachable[problem.option_pair[problem.banded_option]] = True
        assert delivered.tolist() == np.where(reachable, problem.pair_volume, 0).tolist()


def test_what_is_no_option_is_not_encoded():
    """A plan that uses what was dropped, barred or never there has no vector."""
    refused = 0
    for seed in SEEDS:
        problem = clean(compile_problem(drawn(seed)))[0]
        formulation = Formulation(problem)
        for plan in some_plans(seed, 10):
            option = problem.option_of(plan.pair, plan.deliverer)
            home = plan.deliverer == BY_ITSELF
            if np.any(np.where(home, ~problem.home[plan.pair], option < 0)):
                assert formulation.encode(plan) is None
                refused += 1
    assert refused


def test_every_number_is_whole():
    """Coefficients, row bounds and, under single sourcing, costs are whole and below 2^53."""
    for seed in SEEDS:
        problem, _ = problem_of(seed)
        for strong in (True, False):
            matrix = Formulation(problem, strong=strong).matrix
            numbers = [matrix.a.data, matrix.row_lower, matrix.row_upper]
            if matrix.integral:
                numbers += [matrix.cost, np.array([matrix.offset])]
            for values in numbers:
                finite = values[np.isfinite(values)]
                assert np.all(finite == np.rint(finite)), seed
            assert np.all(np.abs(matrix.a.data) < LARGEST)
            assert np.all(matrix.a.data != 0)
            assert np.all(np.isfinite(matrix.cost))
            assert np.all(np.isfinite(matrix.upper))
            assert matrix.a.has_canonical_format
            assert np.all(matrix.row_lower <= matrix.row_upper)


def test_rows_are_divided_by_their_greatest_common_divisor():
    """No row could be said in smaller numbers."""
    for seed in SEEDS:
        a = Formulation(problem_of(seed)[0]).matrix.a
        for start, end in zip(a.indptr[:-1], a.indptr[1:], strict=True):
            if end > start:
                assert np.gcd.reduce(np.abs(a.data[start:end]).astype(np.int64)) == 1, seed


def test_names_are_unique_and_plain():
    """Every row and column has a name of its own that other programs can read."""
    for seed in SEEDS:
        problem, _ = problem_of(seed)
        for strong in (True, False):
            matrix = Formulation(problem, strong=strong).matrix
            for names, size in (
                (matrix.column_names(), matrix.columns),
                (matrix.row_names(), matrix.rows),
            ):
                assert len(names) == size, seed
                assert len(set(names)) == size, seed
                assert all(re.fullmatch(r"[A-Za-z0-9_.]{1,255}", name) for name in names), seed


def test_names_made_alike_are_told_apart():
    """Names that differ by odd signs only, or by their position only, stay unique."""
    assert len(set(unique(["a", "a", "a__1", "a", "b"]))) == 5
    assert len(set(unique(["a__2", "a", "a"]))) == 3
    assert len(set(unique(["a__2", "a__2_1", "a", "a", "a"]))) == 5


def test_names_of_long_keys_are_cut():
    """Keys of hundreds of characters still give names of at most 255, each its own."""
    organisation, service, provider = ("k" * 250 + letter for letter in "osp")
    tables = {
        "organisations": [row(organisation=organisation + n) for n in "12"],
        "services": [row(service=service)],
        "demand": [row(organisation=organisation + n, service=service, volume=1) for n in "12"],
        "providers": [row(provider=provider, mode="shared-centre")],
        "offers": [row(provider=provider, service=service)],
        "tariffs": [row(provider=provider, service=service, band=1)],
    }
    matrix = Formulation(compile_problem(made(tables))).matrix
    for names in (matrix.column_names(), matrix.row_names()):
        assert max(map(len, names)) <= 255
        assert len(set(names)) == len(names)


# Rows


fractions = st.builds(Fraction, st.integers(-(10**9), 10**9), st.integers(1, 10**6))
small_terms = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.integers(-(10**4), 10**4), st.integers(1, 60)), min_size=0, max_size=4
        ),
        st.builds(Fraction, st.integers(-30, 30).filter(bool), st.integers(1, 100)),
    ),
    max_size=3,
)


def arrays(terms):
    return [
        (
            np.array([a for a, _ in values], dtype=np.int64),
            np.array([b for _, b in values], dtype=np.int64),
            factor,
        )
        for values, factor in terms
    ]


@quick
@given(small_terms, st.none() | fractions, st.none() | fractions, st.randoms(use_true_random=False))
def test_whole_rows_say_the_same_as_fractions(terms, lower, upper, rng):
    """Any whole point keeps the row of whole numbers exactly where it keeps that of fractions."""
    exact = [Fraction(a, b) * factor for values, factor in terms for a, b in values]
    integers, low, high = whole_row(arrays(terms), lower, upper)
    assert integers.dtype == np.int64
    assert len(integers) == len(exact)
    for _ in range(10):
        x = [rng.choice((0, 1, 1, rng.randint(0, 10**6))) for _ in exact]
        value = sum((c * v for c, v in zip(exact, x, strict=True)), Fraction(0))
        found = sum(c * v for c, v in zip(integers.tolist(), x, strict=True))
        assert (low == -FREE or found >= low) == (lower is None or value >= lower)
        assert (high == FREE or found <= high) == (upper is None or value <= upper)


@quick
@given(small_terms, st.randoms(use_true_random=False))
def test_whole_rows_are_tight_at_their_own_bounds(terms, rng):
    """A bound that a point just meets is met, and one just beyond it is not."""
    exact = [Fraction(a, b) * factor for values, factor in terms for a, b in values]
    assume(any(exact))
    x = [rng.randint(0, 50) for _ in exact]
    value = sum((c * v for c, v in zip(exact, x, strict=True)), Fraction(0))
    hair = Fraction(1, 10**30)
    for bound, kept in ((value, True), (value - hair, False), (value + hair, True)):
        integers, _, high = whole_row(arrays(terms), None, bound)
        found = sum(c * v for c, v in zip(integers.tolist(), x, strict=True))
        assert (found <= high) == kept
        integers, low, _ = whole_row(arrays(terms), -bound, None)
        assert (-found >= low) == kept


def test_whole_rows_too_large_are_rounded_far_below_notice():
    """Coefficients beyond 2^53 keep 50 binary digits of the largest and stay below 2^53."""
    primes = (999_983, 999_979, 999_961, 999_959)
    terms = [(np.array([7, 5, 3, 2]), np.array(primes), Fraction(1))]
    integers, _, high = whole_row(terms, None, Fraction(1, 10**6))
    assert np.abs(integers).max() < LARGEST
    scale = Fraction(int(integers[0]) * primes[0], 7)
    for found, a, b in zip(integers.tolist(), (7, 5, 3, 2), primes, strict=True):
        assert abs(found - Fraction(a, b) * scale) <= 2
    assert abs(high - scale / 10**6) <= 2


def test_whole_rows_without_terms_keep_their_bounds():
    """Nothing at all is 0: a row that asks for more, or for less, still cannot be kept."""
    empty = np.zeros(0, dtype=np.int64)
    for terms in ([], [(empty, empty, Fraction(1, 7))]):
        integers, low, high = whole_row(terms, Fraction(1, 3), None)
        assert (len(integers), high) == (0, FREE)
        assert low > 0
        assert whole_row(terms, None, Fraction(-1, 3))[2] < 0
        assert whole_row(terms, Fraction(-1, 3), Fraction(1, 3))[1:] == (0, 0)


def one_row(values, lower, upper):
    rows = Rows()
    entries = [(np.zeros(len(values)), np.arange(len(values)), np.array(values))]
    rows.add(1, entries, lower, upper, lambda: ["capacity"])
    return rows.matrix(len(values))


def test_bounds_are_tightened_with_the_divisor():
    """6 x + 9 y between 4 and 13 is 2 x + 3 y between 2 and 4."""
    a, low, high = one_row([6, 9], 4, 13)
    assert (a.data.tolist(), low.tolist(), high.tolist()) == ([2, 3], [2], [4])
    a, low, high = one_row([-6, -9], -13, -FREE + 5)
    assert (a.data.tolist(), low.tolist()) == ([-2, -3], [-4])


def test_duplicates_are_added_and_zeros_dropped():
    """Entries at one place add up, and what cancels out is not there."""
    rows = Rows()
    at = np.zeros(4)
    entries = [(at, np.array([0, 0, 1, 1]), np.array([2, 3, 7, -7]))]
    rows.at_most(1, entries, 5, lambda: ["row"])
    a, low, high = rows.matrix(3)
    assert (a.toarray().tolist(), low.tolist(), high.tolist()) == ([[1, 0, 0]], [-np.inf], [1])


def test_a_coefficient_that_floats_cannot_hold_is_refused_by_name():
    """2^53 is refused and the row named; 2^53 − 1 is held exactly."""
    with pytest.raises(UnsupportedError, match="capacity"):
        one_row([LARGEST, 1], 0, 5)
    a, _, _ = one_row([LARGEST - 1, 1], 0, 5)
    assert a.data.tolist() == [LARGEST - 1, 1]
