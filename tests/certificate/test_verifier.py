"""The verifier against brute force: nothing it accepts lies above the best of all plans."""

from __future__ import annotations

import copy
import functools
import json
import random
import zlib
from dataclasses import replace
from typing import Any

import pytest
from brute import World
from random_instances import columns, random_instance, random_rows
from test_against_brute import package_plan
from toy_result import BEST, toy

from certificate.makers import (
    PRICES,
    duals,
    random_certificate,
    random_multipliers,
    toy_certificate,
)
from optimiser.certificate import storage
from optimiser.certificate.blocks import Blocks
from optimiser.certificate.facts import Facts, Rejected
from optimiser.certificate.proof import UNIT, Certificate, Decision, Multipliers, Node, Part, Stage
from optimiser.certificate.values import Values
from optimiser.certificate.verifier import issue, prove, verify
from optimiser.errors import UnsupportedError
from optimiser.model.build import instance_from
from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.solvers.certifying import certify
from optimiser.solvers.milp.facts import digits, facts, multipliers
from optimiser.solvers.milp.formulation import Formulation

#: Random instances under single sourcing.
SEEDS = [seed for seed in range(100) if random_instance(seed)[1].get("sourcing") != "split"][:60]
#: Mutations of each certificate, and how often that many are drawn.
MUTATIONS = 50


@functools.cache
def case(seed: int) -> tuple[Formulation, Facts, int | None]:
    """Formulation, facts and best objective (None: infeasible) of a random instance."""
    tables, settings = random_instance(seed)
    rows = random_rows(seed, tables, settings) if seed % 3 == 0 else []
    best = World(tables, settings).solve(rows)
    problem = compile_problem(instance_from(columns(tables), settings), rows)
    formulation = Formulation(problem)
    objective = None if best.status == "infeasible" else best.objective
    return formulation, facts(formulation), objective


def below(bound: int | None, best: int | None) -> bool:
    """Whether a bound is right; None claims that there is no plan."""
    return best is None or (bound is not None and bound <= best)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_multipliers_give_a_bound(seed):
    """Random multipliers of the right signs bound the best of all plans, one block or many."""
    _, known, best = case(seed)
    rng = random.Random(seed)
    for _ in range(10):
        drawn = random_multipliers(known, rng, list(range(known.rows)))
        for apart in (False, True):
            made = Certificate(stages=(Stage(multipliers=drawn, apart=apart),))
            assert below(prove(made, known), best)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_tree_gives_a_bound(seed):
    """So do random stages, cutoffs, parts, decisions and fixings, wherever they are well formed."""
    formulation, known, best = case(seed)
    rng = random.Random(seed)
    accepted = 0
    for _ in range(30):
        made = random_certificate(formulation, known, rng, best or 10**6)
        try:
            found = prove(made, known)
        except Rejected:  # a multiplier of a pair that no tree may lower, and the like
            continue
        accepted += 1
        assert below(found, best), made
    assert accepted > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_multipliers_of_the_engine_give_its_bound(seed):
    """The engine's own multipliers bound the best plan, and as high as it reckons itself."""
    relaxation = pytest.importorskip("optimiser.solvers.decomposition.relaxation")
    formulation, known, best = case(seed)
    if best is None:
        pytest.skip("no plan keeps every rule")
    priced = relaxation.Relaxation(formulation)
    ascent = relaxation.Ascent(priced, priced.prices())
    ascent.run(100, float(best or 10**9))
    fine = digits(formulation, priced.rows)
    made = multipliers(formulation, priced.rows, ascent.multipliers / priced.scale, fine)
    found = prove(Certificate(stages=(Stage(multipliers=made),), digits=fine), known)
    assert below(found, best)
    if found is not None and ascent.bound < float("inf"):
        assert found >= ascent.bound - 2 - 1e-6 * abs(ascent.bound)


@pytest.mark.parametrize("seed", SEEDS)
def test_certificate_of_the_cleaned_problem_holds_before_cleaning(seed):
    """What a solver says of the cleaned problem is carried over, and bounds the best plan still."""
    formulation, _, best = case(seed)
    whole = formulation.problem
    smaller, _ = clean(whole)
    given = Formulation(smaller)
    rng = random.Random(seed)
    for _ in range(5):
        made = random_certificate(given, facts(given), rng, best or 10**6)
        found = certify(made, smaller, whole)
        if isinstance(found, str):
            assert "refused" in found
        else:
            assert below(found.bound, best)


