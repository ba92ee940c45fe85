"""What each field of a record may hold: a file may come from anywhere, and be edited by anyone."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Whole numbers from here on are no amount of money, and no float can hold some of them.
_LARGEST: Final = 10**60


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not _truth(value) and abs(value) < _LARGEST


def _number(value: Any) -> bool:
    whole = isinstance(value, float) and math.isfinite(value)
    return (_whole(value) or whole) and abs(value) < _LARGEST


def _decimal(value: Any) -> bool:
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        return False
    return _text(value) and number.is_finite() and abs(number) < _LARGEST


def _or_none(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


def _from(least: float, holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: holds(value) and value >= least


def _table(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def held(value: Any) -> bool:
        return isinstance(value, dict) and all(map(holds, value.values()))

    return held


def _texts(value: Any) -> bool:
    return isinstance(value, tuple) and all(map(_text, value))


def _machine(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _or_none(_number)(each) or _text(each) for each in value.values()
    ) and _or_none(_number)(value.get("memory_gib"))  # fmt: skip


def _trace(value: Any) -> bool:
    units = _or_none(_whole)
    return isinstance(value, tuple) and all(
        _number(time) and units(objective) and units(bound)
        for time, objective, bound in value
    )


#: By the field's annotation, but for the fields named in `_NAMED`.
_KINDS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "str": ("text", _text),
    "str | None": ("text or null", _or_none(_text)),
    "bool": ("true or false", _truth),
    "int": ("a whole number", _whole),
    "int | None": ("a whole number or null", _or_none(_whole)),
    "float": ("a number from 0", _from(0, _number)),
    "float | None": ("a number or null", _or_none(_number)),
    "tuple[str, ...]": ("a list of texts", _texts),
    "Mapping[str, Any]": ("a table of texts and numbers", _machine),
    "Mapping[str, str]": ("a table of texts", _table(_text)),
    "Mapping[str, int]": ("a table of whole numbers", _table(_whole)),
    "Mapping[str, float]": ("a table of numbers", _table(_number)),
    "tuple[tuple[float, int | None, int | None], ...]": (
        "a list of seconds, objective and bound", _trace,
    ),
}  # fmt: skip
_NAMED: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "limit": ("a number above 0", lambda value: _number(value) and value > 0),
    "money_decimals": (
        "a whole number from 0 to 30", lambda value: _whole(value) and 0 <= value <= 30,
    ),
    "best_known": ("a decimal number as text, or null", _or_none(_decimal)),
}  # fmt: skip


def refuse_odd_values(kind: type, given: Mapping[str, Any]) -> None:
    """Raise `ValueError` for the first value that its field of the dataclass `kind` cannot hold."""
    for field in dataclasses.fields(kind):
        if field.name in given:
            what, holds = _NAMED.get(field.name) or _KINDS[str(field.type)]
            if not holds(given[field.name]):
                raise ValueError(f"{field.name} is not {what}")
