"""A certificate as plain data: what its author says, believed in nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Binary digits of multipliers and values after the last place of money: as a rule, and at most.
DIGITS: Final = 20
MOST_DIGITS: Final = 100
#: Units in a last place of money at `DIGITS`.
UNIT: Final = 1 << DIGITS
#: Most states of a search in one knapsack that a certificate may ask for.
MOST_NODES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipliers:
    """Multipliers of some rows, in units of 2^-`Certificate.digits` last places of money.

    Parameters
    ----------
    rows
        Rows of the facts, each once.
    values
        One for each. In a stage they are the multipliers, and those of all other rows are 0; at a
        node they are what is added to those of the node above.
    """

    rows: tuple[int, ...] = ()
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Two sides, of which every solution takes one: on the first, the columns `first` are 0.

    Parameters
    ----------
    row
        A row by which no column of `first` and column of `second` are both above 0, so that
        `second` is 0 on the second side; −1: on the second side a column of `first` is above 0.
        These must then be bands of one offer, or a single column that is no option-band.
    first, second
        Columns; `second` is empty where `row` is −1.
    """

    row: int
    first: tuple[int, ...]
    second: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of the solutions.

    Parameters
    ----------
    change
        What is added to the multipliers of the node above (of the stage, at the root).
    fix
        Whether columns whose use would lift the node's value to the part's target are 0 below.
    decision
        What its two sides differ in; None: nothing is below it.
    """

    change: Multipliers = Multipliers()
    fix: bool = False
    decision: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Blocks that are taken apart by a tree of their own.

    Parameters
    ----------
    rows
        Rows whose multipliers the nodes may change. The part is the blocks that these rows reach.
    target
        Value of the part from which on its solutions need not be looked at, in units of
        2^-`Certificate.digits` last places of money; None without fixing.
    nodes
        The tree: a node, then all of its first side, then all of its second side.
    """

    rows: tuple[int, ...]
    nodes: tuple[Node, ...]
    target: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One set of multipliers.

    Parameters
    ----------
    multipliers
        Of all rows.
    apart
        Whether offers are blocks of their own, tied to their providers by multipliers only.
    parts
        What is taken apart further. They share no block and no row.
    """

    multipliers: Multipliers
    apart: bool = False
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Grounds for a lower bound on the objective of one mixed-integer program.

    Parameters
    ----------
    stages
        The best of their values is the bound. Where there is a cutoff, what a stage shows to cost
        as much is 0 in all later ones.
    cutoff
        Objective, in last places of money, from which on solutions need not be looked at; the bound
        is no higher then. None without.
    nodes
        States that may be kept in each knapsack's search; 0: the relaxation's value will do.
    digits
        Binary digits that multipliers and targets have after the last place of money.
    facts
        Digest of the facts that rows and columns belong to; '' before it has been bound to any.
    bound
        The bound claimed, in last places of money; None before it has been reckoned, or where it
        claims that there is no solution at all.
    """

    stages: tuple[Stage, ...]
    cutoff: int | None = None
    nodes: int = 1_000
    digits: int = DIGITS
    facts: str = ""
    bound: int | None = None