@pytest.mark.parametrize("seed", SEEDS)
def test_fixing_spares_the_best_plan(seed):
    """With a cutoff of a penny above the best plan, no column that it uses is found too dear."""
    formulation, known, best = case(seed)
    if best is None:
        pytest.skip("no plan keeps every rule")
    tables, settings = random_instance(seed)
    world = World(tables, settings)
    rows = random_rows(seed, tables, settings) if seed % 3 == 0 else []
    plan = package_plan(world, world.plan(world.solve(rows).plans[0]))
    used = set(formulation.encode(plan).nonzero()[0].tolist())
    blocks = Blocks(known)
    rng = random.Random(seed)
    drawn = [random_multipliers(known, rng, list(range(known.rows))) for _ in range(10)]
    for priced in [duals(formulation), *drawn]:
        for apart in (False, True):
            values = Values(
                blocks, list(blocks.upper), apart=apart, nodes=9, unit=UNIT, stop=lambda: False
            )
            values.start(priced)
            now = values.covered()
            assert now is not None
            room = (best + 1) * UNIT - now
            alone = [c for c, unit in enumerate(values.unit_of) if unit < 0]
            assert not used & set(values.too_dear(range(len(values.units)), alone, room))


# --- mutations -------------------------------------------------------------------------------


def records(certificate: Certificate) -> list[Any]:
    """The file's lines as records, without their checksums."""
    text = storage.gzip.decompress(storage.encode(certificate)).decode()
    return [json.loads(line.partition(" ")[2]) for line in text.splitlines()]


def rewritten(lines: list[Any]) -> bytes:
    """The file of such records, with checksums that are right."""
    check, result = 0, b""
    for line in lines:
        text = json.dumps(line, separators=(",", ":")).encode()
        check = zlib.crc32(text, check)
        result += b"%08x " % check + text + b"\n"
    return storage.gzip.compress(result)


def fields(lines: list[Any]) -> list[tuple[Any, Any]]:
    """Every value of every record, as (container, key)."""
    found: list[tuple[Any, Any]] = []
    todo: list[Any] = list(lines)
    while todo:
        holder = todo.pop()
        for key in range(len(holder)) if isinstance(holder, list) else list(holder):
            found.append((holder, key))
            if isinstance(holder[key], list | dict):
                todo.append(holder[key])
    return found


def mutate(lines: list[Any], rng: random.Random) -> str:
    """Change one field in place; say how."""
    holder, key = rng.choice(fields(lines))
    old = holder[key]
    if isinstance(old, list):
        new = rng.choice((old[1:], old[:-1], old + old[-1:], [], old[::-1], None, [*old, 0]))
    elif isinstance(old, bool):
        new = rng.choice((not old, None, 1))
    elif isinstance(old, int):
        new = rng.choice(
            (old + 1, old - 1, -old, 2 * old, 0, old * 10**6, old + UNIT, rng.randint(0, 40),
             None, 10**80, str(old), old + 0.5, True)
        )  # fmt: skip
    else:
        new = rng.choice((0, 1, -1, 10**12, "x", None, []))
    holder[key] = new
    return f"{key}: {old!r} -> {new!r}"


@pytest.mark.parametrize(
    "draw",
    [pytest.param(number, marks=() if number < 20 else pytest.mark.long) for number in range(200)],
)
def test_mutations_are_rejected_or_still_right(draw):
    """A certificate with any one field changed is rejected, or its bound is still a bound."""
    formulation, known, best = case(SEEDS[draw % 20])
    rng = random.Random(draw)
    while True:
        try:
            made = issue(random_certificate(formulation, known, rng, best or 10**6), known)
        except Rejected:
            continue
        break
    original = records(made)
    assert verify(storage.Saved(rewritten(original)).certificate, known) == made.bound
    rejected = 0
    for _ in range(MUTATIONS):
        lines = copy.deepcopy(original)
        how = mutate(lines, rng)
        try:
            bound = verify(storage.Saved(rewritten(lines)).certificate, known)
        except Rejected:
            rejected += 1
            continue
        assert below(bound, best), how
    assert rejected > 0


# --- by hand ---------------------------------------------------------------------------------


@functools.cache
def toy_facts() -> Facts:
    return facts(Formulation(compile_problem(toy())))


def toy_made(**changes: int) -> Certificate:
    return toy_certificate(compile_problem(toy()), **changes)


def test_toy_by_hand():
    """At the prices worked out in docs/certificate.md the bound is the toy's optimum, £220,600."""
    assert prove(toy_made(), toy_facts()) == BEST


def test_toy_at_in_house_prices():
    """Without contracts priced: 251,200 − 21,000 (Hub) − 33,000 (Valley) = £197,200."""
    assert prove(toy_made(**IN_HOUSE), toy_facts()) == 197_200_00


