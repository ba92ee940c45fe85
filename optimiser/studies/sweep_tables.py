"""The tables of a sweep: scenarios, decisions, prices and regrets, risks."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from optimiser.files.studies import Record
from optimiser.model.plan import BY_ITSELF
from optimiser.studies.interval import optimum
from optimiser.studies.scenarios import AS_IS
from optimiser.studies.sweeps import deliverers, sheet

if TYPE_CHECKING:
    from optimiser.solvers.frames import Sheet
    from optimiser.solvers.result import Result
    from optimiser.studies.interval import Interval
    from optimiser.studies.sweeps import Sweep


def record(sweep: Sweep) -> Record:
    """Return what is to be kept of a sweep."""
    flips = len(sweep.flipping)
    pairs = len(sweep.instance["demand"])
    return Record(
        kind="sweep",
        instance=sweep.instance,
        options={**sweep.how.document(), "alpha": sweep.alpha},
        headline=headline(sweep),
        facts={
            "status": status(sweep),
            "scenarios": len(sweep.scenarios),
            "solved": len(sweep.plans),
            "pairs": pairs,
            "pairs_that_flip": flips,
            "least_expected": _least(sweep, "expected"),
            "least_cvar": _least(sweep, "cvar"),
            "least_worst": _least(sweep, "worst"),
            "interrupted": sweep.interrupted,
        },
        tables={
            "scenarios": scenarios(sweep),
            "decisions": decisions(sweep),
            "providers": providers(sweep),
            "prices": prices(sweep),
            "risks": risks(sweep),
        },
        results=sweep.results,
        seconds=sweep.seconds,
    )


def status(sweep: Sweep) -> str:
    """Return one status for all: that of the scenario of which least is known.

    A scenario without a plan is an answer, too, unless none has one.
    """
    found = {result.status for result in sweep.results.values()}
    for each in ("error", "unknown", "feasible", "optimal"):
        if each in found:
            return each
    return "infeasible" if found else "unknown"


def _least(sweep: Sweep, name: str) -> str | None:
    """Name of the plan of least expected, worst or tail cost; None if no plan keeps all rules."""
    values = {risk.plan: getattr(risk, name) for risk in sweep.risks}
    known = {plan: value for plan, value in values.items() if value is not None}
    return min(known, key=lambda plan: known[plan], default=None)


def headline(sweep: Sweep) -> list[str]:
    """Return the answer in a few sentences."""
    pairs, flips = len(sweep.instance["demand"]), len(sweep.flipping)
    solved, asked = len(sweep.plans), len(sweep.scenarios)
    text = [
        f"{solved} of {asked} scenarios have a plan. {pairs - flips:,} of {pairs:,} decisions are "
        f"the same in all of them; {flips:,} {'flips' if flips == 1 else 'flip'}."
    ]
    if flips and any(result.gap for result in sweep.results.values()):
        text.append(
            "Where plans are proved to a gap only, some decisions may flip for no other reason."
        )
    if sweep.interrupted:
        text.append(
            f"Interrupted: {len(sweep.results)} of {asked} scenarios were solved or begun. With "
            "--out, the same command goes on from there."
        )
        return text
    average, worst = _least(sweep, "expected"), _least(sweep, "worst")
    if average is None:
        if solved:
            text.append("No plan found keeps every rule in every scenario that may come.")
    elif average == worst:
        text.append(
            f"Of the plans found, that of {average} costs least on average and in the worst case."
        )
    else:
        text.append(
            f"Of the plans found, that of {average} costs least on average, and that of {worst} "
            "least in the worst case."
        )
    return text


def measures(result: Result) -> dict[str, Any]:
    """Return hours of oversight and pairs by mode of a plan."""
    account = result.account
    if account is None:
        return {"hours": None, "in_house": None, "shared_centre": None, "co_operative": None}
    modes = result.instance["providers"]["mode"]
    count = {"in-house": 0, "shared-centre": 0, "co-operative": 0}
    seen = set()
    for pair, by in zip(account.plan.pair.tolist(), account.plan.deliverer.tolist(), strict=True):
        mode = "in-house" if by == BY_ITSELF else str(modes[by])
        if (pair, mode) not in seen:
            seen.add((pair, mode))
            count[mode] += 1
    return {
        "hours": sum((a.hours for a in account.authorities), Fraction(0)),
        **{name.replace("-", "_"): number for name, number in count.items()},
    }


def scenarios(sweep: Sweep) -> Sheet:
    """One row per scenario: status, cost, bound, gap, measures, and the difference to as-is."""
    kinds = {
        "scenario": "text", "title": "text", "probability": "quantity", "status": "text",
        "cost": "money", "objective": "money", "bound": "money", "gap": "quantity",
        "oversight_hours": "quantity", "in_house": "count", "shared_centre": "count",
        "co_operative": "count", "differs": "count", "difference_low": "quantity",
        "difference_high": "quantity", "resolved": "text", "against": "text",
        "seconds": "quantity",
    }  # fmt: skip
    base = sweep.results.get(AS_IS) or next(iter(sweep.results.values()), None)
    chosen = None if base is None or base.plan is None else deliverers(sweep.instance, base.plan)
    unit = 10**sweep.instance.settings.money_decimals
    rows: list[tuple[Any, ...]] = []
    for scenario in sweep.scenarios:
        result = sweep.results.get(scenario.name)
        share = sweep.probability[scenario.name]
        if result is None:
            blank = [*[None] * 11, "", "", None]
            rows.append((scenario.name, scenario.title, share, "not solved", *blank))
            continue
        found = measures(result)
        own = None if result.plan is None else deliverers(result.instance, result.plan)
        differs = None
        if own is not None and chosen is not None:
            differs = sum(a != b for a, b in zip(own, chosen, strict=True))
        low = high = None
        resolved = against = ""
        if base is not None and result is not base:
            apart = optimum(result) - optimum(base)
            low = None if apart.low is None else apart.low / unit
            high = None if apart.high is None else apart.high / unit
            resolved = "yes" if apart.resolved else "no"
            against = _against(apart, base)
        gap = result.gap
        rows.append((
            scenario.name, scenario.title, share, result.status, result.cost_units,
            result.objective_units, result.bound_units,
            None if gap is None or gap == float("inf") else Fraction(gap),
            found["hours"], found["in_house"], found["shared_centre"], found["co_operative"],
            differs, low, high, resolved, against, Fraction(result.seconds.get("total", 0.0)),
        ))  # fmt: skip
    return sheet(sweep.instance, kinds, rows)


def _against(apart: Interval, base: Result) -> str:
    """Write a difference as a share of the base's objective; 'unresolved' if it may be 0."""
    objective = base.objective_units
    if not apart.resolved or apart.low is None or apart.high is None or not objective:
        return "unresolved"
    low, high = (f"{100 * float(end / abs(objective)):+.2f}" for end in (apart.low, apart.high))
    return f"{low} %" if low == high else f"{low} to {high} %"


