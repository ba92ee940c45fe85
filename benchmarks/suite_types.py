"""What a file of suites may say, and a sentence for everything else that it says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from optimiser.files.shipped import shipped
from optimiser.model.faults import did_you_mean
from optimiser.studies.generate import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Order of the numbers in `sizes` of a family.
SIZES: Final = ("organisations", "services", "centres", "co_operatives")
#: Whole numbers and seconds from here on mean nothing here, and no solver takes them.
LARGEST: Final = 2**31

_Kind = tuple[str, "Callable[[Any], bool]"]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST


def _number(value: Any) -> bool:
    return _whole(value) or (
        isinstance(value, float) and math.isfinite(value) and 0 <= value < LARGEST
    )


def _above(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: holds(value) and value > 0


def _list(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(holds, value))


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and len(value) == len(SIZES) and all(map(_whole, value))


_TEXT: Final[_Kind] = ("a text", _text)
_TEXTS: Final[_Kind] = ("a list of texts", _list(_text))
_WHOLES: Final[_Kind] = ("a list of whole numbers from 0", _list(_whole))
_COUNT: Final[_Kind] = ("a whole number above 0", _above(_whole))

#: What a suite may say.
_SETTINGS: Final[Mapping[str, _Kind]] = {
    "about": _TEXT,
    "solvers": _TEXTS,
    "seeds": _WHOLES,
    "limit": ("a number above 0", _above(_number)),
    "gap": ("a number from 0", _number),
    "threads": _COUNT,
    "memory": _COUNT,
    "instances": ("a list of tables", _list(lambda value: isinstance(value, dict))),
}
#: What a line of its instances may say, by what it begins with.
_LINES: Final[Mapping[str, Mapping[str, _Kind]]] = {
    "named": {"named": _TEXTS},
    "family": {
        "family": _TEXT,
        "seeds": _WHOLES,
        "sizes": (f"a list of lists [{', '.join(SIZES)}] of whole numbers", _list(_sizes)),
    },
    "public": {"public": _TEXT, "names": _TEXTS},
}


def faults_of(name: str, said: Any) -> Iterator[str]:
    """Yield what is wrong with one suite, each with its place and remedy."""
    if not isinstance(said, dict):
        yield f"{name}: a suite is a table. Write [{name}]."
        return
    for key, value in said.items():
        if key in _SETTINGS:
            yield from _unheld(f"{name}.{key}", value, _SETTINGS[key])
        else:
            near = did_you_mean(key, _SETTINGS)
            yield f"{name}: there is no setting {key}. {near or 'Delete it.'}"
    for key in ("about", "instances"):
        if key not in said:
            yield f"{name}: {key} is missing. Add it."
    lines = said.get("instances")
    for number, line in enumerate(lines if isinstance(lines, list) else (), start=1):
        if isinstance(line, dict):
            yield from _line_faults(f"{name}.instances, number {number}", line)


def _unheld(place: str, value: Any, kind: _Kind) -> Iterator[str]:
    what, holds = kind
    if not holds(value):
        yield f"{place}: {value!r} is not {what}. Write one."


def _line_faults(place: str, line: Mapping[str, Any]) -> Iterator[str]:
    kinds = [kind for kind in _LINES if kind in line]
    if len(kinds) != 1:
        yield f"{place}: it must have exactly one of {', '.join(_LINES)}. Mend it."
        return
    allowed, kind = _LINES[kinds[0]], kinds[0]
    found = []
    for key, value in line.items():
        if key in allowed:
            found += _unheld(f"{place}, {key}", value, allowed[key])
        else:
            found.append(f"{place}: there is no {key} beside {kind}. Delete it.")
    if kind == "family" and "sizes" not in line:
        found.append(f"{place}: sizes is missing. Write lists of [{', '.join(SIZES)}].")
    if not found:
        found += _strangers(place, line)
    yield from found


def _strangers(place: str, line: Mapping[str, Any]) -> Iterator[str]:
    """Yield names that nothing here has; what the public sets have only their folder knows."""
    for name in line.get("named", ()):
        if name not in shipped():
            near = did_you_mean(name, shipped()) or "Delete it."
            yield f"{place}: there is no shipped instance {name!r}. {near}"
    if "family" in line and line["family"] not in FAMILIES:
        near = did_you_mean(line["family"], FAMILIES) or "Delete it."
        yield f"{place}: there is no family {line['family']!r}. {near}"
