"""Tiny random instances over every feature, small enough to try all their plans.

Limits (capacities, members, officers, policies …) are drawn around a *witness*: one plan that
keeps them, often exactly; so most instances are feasible and many limits bind. In *hostile*
instances some limits are drawn just beyond the witness, and some of these are infeasible.
"""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from brute import IN_HOUSE, PARTS, SHARES, World, decimal_text, half_away

from optimiser.model.rows import Quantity, SideRow

if TYPE_CHECKING:
    from brute import Plan, Tables

REQUIRED = {
    "organisations": ("organisation",),
    "services": ("service",),
    "demand": ("organisation", "service", "volume"),
    "providers": ("provider", "mode"),
    "offers": ("provider", "service"),
    "tariffs": ("provider", "service", "band"),
}
LIMITS = (100, 2000, 20000, 20000)


def random_instance(seed: int) -> tuple[Tables, dict[str, Any]]:
    """Tables and settings of instance number `seed`; always valid, mostly feasible."""
    return _Draw(seed).instance()


def columns(tables: Tables) -> dict[str, dict[str, list[str]]]:
    """Return tables of rows as tables of columns, as `instance_from` takes them."""
    result = {}
    for name, rows in tables.items():
        if rows or name in REQUIRED:
            names = dict.fromkeys([*REQUIRED.get(name, ()), *(key for row in rows for key in row)])
            result[name] = {each: [row.get(each, "") for row in rows] for each in names}
    return result


def random_plan(world: World, rng: random.Random) -> Plan:
    """Draw a plan of options, the same deliverer everywhere at times; () for pairs without any."""
    plan: list[Any] = []
    favourite = rng.choice([IN_HOUSE, *world.providers]) if rng.random() < 0.5 else ""
    for q in range(len(world.needs)):
        choices = world.choices(q, all_options=True)
        whole = [choice for choice in choices if len(choice) == 1]
        liked = [choice for choice in whole if choice[0][0] == favourite]
        if liked and rng.random() < 0.7:
            plan.append(liked[0])
        elif whole and rng.random() < 0.6:
            plan.append(rng.choice(whole))
        else:
            plan.append(rng.choice(choices) if choices else ())
    return tuple(plan)


def floor_text(value: Fraction, decimals: int) -> str:
    return decimal_text(Fraction(math.floor(value * 10**decimals), 10**decimals), decimals)


def ceil_text(value: Fraction, decimals: int) -> str:
    return decimal_text(Fraction(math.ceil(value * 10**decimals), 10**decimals), decimals)


