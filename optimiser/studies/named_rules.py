"""The rules of an instance by name: each a cell or a row of a table, and how it is relaxed.

All of them are lifted from the instance, and each becomes rows Σ coefficient · atom ≤ upper over
the atoms of the lifted problem, so that a solver can be asked which of them cannot hold together.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.model.build import instance_from
from optimiser.model.compile import compile_problem
from optimiser.model.instance import BLANK, IN_HOUSE_CODE, decimal_text
from optimiser.model.problem import LinearRow, Term
from optimiser.model.schema import TABLES
from optimiser.model.settings import settings_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from optimiser.model.instance import Instance
    from optimiser.model.problem import Problem

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Σ factor · coefficient · atom, over atoms of one kind."""

    kind: str
    index: Ints
    coefficient: Ints
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleRow:
    """Σ parts ≤ upper + slope × (how far the cell is moved, in last places)."""

    parts: tuple[Part, ...]
    upper: Fraction
    slope: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One rule that can be named, and relaxed.

    Parameters
    ----------
    name
        ``table.column[key]``, as ``--weight`` and ``--never`` take it.
    table, key, column
        Where it stands; `table` is '' for a setting.
    words
        What it says.
    value
        Value of the cell in last places; None for what can only be lifted.
    sign
        +1 if the cell is raised to relax it, −1 if it is lowered.
    least
        Least value that makes sense, in last places.
    decimals
        Of the cell.
    rows
        What it asks of a plan.
    """

    name: str
    table: str
    key: tuple[str, ...]
    column: str
    words: str
    rows: tuple[RuleRow, ...]
    value: int | None = None
    sign: int = 1
    decimals: int = 0

    @property
    def kind(self) -> str:
        """``table.column``."""
        return self.name.partition("[")[0]

    @property
    def numeric(self) -> bool:
        """Whether a number is moved, and not the whole rule lifted."""
        return self.value is not None

    @property
    def base(self) -> Fraction:
        """What a change is relative to, in last places: the value, or one unit if that is 0."""
        return Fraction(max(abs(self.value or 0), 10**self.decimals))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lifted:
    """An instance without the rules that can be named.

    Parameters
    ----------
    instance
        As it is.
    problem
        Compiled without these rules.
    rules
        All of them.
    """

    instance: Instance
    problem: Problem
    rules: tuple[Rule, ...]


#: Columns that are blanked to lift their rules.
_BLANKED: Final = {
    "offers": ("capacity", "min_volume"),
    "providers": ("capacity", "min_members", "max_members", "max_distance_km"),
    "authorities": ("max_officers", "max_contracts"),
}


def lift(instance: Instance) -> Lifted:
    """Return an instance without its rules, and the rules by name."""
    return _Lifting(instance).run()


@dataclass(slots=True)
class _Lifting:
    instance: Instance
    rules: list[Rule] = field(default_factory=list)

    def run(self) -> Lifted:
        problem = compile_problem(self._without(policies=True))
        given = problem.rows
        problem = dataclasses.replace(problem, rows=(_counting(problem),))
        making = _Making(self.instance, problem)
        rules = [
            *making.offers(),
            *making.providers(),
            *making.authorities(),
            *making.links(),
            *making.decisions(),
            *making.in_house(),
            *making.reach(),
            *making.policies(given, self._slopes()),
        ]
        return Lifted(instance=self.instance, problem=problem, rules=tuple(rules))

    def _slopes(self) -> tuple[LinearRow, ...]:
        """Rows of the policies with every limit moved: what a limit's last place is worth."""
        if not len(self.instance["policies"]):
            return ()
        return compile_problem(self._without(policies=True, moved=True)).rows

    def _without(self, *, policies: bool, moved: bool = False) -> Instance:
        instance = self.instance
        tables: dict[str, dict[str, Any]] = {
            name: {c.name: instance.texts(name, c.name).copy() for c in schema.columns}
            for name, schema in TABLES.items()
            if len(instance[name]) and name not in ("links", "tariffs")
        }
        for table, columns in _BLANKED.items():
            for column in columns:
                if table in tables:
                    tables[table][column][:] = ""
        decided = tables["providers"]["decision"]
        decided[decided == "barred"] = ""
        if "options" in tables:
            tables["options"]["decision"][:] = ""
        cost = tables["demand"]["in_house_cost"]
        blank = cost == ""
        cost[blank] = "0"
        baseline = tables["demand"]["baseline_cost"]
        baseline[blank & (baseline == "")] = "0"
        offers = tables["offers"]
        nothing = np.full(len(offers["provider"]), "0", dtype=object)
        tables["tariffs"] = {
            "provider": offers["provider"],
            "service": offers["service"],
            "band": np.full(len(nothing), "any", dtype=object),
            "fixed_cost": nothing,
            "unit_cost": nothing,
        }
        if not policies:
            tables.pop("policies", None)
        elif moved and "policies" in tables:
            for column in ("minimum", "maximum"):
                cells = tables["policies"][column]
                tables["policies"][column] = np.array(
                    [c if c == "" else str(_shifted(c)) for c in cells.tolist()], dtype=object
                )
        settings = {
            name: text
            for name, text in settings_texts(instance).items()
            if name not in ("oversight.max_officers", "oversight.max_contracts")
            and not name.startswith("objective.")
        }
        if len(instance["options"]) and not instance.settings.generate:
            settings["options.generate"] = "false"
        return instance_from(tables, settings)


