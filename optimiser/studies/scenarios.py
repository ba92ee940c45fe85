"""Scenarios: named changes with probabilities, and the file that holds them.

A file of scenarios is TOML::

    [[scenario]]                    # any number, one after the other
    name = "dear-oversight"
    title = "Oversight costs twice as much"
    probability = 0.25
    use = ["co-ops-dearer"]         # changes that are named below
      [[scenario.change]]
      table = "providers"           # or none: then the columns are settings of instance.toml
      where = { mode = "co-operative" }
      multiply = { contract_hours = 2 }

    [change.co-ops-dearer]          # a change with a name, for several scenarios
    table = "tariffs"
    where = { "provider.mode" = "co-operative" }
    multiply = { unit_cost = 1.1 }

    [[factor]]                      # every combination of one level of each factor is a scenario
    name = "demand"
      [[factor.level]]
      name = "shrinks"
      probability = 0.4
        [[factor.level.change]]
        table = "demand"
        multiply = { volume = 0.9 }

    [[factor]]                      # a range: levels that differ in one number
    name = "hour"
    multiply = { "oversight.hour_cost" = [0.5, 1, 2] }
    probability = [0.25, 0.5, 0.25]  # or none: then its levels are equally likely
"""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import Fault, FileError, InstanceError
from optimiser.model.faults import did_you_mean
from optimiser.studies.changes import VERBS, Change, exact_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Most scenarios that a file may make.
MOST: Final = 10_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
#: Digits up to which a number is written out.
_LONGEST: Final = 40
#: The name of the instance as it stands.
AS_IS: Final = "as-is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way in which the world may turn out.

    Parameters
    ----------
    name
        Letters, digits, ``-``, ``_``, ``.`` and ``+``; it becomes the name of a folder.
    title
        In words.
    changes
        What is different from the instance; () for the instance as it is.
    probability
        Share of 1, or None where no scenario has one: then all are equally likely.
    """

    name: str
    title: str = ""
    changes: tuple[Change, ...] = ()
    probability: Fraction | None = None


def probabilities(scenarios: Sequence[Scenario]) -> tuple[Fraction, ...]:
    """Return the probability of each scenario; equal ones where none is given."""
    if all(scenario.probability is None for scenario in scenarios):
        return (Fraction(1, max(len(scenarios), 1)),) * len(scenarios)
    return tuple(scenario.probability or Fraction(0) for scenario in scenarios)


def check_scenarios(scenarios: Sequence[Scenario], source: str = "scenarios") -> None:
    """Raise InstanceError for names that repeat or do not fit, and wrong probabilities."""
    reading = _Reading(source)
    reading.check(scenarios)
    reading.finish()


def read_scenarios(path: str | Path) -> tuple[Scenario, ...]:
    """Read a file of scenarios.

    Raises
    ------
    FileError
        It cannot be read, or is no TOML.
    InstanceError
        Everything in it that is wrong.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        raise FileError(
            f"{path}: there is no such file. Write one as docs/studies.md shows, or take one from "
            "a shipped instance, such as instances/southwest-one/scenarios.toml."
        ) from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{path} is no valid TOML: {error}. Mend that line.") from None
    return parse_scenarios(content, path.name)


def parse_scenarios(content: Mapping[str, Any], source: str) -> tuple[Scenario, ...]:
    """Make scenarios of what a file says; `source` is what faults name."""
    reading = _Reading(source)
    scenarios = reading.scenarios(content)
    reading.finish()
    return scenarios


@dataclass(slots=True)
class _Level:
    """One level of a factor."""

    name: str
    title: str
    changes: tuple[Change, ...]
    probability: Fraction | None


