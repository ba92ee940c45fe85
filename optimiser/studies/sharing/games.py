"""The game of groups that could leave: what each group of organisations would pay by itself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.errors import SolverError
from optimiser.model.build import instance_from
from optimiser.model.plan import Plan
from optimiser.model.schema import TABLES
from optimiser.model.settings import settings_texts
from optimiser.studies.interval import Interval, optimum
from optimiser.studies.pool import How, Work, solve_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result
    from optimiser.studies.pool import Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a group would pay by itself.

    Parameters
    ----------
    cost
        Between which limits, in last places of money; both None where it cannot be served alone.
    impossible
        Whether it was shown that no plan serves the group alone.
    """

    cost: Interval
    impossible: bool = False


class Game:
    """Groups of organisations and what each would pay by itself.

    A group that leaves takes its own demand, options, contracts and links with it, and may use
    every provider, alone. It is bound by the rules of its own pairs, of providers and of
    authorities, but not by what was decided for the whole: policies, required openings, and the
    closing of providers that were there before. Money counts with weight 1.

    Groups are numbers whose bit i stands for ``players[i]``.

    Parameters
    ----------
    instance
        The whole.
    total
        Cost of the plan that all of them share, in last places of money: the value of the group of
        all.
    how
        How groups are solved.
    progress
        Told how far that is.
    """

    def __init__(
        self, instance: Instance, total: int, how: How, progress: Tell | None = None
    ) -> None:
        self.instance, self.total = instance, total
        self.how = dataclasses.replace(how, keep=None)
        self.progress = progress
        #: Rows of organisations that need a service.
        self.rows: NDArray[np.int64] = np.unique(instance["demand"]["organisation"])
        self.players: tuple[str, ...] = tuple(
            str(key) for key in instance["organisations"].keys[self.rows]
        )
        self.values: dict[int, Value] = {}
        self.solves = 0
        self.interrupted = False

    @property
    def everyone(self) -> int:
        """The group of all."""
        return (1 << len(self.players)) - 1

    def members(self, group: int) -> tuple[str, ...]:
        """Return the keys of a group's organisations."""
        return tuple(key for at, key in enumerate(self.players) if group >> at & 1)

    @cached_property
    def base(self) -> Instance:
        """The whole without what does not bind a group that leaves."""
        instance = self.instance
        tables: dict[str, dict[str, Any]] = {
            name: {c.name: instance.texts(name, c.name).copy() for c in schema.columns}
            for name, schema in TABLES.items()
            if name != "policies" and (len(instance[name]) or schema.required)
        }
        providers = tables["providers"]
        providers["decision"][providers["decision"] == "required"] = ""
        providers["closing_cost"][:] = ""
        settings: dict[str, object] = dict(settings_texts(instance))
        for name in list(settings):
            if name.startswith("objective."):
                del settings[name]
        return instance_from(tables, settings)

    @cached_property
    def _texts(self) -> dict[str, dict[str, Any]]:
        base = self.base
        return {
            name: {c.name: base.texts(name, c.name) for c in schema.columns}
            for name, schema in TABLES.items()
            if len(base[name]) or schema.required
        }

    def instance_of(self, group: int) -> Instance:
        """Return what a group would have to solve by itself."""
        inside = set(self.members(group))
        tables = {}
        for name, columns in self._texts.items():
            if "organisation" not in columns:
                tables[name] = columns
                continue
            own = columns["organisation"]
            # A link without an organisation is one for all.
            keep = np.array([key in inside or key == "" for key in own.tolist()], dtype=bool)
            tables[name] = {column: cells[keep] for column, cells in columns.items()}
        settings: dict[str, object] = dict(settings_texts(self.base))
        if not self.base.settings.generate and not len(tables["options"]["organisation"]):
            tables["options"] = self._no_option(tables["demand"])
        return instance_from(tables, settings)

    @staticmethod
    def _no_option(demand: dict[str, Any]) -> dict[str, Any]:
        """Return a table of options that says nothing, but says that nothing is generated."""
        barred = "barred" if demand["in_house_cost"][0] == "" else ""
        texts = {"organisation": demand["organisation"][0], "service": demand["service"][0],
                 "provider": "in-house", "decision": barred}  # fmt: skip
        return {
            column.name: np.array([texts.get(column.name, "")], dtype=object)
            for column in TABLES["options"].columns
        }

    # Values

    def evaluate(self, groups: Iterable[int]) -> None:
        """Solve the groups that are not known yet; stops early, and says so, at an interrupt.

        Raises
        ------
        SolverError
            A group's solve failed.
        """
        left = [g for g in dict.fromkeys(groups) if g not in self.values and 0 < g < self.everyone]
        if not left or self.interrupted:
            return
        tasks = [
            Work(name=f"{group.bit_count()} together ({group:x})", instance=self.instance_of(group))
            for group in left
        ]
        batch = solve_all(tasks, self.how, self.progress)
        self.interrupted |= batch.interrupted
        self.solves += len(batch.results)
        for group, task in zip(left, tasks, strict=True):
            result = batch.results.get(task.name)
            if result is not None and not result.interrupted:
                self.values[group] = _value(result)

    def offer(self, group: int, cost: int) -> None:
        """Note a plan that serves a group alone at this cost."""
        known = self.values.get(group)
        low = known.cost.low if known is not None else None
        high = known.cost.high if known is not None else None
        if high is None or cost < high:
            self.values[group] = Value(cost=Interval(low=low, high=Fraction(cost)))

    @property
    def complete(self) -> bool:
        """Whether every group but all is known."""
        return len(self.values) == self.everyone - 1

    # Plans

    def part(self, plan: Plan, group: int) -> Plan:
        """Return what a plan of the whole does for a group, as a plan of `instance_of` it."""
        demand = self.instance["demand"]
        inside = np.isin(demand["organisation"], self.rows[_places(group, len(self.rows))])
        place = np.cumsum(inside) - 1
        keep = inside[plan.pair]
        return Plan.from_arrays(
            place[plan.pair[keep]], plan.deliverer[keep], plan.volume[keep]
        )


def _places(group: int, size: int) -> list[int]:
    return [at for at in range(size) if group >> at & 1]


def groups_of(size: int) -> Sequence[int]:
    """Return all groups of a number of players but none and all, smallest first."""
    return sorted(range(1, (1 << size) - 1), key=lambda group: (group.bit_count(), group))


def _value(result: Result) -> Value:
    if result.status == "error":
        raise SolverError("; ".join(result.reasons) or "a group could not be solved")
    if result.status == "infeasible":
        return Value(cost=Interval(low=None, high=None), impossible=True)
    return Value(cost=optimum(result))
