"""What instance.toml may say: every setting once, parsing, and writing back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import TYPE_CHECKING, Final

from optimiser.model.faults import did_you_mean
from optimiser.model.instance import BLANK, Settings, decimal_text
from optimiser.model.parse import (
    LARGE_REMEDY,
    LARGE_RULE,
    bounds,
    number_remedy,
    parse_number,
    too_many_remedy,
    too_many_rule,
    unprintable,
)
from optimiser.model.schema import COST_PARTS, OVERSIGHT, Column

if TYPE_CHECKING:
    from optimiser.model.faults import Faults
    from optimiser.model.instance import Instance

#: Decimals that a factor (rate, detour, weight) may have; int64 then holds weights of millions.
_FACTOR_DECIMALS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Parameters
    ----------
    name
        Dotted name: ``horizon.years`` is ``years`` in the section ``[horizon]``.
    kind
        ``text``, ``whole``, ``factor`` (an exact decimal), ``choice``, ``flag`` or ``column`` (a
        default for the column `column`).
    meaning
        One sentence.
    default
        Text that stands for a setting that is not given.
    minimum, maximum
        Inclusive bounds of a number, or None; `above` makes the lower one strict.
    """

    name: str
    kind: str
    meaning: str
    default: str = ""
    minimum: int | None = None
    maximum: int | None = None
    above: bool = False
    choices: tuple[str, ...] = ()
    column: Column | None = None

    def as_column(self) -> Column:
        """Return a column with the same bounds."""
        return Column(name=self.name, kind=self.kind, meaning=self.meaning, above=self.above,
                      minimum=self.minimum, maximum=self.maximum)  # fmt: skip


