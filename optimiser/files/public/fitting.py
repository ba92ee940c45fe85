"""Which formats a public file fits, as far as that can be told without knowing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.files.public.formats import FORMATS, SIMPLE
from optimiser.files.public.words import parse_words
from optimiser.model.parse import parse_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.files.public.formats import Format, Positions
    from optimiser.files.public.words import Numbers, Words

#: Numbers at the beginning that say how many sites and customers there are.
SIZES: Final = 2
#: The word that stands in some files where a capacity is still to be chosen; others have 0.
_CAPACITY: Final = "capacity"


def begins_lines(source: Words, place: Positions) -> bool:
    """Whether every row of a format begins a line, or blank lines stand between its blocks."""
    lines = np.diff(source.lines, prepend=0)
    first = np.flatnonzero(lines[SIZES:] > 1)
    return bool((lines[place.starts + SIZES] > 0).all()) or first.tolist() == list(place.blocks)


def form_begins_lines(source: Words, form: Format) -> bool:
    """Whether `begins_lines` holds for a format with the sizes that the file says."""
    found = sizes(source, form)
    return found is not None and begins_lines(source, form.place(*found))


def left_open(capacity: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which capacities are still to be chosen: the word, or 0 where there is nothing else."""
    said = np.array([word.lower() == _CAPACITY for word in capacity.tolist()], dtype=bool)
    if not said.any():
        numbers, wrong = parse_words(capacity)
        said[:] = not (wrong.text or wrong.decimals or wrong.large or numbers.values.any())
    return said


def strange(words: NDArray[np.object_]) -> list[int]:
    """Return which words are neither numbers nor the word `capacity`."""
    return [at for at in parse_words(words)[1].text if words[at].lower() != _CAPACITY]


def sizes(source: Words, form: Format) -> tuple[int, int] | None:
    """Return numbers of sites and customers; None if the file does not begin with such."""
    if len(source) < SIZES:
        return None
    one, two = (parse_number(word, 0) for word in source.words[:SIZES])
    if not isinstance(one, int) or not isinstance(two, int) or min(one, two) < 1:
        return None
    return (two, one) if form.customers_first else (one, two)


def fits_capacity(demand: Numbers, capacity: Numbers) -> bool:
    """Whether all capacities together are at least all demands."""
    decimals = max(demand.decimals, capacity.decimals)
    return float(demand.size(decimals).sum()) <= float(capacity.size(decimals).sum())


def fitting(source: Words, but: Format) -> list[Format]:
    """Return the formats but one that a file fits: count, words, signs, demand and capacity.

    Where lines or blank lines stand as in some of them, only those.
    """
    found: list[Format] = []
    if strange(source.words):
        return []
    for form in FORMATS.values():
        if form.name == SIMPLE.name and source.titled:
            form = SIMPLE
        if form.name != but.name and (source.titled == form.labels) and _fits(source, form):
            found.append(form)
    # Without capacities nothing can be told but the count, so those formats come second.
    found = [form for form in found if form.capacities] or found
    return [form for form in found if form_begins_lines(source, form)] or found


def _fits(source: Words, form: Format) -> bool:
    found = sizes(source, form)
    if found is None or form.count(*found) != len(source) - SIZES:
        return False
    place = form.place(*found)
    read = {}
    for name, positions in (("fixed", place.fixed), ("cost", place.cost), ("label", place.label),
                            ("demand", place.demand), ("capacity", place.capacity)):  # fmt: skip
        if positions is None:
            continue
        words = np.asarray(source.words[positions.ravel() + SIZES], dtype=object)
        numbers, wrong = parse_words(words)
        said = name != "capacity" and bool(wrong.text)  # the word, where it has no business
        if said or wrong.decimals or wrong.large or np.any(numbers.values < 0):
            return False
        # Capacities that are left open are no reason for doubt.
        if name != "capacity" or not left_open(words).any():
            read[name] = numbers
    if "label" in read and np.any(np.diff(read["label"].values) != 10 ** read["label"].decimals):
        return False
    if "demand" in read and np.any(read["demand"].values == 0):
        return False
    return not {"demand", "capacity"} <= read.keys() or fits_capacity(
        read["demand"], read["capacity"]
    )
