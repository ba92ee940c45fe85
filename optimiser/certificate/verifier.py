"""Accept a certificate, or say what in it is wrong.

Whatever a certificate holds, what `prove` returns is a lower bound: multipliers of the right signs
bound by Lagrangian duality, the sides of a decision leave no solution out, and parts that share
nothing add up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from optimiser.certificate.blocks import Blocks
from optimiser.certificate.facts import Facts, Rejected
from optimiser.certificate.proof import (
    MOST_DIGITS,
    MOST_NODES,
    Certificate,
    Decision,
    Multipliers,
    Node,
    Part,
    Stage,
)
from optimiser.certificate.trees import Tree, check_multipliers, check_rows
from optimiser.certificate.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.certificate.trees import Place


def _never() -> bool:
    return False


def verify(certificate: Certificate, facts: Facts, stop: Callable[[], bool] = _never) -> int | None:
    """Return the bound that a certificate claims, once it is proved.

    Returns
    -------
    int or None
        Last places of money; None where it is proved that there is no solution.

    Raises
    ------
    Rejected
        If it speaks of another program, is not well formed, or proves less than it claims.
    """
    digest = facts.digest()
    if certificate.facts != digest:
        raise Rejected(
            f"it speaks of a program with the digest {certificate.facts[:16]!r}…, "
            f"this one has {digest[:16]!r}…",
            ("head",),
        )
    proved = prove(certificate, facts, stop)
    claimed = certificate.bound
    if proved is not None and (claimed is None or claimed > proved):
        what = "that there is no solution" if claimed is None else f"a bound of {claimed}"
        raise Rejected(f"it claims {what}, but proves a bound of {proved}", ("head",))
    return claimed


def issue(certificate: Certificate, facts: Facts, stop: Callable[[], bool] = _never) -> Certificate:
    """Return the certificate bound to its facts, with the bound that it proves; see `prove`."""
    return replace(certificate, facts=facts.digest(), bound=prove(certificate, facts, stop))


def prove(certificate: Certificate, facts: Facts, stop: Callable[[], bool] = _never) -> int | None:
    """Return the bound that a certificate proves, whatever it claims.

    Parameters
    ----------
    certificate, facts
        What it says, and what of.
    stop
        Asked now and then.

    Returns
    -------
    int or None
        Last places of money; None where it is proved that there is no solution.

    Raises
    ------
    Rejected
        If it is not well formed.
    InterruptedError
        If `stop` said so.
    """
    check_types(certificate)
    if not certificate.stages:
        raise Rejected("it has no stage", ("head",))
    if not 0 <= certificate.nodes <= MOST_NODES:
        raise Rejected(
            f"it asks for {certificate.nodes} nodes a knapsack; at most {MOST_NODES} are searched",
            ("head",),
        )
    if not 0 <= certificate.digits <= MOST_DIGITS:
        raise Rejected(f"it has {certificate.digits} digits, not 0 to {MOST_DIGITS}", ("head",))
    unit = 1 << certificate.digits
    blocks = Blocks(facts)
    if blocks.infeasible:
        return None
    upper = list(blocks.upper)
    cutoff = certificate.cutoff
    best, cut = None, False
    for number, stage in enumerate(certificate.stages):
        proving = _Proving(blocks, upper, stage, certificate, number, stop)
        value = proving.run()
        if value is None:
            return cutoff if cut else None
        best = value if best is None else max(best, value)
        if cutoff is not None and number < len(certificate.stages) - 1:
            cut |= proving.cut(cutoff * unit)
    assert best is not None
    bound = -(-best // unit)  # objectives are whole numbers
    return bound if not cut or cutoff is None else min(bound, cutoff)


def check_types(certificate: Certificate) -> None:
    """Check that a certificate holds what `proof` says: whole numbers above all.

    Anything else that does arithmetic could overflow or round, and make a wrong bound.

    Raises
    ------
    Rejected
        If it does not.
    """
    _of(certificate, Certificate, ("head",))
    _whole((certificate.nodes, certificate.digits), ("head",))
    _whole((certificate.cutoff, certificate.bound), ("head",), optional=True)
    for k, stage in enumerate(_all(certificate.stages, Stage, ("head",))):
        _check_multipliers(stage.multipliers, ("stage", k))
        for p, part in enumerate(_all(stage.parts, Part, ("stage", k))):
            _whole(part.rows, ("part", k, p))
            _whole((part.target,), ("part", k, p), optional=True)
            for n, node in enumerate(_all(part.nodes, Node, ("part", k, p))):
                place = ("node", k, p, n)
                _check_multipliers(node.change, place)
                decision = node.decision
                if decision is not None:
                    _of(decision, Decision, place)
                    _whole((decision.row,), place)
                    _whole(decision.first, place)
                    _whole(decision.second, place)


def _of(value: object, kind: type, place: Place) -> None:
    if type(value) is not kind:
        raise Rejected(f"{type(value).__name__} is no {kind.__name__}", place)


def _all(values: tuple[Any, ...], kind: type, place: Place) -> tuple[Any, ...]:
    _of(values, tuple, place)
    for value in values:
        _of(value, kind, place)
    return values


def _check_multipliers(multipliers: Multipliers, place: Place) -> None:
    _of(multipliers, Multipliers, place)
    _whole(multipliers.rows, place)
    _whole(multipliers.values, place)


def _whole(values: tuple[Any, ...], place: Place, *, optional: bool = False) -> None:
    _of(values, tuple, place)
    kinds = set(map(type, values)) - ({int, type(None)} if optional else {int})
    if kinds:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise Rejected(f"{names} where there should be whole numbers", place)


class _Proving:
    """One stage."""

    def __init__(
        self,
        blocks: Blocks,
        upper: list[int],
        stage: Stage,
        certificate: Certificate,
        number: int,
        stop: Callable[[], bool],
    ) -> None:
        self._blocks, self._facts, self._stage = blocks, blocks.facts, stage
        self._place: Place = ("stage", number)
        self._number = number
        self._upper = upper
        check_multipliers(blocks.facts, stage.multipliers, self._place)
        # A stage's trees change bounds and take that back; what is cut stays.
        self._values = Values(
            blocks,
            upper,
            apart=stage.apart,
            nodes=certificate.nodes,
            unit=1 << certificate.digits,
            stop=stop,
        )
        try:
            self._values.start(stage.multipliers)
        except Rejected as error:
            raise Rejected(str(error), self._place) from None
        if stage.parts:
            self._values.drop_covers()  # a tree changes what covers choose among
        self._whole = None if self._values.infeasible else self._values.covered()
        self._taken_units: set[int] = set()
        self._taken_columns: set[int] = set()
        self._taken_rows: set[int] = set()

    def run(self) -> int | None:
        """Return the value of the stage, its parts taken apart; None: infeasible."""
        if self._whole is None:
            return None
        total = self._whole
        for number, part in enumerate(self._stage.parts):
            root, value = self._part(part, ("part", self._number, number))
            if value is None:
                return None
            total += value - root
        return total

    def cut(self, cutoff: int) -> bool:
        """Set columns to 0 whose use costs the cutoff or more; say whether there are any."""
        values = self._values
        if self._whole is None or self._whole >= cutoff:
            return False
        alone = (c for c, unit in enumerate(values.unit_of) if unit < 0)
        dear = values.too_dear(range(len(values.units)), alone, cutoff - self._whole)
        for column in dear:
            self._upper[column] = 0
        return bool(dear)

    # --- parts -----------------------------------------------------------------------------

    def _part(self, part: Part, place: Place) -> tuple[int, int | None]:
        """Return a part's value at the stage's multipliers, and what its tree proves of it."""
        check_rows(self._facts, part.rows, place)
        values = self._values
        units: set[int] = set()
        alone: set[int] = set()
        for row in part.rows:
            for column in self._facts.entries(row)[0]:
                unit = values.unit_of[column]
                if unit < 0:
                    alone.add(column)
                else:
                    units.add(unit)
        rows = set(part.rows)
        for ours, taken, what in (
            (rows, self._taken_rows, "row"),
            (units, self._taken_units, "block"),
            (alone, self._taken_columns, "column"),
        ):
            common = ours & taken
            if common:
                raise Rejected(f"{what} {min(common)} is in another part as well", place)
            taken |= ours
        root = sum(values.limit(row, values.multiplier.get(row, 0)) for row in part.rows)
        root += sum(values.unit_value[unit] or 0 for unit in units)
        root += sum(values.alone(column) for column in alone)
        tree = Tree(self._blocks, values, part, place, units=units, alone=alone, root=root)
        return root, tree.run()