def providers(sweep: Sweep) -> Sheet:
    """One row per provider: in how many scenarios it is open, with what probability, and where."""
    kinds = {"provider": "text", "mode": "text", "open": "count", "plans": "count",
             "probability": "quantity", "open_in": "text"}  # fmt: skip
    table = sweep.instance["providers"]
    where: list[list[str]] = [[] for _ in range(len(table))]
    for name in sweep.plans:
        account = sweep.results[name].account
        for each in () if account is None else account.providers:
            if each.is_open:
                where[each.provider].append(name)
    count = len(sweep.plans)
    rows: list[tuple[Any, ...]] = [
        (str(key), str(mode), len(names), count,
         sum((sweep.probability[name] for name in names), Fraction(0)),
         "all" if count and len(names) == count else ", ".join(names))
        for key, mode, names in zip(table.keys, table["mode"], where, strict=True)
    ]  # fmt: skip
    return sheet(sweep.instance, kinds, rows)


def decisions(sweep: Sweep) -> Sheet:
    """One row per pair: who delivers it in how many scenarios, and in which of them who."""
    kinds = {"organisation": "text", "service": "text", "flips": "flag", "deliverer": "text",
             "scenarios": "count", "elsewhere": "text"}  # fmt: skip
    demand = sweep.instance["demand"]
    organisations = sweep.instance["organisations"].keys[demand["organisation"]]
    services = sweep.instance["services"].keys[demand["service"]]
    rows: list[tuple[Any, ...]] = []
    for row, by in sweep.decisions:
        groups: dict[str, list[str]] = {}
        for scenario, text in by.items():
            groups.setdefault(text, []).append(scenario)
        order = sorted(groups, key=lambda text: (-len(groups[text]), text))
        main = order[0] if order else ""
        others = "; ".join(f"{text}: {', '.join(groups[text])}" for text in order[1:])
        rows.append((str(organisations[row]), str(services[row]), len(order) > 1, main,
                     len(groups.get(main, ())), others))  # fmt: skip
    return sheet(sweep.instance, kinds, rows)


def prices(sweep: Sweep) -> Sheet:
    """One row per plan and scenario: what the plan costs there, and its regret."""
    kinds = {"plan": "text", "scenario": "text", "cost": "money", "objective": "money",
             "regret_low": "quantity", "regret_high": "quantity", "broken": "text"}  # fmt: skip
    unit = 10**sweep.instance.settings.money_decimals
    rows: list[tuple[Any, ...]] = []
    for (plan, scenario), price in sweep.prices.items():
        regret = sweep.regret(plan, scenario)
        ends = (None, None) if regret is None else (regret.low, regret.high)
        rows.append((plan, scenario, None if price.broken else price.cost,
                     None if price.broken else price.objective,
                     *(None if end is None else end / unit for end in ends),
                     price.broken))  # fmt: skip
    return sheet(sweep.instance, kinds, rows)


def risks(sweep: Sweep) -> Sheet:
    """One row per plan: expected, worst and tail cost and largest regret over all scenarios."""
    kinds = {"plan": "text", "expected": "quantity", "worst": "quantity", "cvar": "quantity",
             "regret_low": "quantity", "regret_high": "quantity", "breaks_rules": "count",
             "breaks_rules_in": "text"}  # fmt: skip
    unit = 10**sweep.instance.settings.money_decimals

    def money(value: Fraction | None) -> Fraction | None:
        return None if value is None else value / unit

    rows: list[tuple[Any, ...]] = []
    for risk in sweep.risks:
        low = None if risk.regret is None else money(risk.regret.low)
        high = None if risk.regret is None else money(risk.regret.high)
        rows.append((risk.plan, money(risk.expected), money(risk.worst), money(risk.cvar), low,
                     high, len(risk.broken), ", ".join(risk.broken)))  # fmt: skip
    return sheet(sweep.instance, kinds, rows)
