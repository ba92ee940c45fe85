"""Phases, against every order of tiny instances."""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest
from random_instances import columns, random_instance
from studies.every_plan import feasible, tiny

import optimiser as opt
from optimiser.errors import UsageError
from optimiser.model.build import instance_from
from optimiser.model.check import check, todays_account
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.studies import orderings
from optimiser.studies.changes import Change, changed
from optimiser.studies.phasing import limits_of, phase
from optimiser.studies.pool import How
from optimiser.studies.transitions import transition

EXACT = How(solver="highs", gap=0.0)
YEARS = 3
#: Instances whose dearest plan moves at least three pairs; today's arrangement of the first ones
#: breaks no rule, that of the others one or several.
ALL_KEPT = (16, 53, 83, 99, 307)
BROKEN = (20, 101, 240, 252)


@pytest.fixture(scope="module")
def southwest():
    """Return a nearly best result of southwest-one."""
    return opt.solve(opt.read("instances/southwest-one"), solver="highs", gap=0.01)


def dearest(instance):
    """Return the feasible plan that moves most pairs and, of these, costs most."""
    return max(feasible(instance), key=lambda each: (each[1].moved, each[1].cost))[0]


def ordered(movers, years):
    """Yield every order: the year of each pair's move."""
    for chosen in itertools.product(range(1, years + 1), repeat=len(movers)):
        yield dict(zip(movers.tolist(), chosen, strict=True))


class Simulation:
    """Years lived one after the other, straight from the tables of an instance."""

    def __init__(self, instance, target):
        self.instance, self.demand = instance, instance["demand"]
        self.aim = target.deliverer.tolist()
        self.incumbent = self.demand["incumbent"].tolist()
        self.service = self.demand["service"].tolist()
        providers = instance["providers"]
        self.required = set(np.flatnonzero(providers["decision"] == "required").tolist())
        self.existing = set(np.flatnonzero(providers["status"] == "existing").tolist())
        self.kept = set(self.aim) | self.required
        self.final = self.running_only(())
        later = [row for row in self.required - self.existing]
        barred = np.flatnonzero(providers["decision"] == "barred").tolist()
        self.on_the_way = self.running_only(
            [*later, *(row for row in barred if row in self.incumbent)]
        )

    def running_only(self, undecided):
        """Return the instance without what is paid once, and some providers undecided."""
        nothing = {
            "providers": ("opening_cost", "closing_cost"),
            "offers": ("set_up_cost",),
            "demand": ("exit_cost", "in_house_entry_cost"),
            "options": ("entry_cost", "decision"),
        }
        changes = [
            Change(table=table, set={c: "" if c == "decision" else "0" for c in names})
            for table, names in nothing.items()
            if len(self.instance[table])
        ]
        weights = self.instance.settings.weights
        changes.append(Change(set={f"objective.{part}": "1" for part in weights}))
        keys = self.instance["providers"].keys
        for row in undecided:
            changes.append(
                Change(table="providers", where={"provider": (keys[row],)}, set={"decision": ""})
            )
        return changed(self.instance, changes)

    def arrangement(self, order, year):
        """Return who delivers each pair in a year."""
        return [
            aim if incumbent == -1 or order.get(q, 1) <= year else incumbent
            for q, (aim, incumbent) in enumerate(zip(self.aim, self.incumbent, strict=True))
        ]

    def plan(self, by):
        return Plan.from_arrays(np.arange(len(by)), np.array(by), self.demand["volume"])

    def paid(self, order, years):
        """Return the one-off money of each year."""
        paid = [0] * years
        done = set()
        options = self.instance["options"]
        entry = {}
        if len(options):
            pairs = self.demand.find(options["organisation"], options["service"])
            entry = {
                (int(q), int(p)): int(c)
                for q, p, c in zip(pairs, options["provider"], options["entry_cost"], strict=True)
            }
        providers, offers = self.instance["providers"], self.instance["offers"]
        for year in range(1, years + 1):
            by = self.arrangement(order, year)
            for q, deliverer in enumerate(by):
                if deliverer != self.aim[q]:
                    continue
                if deliverer != self.incumbent[q] and ("pair", q) not in done:
                    done.add(("pair", q))
                    if self.incumbent[q] != -1:
                        paid[year - 1] += int(self.demand["exit_cost"][q])
                    if deliverer == BY_ITSELF:
                        paid[year - 1] += int(self.demand["in_house_entry_cost"][q])
                    paid[year - 1] += entry.get((q, deliverer), 0)
                if deliverer == BY_ITSELF:
                    continue
                (offer,) = offers.find(np.array([deliverer]), np.array([self.service[q]]))
                if offers["existing"][offer] != "yes" and ("offer", offer) not in done:
                    done.add(("offer", offer))
                    paid[year - 1] += int(offers["set_up_cost"][offer])
                if deliverer not in self.existing and ("open", deliverer) not in done:
                    done.add(("open", deliverer))
                    paid[year - 1] += int(providers["opening_cost"][deliverer])
            for provider in self.existing - self.kept - set(by):
                if ("closed", provider) not in done:
                    done.add(("closed", provider))
                    paid[year - 1] += int(providers["closing_cost"][provider])
        for provider in self.required - self.existing:
            if ("open", provider) not in done:
                paid[-1] += int(providers["opening_cost"][provider])
        return paid

    def lived(self, order, years, allowed):
        """Return running cost and one-off money of each year; None if a rule is broken."""
        running = []
        for year in range(1, years + 1):
            by = self.arrangement(order, year)
            account = check(self.on_the_way if year < years else self.final, self.plan(by))
            if year < years and not allowed(by, account):
                return None
            # An existing provider that has delivered and will again stands open, also empty.
            idle = sum(
                int(self.instance["providers"]["running_cost"][p])
                for p in self.existing & set(self.aim) & set(self.incumbent)
                if p not in by and p not in self.required
            )
            running.append(account.cost + idle)
        return running, self.paid(order, years)