def _counting(problem: Problem) -> LinearRow:
    """Return a row that always holds, and has formulations keep exact what it counts.

    Contracts, providers and offers are then 1 only where something flows, as rules count them.
    """
    terms = tuple(
        Term(kind=kind, index=np.arange(size), coefficient=np.ones(size, dtype=np.int64))
        for kind in ("contract", "provider", "offer")
        if (size := problem.size(kind))
    )
    upper = sum(problem.size(kind) for kind in ("contract", "provider", "offer"))
    return LinearRow(name="counted", terms=terms, upper=Fraction(upper))


def _shifted(text: str) -> str:
    """Move a limit by a thousandth, towards the middle where it is a share."""
    value = Fraction(text)
    return str(float(value - _MOVE if value >= _MOVE else value + _MOVE))


#: By how much limits of policies are moved to see what they are worth.
_MOVE: Final = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class _Making:
    """Makes the rules of an instance over the atoms of the lifted problem."""

    instance: Instance
    problem: Problem

    def _key(self, table: str, row: int) -> str:
        return str(self.instance[table].keys[row])

    def _cell(
        self, table: str, row: int, column: str, words: str, rows: Sequence[RuleRow], sign: int
    ) -> Rule:
        schema = TABLES[table]
        key = tuple(str(self.instance.texts(table, name)[row]) for name in schema.key)
        decimals = self.instance.settings.decimals(schema.column(column).kind)
        return Rule(
            name=f"{table}.{column}[{'/'.join(key)}]",
            table=table,
            key=key,
            column=column,
            words=words,
            rows=tuple(rows),
            value=int(self.instance[table][column][row]),
            sign=sign,
            decimals=decimals,
        )

    def offers(self) -> Iterator[Rule]:
        """Capacities and least volumes of offers, and how far their tariffs reach."""
        problem, offers, tariffs = self.problem, self.instance["offers"], self.instance["tariffs"]
        own = tariffs["provider"] * len(self.instance["services"]) + tariffs["service"]
        for at, row in enumerate(problem.offer_row.tolist()):
            options = np.flatnonzero(problem.option_offer == at)
            flow = Part(kind="part", index=options, coefficient=problem.option_volume[options])
            used = np.array([at], dtype=np.int64)
            capacity, least = int(offers["capacity"][row]), int(offers["min_volume"][row])
            provider, service = int(offers["provider"][row]), int(offers["service"][row])
            name = f"{self._key('providers', provider)} for {self._key('services', service)}"
            if capacity != BLANK:
                yield self._cell("offers", row, "capacity", f"the capacity of {name}",
                                 [RuleRow(parts=(flow,), upper=Fraction(capacity),
                                          slope=Fraction(1))], 1)  # fmt: skip
            if least != BLANK and least > 0:
                yield self._cell("offers", row, "min_volume", f"the least volume of {name}",
                                 [_least(flow, "offer", used, least)], -1)  # fmt: skip
            code = offers["provider"][row] * len(self.instance["services"]) + offers["service"][row]
            bands = np.flatnonzero(own == code)
            ends = tariffs["to_volume"][bands]
            if len(bands) and not (ends == BLANK).any():
                last = int(bands[np.argmax(ends)])
                yield self._cell("tariffs", last, "to_volume", f"the end of the tariff of {name}",
                                 [RuleRow(parts=(flow,), upper=Fraction(int(ends.max())),
                                          slope=Fraction(1))], 1)  # fmt: skip
            starts = tariffs["from_volume"][bands]
            if len(bands) and starts.min() > 0:
                first = int(bands[np.argmin(starts)])
                yield self._cell("tariffs", first, "from_volume",
                                 f"the start of the tariff of {name}",
                                 [_least(flow, "offer", used, int(starts.min()))], -1)  # fmt: skip

    def providers(self) -> Iterator[Rule]:
        """Capacities, members and barred providers."""
        problem, providers = self.problem, self.instance["providers"]
        weight = problem.service_weight[problem.pair_service[problem.option_pair]]
        for at, row in enumerate(problem.provider_row.tolist()):
            key = self._key("providers", row)
            options = np.flatnonzero(problem.option_provider == at)
            contracts = np.flatnonzero(problem.contract_provider == at)
            members = Part(kind="contract", index=contracts, coefficient=np.ones_like(contracts))
            used = np.array([at], dtype=np.int64)
            if providers["capacity"][row] != BLANK:
                load = Part(kind="part", index=options,
                            coefficient=(weight * problem.option_volume)[options])  # fmt: skip
                upper = Fraction(int(providers["capacity"][row]) * 1000)
                yield self._cell("providers", row, "capacity", f"the capacity of {key}",
                                 [RuleRow(parts=(load,), upper=upper, slope=Fraction(1000))],
                                 1)  # fmt: skip
            if providers["max_members"][row] != BLANK:
                upper = Fraction(int(providers["max_members"][row]))
                yield self._cell("providers", row, "max_members", f"the most members of {key}",
                                 [RuleRow(parts=(members,), upper=upper, slope=Fraction(1))],
                                 1)  # fmt: skip
            least = int(providers["min_members"][row])
            if least > 1:
                yield self._cell("providers", row, "min_members", f"the least members of {key}",
                                 [_least(members, "provider", used, least)], -1)  # fmt: skip
            if providers["decision"][row] == "barred":
                use = Part(kind="part", index=options, coefficient=np.ones_like(options))
                yield Rule(name=f"providers.decision[{key}]", table="providers", key=(key,),
                           column="decision", words=f"{key} is barred",
                           rows=(RuleRow(parts=(use,), upper=Fraction(0)),))  # fmt: skip

    def authorities(self) -> Iterator[Rule]:
        """Most officers and most contracts; defaults for who answers for itself are one rule."""
        problem, table = self.problem, self.instance["authorities"]
        named = len(table)
        officers: dict[str, list[tuple[int, RuleRow]]] = {}
        of = np.zeros(problem.size("contract"), dtype=np.int64)
        organisation_authority: dict[int, int] = {}
        for organisation, authority in zip(
            problem.pair_organisation.tolist(), problem.pair_authority.tolist(), strict=True
        ):
            organisation_authority[organisation] = authority
        for at, organisation in enumerate(problem.contract_organisation.tolist()):
            of[at] = organisation_authority[organisation]
        for a in range(len(problem.authority_officer_hours)):
            for column, row in (("max_officers", self._officers(a, of)),
                                ("max_contracts", self._contracts(a, of))):  # fmt: skip
                if a < named:
                    limit = int(table[column][a])
                    if limit == BLANK or row is None:
                        continue
                    key = self._key("authorities", a)
                    what = column.replace("max_", "most ")
                    yield self._cell("authorities", a, column, f"the {what} of {key}",
                                     [_with_limit(row, limit)], 1)  # fmt: skip
                else:
                    limit = self.instance.settings.oversight.get(column, BLANK)
                    if limit != BLANK and row is not None:
                        officers.setdefault(column, []).append((limit, _with_limit(row, limit)))
        for column, rows in officers.items():
            what = column.replace("max_", "most ")
            yield Rule(name=f"oversight.{column}", table="", key=(), column=f"oversight.{column}",
                       words=f"the {what} of whoever answers for itself",
                       rows=tuple(row for _, row in rows), value=rows[0][0], sign=1)  # fmt: skip

    def _officers(self, a: int, of: Ints) -> RuleRow | None:
        problem = self.problem
        per = int(problem.authority_officer_hours[a])
        if not per:
            return None
        hours, parts = problem.hours, []
        option_authority = problem.pair_authority[problem.option_pair]
        for kind, mask in (
            ("part", option_authority == a),
            ("use", option_authority == a),
            ("home", (problem.pair_authority == a) & problem.home),
            ("contract", of == a),
        ):
            index = np.flatnonzero(mask)
            values = hours.get(kind, problem.size(kind))[index]
            if np.any(values):
                if values.dtype != np.int64:  # split sourcing
                    values = np.rint(values).astype(np.int64)
                parts.append(Part(kind=kind, index=index, coefficient=values))
        return RuleRow(parts=tuple(parts), upper=Fraction(0), slope=Fraction(per))

    def _contracts(self, a: int, of: Ints) -> RuleRow | None:
        index = np.flatnonzero(of == a)
        if not len(index):
            return None
        part = Part(kind="contract", index=index, coefficient=np.ones_like(index))
        return RuleRow(parts=(part,), upper=Fraction(0), slope=Fraction(1))

    def links(self) -> Iterator[Rule]:
        """Services that must be together, or apart."""
        links, problem = self.instance["links"], self.problem
        demand = self.instance["demand"]
        pairs = {
            (o, s): q
            for q, (o, s) in enumerate(
                zip(demand["organisation"].tolist(), demand["service"].tolist(), strict=True)
            )
        }
        for row in range(len(links)):
            rule = str(links["rule"][row])
            if rule not in ("together", "apart"):
                continue
            a, b = int(links["service_a"][row]), int(links["service_b"][row])
            only = int(links["organisation"][row])
            rows: list[RuleRow] = []
            for (organisation, service), q in pairs.items():
                other = pairs.get((organisation, b))
                if service != a or other is None or (only >= 0 and organisation != only):
                    continue
                rows += self._linked(q, other, rule, problem)
            names = [self._key("services", s) for s in (a, b)]
            whose = f" for {self._key('organisations', only)}" if only >= 0 else ""
            key = (*names, rule, self._key("organisations", only) if only >= 0 else "")
            label = "/".join(part for part in key if part and part != rule)
            yield Rule(name=f"links.{rule}[{label}]",
                       table="links", key=key, column="rule",
                       words=f"{names[0]} and {names[1]} are {rule}{whose}",
                       rows=tuple(rows))  # fmt: skip

    def _linked(self, one: int, other: int, rule: str, problem: Problem) -> Iterator[RuleRow]:
        own = {int(problem.option_provider[k]): k for k in _options_of(problem, one)}
        theirs = {int(problem.option_provider[k]): k for k in _options_of(problem, other)}
        plus = np.ones(1, dtype=np.int64)
        for provider in sorted({*own, *theirs}):
            k, j = own.get(provider), theirs.get(provider)
            parts = [Part(kind="part", index=plus * x, coefficient=plus)
                     for x in (k, j) if x is not None]  # fmt: skip
            if rule == "apart":
                if len(parts) == 2:
                    yield RuleRow(parts=tuple(parts), upper=Fraction(1))
                continue
            if len(parts) == 1:
                yield RuleRow(parts=tuple(parts), upper=Fraction(0))
                continue
            for first, second in ((0, 1), (1, 0)):
                minus = dataclasses.replace(parts[second], coefficient=-plus)
                yield RuleRow(parts=(parts[first], minus), upper=Fraction(0))
        # In-house together follows for single sourcing: each pair is served once.

    def decisions(self) -> Iterator[Rule]:
        """Options that are required or barred."""
        table, problem = self.instance["options"], self.problem
        if not len(table):
            return
        pair = self.instance["demand"].find(table["organisation"], table["service"])
        for row in np.flatnonzero((table["decision"] != "") & (pair >= 0)).tolist():
            decision, by = str(table["decision"][row]), int(table["provider"][row])
            q = np.array([pair[row]], dtype=np.int64)
            one = np.ones(1, dtype=np.int64)
            if by == IN_HOUSE_CODE:
                part = Part(kind="home", index=q, coefficient=one)
            else:
                option = problem.option_of(q, np.array([by], dtype=np.int64))
                if option[0] < 0:
                    continue
                part = Part(kind="part", index=option, coefficient=one)
            sign = 1 if decision == "barred" else -1
            ask = dataclasses.replace(part, coefficient=sign * one)
            key = tuple(str(self.instance.texts("options", name)[row])
                        for name in TABLES["options"].key)  # fmt: skip
            yield Rule(name=f"options.decision[{'/'.join(key)}]", table="options", key=key,
                       column="decision", words=f"{key[2]} is {decision} for {key[1]} of {key[0]}",
                       rows=(RuleRow(parts=(ask,), upper=Fraction(min(sign, 0))),))  # fmt: skip

    def in_house(self) -> Iterator[Rule]:
        """Pairs that have no in-house cost, and so cannot be in-house."""
        demand, problem = self.instance["demand"], self.problem
        one = np.ones(1, dtype=np.int64)
        for q in np.flatnonzero(demand["in_house_cost"] == BLANK).tolist():
            key = (self._key("organisations", int(demand["organisation"][q])),
                   self._key("services", int(demand["service"][q])))  # fmt: skip
            if not problem.home[q]:
                continue
            part = Part(kind="home", index=one * q, coefficient=one)
            yield Rule(name=f"demand.in_house_cost[{'/'.join(key)}]", table="demand", key=key,
                       column="in_house_cost",
                       words=f"{key[0]} cannot deliver {key[1]} itself (in_house_cost is blank)",
                       rows=(RuleRow(parts=(part,), upper=Fraction(0)),))  # fmt: skip

    def reach(self) -> Iterator[Rule]:
        """Options beyond a provider's reach."""
        limits = self.instance["providers"]["max_distance_km"]
        if not (limits != BLANK).any() or not self.instance.settings.generate:
            return
        from optimiser.model.distance import Distances

        problem = self.problem
        metres = Distances(self.instance)
        organisation = problem.pair_organisation[problem.option_pair]
        rows = problem.provider_row[problem.option_provider]
        limited = np.flatnonzero(limits[rows] != BLANK)
        far = metres.metres(organisation[limited], rows[limited])
        given = self._listed_options()
        for at, row in enumerate(problem.provider_row.tolist()):
            if limits[row] == BLANK:
                continue
            own = limited[problem.option_provider[limited] == at]
            away = far[problem.option_provider[limited] == at]
            beyond = [
                (int(k), int(m))
                for k, m in zip(own.tolist(), away.tolist(), strict=True)
                if m > limits[row] and (int(problem.option_pair[k]), row) not in given
            ]
            if not beyond:
                continue
            one = np.ones(1, dtype=np.int64)
            key = self._key("providers", row)
            yield self._cell(
                "providers", row, "max_distance_km", f"the reach of {key}",
                [RuleRow(parts=(Part(kind="part", index=one * k, coefficient=one * m),),
                         upper=Fraction(int(limits[row])), slope=Fraction(1))
                 for k, m in beyond], 1)  # fmt: skip

    def _listed_options(self) -> set[tuple[int, int]]:
        """Pairs and providers that are options at any distance."""
        table, demand = self.instance["options"], self.instance["demand"]
        found = {(q, int(p)) for q, p in enumerate(demand["incumbent"].tolist()) if p >= 0}
        if len(table):
            pair = demand.find(table["organisation"], table["service"])
            found |= set(zip(pair.tolist(), table["provider"].tolist(), strict=True))
        return found

    def policies(
        self, rows: Sequence[LinearRow], moved: Sequence[LinearRow]
    ) -> Iterator[Rule]:
        """Least and most of each policy, over all its groups."""
        table = self.instance["policies"]
        for number in range(len(table)):
            key = str(table.keys[number])
            mine = [
                (row, other)
                for row, other in zip(rows, moved, strict=True)
                if row.name == f"policy {key}" or row.name.startswith(f"policy {key}, ")
            ]
            for column, sign in (("minimum", -1), ("maximum", 1)):
                limit = int(table[column][number])
                if limit == BLANK:
                    continue
                found = [made for row, other in mine
                         if (made := _policy_row(row, other, sign, limit)) is not None]  # fmt: skip
                if not found:
                    continue
                rule = self._cell("policies", number, column, f"the {column} of policy {key}",
                                  found, sign)  # fmt: skip
                if any(not row.slope for row in found):  # its limit stands in the rows: lift it
                    rule = dataclasses.replace(rule, value=None)
                yield rule


