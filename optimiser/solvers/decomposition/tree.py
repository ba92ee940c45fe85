"""Branch and bound on one set of blocks: best bound first, on offers, bands and pairs."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.solvers.decomposition import blocks as kernels
from optimiser.solvers.decomposition.fixing import lift

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.solvers.decomposition.blocks import Blocks

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Steps at the root, at every other node, and where prices have changed.
ROOT, NODE, AGAIN = 400, 60, 40
#: Decisions that are looked at, times that their gains are measured, and steps of a measurement.
LOOKS, RELIABLE, TRY = 8, 2, 15
#: First step at a node, failures in a row before it shortens, and the share of the way below which
#: twenty steps are not worth going on.
STEP, PATIENCE, STALL = 0.2, 5, 0.03
#: An average this near to 0 or 1 is taken for whole.
WHOLE: Final = 0.02
#: Decisions on pairs from one vain try to finish a node to the next.
AGAIN_AFTER: Final = 3
NONE: Final = np.zeros(0, dtype=np.int64)


@dataclass(order=True, slots=True)
class Node:
    """A part of the solutions: bounds of columns, and multipliers that bound it.

    `lower` and `upper` hold what was branched on, and hold at any prices; `work` is `upper` with
    what reduced costs have fixed as well, which holds at the present prices and target only.
    """

    bound: float
    number: int
    lower: Floats = field(compare=False)
    upper: Floats = field(compare=False)
    work: Floats = field(compare=False)
    multipliers: Floats = field(compare=False)
    average: Floats = field(compare=False)
    depth: int = field(compare=False, default=0)
    #: Decisions on pairs among those that made it, and at how many `finish` is asked next.
    pairs: int = field(compare=False, default=0)
    asks: int = field(compare=False, default=0)
    #: Whether its bound is that of multipliers from other prices or another target.
    stale: bool = field(compare=False, default=False)


@dataclass(order=True, slots=True)
class Decision:
    """Something to decide: how undecided it is, its name, and its two sides.

    A side is the columns of which one must not be 0, and those that must be 0.
    """

    weight: float
    key: tuple[int, int]
    sides: tuple[tuple[Ints, Ints], tuple[Ints, Ints]] = field(compare=False)


class Tree:
    """The open nodes of one set of blocks.

    Parameters
    ----------
    blocks
        The relaxation; its priced rows are pairs.
    lower, upper
        Bounds of the columns at the root, shape (columns,).
    multipliers
        Where the root starts, shape (rows,).
    choice
        What each column chooses for its pair: option-bands of one option share a number; shape
        (columns,), −1 for columns that choose nothing.
    finish
        Bounds what is left at a node at which offers and bands are decided, given the target, by
        other means; returns None if that did not work out.
    after
        Decisions on pairs before `finish` is asked.

    Attributes
    ----------
    bound
        Lower bound over all solutions better than the target, without offset.
    """

    def __init__(
        self,
        blocks: Blocks,
        lower: Floats,
        upper: Floats,
        multipliers: Floats,
        choice: Ints,
        finish: Callable[[Node, float], float | None] | None = None,
        after: int = 0,
    ) -> None:
        self.blocks = blocks
        self._finish, self._after = finish, after
        self._choice = choice
        self._open: list[Node] = []
        self._closed: list[Node] = []
        self._stale: list[Node] = []
        self._root = (lower, upper, multipliers)
        #: Times a decision was tried, and the mean gains of its sides.
        self._gains: dict[tuple[int, int], tuple[int, float, float]] = {}
        self._count = 0
        self.nodes = 0
        #: Bound of the root at the last prices it was entered at.
        self.root_bound = -math.inf
        #: The last node at which nothing was left to decide.
        self.leaf: Node | None = None

    @property
    def bound(self) -> float:
        """Least bound of all parts, open or closed."""
        return min([node.bound for node in (*self._open[:1], *self._closed)], default=math.inf)

    def plunge(self, target: float) -> Floats:
        """Branch downwards from the best open node to where nothing better than `target` is left.

        Returns
        -------
        NDArray
            The average at the last node that was open, shape (columns,): nearly a solution.
        """
        node = heapq.heappop(self._open)
        while True:
            children = self._branch(node, target)
            if not children:
                return node.average
            node = min(children)
            self._open.remove(node)
            heapq.heapify(self._open)

    def reprice(self, cost: Floats) -> None:
        """Take other costs of the columns, shape (columns,); what was branched on stays."""
        self.blocks.cost[:] = cost
        self.reopen()

    def reopen(self) -> None:
        """Go through all nodes again, as a higher target asks for; what was branched on stays."""
        self._stale += self._open + self._closed
        self._open, self._closed = [], []

    def narrow(self, target: float, stop: Callable[[], bool] = lambda: False) -> Bools:
        """Drop what no solution better than `target` can use, here and for good.

        The target may be above those of `run`, by which nodes were closed: so nodes are bounded by
        what was branched on alone. Those that `stop` leaves no time for stay as they are.

        Returns
        -------
        NDArray
            Whether a column is still of use, shape (columns,).
        """
        if self.nodes == 0:
            return self._root[1] > 0
        useful = np.zeros(len(self.blocks.cost), dtype=bool)
        for nodes in (self._open, self._closed, self._stale):
            kept = []
            for node in nodes:
                if stop():
                    useful |= node.upper > 0
                    kept.append(node)
                    continue
                rise, value = lift(self.blocks, node.lower, node.upper, node.multipliers)
                if value < target:
                    out = (value + rise >= target) & (node.lower == 0)
                    node.upper = np.where(out, 0, node.upper)
                    node.work = np.where(out, 0, node.work)
                    useful |= node.upper > 0
                    kept.append(node)
            nodes[:] = kept
        heapq.heapify(self._open)
        return useful

    def run(self, target: float, nodes: int, stop: Callable[[], bool] = lambda: False) -> bool:
        """Bound at most so many nodes; say whether none better than `target` is left open.

        Ends early at a `leaf`: its average is a solution, which may be better than the target.
        """
        self.leaf = None
        if self.nodes == 0:
            lower, upper, multipliers = self._root
            average = np.zeros(len(lower))
            root = Node(-math.inf, 0, lower, upper, upper, multipliers, average, asks=self._after)
            self._enter(root, target, ROOT)
        budget = self.nodes + nodes
        self._look(target, stop)
        while self._open and self.nodes < budget and self.leaf is None and not stop():
            if self._open[0].bound >= target:
                return True
            node = heapq.heappop(self._open)
            if node.stale:
                node.stale = False
                budget += 1  # it is a node that was there before
                self._enter(node, target, AGAIN)
            else:
                self._branch(node, target)
        return not self._open or self._open[0].bound >= target

    def _look(self, target: float, stop: Callable[[], bool]) -> None:
        """Bound stale nodes where they stand; those that turn out to matter ascend from there."""
        m = self.blocks
        reduced, x = np.empty(len(m.cost)), np.empty(len(m.cost))
        values = np.empty(len(m.lo))
        for node in self._stale:
            node.work, node.stale = node.upper, True
            node.bound = -math.inf if stop() else kernels.evaluate(
                m, node.lower, node.upper, node.multipliers, reduced, x, values
            )  # fmt: skip
            (self._closed if node.bound >= target else self._open).append(node)
        heapq.heapify(self._open)
        self._stale = []

    def _enter(self, node: Node, target: float, steps: int) -> None:
        """Bound a node and put it among the open ones, or the closed ones beyond the target."""
        self.nodes += 1
        m = self.blocks
        bound, step, failures = -math.inf, STEP if node.depth else 1.0, 0
        patience = PATIENCE if node.depth else 20
        kept = node.average.copy()
        marked = -math.inf
        for _ in range(0, steps, 20):
            first = bound == -math.inf
            bound, step, failures = kernels.ascend(
                m, node.lower, node.work, node.multipliers, node.average, bound, step, failures,
                patience, 20, target,
            )  # fmt: skip
            if first and node.depth:
                # The average of the parent is a better start than one minimiser.
                node.average = 0.5 * node.average + 0.5 * kept * (node.work > 0)
            if bound >= target or not math.isfinite(bound):
                break
            if node.depth and bound - marked < STALL * (target - bound):
                break
            marked = bound
        node.bound = max(bound, node.bound)
        if not node.depth:
            self.root_bound = node.bound
        if node.bound >= target:
            self._closed.append(node)
            return
        self._count += 1
        node.number = self._count
        heapq.heappush(self._open, node)

    def _branch(self, node: Node, target: float) -> list[Node]:
        """Replace a node by its children; return those that are open."""
        work = node.work.copy()
        rise, value = lift(self.blocks, node.lower, work, node.multipliers)
        work[(value + rise >= target) & (node.lower == 0)] = 0
        node.work = work
        decisions = self._decisions(node)
        on_pairs = not decisions
        if on_pairs:
            if self._finish is not None and node.pairs >= node.asks:
                bound = self._finish(node, target)
                if bound is not None:
                    node.bound = max(node.bound, bound)
                    self._closed.append(node)
                    return []
                node.asks = node.pairs + AGAIN_AFTER
            decisions = self._pairs(node)
        children = self._choose(node, target, decisions)
        for child in children:
            child.pairs += on_pairs
        if not children:
            self._closed.append(node)
            self.leaf = node
            return []
        opened = []
        for child in children:
            self._enter(child, target, NODE)
            if child.number:
                opened.append(child)
        return opened

    def _choose(self, node: Node, target: float, decisions: list[Decision]) -> list[Node]:
        """Return the children that the most promising decision makes.

        The first times that a decision comes up its children are bounded for a few steps; later the
        gains seen then are trusted (reliability branching: Achterberg, Koch & Martin 2005, Oper.
        Res. Lett. 33). Decisions are compared by the product of both gains.
        """
        best, chosen = -1.0, []
        room = target - node.bound
        least = 1e-4 * room
        for decision in decisions[:LOOKS]:
            known = self._gains.get(decision.key)
            if len(decisions) == 1 or (known is not None and known[0] >= RELIABLE):
                children = []
                gains = [1.0, 1.0] if known is None else [known[1], known[2]]
            else:
                children = [self._child(node, *side) for side in decision.sides]
                gains = [self._try(child, node, target) for child in children]
                count, one, two = known or (0, 0.0, 0.0)
                self._gains[decision.key] = (
                    count + 1,
                    (count * one + gains[0]) / (count + 1),
                    (count * two + gains[1]) / (count + 1),
                )
            score = max(min(gains[0], room), least) * max(min(gains[1], room), least)
            if score > best:
                best = score
                chosen = children or [self._child(node, *side) for side in decision.sides]
        return chosen

    def _child(self, node: Node, raised: Ints, shut: Ints) -> Node:
        lower, upper, work = node.lower.copy(), node.upper.copy(), node.work.copy()
        lower[raised] = 1
        lower[shut] = 0
        upper[shut] = 0
        work[shut] = 0
        return Node(
            node.bound, 0, lower, upper, work, node.multipliers.copy(), node.average.copy(),
            node.depth + 1, node.pairs, node.asks,
        )  # fmt: skip

    def _try(self, child: Node, node: Node, target: float) -> float:
        """Bound a child for a few steps and return what it gains."""
        m = self.blocks
        average = child.average.copy()
        bound, _, _ = kernels.ascend(
            m, child.lower, child.work, child.multipliers, average, -math.inf, STEP, 0, PATIENCE,
            TRY, target,
        )  # fmt: skip
        child.bound = max(bound, child.bound)
        return max(float(bound) - node.bound, 0.0)

    def _decisions(self, node: Node) -> list[Decision]:
        """Return the offers and bands that could be decided at a node, the most undecided first."""
        m, upper = self.blocks, node.work
        x0, z0 = int(m.first[0]), int(m.first[1])
        bands = len(m.lo)
        z = node.average[z0 : z0 + bands]
        can, must = upper[z0 : z0 + bands] > 0, node.lower[z0 : z0 + bands] > 0
        load = np.zeros(bands)
        volume = node.average[x0 : x0 + len(m.weight)] * m.weight
        np.add.at(load, np.repeat(np.arange(bands), np.diff(m.item_start)), volume[m.item])
        found: list[Decision] = []
        for j in range(len(m.band_start) - 1):
            here = np.arange(m.band_start[j], m.band_start[j + 1])
            here = here[can[here]]
            if not len(here):
                continue
            share, served = float(z[here].sum()), float(load[here].sum())
            if share <= WHOLE:
                continue
            if share < 1 - WHOLE and not must[here].any():
                weight = min(share, 1 - share) * served / share
                found.append(
                    Decision(weight, (j, -1), ((NONE, here + z0), (here + z0, NONE)))
                )
            most = int(here[int(np.argmax(z[here]))])
            if len(here) > 1 and z[most] < share * (1 - WHOLE):
                weight = (1 - z[most] / share) * served
                sides = ((NONE, here[here != most] + z0), (NONE, np.array([most + z0])))
                found.append(Decision(weight, (j, most), sides))
        return sorted(found, reverse=True)

    def _pairs(self, node: Node) -> list[Decision]:
        """Return decisions on pairs: whether the choice of the largest share gets it."""
        m, upper = self.blocks, node.work
        found = []
        rows = len(m.low)
        row_of = np.repeat(np.arange(rows), np.diff(m.row_start))
        alive = upper[m.row_column] > 0
        share = np.where(alive, np.maximum(node.average[m.row_column], 1e-9), 0.0)
        total = np.bincount(row_of, share, minlength=rows)
        base = int(self._choice.max(initial=-1)) + 2
        key = row_of[alive] * base + self._choice[m.row_column[alive]] + 1
        groups, which = np.unique(key, return_inverse=True)
        weight = np.bincount(which, share[alive], minlength=len(groups))
        owner = np.zeros(len(groups), dtype=np.int64)
        owner[which] = row_of[alive]
        count = np.bincount(owner, minlength=rows)
        order = np.lexsort((-weight, owner))
        first = np.ones(len(order), dtype=bool)
        first[1:] = owner[order][1:] != owner[order][:-1]
        top = order[first]
        top = top[count[owner[top]] > 1]
        spread = 1 - weight[top] / total[owner[top]]
        for at in np.argsort(-spread, kind="stable")[:LOOKS].tolist():
            r = int(owner[top[at]])
            here = m.row_column[m.row_start[r] : m.row_start[r + 1]]
            here = here[upper[here] > 0]
            choice = self._choice[here]
            mine = choice == int(groups[top[at]] % base) - 1
            sides = ((NONE, here[~mine]), (NONE, here[mine]))
            found.append(
                Decision(float(spread[at]), (-1 - r, int(groups[top[at]])), sides)
            )
        return found