def every_order(instance, target, way, years=YEARS):
    """Return (order, value, one-off money by year, moves by year) of all orders that may be."""
    simulation = Simulation(instance, target)

    def allowed(by, account):
        if way.relaxations:  # rules broken today, no further: as relaxed in the tables
            return check(way.way, simulation.plan(by)).feasible
        return not [v for v in account.violations if "one_off_cost" not in v.message]

    rate = 1 + instance.settings.discount_rate
    found = []
    for order in ordered(way.movers, years):
        lived = simulation.lived(order, years, allowed)
        if lived is None:
            continue
        running, paid = lived
        value = sum(
            (Fraction(c) / rate ** (t + 1) + Fraction(p) / rate**t
             for t, (c, p) in enumerate(zip(running, paid, strict=True))),
            Fraction(0),
        )  # fmt: skip
        counts = [list(order.values()).count(t) for t in range(1, years + 1)]
        found.append((order, value, paid, counts))
    return found


def money(instance, units):
    """Return last places as currency."""
    return Fraction(units, 10**instance.settings.money_decimals)


@pytest.mark.parametrize("seed", [*ALL_KEPT, *BROKEN])
def test_the_order_is_the_best_of_all(seed):
    """Within budget and moves no order costs less, and the parts add up to the plan's account."""
    instance = tiny(seed)
    target = dearest(instance)
    way = transition(instance, target)
    assert bool(way.relaxations) == (seed in BROKEN)
    assert way.one_offs == sum(check(instance, target).one_off.values())
    every = every_order(instance, target, way)
    budget = max(-(-way.one_offs * 3 // 5), 1)
    found = phase(instance, target, years=YEARS, budget=money(instance, budget), moves=2, how=EXACT)
    within = [e for e in every if max(e[2]) <= budget and max(e[3]) <= 2]
    if not within:
        assert found.status == "infeasible"
        return
    assert found.joint.value == min(value for _, value, _, _ in within), found.joint
    course = found.course
    order = {q: int(course.schedule[q]) for q in way.movers.tolist()}
    ((_, value, paid, counts),) = [e for e in every if e[0] == order]
    assert found.joint.value == value == way.discounted(course)
    assert list(course.spending) == paid
    assert list(course.moves) == counts
    assert sum(course.spending) == way.one_offs
    assert found.best_worth.high - found.best_worth.low < 1  # last place of money


def test_an_order_over_its_budget_is_refused(monkeypatch):
    """What a solver lets pass over the budget is sought anew below it, and its first bound kept."""
    instance = tiny(240)
    target = dearest(instance)
    way = transition(instance, target)
    every = every_order(instance, target, way)
    budget = -(-way.one_offs // 2)
    loose = orderings.ordered_bundle
    asked = []

    def too_loose(way, limits):
        more = way.one_offs if not asked else 0
        asked.append(limits)
        budgets = tuple(each + more for each in limits.budget)
        return loose(way, dataclasses.replace(limits, budget=budgets))

    monkeypatch.setattr(orderings, "ordered_bundle", too_loose)
    monkeypatch.setattr(orderings, "greedy_order", lambda way, limits: None)
    found = phase(instance, target, years=YEARS, budget=money(instance, budget), how=EXACT)
    assert len(asked) == 2
    assert max(asked[1].budget) < budget
    least = min(value for _, value, paid, _ in every if max(paid) <= budget)
    assert found.joint.bound <= least
    if found.course is not None:
        assert max(found.course.spending) <= budget
        assert least <= found.joint.value


@pytest.mark.parametrize("seed", [225, 240, 252])
def test_what_would_do_is_the_least(seed):
    """Where nothing will do, the least budget, moves and years are those of all orders."""
    instance = tiny(seed)
    target = dearest(instance)
    way = transition(instance, target)
    every = every_order(instance, target, way)
    found = phase(instance, target, years=YEARS, budget=0, how=EXACT)
    assert found.status == "infeasible"
    assert found.course is None
    assert found.why
    least = min(max(paid) for _, _, paid, _ in every)
    assert found.advice.budget.low <= least == found.advice.budget.high
    found = phase(instance, target, years=YEARS, moves=1, how=EXACT)
    if len(way.movers) > YEARS:
        assert found.status == "infeasible"
        assert found.advice.moves.high == min(max(counts) for _, _, _, counts in every)
        longer = next(
            years for years in range(YEARS + 1, 8)
            if any(max(c) <= 1 for _, _, _, c in every_order(instance, target, way, years))
        )  # fmt: skip
        assert found.advice.years == longer
    text = " ".join(found.record().headline)
    assert "year" in text


def needy():
    """Return the toy with everybody in-house today, and co-operatives that need three members."""
    return changed(
        opt.read("instances/toy"),
        [
            Change(table="demand", set={"incumbent": "in-house", "exit_cost": "1000"}),
            Change(table="providers", set={"min_members": "3"}),
        ],
    )


def test_minima_may_wait_for_the_last_year():
    """A least number of members stops one move a year, unless only capacities hold on the way."""
    instance = needy()
    members = opt.solve(instance, solver="highs", gap=0)
    count = int(members.account.moved)
    assert count >= 3
    asked = {"years": count, "moves": 1, "how": EXACT}
    strict = phase(instance, members, **asked)
    assert strict.status == "infeasible"
    assert "--on-the-way" in strict.record().headline[-1]
    loose = phase(instance, members, on_the_way="capacities", **asked)
    assert loose.status == "optimal"
    assert loose.course.moves == (1,) * count


@pytest.mark.parametrize("seed", [13, 67])
def test_parts_of_pairs_move_together(seed):
    """Under split sourcing a pair moves as a whole, and the order is the best of all."""
    tables, settings = random_instance(seed)
    instance = instance_from(columns(tables), settings)
    assert instance.settings.split
    target = opt.solve(instance, solver="highs", gap=0).plan
    assert len(target) > len(instance["demand"])
    way = transition(instance, target)
    courses = []
    for order in ordered(way.movers, 2):
        schedule = np.zeros(len(instance["demand"]), dtype=np.int64)
        schedule[list(order)] = list(order.values())
        course = way.course(schedule, 2)
        if not isinstance(course, str):
            courses.append(course)
    most = -(-len(way.movers) // 2)
    within = [c for c in courses if max(c.moves) <= most]
    found = phase(instance, target, years=2, moves=most, how=EXACT)
    if within:
        assert found.joint.value == min(way.discounted(c) for c in within)
    else:
        assert found.status == "infeasible"


def test_staying_is_todays_cost(southwest):
    """Where every pair has an incumbent, staying costs what today's arrangement does."""
    instance, plan = southwest.instance, southwest.plan
    way = transition(instance, plan)
    assert way.before == todays_account(instance).cost
    parts = check(instance, plan)
    yearly = sum(v for k, v in parts.parts.items() if k not in parts.one_off)
    assert way.after == yearly
    # Moved at once, the plan is worth what its yearly saving is by the annuity.
    found = phase(instance, plan, years=1, how=EXACT)
    settings = instance.settings
    by_annuity = (way.before - parts.cost) / settings.annuity
    assert abs(found.worth(found.at_once) - by_annuity) < len(way.payments) / settings.annuity
    assert found.course.schedule.tolist() == found.at_once.schedule.tolist()


def test_a_required_centre_nobody_uses_opens_last():
    """A required candidate without deliveries is opened, and runs, in the last year only."""
    change = Change(table="providers", where={"provider": ("hub",)},
                    set={"decision": "required", "opening_cost": "5000"})  # fmt: skip
    instance = changed(needy(), [change])
    valley = instance["providers"].keys.tolist().index("valley")
    volume = instance["demand"]["volume"].tolist()
    plan = Plan.of((q, valley, v) for q, v in enumerate(volume))
    found = phase(instance, plan, years=3, on_the_way="capacities", how=EXACT)
    assert found.course.spent[2]["opening"] == 500_000
    assert not found.course.spent[0]["opening"]
    hub = 1_200_000
    first = check(found.transition.way, found.transition.plan(found.course.schedule == 1))
    assert found.course.running[0] == first.cost
    assert found.course.running[2] == found.transition.after >= hub


def test_a_barred_incumbent_is_left_step_by_step():
    """A barred provider may deliver on the way, and closes with the last that leaves."""
    change = Change(table="providers", where={"provider": ("southwest-one",)},
                    set={"decision": "barred"})  # fmt: skip
    free = Change(table="policies", where={"policy": ("transition-budget",)}, set={"maximum": ""})
    instance = changed(opt.read("instances/southwest-one"), [change, free])
    result = opt.solve(instance, solver="highs", gap=0.01, time_limit=20)
    found = phase(instance, result, years=3, moves=20, how=How(solver="highs", gap=0.01))
    barred = instance["providers"].keys.tolist().index("southwest-one")
    leaving = found.course.schedule[instance["demand"]["incumbent"] == barred]
    assert leaving.min() >= 1
    closed = [each for each in found.transition.payments if each.kind == "closing"]
    assert {each.due(found.course.schedule, 3) for each in closed} <= {int(leaving.max())}


def test_nothing_to_move(southwest):
    """Where the plan is today's arrangement there is nothing to do, and that is said."""
    instance, plan = southwest.instance, southwest.plan
    names = instance["providers"].keys
    demand = instance["demand"]
    changes = [
        Change(
            table="demand",
            where={
                "organisation": (instance.texts("demand", "organisation")[q],),
                "service": (instance.texts("demand", "service")[q],),
            },
            set={"incumbent": "in-house" if by == BY_ITSELF else names[by]},
        )
        for q, by in zip(plan.pair.tolist(), plan.deliverer.tolist(), strict=True)
        if demand["incumbent"][q] != by
    ]
    # What the tables have filled in follows from the incumbents of today.
    changes.append(Change(table="providers", set={"status": ""}))
    changes.append(Change(table="offers", set={"existing": ""}))
    settled = changed(instance, changes)
    found = phase(settled, plan, budget="0.00", moves=0, how=EXACT)
    assert found.status == "optimal"
    assert found.best_worth.low == 0
    assert "nothing has to move" in found.record().headline[0]


def test_budgets_by_year_and_saved_tables(southwest, tmp_path):
    """Each year keeps its own budget; the folder reads back with what was spent and saved."""
    instance, result = southwest.instance, southwest
    budgets = [4_000_000, 3_000_000, 20_000_000]
    found = phase(instance, result, years=3, budget=budgets,
                  how=How(solver="highs", gap=0.001))  # fmt: skip
    assert all(s <= b * 100 for s, b in zip(found.course.spending, budgets, strict=True))
    greedy = found.greedy
    if greedy is not None:
        assert found.against(greedy).high >= found.against(greedy).low >= 0
    opt.write(found, tmp_path / "study")
    saved = opt.read_study(tmp_path / "study")
    assert saved.kind == "phase"
    heading, *rows = saved.table("moves")
    assert heading == ["year", "organisation", "service", "from", "to", "one_off"]
    assert len(rows) == len(found.transition.movers)
    heading, *rows = saved.table("years")
    assert len(rows) == 10
    at = heading.index("one_off")
    assert sum(Fraction(row[at]) for row in rows) == money(instance, found.transition.one_offs)
    paid = saved.table("payments")[1:]
    assert sum(Fraction(row[-1]) for row in paid) == money(instance, found.transition.one_offs)
    worth = Fraction(rows[-1][heading.index("present_value")])
    assert abs(worth - money(instance, 1) * found.best_worth.low) < Fraction(1, 100)
    assert opt.verify(saved.result("target")).ok


def test_limits_that_make_no_sense_are_refused():
    """Budgets, moves, years and rules that cannot be are named."""
    toy = opt.read("instances/toy")
    for asked in (
        {"budget": "much"},
        {"budget": -1},
        {"budget": "0.001"},
        {"budget": [1, 2, 3], "years": 2},
        {"moves": -1},
        {"years": 0},
        {"on_the_way": "none"},
    ):
        with pytest.raises(UsageError):
            phase(toy, **asked)
    assert limits_of(toy, 0.1, None, 2).budget == (10, 10)
    nobody = Plan.of(())
    with pytest.raises(UsageError, match="breaks a rule"):
        phase(toy, nobody)


def test_new_needs_are_met_at_once():
    """Pairs without an incumbent are delivered as planned from the first year, and are no moves."""
    toy = opt.read("instances/toy")
    found = phase(toy, years=2, moves=0, how=EXACT)
    assert found.status == "optimal"
    assert found.course.moves == (0, 0)
    assert found.course.spending[0] == found.transition.one_offs
