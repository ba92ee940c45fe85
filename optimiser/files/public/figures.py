"""What a public file says, every number checked: `Words` to `Figures`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.files.public.formats import FORMATS, SIMPLE
from optimiser.files.public.words import MOST_DECIMALS, Numbers, parse_words
from optimiser.model.faults import Faults
from optimiser.model.parse import number_remedy, parse_number
from optimiser.model.rounding import LARGEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimiser.files.public.formats import Format, Positions
    from optimiser.files.public.readers import Reader
    from optimiser.files.public.words import Words

    Ints = NDArray[np.int64]

#: The word that stands in some files where a capacity is still to be chosen; others have 0.
_CAPACITY: Final = "capacity"
#: Numbers at the beginning that say how many sites and customers there are.
_SIZES: Final = 2


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
        sizes = self._sizes()
        if sizes is None or not self._counted(*sizes):
            return None
        place = self._format.place(*sizes)
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
        # What the user chose as capacity says nothing about the format.
        if demand is not None and capacity is not None and not self._reader.cap:
            self._enough(demand, capacity)
        self._lines_fit(place)
        return Figures(fixed=fixed, cost=cost, demand=demand if capacitated else None,
                       capacity=capacity)  # fmt: skip

    # --- shape ---------------------------------------------------------------------------------

    def _sizes(self) -> tuple[int, int] | None:
        """Return the numbers of sites and customers."""
        one, two = _size_names(self._format)
        begins = f"The file must begin with the numbers of {one} and {two}."
        if self._source.titled and not self._format.labels:
            self._faults.add(self._source.source, "a line FILE: … begins the file",
                             f"Only the reader ufllib knows such a line.{self._others()}",
                             row=1)  # fmt: skip
            return None
        if len(self._source) < _SIZES:
            rule = f"the file holds {'one word' if len(self._source) else 'nothing'}"
            self._faults.add(self._source.source, rule, begins + self._unread())
            return None
        for name, word, line in zip((one, two), self._source.words, self._lines, strict=False):
            size = parse_number(word, 0)
            if not isinstance(size, int) or size < 1:
                self._faults.add(self._source.source, f"the number of {name} must be whole, from 1",
                                 begins + self._others(), row=line, value=word)  # fmt: skip
        return None if len(self._faults) else _sizes(self._source, self._format)

    def _counted(self, sites: int, customers: int) -> bool:
        """Whether there are as many numbers as the sizes say."""
        wanted, found = self._format.count(sites, customers), len(self._source) - _SIZES
        if found == wanted:
            return True
        for at in _strange(self._source.words):
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
            row=self._lines[-1 if few else wanted + _SIZES],
        )  # fmt: skip
        return False

    def _others(self) -> str:
        """Name the readers that the file fits, as a hint."""
        names = [form.name for form in _fitting(self._source, self._format)]
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
            lambda at: " ".join([remedy, place.sentence(at - _SIZES)]).strip(),
            [int(flat[row]) + _SIZES for row in rows],
            row_numbers=self._lines, column=what, values=lambda at: str(self._source.words[at]),
        )  # fmt: skip

    def _words(self, positions: Ints) -> NDArray[np.object_]:
        return np.asarray(self._source.words[positions.ravel() + _SIZES], dtype=object)

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
        open_ = _left_open(words)
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
        idle = np.ones(len(self._source) - _SIZES, dtype=bool)
        for used in (place.fixed, place.cost, place.label):
            if used is not None:
                idle[used.ravel()] = False
        for used in (place.capacity, place.demand):
            if used is not None and (capacitated or self._format.per_unit):
                idle[used] = False
        positions = np.flatnonzero(idle)
        self._report("", place, positions, _strange(self._words(positions)),
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
        if parse_number(self._source.words[_SIZES], 0) != 0:
            self._faults.add(self._source.source, "the third number, a limit on open sites, is "
                             "not 0", "Put 0 there, and limit the sites by a policy.",
                             row=self._lines[_SIZES], value=self._source.words[_SIZES])  # fmt: skip

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
                     f"the cost is too large to be held exactly with {decimals} decimals",
                     "State all costs in a larger unit, or round them.")  # fmt: skip

    def _enough(self, demand: Numbers, capacity: Numbers) -> None:
        """Note demands over all capacities, if the file makes sense to another reader."""
        if _fits_capacity(demand, capacity):
            return
        others = [form.name for form in _fitting(self._source, self._format) if form.capacities]
        if others:
            self._faults.add(
                self._source.source,
                f"read as {self._format.name}, the demands add up to more than all capacities",
                f"It fits the reader {' or '.join(others)}.",
            )

    def _lines_fit(self, place: Positions) -> None:
        """Note lines that begin where another format's rows do, and this one's do not."""
        if len(self._faults) or _begins_lines(self._source, place):
            return
        sizes = {form: _sizes(self._source, form) for form in _fitting(self._source, self._format)}
        others = [form.name for form, found in sizes.items()
                  if found and _begins_lines(self._source, form.place(*found))]  # fmt: skip
        if others:
            self._faults.add(
                self._source.source,
                f"lines do not begin where the rows of the format {self._format.name} do, but "
                "where those of another do",
                f"It fits the reader {' or '.join(others)}.",
            )


def _begins_lines(source: Words, place: Positions) -> bool:
    """Whether every row of a format begins a line."""
    first = np.diff(source.lines, prepend=0) > 0
    return bool(first[place.starts + _SIZES].all())


def _left_open(capacity: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which capacities are still to be chosen: the word, or 0 where there is nothing else."""
    said = np.array([word.lower() == _CAPACITY for word in capacity.tolist()], dtype=bool)
    if not said.any():
        numbers, wrong = parse_words(capacity)
        said[:] = not (wrong.text or wrong.decimals or wrong.large or numbers.values.any())
    return said


