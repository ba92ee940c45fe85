"""Where each number stands in a public facility location file, format by format.

All of these files are numbers separated by white space; line breaks mean nothing. So a format is
fully told by which number of the file is what: arrays of positions, worked out from the sizes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: Uncapacitated, capacitated with split demand, capacitated with a single source.
Problem = Literal["UFL", "CFLP", "SSCFLP"]
PROBLEMS: Final[tuple[Problem, ...]] = ("UFL", "CFLP", "SSCFLP")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Positions:
    """Which number of the file is what; 0 is the first one after the two sizes.

    Parameters
    ----------
    fixed
        Cost of opening each site, shape (sites,).
    cost
        Cost of serving all of a customer from a site, or one unit of it if the format says so;
        shape (customers, sites).
    capacity, demand
        Of each site and each customer; None where the format has none.
    label
        Numbers of the sites, which must count up one by one; None where the format has none.
    starts
        First number of each site, customer or block: as a rule it begins a line.
    blocks
        First number of each block of numbers that mean the same.
    """

    fixed: Ints
    cost: Ints
    starts: Ints
    blocks: tuple[int, ...]
    capacity: Ints | None = None
    demand: Ints | None = None
    label: Ints | None = None

    def name(self, position: int) -> str:
        """Say what stands at a position, in words."""
        for words, owner, at in (
            ("fixed cost", "site", self.fixed),
            ("capacity", "site", self.capacity),
            ("demand", "customer", self.demand),
            ("number", "site", self.label),
        ):
            if at is not None and (at == position).any():
                return f"{words} of {owner} {int(np.argmax(at == position)) + 1}"
        for customer, site in np.argwhere(self.cost == position).tolist():
            return f"cost of customer {customer + 1} from site {site + 1}"
        return ""

    def sentence(self, position: int) -> str:
        """Say what stands at a position in a sentence, '' where it means nothing."""
        name = self.name(position)
        return f"It is the {name}." if name else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One public format.

    Parameters
    ----------
    name
        What a reader is called.
    meaning
        The order of its numbers, in words.
    place
        Positions by numbers of sites and customers.
    customers_first
        Whether the number of customers stands before that of sites.
    problem
        What it is read as unless told otherwise.
    capacities
        Whether it has capacities and demands, so that it can be read as CFLP and SSCFLP.
    per_unit
        Whether costs are per unit of demand.
    labels
        Whether each site's numbers begin with the number of the site.
    """

    name: str
    meaning: str
    place: Callable[[int, int], Positions]
    customers_first: bool = False
    problem: Problem
    capacities: bool = True
    per_unit: bool = False
    labels: bool = False

    def count(self, sites: int, customers: int) -> int:
        """Return how many numbers follow the two sizes."""
        if self.labels:
            return 1 + sites * (2 + customers)
        return 2 * sites + customers + sites * customers

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What it can be read as."""
        return PROBLEMS if self.capacities else ("UFL",)


def _runs(start: int, *lengths: int) -> Iterator[Ints]:
    """Yield positions of runs of numbers that follow one another."""
    for length in lengths:
        yield np.arange(start, start + length, dtype=np.int64)
        start += length


def _firsts(*runs: Ints) -> tuple[int, ...]:
    return tuple(int(run[0]) for run in runs)


def _by_customer(sites: int, customers: int) -> Positions:
    pairs = np.arange(2 * sites, dtype=np.int64).reshape(sites, 2)
    row = 2 * sites + np.arange(customers, dtype=np.int64) * (sites + 1)
    return Positions(capacity=pairs[:, 0], fixed=pairs[:, 1], demand=row,
                     cost=row[:, None] + 1 + np.arange(sites),
                     starts=np.concatenate([pairs[:, 0], row]), blocks=(0, 2 * sites),
                     )  # fmt: skip


def _uncapacitated(sites: int, customers: int) -> Positions:
    return replace(_by_customer(sites, customers), capacity=None, demand=None)


def _holmberg(sites: int, customers: int) -> Positions:
    pairs, demand, cost = _runs(0, 2 * sites, customers, sites * customers)
    return Positions(capacity=pairs[::2], fixed=pairs[1::2], demand=demand,
                     cost=cost.reshape(sites, customers).T,
                     starts=np.concatenate([pairs[::2], demand[:1], cost[::customers]]),
                     blocks=_firsts(pairs, demand, cost),
                     )  # fmt: skip


def _delmaire(sites: int, customers: int) -> Positions:
    cost, demand, fixed, capacity = _runs(0, sites * customers, customers, sites, sites)
    return Positions(capacity=capacity, fixed=fixed, demand=demand,
                     cost=cost.reshape(customers, sites),
                     starts=np.concatenate([cost[::sites], demand[:1], fixed[:1], capacity[:1]]),
                     blocks=_firsts(cost, demand, fixed, capacity),
                     )  # fmt: skip


def _plc(sites: int, customers: int) -> Positions:
    demand, capacity, fixed, cost = _runs(0, customers, sites, sites, sites * customers)
    return Positions(capacity=capacity, fixed=fixed, demand=demand,
                     cost=cost.reshape(sites, customers).T,
                     starts=np.concatenate([demand[:1], capacity[:1], fixed[:1],
                                            cost[::customers]]),
                     blocks=_firsts(demand, capacity, fixed, cost))  # fmt: skip


def _simple(sites: int, customers: int) -> Positions:
    # After the sizes comes one more number, the limit on open sites, which 0 says is none.
    rows = 1 + np.arange(sites * (2 + customers), dtype=np.int64).reshape(sites, 2 + customers)
    return Positions(label=rows[:, 0], fixed=rows[:, 1], cost=rows[:, 2:].T, starts=rows[:, 0],
                     blocks=(0, 1))  # fmt: skip


FORMATS: Final[dict[str, Format]] = {
    each.name: each
    for each in (
        Format(name="orlib", problem="CFLP", place=_by_customer,
               meaning="sites, customers; capacity and fixed cost of each site; for each customer "
               "its demand and the cost of serving all of it from each site"),
        Format(name="holmberg", problem="SSCFLP", place=_holmberg,
               meaning="sites, customers; capacity and fixed cost of each site; all demands; for "
               "each site the cost of serving all of each customer"),
        Format(name="delmaire", problem="SSCFLP", place=_delmaire, customers_first=True,
               meaning="customers, sites; for each customer the cost of serving all of it from "
               "each site; all demands; all fixed costs; all capacities"),
        Format(name="plc", problem="SSCFLP", place=_plc, customers_first=True, per_unit=True,
               meaning="customers, sites; all demands; all capacities; all fixed costs; for each "
               "site the cost of one unit of each customer's demand"),
        Format(name="ufllib", problem="UFL", place=_uncapacitated, capacities=False,
               meaning="either a line FILE: NAME, then sites, customers, 0, and for each site its "
               "number, its fixed cost and the cost of serving each customer; or as mfile"),
        Format(name="mfile", problem="UFL", place=_uncapacitated, capacities=False,
               meaning="sites, customers; for each site a number without meaning and the fixed "
               "cost; for each customer another one and the cost from each site"),
    )
}  # fmt: skip

#: What `ufllib` means where the file begins with FILE:.
SIMPLE: Final = Format(
    name="ufllib", problem="UFL", capacities=False, place=_simple, labels=True,
    meaning=FORMATS["ufllib"].meaning,
)  # fmt: skip
