"""Which reader is asked for: the format, and what a file leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from optimiser.errors import UsageError
from optimiser.files.public.formats import FORMATS, PROBLEMS, Format, Problem
from optimiser.model.faults import did_you_mean
from optimiser.model.parse import parse_number

_KEYS: Final = ("cap", "problem")
#: Decimals that the number for the word `capacity` may have, as those of volumes.
_CAP_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How a public file is to be read.

    Parameters
    ----------
    format
        The order of its numbers.
    problem
        ``UFL`` (capacities are ignored), ``CFLP`` (a customer may have several sites) or
        ``SSCFLP`` (one site each).
    cap
        What stands for the word ``capacity`` in the file, as the user wrote it, or ''.
    """

    format: Format
    problem: Problem
    cap: str = ""

    def __str__(self) -> str:
        cap = f"cap={self.cap}," if self.cap else ""
        return f"{self.format.name}:{cap}problem={self.problem}"


def reader_of(text: str) -> Reader:
    """Return the reader that ``NAME`` or ``NAME:key=value,key=value`` asks for.

    Parameters
    ----------
    text
        NAME is one of `formats.FORMATS`. The keys are ``cap``, a number to stand where the file
        says the word capacity, and ``problem``, one of UFL, CFLP, SSCFLP.

    Raises
    ------
    UsageError
        If there is no such format or key, or a value does not fit.
    """
    name, _, rest = text.strip().partition(":")
    if name not in FORMATS:
        raise UsageError(
            f"There is no reader {name!r}. "
            + (did_you_mean(name, FORMATS) or f"The readers are {', '.join(FORMATS)}.")
        )
    form = FORMATS[name]
    given: dict[str, str] = {}
    for part in rest.split(",") if rest else []:
        key, equals, value = (each.strip() for each in part.partition("="))
        if key not in _KEYS or not equals:
            near = "" if key in _KEYS else did_you_mean(key, _KEYS)
            raise UsageError(
                f"Reader {text!r}: {part!r} is no key with its value."
                + (f" {near}" if near else "")
                + " Write cap=NUMBER or problem=UFL, CFLP or SSCFLP."
            )
        if key in given:
            raise UsageError(f"Reader {text!r}: {key} is given twice. Delete one of the two.")
        given[key] = value
    problem = _problem(text, form, given.get("problem"))
    return Reader(format=form, problem=problem, cap=_cap(text, problem, given.get("cap")))


def _problem(text: str, form: Format, word: str | None) -> Problem:
    if word is None:
        return form.problem
    for problem in form.problems:
        if word.upper() == problem:
            return problem
    if word.upper() in PROBLEMS:
        raise UsageError(
            f"Reader {text!r}: files of the format {form.name} have no capacities, so they cannot "
            f"be read as {word.upper()}. Leave out problem, or write problem=UFL."
        )
    raise UsageError(
        f"Reader {text!r}: there is no problem {word!r}. Write one of {', '.join(form.problems)}."
    )


def _cap(text: str, problem: Problem, number: str | None) -> str:
    if number is None:
        return ""
    value = parse_number(number, _CAP_DECIMALS)
    if not number or not isinstance(value, int) or value < 0:
        raise UsageError(
            f"Reader {text!r}: {number!r} is no capacity. Write a number of 0 or more with at most "
            f"{_CAP_DECIMALS} decimals, such as cap=8000."
        )
    if problem == "UFL":
        raise UsageError(
            f"Reader {text!r}: read as UFL, capacities are ignored. Leave out cap, or the problem."
        )
    return format(Decimal(number), "f")