class _Draw:
    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.split = rng.random() < 1 / 3
        self.hostile = rng.random() < 0.6
        self.money_decimals = rng.choice((0, 1, 2, 2))
        self.volume_decimals = rng.choice((0, 0, 1)) if self.split else rng.choice((0, 1, 2, 3, 3))
        self.money_scale = 10.0 ** rng.choice((-1, 0, 1, 2, 4, 6, 9))
        if self.money_decimals == 0:
            self.money_scale = max(self.money_scale, 1.0)
        self.volume_scale = 10.0 ** (
            -self.volume_decimals if self.split else rng.choice((0, 0, 1, 3, 5))
        )
        self.limit = rng.choice(LIMITS)
        self.tables: Tables = {}
        self.settings: dict[str, Any] = {}

    # Small helpers

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def near(self, typical: float) -> float:
        """Draw an amount around a typical one, often a round one."""
        value = typical * self.rng.choice((0.1, 0.25, 0.5, 0.5, 1, 1, 1.5, 2, 3))
        return value if self.chance(0.4) else value * self.rng.uniform(0.5, 1.5)

    def text(self, value: float, decimals: int) -> str:
        if self.chance(0.3):
            decimals = min(decimals, self.rng.randint(0, 3))
        whole = half_away(Fraction(value) * 10**decimals)
        return decimal_text(Fraction(whole, 10**decimals), decimals)

    def money(self, factor: float = 1.0) -> str:
        return self.text(self.near(self.money_scale * factor), self.money_decimals)

    def some(self, probability: float, text: str) -> str:
        return text if self.chance(probability) else ""

    def row(self, **cells: str) -> dict[str, str]:
        """Make a row; some blank cells are left out altogether."""
        return {name: cell for name, cell in cells.items() if cell or self.chance(0.5)}

    def breaks(self) -> bool:
        return self.hostile and self.chance(0.4)

    # Tables

    def instance(self) -> tuple[Tables, dict[str, Any]]:
        self._settings()
        self._people()
        self._offers()
        self._demand()
        self._places()
        self._oversight()
        self._options()
        self._contracts()
        self._links()
        self._mend()
        world, witness = self._witness()
        self._bands(world, witness)
        self._limits(world, witness)
        self._required(world, witness)
        if self.chance(0.55):
            self.tables["policies"] = []
            for number in range(self.rng.choice((1, 1, 2, 3))):
                self._policy(f"y{number}", witness)
        return {name: rows for name, rows in self.tables.items() if rows}, self.settings

    def _settings(self) -> None:
        rng, settings = self.rng, self.settings
        if self.split or self.chance(0.5):
            settings["sourcing"] = "split" if self.split else "single"
        settings["money_decimals"] = self.money_decimals
        settings["volume_decimals"] = self.volume_decimals
        if self.chance(0.7):
            settings["horizon"] = {
                "years": rng.choice((1, 3, 10, 25)),
                "discount_rate": rng.choice(("0", "0.035", "0.1")),
            }
        if self.chance(0.35):
            weights = {}
            for part in rng.sample(PARTS, rng.randint(1, 5)):
                weights[part] = rng.choice(("0", "0.5", "1.5", "2", "0.333"))
            settings["objective"] = weights

    def _people(self) -> None:
        rng = self.rng
        self.organisations = [f"o{n}" for n in range(rng.choice((2, 3, 4, 4)))]
        self.services = [f"s{n}" for n in range(rng.choice((1, 2, 3, 3)))]
        self.providers = [f"p{n}" for n in range(rng.choice((1, 2, 3, 4, 4)))]
        self.tables["organisations"] = [
            self.row(organisation=o, staff=self.some(0.8, str(rng.choice((0, 1, 7, 40.5, 300)))))
            for o in self.organisations
        ]
        weighted = self.chance(0.4)
        self.tables["services"] = [
            self.row(
                service=s,
                weight=rng.choice(("", "0", "0.5", "1.5", "2.125")) if weighted else "",
                access_rate=self.some(
                    0.5, self.text(self.near(self.money_scale / self.volume_scale / 100), 6)
                ),
            )
            for s in self.services
        ]
        dear = self.chance(0.5)
        self.tables["providers"] = [
            self.row(
                provider=p,
                mode=rng.choice(("shared-centre", "co-operative")),
                status=rng.choice(("", "", "candidate", "existing")),
                decision=rng.choice(("",) * 9 + ("required", "barred")),
                running_cost=self.some(0.7, self.money(0.5 if dear else 0.1)),
                opening_cost=self.some(0.4, self.money(0.5)),
                closing_cost=self.some(0.3, self.money(0.5)),
                member_cost=self.some(0.5, self.money(0.1)),
                contract_hours=self.some(0.5, self.text(self.near(20), 3)),
            )
            for p in self.providers
        ]

    def _offers(self) -> None:
        density = self.rng.choice((0.6, 0.8, 1))
        self.tables["offers"] = []
        for p in self.providers:
            for s in self.services:
                if self.chance(density) or (p == "p0" and s == "s0"):
                    self.tables["offers"].append(
                        self.row(
                            provider=p,
                            service=s,
                            existing=self.rng.choice(("", "", "yes", "no")),
                            set_up_cost=self.some(0.4, self.money(0.3)),
                            service_hours=self.some(0.4, self.text(self.near(8), 3)),
                            hours_per_unit=self.some(
                                0.3, self.text(self.near(5 / self.volume_scale), 6)
                            ),
                        )
                    )
        self.offered = {(r["provider"], r["service"]) for r in self.tables["offers"]}

    def _demand(self) -> None:
        rng = self.rng
        self.tables["demand"] = rows = []
        plans = 1
        pairs = [(o, s) for o in self.organisations for s in self.services]
        rng.shuffle(pairs)
        for o, s in pairs:
            who = [p for p in self.providers if (p, s) in self.offered]
            units = rng.randint(1, 4 if len(who) < 3 else 3)
            ways = len(who) + 1
            if self.split:
                ways = math.comb(units + len(who), len(who))
            if rows and (plans * ways > self.limit or self.chance(0.06)):
                continue
            plans *= ways
            if self.split:
                volume = decimal_text(
                    Fraction(units, 10**self.volume_decimals), self.volume_decimals
                )
            else:
                volume = self.text(self.near(self.volume_scale), self.volume_decimals)
                if Fraction(volume) == 0:
                    volume = "1"
            in_house = self.some(0.85, self.money())
            incumbent = ""
            if self.chance(0.5):
                incumbent = rng.choice([*who, IN_HOUSE] if in_house else who or [""])
            rows.append(
                self.row(
                    organisation=o,
                    service=s,
                    volume=volume,
                    in_house_cost=in_house,
                    in_house_hours=self.some(0.4, self.text(self.near(15), 3)),
                    baseline_cost=self.some(0.4, self.money()),
                    incumbent=incumbent,
                    exit_cost=self.some(0.4, self.money(0.3)),
                    in_house_entry_cost=self.some(0.4, self.money(0.3)),
                )
            )
        rows.sort(key=lambda row: (row["organisation"], row["service"]))
        if self.chance(0.3):
            rng.shuffle(rows)
        self.needed: dict[str, list[Fraction]] = {}
        for row in rows:
            self.needed.setdefault(row["service"], []).append(Fraction(row["volume"]))
        self._tariffs()

    def _tariffs(self) -> None:
        self.tables["tariffs"] = []
        for p, s in sorted(self.offered):
            volumes = self.needed.get(s, [Fraction(1)])
            unit = self.money_scale / (float(sum(volumes)) / len(volumes))
            for number, cells in enumerate(self._tariff(unit, volumes)):
                self.tables["tariffs"].append(
                    self.row(provider=p, service=s, band=f"b{number}", **cells)
                )
        if self.chance(0.2):
            self.rng.shuffle(self.tables["tariffs"])

    def _tariff(self, unit: float, volumes: list[Fraction]) -> list[dict[str, str]]:
        """Bands of one offer: flat, or with economies, thresholds, blocks, steps or overtime."""
        rng = self.rng
        price = [self.text(self.near(unit * f), 6) for f in (0.7, 0.5, 0.3)]
        some = sum(rng.sample(volumes, rng.randint(1, len(volumes))))
        if self.chance(0.3):
            some = some * rng.choice((Fraction(1, 2), Fraction(3, 4)))
        edge = floor_text(some, self.volume_decimals)
        if Fraction(edge) == 0:
            edge = decimal_text(Fraction(1, 10**self.volume_decimals), self.volume_decimals)
        beyond = decimal_text(
            Fraction(edge) + Fraction(1, 10**self.volume_decimals), self.volume_decimals
        )
        fixed = [self.money(f) for f in (0.1, 0.4, 0.8)]
        kind = rng.choice(
            ("flat", "flat", "economies", "thresholds", "blocks", "steps", "overtime")
        )
        if kind == "flat":
            return [{"unit_cost": self.some(0.9, price[0]), "fixed_cost": self.some(0.4, fixed[0])}]
        if kind == "economies":
            return [
                {"unit_cost": price[n], "fixed_cost": self.some(0.9, fixed[n])}
                for n in range(rng.choice((2, 3)))
            ]
        if kind == "thresholds":
            return [
                {"unit_cost": price[0], "fixed_cost": self.some(0.5, fixed[0])},
                {"unit_cost": price[2], "from_volume": edge},
            ]
        if kind == "blocks":
            return [
                {"unit_cost": price[0], "to_volume": edge},
                {"unit_cost": price[1], "from_volume": rng.choice((edge, beyond))},
            ]
        if kind == "steps":
            last = {"fixed_cost": fixed[2], "from_volume": beyond}
            if self.chance(0.3):
                last["to_volume"] = ceil_text(Fraction(edge) * 2, self.volume_decimals)
            return [{"fixed_cost": fixed[1], "to_volume": edge}, last]
        dear = Fraction(price[0]) * 2
        back = -(dear - Fraction(price[0])) * Fraction(edge)
        return [
            {"unit_cost": price[0], "to_volume": self.some(0.7, edge)},
            {
                "unit_cost": decimal_text(dear, 6),
                "fixed_cost": self.text(float(back), self.money_decimals),
                "from_volume": edge,
            },
        ]

    def _places(self) -> None:
        rng = self.rng
        kind = rng.choice(("", "straight-line", "great-circle", "network", "network"))
        everyone = [*self.tables["organisations"], *self.tables["providers"]]
        if kind in ("straight-line", "great-circle") or (kind == "network" and self.chance(0.2)):
            for row in everyone:
                if self.chance(0.15):
                    continue
                if kind == "great-circle":
                    row["latitude"] = self.text(rng.uniform(50, 55), 9)
                    row["longitude"] = self.text(rng.uniform(-3, 1), 9)
                else:
                    row["x_km"] = self.text(rng.uniform(-50, 50), 3)
                    row["y_km"] = self.text(rng.choice((0, 3, rng.uniform(0, 50))), 3)
        if kind == "network":
            nodes = [*self.organisations, *self.providers, "j0", "j1"]
            rng.shuffle(nodes)
            nodes = nodes[: rng.randint(2, len(nodes))]
            self.tables["network"] = [
                {"from": a, "to": b, "km": self.text(rng.uniform(0, 60), 3)}
                for a, b in (rng.sample(nodes, 2) for _ in range(rng.randint(1, 2 * len(nodes))))
            ]
        distance: dict[str, Any] = {}
        if kind and self.chance(0.5):
            distance["metric"] = kind
        if self.chance(0.4):
            distance["detour"] = rng.choice(("1.2", "1.2345", "0.9", 2))
        if distance:
            self.settings["distance"] = distance
        for row in self.tables["providers"]:
            if kind and self.chance(0.35):
                row["max_distance_km"] = self.text(rng.choice((0, 40, 70, 150)), 3)

    def _oversight(self) -> None:
        def cells() -> dict[str, str]:
            found = {"hour_cost": self.some(0.6, self.text(self.near(self.money_scale / 200), 6))}
            if self.chance(0.6):
                found["officer_hours"] = self.text(self.near(30), 3)
                found["officer_cost"] = self.some(0.8, self.money(0.2))
                if self.chance(0.4):
                    found["span_of_control"] = str(self.rng.choice((1, 2, 3)))
                    found["manager_cost"] = self.some(0.8, self.money(0.2))
            return {name: cell for name, cell in found.items() if cell}

        if self.chance(0.4):
            self.settings["oversight"] = cells()
        keys = [f"a{n}" for n in range(self.rng.choice((0, 0, 1, 1, 2)))]
        if keys:
            self.tables["authorities"] = [{"authority": key, **cells()} for key in keys]
            for row in self.tables["organisations"]:
                if self.chance(0.75):
                    row["authority"] = self.rng.choice(keys)

    def _options(self) -> None:
        kind = self.rng.choice(("absent", "absent", "rows", "both"))
        if kind == "absent":
            if self.chance(0.2):
                self.settings["options"] = {"generate": True}
            return
        if kind == "both":
            self.settings["options"] = {"generate": True}
        elif self.chance(0.2):
            self.settings["options"] = {"generate": False}
        self.tables["options"] = rows = []
        for need in self.tables["demand"]:
            o, s = need["organisation"], need["service"]
            for p in self.providers:
                if (p, s) in self.offered and self.chance(0.8 if kind == "rows" else 0.4):
                    rows.append(
                        self.row(
                            organisation=o,
                            service=s,
                            provider=p,
                            access_cost=self.some(0.5, self.money(0.1)),
                            entry_cost=self.some(0.4, self.money(0.3)),
                            hours=self.some(0.3, self.text(self.near(5), 3)),
                            decision=self.some(0.08, "barred"),
                        )
                    )
            if self.chance(0.05):
                rows.append(
                    {"organisation": o, "service": s, "provider": IN_HOUSE, "decision": "barred"}
                )

    def _contracts(self) -> None:
        if self.chance(0.4):
            self.tables["contracts"] = [
                self.row(
                    organisation=o,
                    provider=p,
                    contract_cost=self.some(0.6, self.rng.choice(("0", self.money(0.1)))),
                    contract_hours=self.some(0.6, self.text(self.near(20), 3)),
                )
                for o in self.organisations
                for p in self.providers
                if self.chance(0.4)
            ]

    def _links(self) -> None:
        if len(self.services) < 2 or self.chance(0.5):
            return
        self.tables["links"] = []
        seen = set()
        for _ in range(self.rng.choice((1, 1, 2, 3, 4))):
            one, two = self.rng.sample(self.services, 2)
            rule = self.rng.choice(("together", "apart", "split-cost", "split-cost"))
            who = self.rng.choice(self.organisations) if self.chance(0.4) else ""
            if (key := (frozenset((one, two)), rule, who)) not in seen:
                seen.add(key)
                cost = self.some(0.9, self.money(0.2)) if rule == "split-cost" else ""
                self.tables["links"].append(
                    self.row(service_a=one, service_b=two, rule=rule, cost=cost, organisation=who)
                )

    def _mend(self) -> None:
        """Give what would be a fault an access cost, and most pairs without an option in-house."""
        world = World(self.tables, self.settings)
        rows = {
            (r["organisation"], r["service"], r["provider"]): r
            for r in self.tables.get("options", [])
        }
        for q, need in enumerate(world.needs):
            for p in self.providers:
                row = rows.get((need.organisation, need.service, p))
                lost = world.km[need.organisation, p] is None and world.rate[need.service]
                if not lost:
                    continue
                if row is not None:
                    if not row.get("access_cost") and row.get("decision") != "barred":
                        row["access_cost"] = self.money(0.1)
                    if row.get("decision") == "barred" and need.incumbent == p:
                        self.tables["demand"][q]["incumbent"] = ""
                elif need.incumbent == p:
                    self.tables["demand"][q]["incumbent"] = ""
        world = World(self.tables, self.settings)
        for q, need in enumerate(world.needs):
            if not world.choices(q) and self.chance(0.97):
                self.tables["demand"][q]["in_house_cost"] = self.money()
                row = rows.get((need.organisation, need.service, IN_HOUSE))
                if row is not None:
                    self.tables["options"].remove(row)

    def _witness(self) -> tuple[World, Plan]:
        """Draw a plan that keeps the links; links that no plan drawn keeps mostly go."""
        world = World(self.tables, self.settings)
        for _ in range(100):
            plan = random_plan(world, self.rng)
            if not {"together", "apart"} & set(world.price(plan).broken):
                return world, plan
        if not self.hostile:
            self.tables["links"] = [r for r in self.tables["links"] if r["rule"] == "split-cost"]
            world = World(self.tables, self.settings)
        return world, plan

    # Limits around the witness

    def _bands(self, world: World, witness: Plan) -> None:
        seen = world.view(witness)
        for p, own in seen.own.items():
            by_service: dict[str, tuple[tuple[int, Fraction], ...]] = {}
            for q, part in own:
                s = world.needs[q].service
                by_service[s] = (*by_service.get(s, ()), (q, part))
            for s, mine in by_service.items():
                if "band" in world.provider(p, mine)[3] and not self.breaks():
                    self.tables["tariffs"].append(
                        {"provider": p, "service": s, "band": "b9", "fixed_cost": self.money(0.5)}
                    )

    def least(self, value: Fraction, decimals: int) -> str:
        """Draw a minimum that a value keeps, often exactly (or, in hostile instances, does not)."""
        if self.breaks():
            return ceil_text(value * self.rng.choice((1, Fraction(5, 4))), decimals)
        slack = self.rng.choice((Fraction(1), Fraction(1), Fraction(2, 3), Fraction(1, 4)))
        return floor_text(value * slack, decimals)

    def most(self, value: Fraction, decimals: int) -> str:
        """Draw a maximum that a value keeps, often exactly (or, in hostile instances, does not)."""
        if self.breaks():
            return floor_text(value * self.rng.choice((1, Fraction(3, 4), 0)), decimals)
        slack = self.rng.choice((Fraction(1), Fraction(1), Fraction(4, 3), Fraction(2)))
        return ceil_text(value * slack, decimals)

    def _limits(self, world: World, witness: Plan) -> None:
        seen = world.view(witness)
        decimals = self.volume_decimals
        for row in self.tables["offers"]:
            p, s = row["provider"], row["service"]
            parts = [part for q, part in seen.own[p] if world.needs[q].service == s]
            volume = sum(parts, Fraction())
            idle = sum(self.needed.get(s, [])) * Fraction(self.rng.choice((0, 1, 2)), 2)
            if self.chance(0.3):
                row["capacity"] = self.most(volume or Fraction(idle), decimals)
            if self.chance(0.2):
                row["min_volume"] = self.least(volume or Fraction(idle), decimals)
            self._order(row, "min_volume", "capacity")
        for row in self.tables["providers"]:
            own = seen.own[row["provider"]]
            load = sum((world.weight[world.needs[q].service] * part for q, part in own), Fraction())
            members = Fraction(len({world.needs[q].organisation for q, _ in own}))
            if self.chance(0.25):
                row["capacity"] = self.most(load or Fraction(self.rng.choice((0, 3))), decimals)
            if self.chance(0.2):
                row["min_members"] = self.least(members or Fraction(self.rng.randint(1, 3)), 0)
            if self.chance(0.25):
                row["max_members"] = self.most(members or Fraction(self.rng.randint(0, 2)), 0)
            self._order(row, "min_members", "max_members")
        self._authority_limits(world, witness)

    def _order(self, row: dict[str, str], low: str, high: str) -> None:
        """Drop a minimum that its maximum makes a fault."""
        if row.get(low) and row.get(high) and 0 < Fraction(row[high]) < Fraction(row[low]):
            row[low] = ""

    def _authority_limits(self, world: World, witness: Plan) -> None:
        rows = {row["authority"]: row for row in self.tables.get("authorities", [])}
        officers: dict[str, int] = {}
        contracts: dict[str, int] = {}
        for key, who in world.authorities.items():
            if who.officer_hours is not None:
                officers[key] = math.ceil(world.authority(key, witness)[4] / who.officer_hours)
            held = {
                (need.organisation, d)
                for need, split in zip(world.needs, witness, strict=True)
                for d, _ in split
                if d != IN_HOUSE and need.organisation in who.organisations
            }
            contracts[key] = len(held)
        for key, row in rows.items():
            if key in officers and self.chance(0.3):
                row["max_officers"] = self.most(Fraction(officers[key]), 0)
            if self.chance(0.25):
                row["max_contracts"] = self.most(Fraction(contracts[key]), 0)
        oversight = self.settings.get("oversight")
        if oversight:
            if "officer_hours" in oversight and self.chance(0.3):
                oversight["max_officers"] = self.most(Fraction(max(officers.values())), 0)
            if self.chance(0.25):
                oversight["max_contracts"] = self.most(Fraction(max(contracts.values())), 0)

    def _required(self, world: World, witness: Plan) -> None:
        if not self.chance(0.2):
            return
        q = self.rng.randrange(len(witness))
        if len(witness[q]) != 1:
            return
        need, p = world.needs[q], witness[q][0][0]
        rows = self.tables.setdefault("options", [])
        if not rows:
            self.settings["options"] = {"generate": True}
        for row in rows:
            if (row["organisation"], row["service"], row["provider"]) == (
                need.organisation,
                need.service,
                p,
            ):
                row["decision"] = "required"
                return
        rows.append(
            {
                "organisation": need.organisation,
                "service": need.service,
                "provider": p,
                "decision": "required",
            }
        )

    def _policy(self, key: str, witness: Plan) -> None:
        rng = self.rng
        measure = rng.choice(
            (*SHARES, "volume", "open_providers", "contracts", "oversight_hours", "one_off_cost",
             "moved_pairs")
        )  # fmt: skip
        scope = rng.choice(("", "total", "each-provider", "each-authority"))
        if scope == "each-provider" and measure == "open_providers":
            scope = "total"
        modes = ["", "", "shared-centre", "co-operative"]
        if scope != "each-provider" and measure not in ("open_providers", "contracts"):
            modes.append(IN_HOUSE)
        services = ""
        if measure != "oversight_hours" and self.chance(0.4):
            services = ";".join(rng.sample(self.services, rng.randint(1, len(self.services))))
        unit = rng.choice(("", "share", "absolute") if measure in SHARES else ("", "absolute"))
        row = self.row(
            policy=key, scope=scope, measure=measure, mode=rng.choice(modes), service=services,
            unit=unit,
        )  # fmt: skip
        if measure == "staff_covered":
            for each in self.tables["organisations"]:
                each["staff"] = each.get("staff") or "12"
        if measure == "baseline_cost":
            for each in self.tables["demand"]:
                if not each.get("in_house_cost") and not each.get("baseline_cost"):
                    each["baseline_cost"] = self.money()
        self.tables["policies"].append(row)
        world = World(self.tables, self.settings)
        policy = world.policies[-1]
        amounts = list(world.policy_amounts(policy, world.view(witness)))
        share = policy[-1]
        values = [amount / whole for amount, whole, _ in amounts if whole]
        floors = [amount / whole for amount, whole, binds in amounts if whole and binds]
        which = rng.choice(("minimum", "maximum", "maximum", "both"))
        if which in ("minimum", "both"):
            low = min(floors) if floors else Fraction(rng.choice((0, 1)), 2)
            row["minimum"] = self.least(low, 6)
            if share and Fraction(row["minimum"]) > 1:
                row["minimum"] = "1"
        if which in ("maximum", "both"):
            row["maximum"] = self.most(max(values, default=Fraction(1, 2)), 6)
            if share and Fraction(row["maximum"]) > 1:
                row["maximum"] = "1"
        if (
            row.get("minimum")
            and row.get("maximum")
            and Fraction(row["minimum"]) > Fraction(row["maximum"])
        ):
            row["minimum"] = ""


