"""Certificates to test with: by hand, at random, and from solvers that hand them over."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import vstack
from solvers.fakes import Fake, honest

from optimiser.certificate.facts import FREE
from optimiser.certificate.proof import (
    UNIT,
    Certificate,
    Decision,
    Multipliers,
    Node,
    Part,
    Stage,
)
from optimiser.solvers.base import Outcome
from optimiser.solvers.milp.facts import multipliers
from optimiser.solvers.milp.formulation import Formulation

if TYPE_CHECKING:
    import random

    from optimiser.certificate.facts import Facts
    from optimiser.model.problem import Problem
    from optimiser.solvers.base import Options

#: Pounds at which each pair of the toy is priced, and contracts: docs/certificate.md says why.
PRICES = {
    "pair_alder_payroll": 26_700,
    "pair_birch_payroll": 18_200,
    "pair_cedar_payroll": 9_700,
    "pair_alder_it": 104_400,
    "pair_birch_it": 52_400,
    "pair_cedar_it": 28_200,
    "contract_alder_payroll_hub": -2_000,
    "contract_birch_payroll_hub": -2_000,
    "contract_cedar_payroll_hub": -2_000,
    "contract_alder_it_valley": -2_900,
    "contract_birch_it_valley": -2_900,
}


def toy_certificate(problem: Problem, **changes: int) -> Certificate:
    """Price the toy's rows as `PRICES` says, but for changes, in pounds."""
    names = list(Formulation(problem).matrix.row_names())
    prices = [(names.index(name), price) for name, price in (PRICES | changes).items()]
    priced = Multipliers(
        rows=tuple(row for row, _ in prices),
        values=tuple(price * 100 * UNIT for _, price in prices),
    )
    return Certificate(stages=(Stage(multipliers=priced),))


class Certifies(Fake):
    """Hands over the certificate that is worked out by hand."""

    def end(self, problem: Problem, options: Options) -> Any:
        return Outcome(
            reason="limit", bound=1.0, certificate=toy_certificate(problem), **honest(problem)
        )


class Overreaches(Fake):
    """Hands over a certificate with a multiplier of the wrong sign, and a claim of its own."""

    def end(self, problem: Problem, options: Options) -> Any:
        made = toy_certificate(problem, contract_alder_it_valley=2_900)
        return Outcome(reason="limit", bound=1.0, certificate=made, **honest(problem))


class Babbles(Fake):
    """Hands over numbers that are none of Python's."""

    def end(self, problem: Problem, options: Options) -> Any:
        rows = (np.int64(0),)
        made = Certificate(stages=(Stage(multipliers=Multipliers(rows=rows, values=(1,))),))
        return Outcome(reason="limit", bound=1.0, certificate=made, **honest(problem))


def random_multipliers(facts: Facts, rng: random.Random, rows: list[int]) -> Multipliers:
    """Draw multipliers of the right signs, of the size of costs."""
    size = max(map(abs, facts.cost), default=1) or 1
    chosen = [row for row in rows if rng.random() < 0.7]
    values = []
    for row in chosen:
        value = round(rng.expovariate(1.5) * size * UNIT) * rng.choice((-1, 1, 1))
        if facts.row_low[row] == -FREE:
            value = -abs(value) if facts.row_high[row] != FREE else 0
        elif facts.row_high[row] == FREE:
            value = abs(value)
        values.append(value)
    return Multipliers(rows=tuple(chosen), values=tuple(values))


@functools.cache
def duals(formulation: Formulation) -> Multipliers:
    """Multipliers that bound as well as the linear relaxation does, so that little is to spare."""
    matrix = formulation.matrix
    above, below = np.isfinite(matrix.row_upper), np.isfinite(matrix.row_lower)
    found = linprog(
        matrix.cost,
        A_ub=vstack([matrix.a[above], -matrix.a[below]]),
        b_ub=np.concatenate([matrix.row_upper[above], -matrix.row_lower[below]]),
        bounds=np.column_stack([matrix.lower, matrix.upper]),
    )
    prices = np.zeros(matrix.rows)
    if found.status == 0:
        split = int(above.sum())
        prices[above] += found.ineqlin.marginals[:split]
        prices[below] -= found.ineqlin.marginals[split:]
    return multipliers(formulation, np.arange(matrix.rows), prices)