def test_a_tree_closes_what_prices_leave_open():
    """With Alder's IT £1,000 dearer the root loses £1,000; deciding on the offer wins it back."""
    root = toy_made(pair_alder_it=105_400)
    known = toy_facts()
    assert prove(root, known) < BEST
    names = list(Formulation(compile_problem(toy())).matrix.row_names())
    row = names.index("pair_alder_it")
    nodes = (Node(change=Multipliers(rows=(row,), values=(-1_000_00 * UNIT,))),)
    stage = replace(root.stages[0], parts=(Part(rows=(row,), nodes=nodes),))
    assert prove(replace(root, stages=(stage,)), known) == BEST


IN_HOUSE = {
    "pair_alder_payroll": 27_200,
    "pair_birch_payroll": 19_200,
    "pair_cedar_payroll": 10_200,
    "pair_alder_it": 110_200,
    "pair_birch_it": 56_200,
    "pair_cedar_it": 28_200,
} | {name: 0 for name in PRICES if name.startswith("contract")}


def test_no_bound_lies_above_the_cutoff():
    """At £100 above the first stage nearly all is cut; the second proves no more than that."""
    first, second = toy_made(**IN_HOUSE).stages[0], toy_made().stages[0]
    made = Certificate(stages=(first, second), cutoff=197_300_00)
    assert prove(made, toy_facts()) == 197_300_00
    assert prove(replace(made, cutoff=None), toy_facts()) == BEST


def test_no_part_is_worth_more_than_its_target():
    """The same in a tree: what was fixed may cost the target."""
    root, good = toy_made(**IN_HOUSE).stages[0], toy_made().stages[0]
    before = dict(zip(root.multipliers.rows, root.multipliers.values, strict=True))
    change = Multipliers(
        rows=good.multipliers.rows,
        values=tuple(
            value - before[row]
            for row, value in zip(good.multipliers.rows, good.multipliers.values, strict=True)
        ),
    )
    decision = Decision(row=0, first=(0, 1), second=(2, 15))
    for fix, bound in ((True, 197_300_00), (False, BEST)):
        nodes = (Node(fix=fix, decision=decision), Node(change=change), Node(change=change))
        part = Part(rows=good.multipliers.rows, nodes=nodes, target=197_300_00 * UNIT)
        made = Certificate(stages=(replace(root, parts=(part,)),))
        assert prove(made, toy_facts()) == bound


def rejection(made: Certificate, known: Facts) -> tuple[str, tuple[Any, ...]]:
    """What the verifier says, and where."""
    with pytest.raises(Rejected) as caught:
        verify(made, known)
    return str(caught.value), caught.value.place


def test_claims_above_the_proof_are_rejected():
    """A bound one penny above what is proved is none; one below is."""
    known = toy_facts()
    made = issue(toy_made(), known)
    text, place = rejection(replace(made, bound=BEST + 1), known)
    assert text == f"it claims a bound of {BEST + 1}, but proves a bound of {BEST}"
    assert place == ("head",)
    assert "no solution" in rejection(replace(made, bound=None), known)[0]
    assert verify(replace(made, bound=BEST - 1), known) == BEST - 1


def test_another_program_is_rejected():
    """A certificate speaks of one program only: a cost changed by a penny changes the digest."""
    known = toy_facts()
    made = issue(toy_made(), known)
    cost = known.cost[:]
    cost[3] += 1
    assert "digest" in rejection(made, replace(known, cost=cost))[0]


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        (Decision(row=0, first=(0,), second=(3,)), "row 0 does not limit all columns"),
        (Decision(row=6, first=(0,), second=(21,)), "row 6 does not limit all columns"),
        (Decision(row=0, first=(0,), second=(0,)), "names no column, or one twice"),
        (Decision(row=0, first=(0,)), "row 0 lets both sides"),
        (Decision(row=-1, first=(21, 24)), "not bands of one offer"),
        (Decision(row=-1, first=(0,)), "not bands of one offer"),
        (Decision(row=-1, first=()), "names no column"),
        (Decision(row=-1, first=(18,)), "none of the part's"),
        (Decision(row=99, first=(0,), second=(2,)), "no row 99"),
        (Decision(row=-1, first=(99,)), "no column 99"),
        (Decision(row=-1, first=(21,), second=(22,)), "has columns on its second side"),
    ],
)
def test_decisions_must_leave_nothing_out(decision, text):
    """A decision is refused unless every solution is on one of its sides, and in the part."""
    made = toy_made()
    nodes = (Node(decision=decision), Node(), Node())
    stage = replace(made.stages[0], parts=(Part(rows=(0,), nodes=nodes),))
    known = toy_facts()
    with pytest.raises(Rejected, match=text) as caught:
        prove(replace(made, stages=(stage,)), known)
    assert caught.value.place == ("node", 0, 0, 0)


