"""Trees of decisions: what the leaves of a part prove together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optimiser.certificate.facts import FREE, Facts, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optimiser.certificate.blocks import Blocks
    from optimiser.certificate.proof import Decision, Multipliers, Node, Part
    from optimiser.certificate.values import Values

    #: As `facts.Rejected` has it.
    Place = tuple[str | int, ...]


def check_multipliers(
    facts: Facts, multipliers: Multipliers, place: Place, allowed: set[int] | None = None
) -> None:
    """Check that there is a multiplier for each row named, and that these rows are allowed."""
    rows, values = multipliers.rows, multipliers.values
    if len(rows) != len(values):
        raise Rejected(f"{len(rows)} rows have {len(values)} multipliers", place)
    check_rows(facts, rows, place)
    if allowed is not None and not allowed.issuperset(rows):
        row = next(row for row in rows if row not in allowed)
        raise Rejected(f"row {row} is none of the part's", place)


def check_rows(facts: Facts, rows: Sequence[int], place: Place) -> None:
    """Check that rows exist and are named once."""
    if len(set(rows)) != len(rows):
        raise Rejected("a row is named twice", place)
    if rows and not 0 <= min(rows) <= max(rows) < facts.rows:
        raise Rejected(f"there are rows 0 to {facts.rows - 1} only", place)


def _lesser(one: int | None, other: int | None) -> int | None:
    """Return the lesser of two values; None is infinite."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _greater(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


@dataclass(slots=True, kw_only=True)
class _Frame:
    """A node whose sides are being looked at; `undo` is for it, `side` for the side at hand."""

    decision: Decision
    value: int | None
    undo: list[tuple[Any, ...]]
    side: list[tuple[Any, ...]] = field(default_factory=list)
    second: bool = False
    first_value: int | None = None


class Tree:
    """The tree of one part.

    Parameters
    ----------
    blocks, values
        The program, and its values at the stage's multipliers; they are so again after `run`.
    part, place
        The part, and where it stands.
    units, alone
        Blocks and single columns that are the part's.
    root
        Its value at the stage's multipliers.
    """

    def __init__(
        self,
        blocks: Blocks,
        values: Values,
        part: Part,
        place: Place,
        *,
        units: set[int],
        alone: set[int],
        root: int,
    ) -> None:
        self._blocks, self._values = blocks, values
        self._part, self._place = part, place
        self._units, self._alone = units, alone
        self._rows = set(part.rows)
        self._before = values.total - root
        self._fixed = False

    def run(self) -> int | None:
        """Return the least value of the leaves, each at least what any node above it proves.

        None: nothing feasible is left.
        """
        nodes = self._part.nodes
        frames: list[_Frame] = []
        at = 0
        while True:
            place = ("node", *self._place[1:], at)
            if at >= len(nodes):
                raise Rejected("the tree ends too early", self._place)
            node = nodes[at]
            at += 1
            found, undo = self._enter(node, place)
            if node.decision is not None:
                self._check_decision(node.decision, place)
                frame = _Frame(decision=node.decision, value=found, undo=undo)
                frame.side = self._shut(node.decision.first)
                frames.append(frame)
                continue
            self._take_back(undo)
            while frames:
                frame = frames[-1]
                self._take_back(frame.side)
                if not frame.second:
                    frame.second, frame.first_value = True, found
                    frame.side = self._second_side(frame.decision)
                    break
                found = _greater(frame.value, _lesser(frame.first_value, found))
                self._take_back(frame.undo)
                frames.pop()
            else:
                break
        if at != len(nodes):
            raise Rejected(f"node {at} belongs to no decision", ("node", *self._place[1:], at))
        self._values.settle()
        return _lesser(found, self._part.target) if self._fixed else found

    def _enter(self, node: Node, place: Place) -> tuple[int | None, list[tuple[Any, ...]]]:
        """Bring the multipliers of a node in; return its value, and how to take that back."""
        values = self._values
        check_multipliers(self._blocks.facts, node.change, place, self._rows)
        try:
            values.change(node.change)
        except Rejected as error:
            raise Rejected(str(error), place) from None
        undo: list[tuple[Any, ...]] = [(values.change, node.change, -1)]
        values.settle()
        value = None if values.infeasible else values.total - self._before
        if node.fix:
            target = self._part.target
            if target is None:
                raise Rejected("it fixes columns, but its part has no target", place)
            if value is not None and value < target:
                dear = values.too_dear(self._units, self._alone, target - value)
                self._fixed |= bool(dear)
                undo += self._shut(dear)
        return value, undo

    def _shut(self, columns: Iterable[int]) -> list[tuple[Any, ...]]:
        values = self._values
        undo = []
        for column in columns:
            undo.append((values.bound, column, values.upper[column]))
            values.bound(column, 0)
        return undo

    def _second_side(self, decision: Decision) -> list[tuple[Any, ...]]:
        values = self._values
        if decision.row >= 0:
            return self._shut(decision.second)
        column = decision.first[0]
        offer = self._blocks.offer_of.get(column)
        if offer is None:
            old = values.lower[column]
            values.raise_column(column, max(old, 1))
            return [(values.raise_column, column, old)]
        before = values.must.get(offer)
        bands = set(decision.first)
        values.force(offer, bands if before is None else bands & before)
        return [(values.force, offer, before)]

    def _take_back(self, undo: list[tuple[Any, ...]]) -> None:
        for do, *arguments in reversed(undo):
            do(*arguments)

    def _check_decision(self, decision: Decision, place: Place) -> None:
        """Check that every solution is on one of the sides."""
        blocks, values = self._blocks, self._values
        columns = (*decision.first, *decision.second)
        if not decision.first or len(set(columns)) != len(columns):
            raise Rejected("a decision names no column, or one twice", place)
        for column in columns:
            if not 0 <= column < blocks.facts.columns:
                raise Rejected(f"there is no column {column}", place)
            if column not in self._alone and values.unit_of[column] not in self._units:
                raise Rejected(f"column {column} is none of the part's", place)
            if blocks.lower[column] < 0:
                raise Rejected(f"column {column} may be below 0, so it cannot be decided", place)
        if decision.row >= 0:
            self._check_row(decision, place)
            return
        if decision.second:
            raise Rejected("a decision without a row has columns on its second side", place)
        offers = {self._blocks.offer_of.get(column, -1) for column in decision.first}
        parent = blocks.facts.parent
        single = decision.first[0]
        inner = parent[single] in self._blocks.offer_of  # an option-band
        if len(offers) > 1 or inner or (offers == {-1} and len(decision.first) > 1):
            raise Rejected(
                "one of these columns must be above 0, but they are not bands of one offer", place
            )

    def _check_row(self, decision: Decision, place: Place) -> None:
        """Check that a row keeps columns of the first and of the second side apart."""
        blocks = self._blocks
        facts = blocks.facts
        if decision.row >= facts.rows:
            raise Rejected(f"there is no row {decision.row}", place)
        value = dict(zip(*facts.entries(decision.row), strict=True))
        sides = []
        for side in (decision.first, decision.second):
            found = [value.pop(column, 0) for column in side]
            if any(a <= 0 for a in found):
                raise Rejected(f"row {decision.row} does not limit all columns decided", place)
            sides.append(min(found, default=0))
        rest = sum(
            a * (blocks.lower[column] if a > 0 else blocks.upper[column])
            for column, a in value.items()
        )
        high = facts.row_high[decision.row]
        if not decision.second or high == FREE or sum(sides) + rest <= high:
            raise Rejected(f"row {decision.row} lets both sides of a decision be", place)