def _policy_row(row: LinearRow, moved: LinearRow, sign: int, limit: int) -> RuleRow | None:
    bound = row.upper if sign > 0 else row.lower
    if bound is None:
        return None
    other = moved.upper if sign > 0 else moved.lower
    parts = tuple(
        Part(kind=t.kind, index=t.index, coefficient=t.coefficient, factor=t.factor * sign)
        for t in row.terms
    )
    unit = Fraction(1, 10**6)
    step = (-1 if Fraction(limit) * unit >= _MOVE else 1) * _MOVE
    slope = Fraction(0) if other is None else (other - bound) / step * unit
    return RuleRow(parts=parts, upper=bound * sign, slope=abs(slope))


def _least(flow: Part, kind: str, used: Ints, least: int) -> RuleRow:
    """Least · use − flow ≤ 0; lowering `least` by one allows one less."""
    minus = dataclasses.replace(flow, coefficient=-flow.coefficient)
    return RuleRow(
        parts=(Part(kind=kind, index=used, coefficient=np.array([least], dtype=np.int64)), minus),
        upper=Fraction(0),
        slope=Fraction(1),
    )


def _with_limit(row: RuleRow, limit: int) -> RuleRow:
    return dataclasses.replace(row, upper=row.slope * limit)


def _options_of(problem: Problem, pair: int) -> list[int]:
    low, high = np.searchsorted(problem.option_pair, [pair, pair + 1]).tolist()
    return list(range(low, high))


def cell_text(rule: Rule, value: int) -> str:
    """Write a value of a rule's cell."""
    return decimal_text(value, rule.decimals)