SETTINGS: Final[dict[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(name="title", kind="text", meaning="Title to show"),
        Setting(name="currency", kind="text", default="GBP", meaning="Currency of all money"),
        Setting(name="price_year", kind="whole", minimum=0, maximum=9999,
                meaning="Year whose prices are used"),
        Setting(name="sourcing", kind="choice", choices=("single", "split"), default="single",
                meaning="Whether each pair has one deliverer or may have several"),
        Setting(name="money_decimals", kind="whole", minimum=0, maximum=6, default="2",
                meaning="Decimals that money is held with"),
        Setting(name="volume_decimals", kind="whole", minimum=0, maximum=6, default="3",
                meaning="Decimals that volumes are held with"),
        Setting(name="horizon.years", kind="whole", minimum=1, maximum=1000, default="10",
                meaning="Years over which one-off costs are spread"),
        Setting(name="horizon.discount_rate", kind="factor", minimum=0, maximum=1,
                default="0.035", meaning="Yearly discount rate of one-off costs"),
        Setting(name="distance.metric", kind="choice",
                choices=("great-circle", "straight-line", "network"),
                meaning="How distances are measured"),
        Setting(name="distance.detour", kind="factor", minimum=0, above=True, default="1",
                meaning="Factor on every distance"),
        Setting(name="options.generate", kind="flag",
                meaning="Whether options are generated beside the rows of the table"),
        *(Setting(name=f"oversight.{column.name}", kind="column", column=column,
                  meaning=f"Default for authorities: {column.meaning}") for column in OVERSIGHT),
        *(Setting(name=f"objective.{part}", kind="factor", minimum=0, default="1",
                  meaning=f"Weight of the cost part: {words}")
          for part, words in COST_PARTS.items()),
    )
}  # fmt: skip
_SECTIONS: Final = {name.split(".")[0] for name in SETTINGS if "." in name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Settings as far as they can be known without the tables: value by dotted name."""

    values: Mapping[str, object]

    def decimals(self) -> Settings:
        """Return settings that know the decimals only."""
        return Settings(
            money_decimals=self._whole("money_decimals"),
            volume_decimals=self._whole("volume_decimals"),
        )

    def _whole(self, name: str) -> int:
        value = self.values[name]
        assert isinstance(value, int)
        return value

    def _factor(self, name: str) -> Fraction:
        value = self.values[name]
        assert isinstance(value, Fraction)
        return value

    @property
    def oversight(self) -> dict[str, int]:
        """Defaults for authorities, `BLANK` where there is none."""
        return {column.name: self._whole(f"oversight.{column.name}") for column in OVERSIGHT}

    def resolve(self, *, metric: str, generate: bool) -> Settings:
        """Return the settings, with what the tables decide."""
        year = self.values["price_year"]
        return Settings(
            title=str(self.values["title"]),
            currency=str(self.values["currency"]),
            price_year=year if isinstance(year, int) else None,
            sourcing=str(self.values["sourcing"]),
            money_decimals=self._whole("money_decimals"),
            volume_decimals=self._whole("volume_decimals"),
            years=self._whole("horizon.years"),
            discount_rate=self._factor("horizon.discount_rate"),
            metric=metric,
            detour=self._factor("distance.detour"),
            generate=generate,
            oversight=self.oversight,
            weights={part: self._factor(f"objective.{part}") for part in COST_PARTS},
        )


def parse_settings(settings: Mapping[str, object], source: str, faults: Faults) -> Given:
    """Parse settings, nested or with dotted names; faulty ones take their defaults."""
    flat: dict[str, object] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            for inner, deeper in value.items():
                _put(flat, f"{name}.{inner}", deeper, source, faults)
        else:
            _put(flat, str(name), value, source, faults)
    decimals = Settings()
    values = {name: _value(setting, "", decimals) for name, setting in SETTINGS.items()}
    for name, setting in SETTINGS.items():
        if flat.get(name) is not None:
            try:
                values[name] = _value(setting, flat[name], decimals)
            except _WrongError as wrong:
                faults.add(source, wrong.rule, wrong.remedy, column=name, value=str(flat[name]))
        if name == "volume_decimals":  # from here on amounts of money and volume can be held
            decimals = Given(values=values).decimals()
    return Given(values=values)


def _put(flat: dict[str, object], name: str, value: object, source: str, faults: Faults) -> None:
    if name in SETTINGS:
        if name in flat:
            faults.add(source, "the setting is given twice", "Delete one of the two.", column=name)
        flat[name] = value
    elif name in _SECTIONS:
        faults.add(source, f"{name} is a section, not a setting",
                   f"Give its settings by name, such as {_first_of(name)}.",
                   column=name, value=str(value))  # fmt: skip
    else:
        # A setting in the wrong section is worth finding by its last word.
        last = name.rsplit(".", 1)[-1]
        moved = [each for each in SETTINGS if each.rsplit(".", 1)[-1] == last]
        remedy = f"Did you mean {moved[0]!r}?" if moved else did_you_mean(name, SETTINGS)
        faults.add(source, "there is no such setting",
                   remedy or "Delete it, or look up its name in docs/problem.md.",
                   column=name, value=str(value))  # fmt: skip


def _first_of(section: str) -> str:
    return next(name for name in SETTINGS if name.startswith(f"{section}."))


class _WrongError(Exception):
    """What is wrong with one value, and what to do about it."""

    def __init__(self, rule: str, remedy: str) -> None:
        super().__init__(rule)
        self.rule, self.remedy = rule, remedy


def _value(setting: Setting, value: object, decimals: Settings) -> object:
    """Parse one value, '' being blank; raise `_WrongError` if it will not do."""
    if setting.kind == "flag":
        return _flag(value)
    if setting.kind in ("text", "choice"):
        return _text(setting, value)
    text = number_text(value)
    if text is None:
        raise _WrongError("this must be a number", "Write a number without quotation marks.")
    if not text.strip():
        return _blank(setting)
    return _number(setting, text, decimals)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().casefold() if isinstance(value, str) else ""
    if word in ("true", "yes"):
        return True
    if isinstance(value, str) and word in ("", "false", "no"):
        return False
    raise _WrongError("this is neither true nor false", "Write true or false.")


def _text(setting: Setting, value: object) -> str:
    if not isinstance(value, str):
        raise _WrongError("this must be a text", "Put it between quotation marks.")
    text = value.strip().replace("\r\n", "\n").replace("\r", "\n")
    if unprintable(text):
        raise _WrongError("the text holds a control character", "Type it anew.")
    if setting.kind == "choice" and text and text not in setting.choices:
        allowed = ", ".join(setting.choices)
        raise _WrongError(
            f"this is none of the words allowed here ({allowed})",
            did_you_mean(text, setting.choices) or f"Use one of {allowed}.",
        )
    return text or setting.default


def _number(setting: Setting, text: str, decimals: Settings) -> int | Fraction:
    """Parse a number: an integer of the last place for a column's default, else its value."""
    if setting.column is not None:
        kind, places = setting.column.kind, decimals.decimals(setting.column.kind)
        limits = bounds(setting.column, places)
    else:
        kind, places = setting.kind, 0 if setting.kind == "whole" else _FACTOR_DECIMALS
        limits = bounds(setting.as_column(), places)
    number = parse_number(text, places)
    if number == "text":
        raise _WrongError("this is not a number", number_remedy(text))
    if number == "decimals":
        raise _WrongError(too_many_rule(places), too_many_remedy(kind, places))
    if isinstance(number, str):
        raise _WrongError(LARGE_RULE, LARGE_REMEDY)
    for limit in limits:
        if limit.broken_by(number):
            hint = " 3.5 % is 0.035." if setting.name == "horizon.discount_rate" else ""
            raise _WrongError(limit.rule, limit.remedy + hint)
    return Fraction(number, 10**places) if setting.kind == "factor" else number


def _blank(setting: Setting) -> int | Fraction | None:
    if setting.default:
        return int(setting.default) if setting.kind == "whole" else Fraction(setting.default)
    return BLANK if setting.kind == "column" else None


def number_text(value: object) -> str | None:
    """Return a number as decimal text, never through its binary digits; None if it is no number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Fraction):
        return fraction_text(value) or str(value)
    if isinstance(value, Real):
        return repr(float(value))
    return None


def fraction_text(value: Fraction) -> str | None:
    """Return a fraction as decimal text, or None if its decimals never end."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    places = max(twos, fives)
    return decimal_text(int(value * 10**places), places)


def settings_texts(instance: Instance) -> dict[str, str]:
    """Return what differs from silence, as text by dotted name: what a file must say."""
    settings = instance.settings
    result = {
        "title": settings.title,
        "currency": settings.currency,
        "price_year": "" if settings.price_year is None else str(settings.price_year),
        "sourcing": settings.sourcing,
        "money_decimals": str(settings.money_decimals),
        "volume_decimals": str(settings.volume_decimals),
        "horizon.years": str(settings.years),
        "horizon.discount_rate": fraction_text(settings.discount_rate) or "",
        "distance.metric": settings.metric,
        "distance.detour": fraction_text(settings.detour) or "",
    }
    if settings.generate and len(instance["options"]):
        result["options.generate"] = "true"
    for column in OVERSIGHT:
        value = settings.oversight.get(column.name, BLANK)
        result[f"oversight.{column.name}"] = decimal_text(value, settings.decimals(column.kind))
    for part, weight in settings.weights.items():
        if weight != 1:
            result[f"objective.{part}"] = fraction_text(weight) or ""
    return {name: text for name, text in result.items() if text}
