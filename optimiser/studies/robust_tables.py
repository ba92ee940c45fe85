"""What a robust plan has to show: its cost in every scenario beside the best there."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from optimiser.files.studies import Record
from optimiser.studies.robustness import AIMS
from optimiser.studies.sweeps import carried, deliverers, sheet

if TYPE_CHECKING:
    from optimiser.solvers.frames import Sheet
    from optimiser.studies.interval import Interval
    from optimiser.studies.robustness import Robust


def record(robust: Robust) -> Record:
    """Return what is to be kept of a robust plan."""
    unit = 10**robust.sweep.instance.settings.money_decimals

    def ends(value: Interval | None) -> list[float | None] | None:
        if value is None:
            return None
        return [None if end is None else float(end / unit) for end in (value.low, value.high)]

    tables = {"scenarios": scenarios(robust), "plan": plan(robust)}
    return Record(
        kind="robust",
        instance=robust.sweep.instance,
        options={**robust.sweep.how.document(), "aim": robust.aim, "stage": robust.stage,
                 "alpha": robust.alpha},
        headline=headline(robust),
        facts={
            "status": robust.status,
            "value": ends(robust.value),
            "evpi": ends(robust.evpi),
            "vss": ends(robust.vss),
            "mean_fails": list(robust.mean_fails),
            "openings": list(robust.openings),
            "reasons": list(robust.joint.reasons),
            "interrupted": robust.interrupted,
        },
        tables=tables,
        results=robust.sweep.results,
        seconds=robust.seconds,
    )  # fmt: skip


def headline(robust: Robust) -> list[str]:
    """Return the answer in a few sentences."""
    count = len(robust.names)
    what = "one plan" if robust.stage == "plan" else "openings decided now"
    if robust.value.high is None:
        why = "; ".join(robust.joint.reasons) or "none was found in the time given"
        verb = "There is" if robust.status == "infeasible" else "There may be"
        return [f"{verb} no {what.removeprefix('one ')} for all {count} scenarios: {why}."]
    text = [f"With {what} for {count} scenarios the {AIMS[robust.aim]} is "
            f"{_money(robust, robust.value.high)}; {_bound(robust)}"]  # fmt: skip
    if robust.evpi is not None:
        text.append(
            "Knowing the future first would be worth "
            f"{_range(robust, robust.evpi)} a year (expected value of perfect information)."
        )
    if robust.vss is not None:
        text.append(
            "Planning for the mean of the scenarios instead would cost "
            f"{_range(robust, robust.vss)} a year more (value of the stochastic solution)."
        )
    elif robust.mean_fails:
        text.append(
            "The openings that are best for the mean of the scenarios leave no plan in "
            f"{', '.join(robust.mean_fails)}."
        )
    if robust.openings:
        text.append(f"Open now: {', '.join(robust.openings)}.")
    return text


def _money(robust: Robust, units: Fraction) -> str:
    settings = robust.sweep.instance.settings
    return f"{float(units) / 10**settings.money_decimals:,.0f} {settings.currency}"


def _bound(robust: Robust) -> str:
    value = robust.value
    if value.low is None or value.high is None:
        return "how far that is from the least is not known."
    if value.known:
        return "no plan can do better."
    apart = value.high - value.low
    share = float(apart / abs(value.high)) if value.high else 0.0
    return f"no plan can do better by more than {_money(robust, apart)} ({share:.3%})."


def _range(robust: Robust, value: Interval) -> str:
    if value.low is None or value.high is None:
        return "an amount that is not known"
    if value.high - value.low <= abs(value.high) / 1000:
        return _money(robust, value.high)
    text = f"{_money(robust, value.low)} to {_money(robust, value.high)}"
    return text if value.resolved else f"{text} (unresolved at this gap)"


def scenarios(robust: Robust) -> Sheet:
    """One row per likely scenario: what the plan costs there, the best there, and the regret."""
    kinds = {"scenario": "text", "probability": "quantity", "objective": "money",
             "best": "quantity", "best_bound": "quantity", "regret_low": "quantity",
             "regret_high": "quantity"}  # fmt: skip
    unit = 10**robust.sweep.instance.settings.money_decimals
    rows: list[tuple[Any, ...]] = []
    for name in robust.names:
        best = robust.sweep.best.get(name)
        high = None if best is None else best.high
        low = None if best is None else best.low
        ours = robust.objectives.get(name)
        regrets = [
            None if ours is None or end is None else max(ours - end, Fraction(0)) / unit
            for end in (high, low)
        ]
        rows.append((name, robust.sweep.probability[name], ours,
                     None if high is None else high / unit, None if low is None else low / unit,
                     *regrets))  # fmt: skip
    return sheet(robust.sweep.instance, kinds, rows)


def plan(robust: Robust) -> Sheet:
    """One row per pair: its deliverer; under ``openings`` in each scenario."""
    demand = robust.sweep.instance["demand"]
    organisations = robust.sweep.instance["organisations"].keys[demand["organisation"]]
    services = robust.sweep.instance["services"].keys[demand["service"]]
    names = ["deliverer"] if robust.stage == "plan" else list(robust.names)
    kinds = {"organisation": "text", "service": "text", **dict.fromkeys(names, "text")}
    if not robust.joint.plans:
        return sheet(robust.sweep.instance, kinds, [])
    first = robust.sweep.instances[robust.names[0]]
    chosen = []
    for at, name in enumerate(robust.names[: len(names)]):
        instance = robust.sweep.instances[name]
        own = robust.joint.plans[at]
        if robust.stage == "plan":
            own = carried(robust.joint.plans[0], first, instance)
        chosen.append(deliverers(instance, own))
    rows = [
        (str(organisations[row]), str(services[row]), *(texts[row] for texts in chosen))
        for row in range(len(demand))
    ]
    return sheet(robust.sweep.instance, kinds, rows)
