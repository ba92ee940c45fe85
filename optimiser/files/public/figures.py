"""What a public file says, every number checked: `Words` to `Figures`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimiser.files.public.fitting import (
    SIZES,
    begins_lines,
    fits_capacity,
    fitting,
    form_begins_lines,
    left_open,
    sizes,
    strange,
)
from optimiser.files.public.words import MOST_DECIMALS, Numbers, parse_words
from optimiser.model.faults import Faults
from optimiser.model.parse import number_remedy, parse_number
from optimiser.model.rounding import LARGEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimiser.files.public.formats import Positions
    from optimiser.files.public.readers import Reader
    from optimiser.files.public.words import Words

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figures:
    """What a file says, exactly.

    Parameters
    ----------
    fixed
        Cost of opening each site, shape (sites,).
    cost
        Cost of serving all of a customer from a site, shape (customers, sites).
    demand, capacity
        Of each customer and each site; None where capacities are ignored.
    """

    fixed: Numbers
    cost: Numbers
    demand: Numbers | None = None
    capacity: Numbers | None = None


def figures(source: Words, reader: Reader) -> Figures:
    """Return what a file says.

    Raises
    ------
    InstanceError
        With every fault in the file; where another reader fits, it is named.
    """
    faults = Faults()
    result = _Reading(source, reader, faults).figures()
    faults.raise_if_any()
    assert result is not None
    return result


class _Reading:
    """One reading of a file; faults are collected as it goes."""

    def __init__(self, source: Words, reader: Reader, faults: Faults) -> None:
        self._source, self._reader, self._faults = source, reader, faults
        self._format = reader.format
        self._about_cap = False
        self._lines: Sequence[int] = source.lines.tolist()

    def figures(self) -> Figures | None:
        """Return what the file says; None if there are faults."""
        extent = self._extent()
        if extent is None or not self._counted(*extent):
            return None
        place = self._format.place(*extent)
        capacitated = self._reader.problem != "UFL"
        self._idle(place, capacitated)
        fixed = self._numbers("fixed cost", place, place.fixed)
        cost = self._numbers("cost", place, place.cost)
        demand = capacity = None
        if place.demand is not None and (capacitated or self._format.per_unit):
            demand = self._numbers("demand", place, place.demand)
        if place.capacity is not None and capacitated:
            capacity = self._capacity(place, place.capacity)
        if demand is not None and place.demand is not None and capacitated:
            none = np.flatnonzero(demand.values == 0).tolist()
            self._report("demand", place, place.demand, none, "the demand is 0",
                         "Take the customer out, or give it a demand.")  # fmt: skip
        self._labels(place)
        if len(self._faults):
            # Capacities left open, or not, are no sign of another format.
            if not self._about_cap:
                self._hint()
            return None
        if self._format.per_unit and demand is not None:
            cost = self._whole_cost(place, cost, demand)
        decimals = max(fixed.decimals, cost.decimals)
        self._large("fixed cost", place, place.fixed, fixed, decimals)
        self._large("cost", place, place.cost, cost, decimals)
        if demand is not None and place.demand is not None and capacity is not None:
            assert place.capacity is not None
            decimals = max(demand.decimals, capacity.decimals)
            self._large("demand", place, place.demand, demand, decimals)
            self._large("capacity", place, place.capacity, capacity, decimals)
        # What the user chose as capacity says nothing about the format.
        if demand is not None and capacity is not None and not self._reader.cap:
            self._enough(demand, capacity)
        self._lines_fit(place)
        return Figures(fixed=fixed, cost=cost, demand=demand if capacitated else None,
                       capacity=capacity)  # fmt: skip

    # --- shape ---------------------------------------------------------------------------------

    def _extent(self) -> tuple[int, int] | None:
        """Return the numbers of sites and customers."""
        one, two = "sites", "customers"
        if self._format.customers_first:
            one, two = two, one
        begins = f"The file must begin with the numbers of {one} and {two}."
        if self._source.titled and not self._format.labels:
            self._faults.add(self._source.source, "a line FILE: … begins the file",
                             f"Only the reader ufllib knows such a line.{self._others()}",
                             row=1)  # fmt: skip
            return None
        if len(self._source) < SIZES:
            rule = f"the file holds {'one word' if len(self._source) else 'nothing'}"
            self._faults.add(self._source.source, rule, begins + self._unread())
            return None
        for name, word, line in zip((one, two), self._source.words, self._lines, strict=False):
            size = parse_number(word, 0)
            if not isinstance(size, int) or size < 1:
                self._faults.add(self._source.source, f"the number of {name} must be whole, from 1",
                                 begins + self._others(), row=line, value=word)  # fmt: skip
        return None if len(self._faults) else sizes(self._source, self._format)

    def _counted(self, sites: int, customers: int) -> bool:
        """Whether there are as many numbers as the sizes say."""
        wanted, found = self._format.count(sites, customers), len(self._source) - SIZES
        if found == wanted:
            return True
        for at in strange(self._source.words):
            word = self._source.words[at]
            self._faults.add(self._source.source, "this is not a number", number_remedy(word),
                             row=self._lines[at], value=word)  # fmt: skip
        few = found < wanted
        self._faults.add(
            self._source.source,
            f"there are too {'few' if few else 'many'} numbers: {found:,} after the sizes, where "
            f"{sites:,} sites and {customers:,} customers need {wanted:,} in the format "
            f"{self._format.name} ({self._format.meaning})",
            ("Complete the file." if few else "Take out what does not belong to it.")
            + self._others() + self._unread(),
            row=self._lines[-1 if few else wanted + SIZES],
        )  # fmt: skip
        return False

    def _others(self) -> str:
        """Name the readers that the file fits, as a hint."""
        names = [form.name for form in fitting(self._source, self._format)]
        return f" It fits the reader {' or '.join(names)}." if names else ""

    def _hint(self) -> None:
        """Note that the file fits another reader, if it does."""
        others = self._others()
        if others:
            self._faults.add(self._source.source,
                             f"the file does not fit the reader {self._format.name}",
                             others.strip())  # fmt: skip

    def _unread(self) -> str:
        end = self._source.end
        return "" if end is None else f" What follows the NUL or Ctrl-Z in line {end} is not read."

    # --- numbers -------------------------------------------------------------------------------

    def _report(
        self, what: str, place: Positions, positions: Ints, rows: list[int], rule: str, remedy: str
    ) -> None:
        """Note a fault for each of some entries of `positions`, which share a name."""
        flat = positions.ravel()
        self._faults.add_rows(
            self._source.source, rule,
            lambda at: " ".join([remedy, place.sentence(at - SIZES)]).strip(),
            [int(flat[row]) + SIZES for row in rows],
            row_numbers=self._lines, column=what, values=lambda at: str(self._source.words[at]),
        )  # fmt: skip

    def _words(self, positions: Ints) -> NDArray[np.object_]:
        return np.asarray(self._source.words[positions.ravel() + SIZES], dtype=object)

    def _numbers(
        self,
        what: str,
        place: Positions,
        positions: Ints,
        words: NDArray[np.object_] | None = None,
    ) -> Numbers:
        """Return the numbers at some positions, in their shape; `words` may stand in for them."""
        numbers, wrong = parse_words(self._words(positions) if words is None else words)
        for rows, rule, remedy in (
            (wrong.text, "this is not a number", "Put a number in its place."),
            (wrong.large, "the number is too large to be held exactly",
             "State all numbers of its kind in a larger unit."),
            (wrong.decimals, f"the number has more than {wrong.room} decimals"
             + (", for which other numbers of its kind are too large"
                if wrong.room < MOST_DECIMALS else ""),
             "Round it, or state all numbers of its kind in a smaller unit."),
            (np.flatnonzero(numbers.values < 0).tolist(), "the number is negative",
             "Give 0 or more."),
        ):  # fmt: skip
            self._report(what, place, positions, rows, rule, remedy)
        return Numbers(values=numbers.values.reshape(positions.shape), decimals=numbers.decimals)

    def _capacity(self, place: Positions, positions: Ints) -> Numbers:
        """Return the capacities, with a number where the file leaves them open."""
        words = self._words(positions)
        open_ = left_open(words)
        name, cap = self._reader.format.name, self._reader.cap
        self._about_cap = bool(open_.any()) != bool(cap)
        if open_.any() and not cap:
            self._report("capacity", place, positions, np.flatnonzero(open_).tolist()[:1],
                         "the file leaves the capacity open",
                         f"Choose it by the reader, such as {name}:cap=8000, or ignore capacities "
                         f"with {name}:problem=UFL.")  # fmt: skip
        elif cap and not open_.any():
            self._faults.add(self._source.source, "the file leaves no capacity open",
                             f"Leave cap={cap} out of the reader.")  # fmt: skip
        words[open_] = cap or "0"
        return self._numbers("capacity", place, positions, words)

    def _idle(self, place: Positions, capacitated: bool) -> None:
        """Note words that are no numbers where numbers without meaning stand."""
        idle = np.ones(len(self._source) - SIZES, dtype=bool)
        for used in (place.fixed, place.cost, place.label):
            if used is not None:
                idle[used.ravel()] = False
        for used, means in ((place.capacity, capacitated),
                            (place.demand, capacitated or self._format.per_unit)):  # fmt: skip
            if used is not None and means:
                idle[used] = False
        positions = np.flatnonzero(idle)
        self._report("", place, positions, strange(self._words(positions)),
                     "this is not a number", "Put a number in its place.")  # fmt: skip

    def _labels(self, place: Positions) -> None:
        """Check that sites are numbered one by one, and that no limit on them is set."""
        if place.label is None:
            return
        labels = self._numbers("number", place, place.label)
        first = labels.values[0] if len(labels.values) else 1
        wrong = labels.values != first + np.arange(len(labels.values))
        self._report("number", place, place.label, np.flatnonzero(wrong).tolist()[:1],
                     "the numbers of the sites do not count up one by one",
                     "Look for a number too few or too many in the line above.")  # fmt: skip
        if parse_number(self._source.words[SIZES], 0) != 0:
            self._faults.add(self._source.source, "the third number, a limit on open sites, is "
                             "not 0", "Put 0 there, and limit the sites by a policy.",
                             row=self._lines[SIZES], value=self._source.words[SIZES])  # fmt: skip

    def _whole_cost(self, place: Positions, unit: Numbers, demand: Numbers) -> Numbers:
        """Return unit costs times demands, which are exact: their decimals add up."""
        decimals = unit.decimals + demand.decimals
        amount = np.broadcast_to(demand.values[:, None], unit.values.shape)
        size = unit.values.astype(np.float64) * amount
        large = np.flatnonzero(size.ravel() >= 2.0**62).tolist()
        self._report("cost", place, place.cost, large,
                     "the cost of a unit times the demand is too large to be held exactly",
                     "State all costs in a larger unit.")  # fmt: skip
        if large:
            return unit
        cost = Numbers(values=unit.values * amount, decimals=decimals).trimmed()
        if cost.decimals > MOST_DECIMALS:
            fine = cost.values % 10 ** (cost.decimals - MOST_DECIMALS) != 0
            self._report("cost", place, place.cost, np.flatnonzero(fine.ravel()).tolist(),
                         f"the cost of a unit times the demand has more than {MOST_DECIMALS} "
                         "decimals", "Round it, or state all costs in a smaller unit.")  # fmt: skip
        return cost

    def _large(
        self, what: str, place: Positions, positions: Ints, numbers: Numbers, decimals: int
    ) -> None:
        large = np.flatnonzero(numbers.size(decimals).ravel() >= LARGEST).tolist()
        self._report(what, place, positions, large,
                     f"the {what} is too large to be held exactly with {decimals} decimals",
                     "State all numbers of its kind in a larger unit, or round them.")  # fmt: skip

    def _enough(self, demand: Numbers, capacity: Numbers) -> None:
        """Note demands over all capacities, if the file makes sense to another reader."""
        if fits_capacity(demand, capacity):
            return
        others = [form.name for form in fitting(self._source, self._format) if form.capacities]
        if others:
            self._faults.add(
                self._source.source,
                f"read as {self._format.name}, the demands add up to more than all capacities",
                f"It fits the reader {' or '.join(others)}.",
            )

    def _lines_fit(self, place: Positions) -> None:
        """Note lines that begin where another format's rows do, and this one's do not."""
        if len(self._faults) or begins_lines(self._source, place):
            return
        others = [form.name for form in fitting(self._source, self._format)
                  if form_begins_lines(self._source, form)]  # fmt: skip
        if others:
            self._faults.add(
                self._source.source,
                f"lines do not begin where the rows of the format {self._format.name} do, but "
                "where those of another do",
                f"It fits the reader {' or '.join(others)}.",
            )