def random_rows(seed: int, tables: Tables, settings: dict[str, Any]) -> list[SideRow]:
    """Draw one to three side rows around a plan, feasible if one is soon found."""
    rng = random.Random(f"rows {seed}")
    world = World(tables, settings)
    for _ in range(50):
        plan = random_plan(world, rng)
        priced = world.price(plan)
        if not priced.broken:
            break
    seen = world.view(plan)
    seen.parts = priced.parts
    rows = []
    for number in range(rng.choice((1, 1, 2, 3))):
        terms = tuple(_quantity(world, rng) for _ in range(rng.choice((1, 1, 2, 3))))
        total = sum((t.coefficient * world.quantity(t, seen) for t in terms), Fraction(0))
        slack = abs(total) * Fraction(rng.choice((0, 0, 1, 3)), 10)
        which = rng.choice(("minimum", "maximum", "both"))
        if any(t.measure == "cost" for t in terms):
            which = "maximum"  # cost can be limited from above only
        rows.append(
            SideRow(
                name=f"r{number}",
                terms=terms,
                minimum=None if which == "maximum" else total - slack,
                maximum=None if which == "minimum" else total + slack,
            )
        )
    return rows


def _quantity(world: World, rng: random.Random) -> Quantity:
    measures = ["volume", "pairs", "open_providers", "contracts", "oversight_hours",
                "one_off_cost", "moved_pairs", "cost", "cost"]  # fmt: skip
    if all(staff is not None for staff in world.staff.values()):
        measures.append("staff_covered")
    if all(need.baseline is not None for need in world.needs):
        measures.append("baseline_cost")
    measure = rng.choice(measures)
    coefficient = Fraction(rng.choice((1, 1, 1, 2, -1))) / rng.choice((1, 1, 4))
    if measure == "cost":
        part = rng.choice(("", *PARTS))
        return Quantity(measure=measure, part=part, coefficient=abs(coefficient))
    cells: dict[str, Any] = {"mode": rng.choice(("", "", "shared-centre", "co-operative"))}
    if measure not in ("open_providers", "contracts") and rng.random() < 0.15:
        cells["mode"] = IN_HOUSE
    if measure != "oversight_hours" and rng.random() < 0.3:
        cells["services"] = tuple(rng.sample(world.services, rng.randint(1, len(world.services))))
    if rng.random() < 0.25 and cells["mode"] != IN_HOUSE:
        cells["provider"] = rng.choice(list(world.providers))
    place = rng.random()
    if place < 0.2:
        cells["organisation"] = rng.choice(list(world.organisations))
    elif place < 0.4:
        cells["authority"] = rng.choice(list(world.authorities))
    return Quantity(measure=measure, coefficient=coefficient, **cells)