def random_certificate(
    formulation: Formulation, facts: Facts, rng: random.Random, cost: int
) -> Certificate:
    """Draw stages, parts and trees that are well formed; `cost` is about what plans cost."""
    structure = [what for what, _, _ in formulation.blocks]
    ends = {what: (start, stop) for what, start, stop in formulation.blocks}
    assert "pair" in structure
    pairs = list(range(*ends["pair"]))
    every = list(range(facts.rows))
    stages = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        apart = rng.random() < 0.5
        rows = every if rng.random() < 0.5 else pairs
        parts: tuple[Part, ...] = ()
        if rng.random() < 0.7:
            parts = (random_part(facts, rng, pairs, cost),)
        drawn = random_multipliers(facts, rng, rows)
        if rng.random() < 0.7:
            drawn = duals(formulation)
        stages.append(Stage(multipliers=drawn, apart=apart, parts=parts))
    cutoff = round(cost * rng.choice((0.9, 0.97, 0.99, 1, 1, 1.1))) if rng.random() < 0.6 else None
    return Certificate(stages=tuple(stages), cutoff=cutoff, nodes=rng.choice((0, 3, 300)))


def random_part(facts: Facts, rng: random.Random, pairs: list[int], cost: int) -> Part:
    """Draw a tree over all pairs, whose nodes lower and raise prices."""
    target = round(cost * UNIT * rng.uniform(0.5, 1.2)) if rng.random() < 0.5 else None
    nodes: list[Node] = []
    offers: dict[int, list[int]] = {}
    for column, row in enumerate(facts.link):
        if row >= 0 and facts.parent[facts.parent[column]] < 0:
            offers.setdefault(row, []).append(column)
    reached = {column for row in pairs for column in facts.entries(row)[0]}
    bands = {facts.parent[column] for column in reached}
    offers = {row: zs for row, zs in offers.items() if bands.issuperset(zs)}

    def grow(depth: int) -> None:
        rows = rng.sample(pairs, min(len(pairs), rng.randint(0, 2)))
        step = cost // max(4 * len(pairs), 1) + 1
        values = tuple(round(rng.uniform(-1, 1) * step * UNIT) for _ in rows)
        change = Multipliers(rows=tuple(rows), values=values)
        decision = random_decision(facts, rng, pairs, offers) if depth else None
        fix = target is not None and rng.random() < 0.5
        nodes.append(Node(change=change, fix=fix, decision=decision))
        if decision is not None:
            grow(depth - 1 if rng.random() < 0.7 else 0)
            grow(depth - 1 if rng.random() < 0.7 else 0)

    grow(rng.choice((0, 1, 2, 3)))
    return Part(rows=tuple(pairs), target=target, nodes=tuple(nodes))


def random_decision(
    facts: Facts, rng: random.Random, pairs: list[int], offers: dict[int, list[int]]
) -> Decision | None:
    """Draw a decision on a pair, on the bands of an offer, or on whether it is open."""
    if offers and rng.random() < 0.6:
        row, bands = rng.choice(sorted(offers.items()))
        if len(bands) < 2 or rng.random() < 0.4:
            return Decision(row=-1, first=tuple(rng.sample(bands, rng.randint(1, len(bands)))))
    else:
        row = rng.choice(pairs)
        bands = facts.entries(row)[0].tolist()
        if len(bands) < 2:
            return None
    rng.shuffle(bands)
    at = rng.randint(1, len(bands) - 1)
    return Decision(row=row, first=tuple(bands[:at]), second=tuple(bands[at:]))
