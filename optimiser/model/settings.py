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
)
from optimiser.model.schema import COST_PARTS, OVERSIGHT

if TYPE_CHECKING:
    from optimiser.model.faults import Faults
    from optimiser.model.instance import Instance
    from optimiser.model.schema import Column

#: Decimals that a factor (rate, detour, weight) may have; a float as Python shows it has fewer.
_FACTOR_DECIMALS: Final = 18


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
        """Settings that know the decimals only."""
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
    values: dict[str, object] = {}
    for name, setting in SETTINGS.items():
        values[name] = _value(setting, setting.default, Settings(), source, faults)
    decimals = Settings()
    for name, setting in SETTINGS.items():
        if flat.get(name) is not None:
            known = _value(setting, flat[name], decimals, source, faults)
            values[name] = values[name] if known is None else known
        if name == "volume_decimals":
            decimals = Given(values=values).decimals()
    return Given(values=values)


def _put(
    flat: dict[str, object], name: str, value: object, source: str, faults: Faults
) -> None:
    if name in SETTINGS:
        if name in flat:
            faults.add(source, "the setting is given twice", "Delete one of the two.", column=name)
        flat[name] = value
    elif name in _SECTIONS:
        faults.add(source, f"{name} is a section, not a setting",
                   f"Write [{name}] on a line by itself and its settings below.",
                   column=name, value=str(value))  # fmt: skip
    else:
        # A setting in the wrong section is worth finding by its last word.
        last = name.rsplit(".", 1)[-1]
        moved = [each for each in SETTINGS if each.rsplit(".", 1)[-1] == last]
        remedy = f"Did you mean {moved[0]!r}?" if moved else did_you_mean(name, SETTINGS)
        faults.add(source, "there is no such setting",
                   remedy or "Delete it, or look up its name in docs/problem.md.",
                   column=name)  # fmt: skip


def _value(
    setting: Setting, value: object, decimals: Settings, source: str, faults: Faults
) -> object:
    """Parse one value; None (with a fault noted) if it will not do, or if it is blank."""

    def fault(rule: str, remedy: str) -> None:
        faults.add(source, rule, remedy, column=setting.name, value=str(value))

    if setting.kind == "flag":
        if isinstance(value, bool):
            return value
        text = value.strip().casefold() if isinstance(value, str) else None
        if text in ("true", "yes"):
            return True
        if text in ("", "false", "no"):
            return False
        return fault("this is neither true nor false", "Write true or false.")
    if setting.kind in ("text", "choice"):
        if not isinstance(value, str):
            return fault("this must be a text", "Put it between quotation marks.")
        text = value.strip().replace("\r\n", "\n").replace("\r", "\n")
        if any(not c.isprintable() and c not in "\n\t" for c in text):
            return fault("the text holds a control character", "Type it anew.")
        if setting.kind == "choice" and text and text not in setting.choices:
            allowed = ", ".join(setting.choices)
            return fault(f"this is none of the words allowed here ({allowed})",
                         did_you_mean(text, setting.choices) or f"Use one of {allowed}.")  # fmt: skip
        return text or setting.default
    return _number(setting, value, decimals, fault)


def _number(setting: Setting, value: object, decimals: Settings, fault: object) -> object:
    assert callable(fault)
    text = number_text(value)
    if text is None:
        return fault("this must be a number", "Write a number without quotation marks.")
    if not text.strip():
        return _blank(setting)
    if setting.column is not None:
        column, places = setting.column, decimals.decimals(setting.column.kind)
        kind = column.kind
    else:
        places = 0 if setting.kind == "whole" else _FACTOR_DECIMALS
        column, kind = None, setting.kind
    number = parse_number(text, places)
    if number == "text":
        return fault("this is not a number", number_remedy(text))
    if number == "decimals":
        return fault(too_many_rule(places), too_many_remedy(kind, places))
    if isinstance(number, str):
        return fault(LARGE_RULE, LARGE_REMEDY)
    if column is not None:
        for low, rule, remedy in bounds(column, places):
            if low is not None and number < low:
                return fault(rule, remedy)
        return number
    exact = Fraction(number, 10**places)
    if setting.minimum is not None and (
        exact <= setting.minimum if setting.above else exact < setting.minimum
    ):
        least = f"above {setting.minimum}" if setting.above else f"at least {setting.minimum}"
        return fault(f"the number must be {least}", f"Give a number {least}.")
    if setting.maximum is not None and exact > setting.maximum:
        hint = " 3.5 % is 0.035." if setting.name == "horizon.discount_rate" else ""
        return fault(f"the number is above {setting.maximum}",
                     f"Give at most {setting.maximum}.{hint}")  # fmt: skip
    return int(exact) if setting.kind == "whole" else exact


def _blank(setting: Setting) -> object:
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