def _strange(words: NDArray[np.object_]) -> list[int]:
    """Return which words are neither numbers nor the word `capacity`."""
    return [at for at in parse_words(words)[1].text if words[at].lower() != _CAPACITY]


def _size_names(form: Format) -> tuple[str, str]:
    return ("customers", "sites") if form.customers_first else ("sites", "customers")


def _sizes(source: Words, form: Format) -> tuple[int, int] | None:
    """Return numbers of sites and customers; None if the file does not begin with such."""
    if len(source) < _SIZES:
        return None
    one, two = (parse_number(word, 0) for word in source.words[:_SIZES])
    if not isinstance(one, int) or not isinstance(two, int) or min(one, two) < 1:
        return None
    return (two, one) if form.customers_first else (one, two)


def _fits_capacity(demand: Numbers, capacity: Numbers) -> bool:
    decimals = max(demand.decimals, capacity.decimals)
    return float(demand.size(decimals).sum()) <= float(capacity.size(decimals).sum())


def _fitting(source: Words, but: Format) -> list[Format]:
    """Return the formats but one that a file fits: count, words, signs, demand and capacity."""
    found: list[Format] = []
    if _strange(source.words):
        return []
    for form in FORMATS.values():
        if form.name == SIMPLE.name and source.titled:
            form = SIMPLE
        if form.name != but.name and (source.titled == form.labels) and _fits(source, form):
            found.append(form)
    # Without capacities nothing can be told but the count, so those formats come second.
    return [form for form in found if form.capacities] or found


def _fits(source: Words, form: Format) -> bool:
    sizes = _sizes(source, form)
    if sizes is None or form.count(*sizes) != len(source) - _SIZES:
        return False
    place = form.place(*sizes)
    read = {}
    for name, positions in (("fixed", place.fixed), ("cost", place.cost), ("label", place.label),
                            ("demand", place.demand), ("capacity", place.capacity)):  # fmt: skip
        if positions is None:
            continue
        words = np.asarray(source.words[positions.ravel() + _SIZES], dtype=object)
        numbers, wrong = parse_words(words)
        said = name != "capacity" and bool(wrong.text)  # the word, where it has no business
        if said or wrong.decimals or wrong.large or np.any(numbers.values < 0):
            return False
        # Capacities that are left open are no reason for doubt.
        if name != "capacity" or not _left_open(words).any():
            read[name] = numbers
    if "label" in read and np.any(np.diff(read["label"].values) != 10 ** read["label"].decimals):
        return False
    if "demand" in read and np.any(read["demand"].values == 0):
        return False
    return not {"demand", "capacity"} <= read.keys() or _fits_capacity(
        read["demand"], read["capacity"]
    )