def test_a_row_that_lets_both_sides_be_decides_nothing():
    """Where a pair might be served twice, its row does not tell two options apart."""
    made, known = toy_made(), toy_facts()
    nodes = (Node(decision=Decision(row=0, first=(0,), second=(2,))), Node(), Node())
    stage = replace(made.stages[0], parts=(Part(rows=(0,), nodes=nodes),))
    assert prove(replace(made, stages=(stage,)), known) == BEST
    high = known.row_high[:]
    high[0] = 2
    with pytest.raises(Rejected, match="row 0 lets both sides"):
        prove(replace(made, stages=(stage,)), replace(known, row_high=high))


def test_parts_may_share_nothing():
    """Two parts that reach the same provider's offers cannot both be taken apart."""
    made = toy_made()
    parts = (Part(rows=(0,), nodes=(Node(),)), Part(rows=(1,), nodes=(Node(),)))
    stage = replace(made.stages[0], parts=parts)
    with pytest.raises(Rejected, match="block 0 is in another part"):
        prove(replace(made, stages=(stage,)), toy_facts())
    # Offers apart from their providers, payroll and IT have nothing in common.
    apart = replace(stage, apart=True)
    assert prove(replace(made, stages=(apart,)), toy_facts()) <= BEST


def links(known: Facts) -> list[tuple[int, int, int]]:
    """Each linking row of the toy, where it has its parent, and where it has a child."""
    found = []
    for row in sorted(set(known.link) - {-1}):
        entries = range(known.row_start[row], known.row_start[row + 1])
        parents = [at for at in entries if known.row_value[at] < 0]
        children = [at for at in entries if known.row_value[at] > 0]
        found.append((row, parents[0], children[0]))
    return found


def test_structure_is_believed_only_where_rows_prove_it():
    """Wherever a linking row does not say what the blocks lean on, the program is refused."""
    known = toy_facts()
    nothing = Certificate(stages=(Stage(multipliers=Multipliers()),))
    assert prove(nothing, known) is not None
    assert len(links(known)) == 15 + 4 + 6
    for row, parent, child in links(known):
        for name, at, value in (
            ("row_high", row, 1),
            ("row_value", parent, 1),
            ("row_value", child, -1),
            ("row_column", parent, known.columns - 1),
            ("row_column", child, known.columns - 1),
        ):
            values = getattr(known, name)[:]
            values[at] = value
            with pytest.raises(Rejected):
                prove(nothing, replace(known, **{name: values}))


def test_columns_of_blocks_must_be_binary():
    """Where an option-band could be 2 or −1, its block is no knapsack and is refused."""
    known = toy_facts()
    nothing = Certificate(stages=(Stage(multipliers=Multipliers()),))
    for name, value in (("upper", 2), ("lower", -1)):
        values = getattr(known, name)[:]
        values[0] = value
        with pytest.raises(Rejected, match="other than 0 and 1"):
            prove(nothing, replace(known, **{name: values}))


def test_split_sourcing_is_refused_by_name():
    """Costs are fractions there: facts are not to be had, and the reason is said."""
    tables, settings = next(
        drawn for drawn in map(random_instance, range(100)) if drawn[1].get("sourcing") == "split"
    )
    problem = compile_problem(instance_from(columns(tables), settings))
    with pytest.raises(UnsupportedError, match="single sourcing only"):
        facts(Formulation(problem))


def test_a_stop_is_heard():
    """Verifying ends when it is told to."""
    with pytest.raises(InterruptedError):
        prove(toy_made(), toy_facts(), lambda: True)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(toy_made(), nodes=10**9),
        replace(toy_made(), digits=10**9),
        replace(toy_made(), stages=()),
        replace(toy_made(), cutoff=1.5),  # type: ignore[arg-type]
        replace(toy_made(), stages=[]),  # type: ignore[arg-type]
        replace(toy_made(), stages=(Stage(multipliers=Multipliers(rows=(99,), values=(1,))),)),
        replace(toy_made(), stages=(Stage(multipliers=Multipliers(rows=(0, 0), values=(1, 1))),)),
        replace(toy_made(), stages=(Stage(multipliers=Multipliers(rows=(0,), values=())),)),
        replace(toy_made(), stages=(Stage(multipliers=Multipliers(rows=(6,), values=(1,))),)),
    ],
)
def test_what_is_not_well_formed_is_rejected(wrong):
    """Numbers of the wrong kind or size, rows there are not, and multipliers of the wrong sign."""
    with pytest.raises(Rejected):
        prove(wrong, toy_facts())