@dataclass(slots=True)
class _Reading:
    """Scenarios as they are read, and all that is wrong with them."""

    source: str
    faults: list[Fault] = field(default_factory=list)
    named: dict[str, Change] = field(default_factory=dict)

    def fault(self, where: str, rule: str, remedy: str, value: object = "") -> None:
        self.faults.append(
            Fault(source=self.source, column=where, rule=rule, remedy=remedy, value=str(value))
        )

    def finish(self) -> None:
        if self.faults:
            raise InstanceError(self.faults)

    def scenarios(self, content: Mapping[str, Any]) -> tuple[Scenario, ...]:
        self._known(content, ("scenario", "change", "factor", "title"), "the file")
        blocks = content.get("change", {})
        if isinstance(blocks, dict):
            for name, block in blocks.items():
                change = self._change(block, f"change.{name}")
                if change is not None:
                    self.named[name] = change
        else:
            self.fault("change", "named changes are tables", "Write [change.NAME].")
        found = [
            self._scenario(block, f"scenario {number}")
            for number, block in enumerate(self._list(content, "scenario"), start=1)
        ]
        found += self._combined(content)
        if not found and not self.faults:
            self.fault("scenario", "there is no scenario", "Add a [[scenario]] or a [[factor]].")
        self.check(found)
        return tuple(found)

    def check(self, scenarios: Sequence[Scenario]) -> None:
        seen: set[str] = set()
        for scenario in scenarios:
            if not _NAME.fullmatch(scenario.name):
                self.fault("name", "a name has letters, digits, - _ . + and is not empty",
                           "Choose another name.", scenario.name)  # fmt: skip
            elif scenario.name.casefold() in seen:
                self.fault("name", "two scenarios have this name", "Rename one.", scenario.name)
            seen.add(scenario.name.casefold())
            if scenario.name.casefold() == AS_IS and scenario.changes:
                self.fault("name", f"{AS_IS} is the instance as it stands, so it has no changes",
                           "Rename the scenario, or drop its changes.", scenario.name)  # fmt: skip
        given = [s for s in scenarios if s.probability is not None]
        if given and len(given) < len(scenarios):
            without = next(s.name for s in scenarios if s.probability is None)
            self.fault("probability", "some scenarios have a probability, others have none",
                       "Give one to every scenario, or to none.", without)  # fmt: skip
        total = sum((s.probability or Fraction(0) for s in given), Fraction(0))
        if given and len(given) == len(scenarios) and total != 1:
            self.fault("probability", "the probabilities do not add up to 1",
                       "Change them so that they do.", f"{float(total):.12g}")  # fmt: skip

    def _known(self, block: Mapping[str, Any], names: Iterable[str], where: str) -> None:
        names = list(names)
        for name in block:
            if name not in names:
                self.fault(where, "this means nothing here", did_you_mean(name, names)
                           or f"What may stand here: {', '.join(names)}.", name)  # fmt: skip

    def _list(self, block: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        value = block.get(name, [])
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            return value
        self.fault(name, f"{name} is a list of tables", f"Write [[{name}]] above each of them.")
        return []

    def _scenario(self, block: Mapping[str, Any], where: str) -> Scenario:
        self._known(block, ("name", "title", "probability", "use", "change"), where)
        name = str(block.get("name", ""))
        where = f"{where} ({name})" if name else where
        return Scenario(
            name=name,
            title=str(block.get("title", "")),
            changes=self._changes(block, where),
            probability=self._probability(block, where),
        )

    def _changes(self, block: Mapping[str, Any], where: str) -> tuple[Change, ...]:
        found = []
        used = block.get("use", [])
        if not isinstance(used, str | list):
            self.fault(where, "use names changes", 'Write use = ["NAME"].', used)
            used = []
        for name in [used] if isinstance(used, str) else used:
            if isinstance(name, str) and name in self.named:
                found.append(self.named[name])
            else:
                self.fault(where, "there is no change of this name",
                           did_you_mean(str(name), self.named) or f"Write [change.{name}].",
                           name)  # fmt: skip
        for number, each in enumerate(self._list(block, "change"), start=1):
            change = self._change(each, f"{where}, change {number}")
            if change is not None:
                found.append(change)
        return tuple(found)

    def _change(self, block: Any, where: str) -> Change | None:
        if not isinstance(block, dict):
            self.fault(where, "a change is a table", "Write table, where, set, multiply, add.")
            return None
        self._known(block, ("table", "where", *VERBS), where)
        verbs = {verb: self._cells(block.get(verb, {}), f"{where}, {verb}") for verb in VERBS}
        if not any(verbs.values()):
            self.fault(where, "this changes nothing", "Add set, multiply or add.")
        filters: dict[str, tuple[str, ...]] = {}
        conditions = block.get("where", {})
        if not isinstance(conditions, dict):
            self.fault(f"{where}, where", "conditions are a table",
                       'Write where = { column = "value" }.')  # fmt: skip
            conditions = {}
        for column, value in self._spread(conditions):  # provider.mode without quotes nests
            values = value if isinstance(value, list) else [value]
            filters[column] = tuple(self._text(each, f"{where}, where {column}") for each in values)
        return Change(table=str(block.get("table", "")), where=filters, **verbs)

    def _cells(self, block: Any, where: str) -> dict[str, str]:
        if not isinstance(block, dict):
            self.fault(where, "columns and values are a table", "Write { column = value }.")
            return {}
        return {name: self._text(value, where) for name, value in self._spread(block)}

    def _text(self, value: Any, where: str) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        text = _plain(value)
        if text is not None:
            return text
        self.fault(where, "a value is a text or a number", "Write one of these.", value)
        return ""

    def _probability(self, block: Mapping[str, Any], where: str) -> Fraction | None:
        value = block.get("probability")
        return None if value is None else self._share(value, where)

    def _share(self, value: Any, where: str) -> Fraction | None:
        text = None if isinstance(value, bool) else _plain(value)
        number = None if text is None else exact_number(text)
        if number is None or not 0 <= number <= 1:
            self.fault(f"{where}, probability", "a probability is a number from 0 to 1",
                       "Write 0.25, or \"1/3\".", value)  # fmt: skip
            return None
        return number

    def _combined(self, content: Mapping[str, Any]) -> list[Scenario]:
        """Every combination of one level of each factor."""
        factors = [
            self._levels(block, f"factor {number}")
            for number, block in enumerate(self._list(content, "factor"), start=1)
        ]
        if not factors or not all(factors):
            return []
        if any(level.probability is not None for levels in factors for level in levels):
            for levels in factors:
                for level in levels:  # where a factor says nothing, its levels are equally likely
                    if level.probability is None:
                        level.probability = Fraction(1, len(levels))
        count = 1
        for levels in factors:
            count *= len(levels)
        if count > MOST:
            self.fault("factor", f"the factors make {count:,} scenarios, more than {MOST:,}",
                       "Take fewer levels.")  # fmt: skip
            return []
        found = []
        for chosen in itertools.product(*factors):
            probability: Fraction | None = None
            if chosen[0].probability is not None:
                probability = Fraction(1)
                for level in chosen:
                    probability *= level.probability or 0
            found.append(
                Scenario(
                    name="+".join(level.name for level in chosen),
                    title=", ".join(level.title for level in chosen if level.title),
                    changes=tuple(c for level in chosen for c in level.changes),
                    probability=probability,
                )
            )
        return found

    def _levels(self, block: Mapping[str, Any], where: str) -> list[_Level]:
        self._known(
            block, ("name", "title", "level", "table", "where", "probability", *VERBS), where
        )
        name = str(block.get("name", ""))
        where = f"{where} ({name})" if name else where
        levels = []
        for number, each in enumerate(self._list(block, "level"), start=1):
            self._known(each, ("name", "title", "probability", "use", "change"), where)
            levels.append(
                _Level(
                    name=str(each.get("name", number)),
                    title=str(each.get("title", "")),
                    changes=self._changes(each, f"{where}, level {number}"),
                    probability=self._probability(each, f"{where}, level {number}"),
                )
            )
        levels += self._range(block, name, where)
        if not levels:
            self.fault(where, "this factor has no levels",
                       "Add a [[factor.level]], or a range such as multiply = { column = [1, 2] }.",
                       )  # fmt: skip
        self._shares(levels, where)
        return levels

    def _shares(self, levels: Sequence[_Level], where: str) -> None:
        """Look at the probabilities of a factor's levels: all of them or none, and 1 together."""
        given = [level.probability for level in levels if level.probability is not None]
        if given and len(given) < len(levels):
            without = next(level.name for level in levels if level.probability is None)
            self.fault(f"{where}, probability", "some levels have a probability, others have none",
                       "Give one to every level, or to none.", without)  # fmt: skip
        elif given and sum(given) != 1:
            self.fault(f"{where}, probability", "the levels' probabilities do not add up to 1",
                       "Change them so that they do.", f"{float(sum(given)):.12g}")  # fmt: skip

    def _range(self, block: Mapping[str, Any], name: str, where: str) -> list[_Level]:
        """Levels that differ in one number: multiply = { column = [0.5, 1, 2] }."""
        levels: list[_Level] = []
        for verb in VERBS:
            for column, values in self._spread(block.get(verb, {})):
                if not isinstance(values, list):
                    self.fault(f"{where}, {verb}", "a range is a list of numbers",
                               f"Write {verb} = {{ {column} = [0.5, 1, 2] }}.", values)  # fmt: skip
                    continue
                for value in values:
                    text = self._text(value, where)
                    one = {k: block[k] for k in ("table", "where") if k in block}
                    change = self._change({**one, verb: {column: value}}, where)
                    sign = {"set": "", "multiply": "x", "add": "+"}[verb]
                    if change is not None:
                        levels.append(
                            _Level(
                                name=f"{name or column}-{sign}{text}".replace(" ", "-"),
                                title=f"{column} {verb} {text}",
                                changes=(change,),
                                probability=None,
                            )
                        )
        shares = block.get("probability")
        if shares is None:
            return levels
        if not isinstance(shares, list) or len(shares) != len(levels):
            self.fault(f"{where}, probability",
                       "a range has as many probabilities as it has numbers",
                       "Write probability = [0.25, 0.5, 0.25].", shares)  # fmt: skip
            return levels
        for level, share in zip(levels, shares, strict=True):
            level.probability = self._share(share, f"{where}, probability")
        return levels

    @staticmethod
    def _spread(block: Any) -> list[tuple[str, Any]]:
        """List names and values; oversight.hour_cost without quotes is a table within a table."""
        if not isinstance(block, dict):
            return []
        flat: list[tuple[str, Any]] = []
        for name, value in block.items():
            if isinstance(value, dict):
                flat += [(f"{name}.{k}", v) for k, v in value.items()]
            else:
                flat.append((name, value))
        return flat


def _plain(value: Any) -> str | None:
    """Write a text or a number as it would stand in a table; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    if isinstance(value, Decimal):
        # A number such as 1e999999999 would be written for ever.
        return format(value, "f") if abs(value.adjusted()) <= _LONGEST else str(value)
    return str(value)
