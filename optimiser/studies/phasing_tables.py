"""The tables and the sentences of phases."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.files.studies import Record
from optimiser.model.instance import IN_HOUSE_CODE, NOWHERE
from optimiser.model.schema import IN_HOUSE, ONE_OFF_PARTS
from optimiser.studies.sweeps import deliverers, sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimiser.solvers.frames import Sheet
    from optimiser.studies.interval import Interval
    from optimiser.studies.phasing import Phasing
    from optimiser.studies.transitions import Course


def record(phasing: Phasing) -> Record:
    """Return what is to be kept of phases."""
    limits, advice = phasing.limits, phasing.advice
    unit = 10**phasing.instance.settings.money_decimals
    budget = None if limits.budget is None else [amount / unit for amount in limits.budget]
    worth, course = phasing.best_worth, phasing.course
    return Record(
        kind="phase",
        instance=phasing.instance,
        options={**phasing.how.document(), "years": limits.years, "budget": budget,
                 "moves": limits.moves, "on_the_way": phasing.on_the_way},
        headline=headline(phasing),
        facts={
            "status": phasing.status,
            "solver": phasing.joint.solver,
            "gap": None if phasing.joint.gap == math.inf else phasing.joint.gap,
            "reasons": list(phasing.joint.reasons),
            "years": limits.years,
            "horizon": phasing.horizon,
            "moves": _count(phasing),
            "one_off": _money(phasing, None if phasing.transition is None
                              else phasing.transition.one_offs),
            "today": _money(phasing, None if phasing.transition is None
                            else phasing.transition.before),
            "target": _money(phasing, None if phasing.transition is None
                             else phasing.transition.after),
            "worth_low": _money(phasing, worth.low),
            "worth_high": _money(phasing, worth.high),
            "pays_back": None if course is None else phasing.pays_back(course),
            "least_budget": _money(phasing, None if advice is None or advice.budget is None
                                   else advice.budget.high),
            "least_moves": None if advice is None or advice.moves is None
            else int(advice.moves.high or 0),
            "least_years": None if advice is None else advice.years,
            "interrupted": phasing.interrupted,
        },
        tables={
            "years": years(phasing),
            "moves": moves(phasing),
            "payments": payments(phasing),
            "orders": orders(phasing),
            "rules": rules(phasing),
        },
        results={} if phasing.target is None else {"target": phasing.target},
        seconds=phasing.seconds,
    )  # fmt: skip


def _money(phasing: Phasing, units: Fraction | int | None) -> float | None:
    """Return an amount in currency, rounded to its last place."""
    settings = phasing.instance.settings
    if units is None:
        return None
    return round(float(Fraction(units) / 10**settings.money_decimals), settings.money_decimals)


def _words(phasing: Phasing, units: Fraction | int) -> str:
    settings = phasing.instance.settings
    return f"{float(Fraction(units) / 10**settings.money_decimals):,.0f} {settings.currency}"


# --- sentences ---------------------------------------------------------------------------------


def headline(phasing: Phasing) -> list[str]:
    """Return the answer in a few sentences."""
    course = phasing.course
    if phasing.transition is None:
        why = {
            "infeasible": "No plan keeps every rule, so there is nothing to move to.",
            "error": "The solver failed, so there is no plan to move to.",
        }
        if phasing.interrupted:
            return ["Interrupted while the plan to move to was being sought."]
        return [why.get(phasing.status, "No plan to move to was found in the time given.")]
    if course is None:
        return list(_without(phasing))
    return [*_told(phasing, course), *_compared(phasing, course), *_rules(phasing)]


def _asked(phasing: Phasing) -> str:
    """Say the limits."""
    limits, text = phasing.limits, ""
    if limits.budget is not None:
        amounts = sorted(set(limits.budget))
        text = f" within {_words(phasing, amounts[0])} a year" if len(amounts) == 1 else (
            f" within {_words(phasing, sum(limits.budget))} by yearly budgets"
        )  # fmt: skip
    if limits.moves is not None:
        text += f"{' and' if text else ' with'} {limits.moves:,} moves a year"
    return text


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _told(phasing: Phasing, course: Course) -> Iterator[str]:
    way = phasing.transition
    assert way is not None
    moves = len(way.movers)
    if not moves:
        new = bool(np.any(phasing.instance["demand"]["incumbent"] == NOWHERE))
        yield (
            "Nothing has to move: who has an incumbent stays, and what has none is delivered as "
            "planned from the first year."
            if new
            else "The plan is today's arrangement: nothing has to move."
        )
        return
    last = max(year for year, count in enumerate(course.moves, start=1) if count)
    worth = phasing.worth(course)
    yield (
        f"{_plural(moves, 'move')} in {_plural(last, 'year')}{_asked(phasing)}; "
        f"{_words(phasing, way.one_offs)} are paid once in all. Over {phasing.horizon} years this "
        f"{'saves' if worth >= 0 else 'costs'} {_words(phasing, abs(worth))} "
        f"{'' if worth >= 0 else 'more '}against today (net present value)."
    )
    back = phasing.pays_back(course)
    yield (
        "It never pays back what it costs." if back is None
        else f"From the end of year {back:,} on it has saved more than it has cost."
    )  # fmt: skip
    room = phasing.against(course)
    if room.high is None:
        yield f"How much better another order may be is not known ({phasing.status})."
    elif _words(phasing, room.high) != _words(phasing, 0):
        yield (
            f"No order is worth over {_words(phasing, room.high)} more than this one "
            f"(a gap of {phasing.joint.gap or 0:.2g} of all costs, by {phasing.joint.solver}'s "
            "bound)."
        )
    else:
        settings = phasing.instance.settings
        yield f"No other order is worth a {settings.currency} more."


def _compared(phasing: Phasing, course: Course) -> Iterator[str]:
    way, once, greedy = phasing.transition, phasing.at_once, phasing.greedy
    assert way is not None
    if not len(way.movers):
        return
    if once is not None:
        more = phasing.worth(once) - phasing.worth(course)
        fits = phasing.keeps(once)
        text = f"All at once would need {_words(phasing, once.spending[0])} in the first year"
        yield f"{text}{' (which the limits allow)' if fits else ''} and be worth " + (
            f"{_words(phasing, more)} more." if more >= 0 else f"{_words(phasing, -more)} less."
        )
    if greedy is None:
        yield "A greedy order (most saved for its one-off money first) does not come to its end."
    else:
        yield f"Against a greedy order the best is worth {_between(phasing, greedy)} more."


def _between(phasing: Phasing, other: Course) -> str:
    more: Interval = phasing.against(other)
    low, high = more.low or Fraction(0), more.high
    if high is None:
        return f"at least {_words(phasing, low)}"
    if _words(phasing, high) == _words(phasing, low):
        return _words(phasing, low)
    unresolved = "" if more.resolved else " (unresolved)"
    return f"{_words(phasing, low)} to {_words(phasing, high)}{unresolved}"


def _rules(phasing: Phasing) -> Iterator[str]:
    way = phasing.transition
    assert way is not None
    if way.relaxations:
        count = len(way.relaxations)
        yield (
            f"Today's arrangement breaks {_plural(count, 'rule')}; until the last year "
            f"{'this' if count == 1 else 'these'} may stay broken, no further than today."
        )


def _without(phasing: Phasing) -> Iterator[str]:
    """Say why there is no order, and what would do."""
    limits, advice, status = phasing.limits, phasing.advice, phasing.status
    years = _plural(limits.years, "year")
    if status != "infeasible":
        yield (
            f"No order that reaches the plan in {years}{_asked(phasing)} was found in the time "
            "given; there may be one."
        )
        yield from phasing.joint.reasons[:2]
        return
    yield f"The plan cannot be reached in {years}{_asked(phasing)}."
    if phasing.why:
        yield from (f"{why[0].upper()}{why[1:]}." for why in phasing.why)
    elif phasing.joint.solver:
        solver = phasing.joint.solver
        yield f"That no order keeps these limits and the rules on the way is {solver}'s word."
    else:
        yield from (f"{why[0].upper()}{why[1:]}." for why in phasing.joint.reasons[:2])
    if advice is None:
        return
    also = "" if limits.moves is None else f", with {limits.moves:,} moves a year"
    if advice.budget is not None:
        yield f"In {years}{also}, {_least_budget(phasing, advice.budget)} would do."
    elif limits.budget is not None:
        sure = limits.moves is not None and limits.moves * limits.years < _count(phasing)
        yield f"In {years}{also}, no budget {'would do' if sure else 'was found that would do'}."
    if advice.moves is not None:
        within = "" if limits.budget is None else " within the budget"
        yield f"In {years}{within}, {_least_moves(advice.moves)} would do."
    if advice.years is not None:
        fewer = "" if advice.proved else " (fewer may do)"
        yield f"Within these limits, {_plural(advice.years, 'year')} would do{fewer}."
    elif limits.budget is not None or limits.moves is not None:
        if not advice.proved:
            yield f"No number of years up to {advice.tried:,} was found that would do."
        elif advice.ever:
            yield "No number of years would do."
        else:
            yield f"Up to {advice.tried:,} years would not do either."
    if phasing.on_the_way == "rules" and not phasing.why:
        yield (
            "Rules that today's arrangement keeps hold in every year; with --on-the-way "
            "capacities policies, minima and officers count in the last year only."
        )


def _count(phasing: Phasing) -> int:
    """Return how many pairs move."""
    return 0 if phasing.transition is None else len(phasing.transition.movers)


def _least_budget(phasing: Phasing, budget: Interval) -> str:
    high = budget.high or Fraction(0)
    if budget.low == high:
        return f"{_words(phasing, high)} a year (and no less)"
    low, text = _words(phasing, budget.low or 0), _words(phasing, high)
    less = "hardly less" if low == text else f"less than {low} would not"
    return f"{text} a year ({less})"


def _least_moves(moves: Interval) -> str:
    high = int(moves.high or 0)
    return f"{high:,} moves a year" + (" (and no fewer)" if moves.low == high else "")


# --- tables ------------------------------------------------------------------------------------


def years(phasing: Phasing) -> Sheet:
    """One row per year of the horizon: moves, costs by kind, spending and savings."""
    kinds = {"year": "count", "moves": "count", "running": "money", "one_off": "money",
             **dict.fromkeys(ONE_OFF_PARTS, "money"), "budget": "money", "cost": "money",
             "today": "money", "saving": "money", "cumulative": "money",
             "present_value": "quantity"}  # fmt: skip
    way, course, rows = phasing.transition, phasing.course, list[tuple[Any, ...]]()
    if way is None or course is None:
        return sheet(phasing.instance, kinds, rows)
    rate, budget = 1 + phasing.instance.settings.discount_rate, phasing.limits.budget
    unit = 10**phasing.instance.settings.money_decimals
    total, worth = 0, Fraction(0)
    for t, saving in enumerate(phasing.savings(course)):
        moving = t < course.years
        running = course.running[t] if moving else way.after
        spent = course.spent[t] if moving else dict.fromkeys(ONE_OFF_PARTS, 0)
        once = sum(spent.values())
        total += saving
        worth += (way.before - running) / rate ** (t + 1) - once / rate**t
        rows.append((
            t + 1, course.moves[t] if moving else 0, running, once,
            *(spent[kind] for kind in ONE_OFF_PARTS),
            budget[t] if budget is not None and moving else None,
            running + once, way.before, saving, total, worth / unit,
        ))  # fmt: skip
    return sheet(phasing.instance, kinds, rows)


def moves(phasing: Phasing) -> Sheet:
    """One row per move, in the order of the years."""
    kinds = {"year": "count", "organisation": "text", "service": "text", "from": "text",
             "to": "text", "one_off": "money"}  # fmt: skip
    way, course, rows = phasing.transition, phasing.course, list[tuple[Any, ...]]()
    if way is None or course is None:
        return sheet(phasing.instance, kinds, rows)
    instance = phasing.instance
    own = dict.fromkeys(way.movers.tolist(), 0)
    for payment in way.payments:
        if payment.kind in ("exit", "entry", "in_house_entry") and payment.pairs:
            own[payment.pairs[0]] += payment.amount
    origin, destination = (deliverers(instance, plan) for plan in (way.start, way.target))
    organisations = instance.texts("demand", "organisation").tolist()
    services = instance.texts("demand", "service").tolist()
    for q in sorted(way.movers.tolist(), key=lambda q: (int(course.schedule[q]), q)):
        rows.append((int(course.schedule[q]), organisations[q], services[q], origin[q],
                     destination[q], own[q]))  # fmt: skip
    return sheet(instance, kinds, rows)


def payments(phasing: Phasing) -> Sheet:
    """One row per payment made once, in the year in which it is due."""
    kinds = {"year": "count", "kind": "text", "organisation": "text", "service": "text",
             "provider": "text", "amount": "money"}  # fmt: skip
    way, course, rows = phasing.transition, phasing.course, list[tuple[Any, ...]]()
    if way is None or course is None:
        return sheet(phasing.instance, kinds, rows)
    instance = phasing.instance

    def key(table: str, row: int) -> str | None:
        if row == IN_HOUSE_CODE:
            return IN_HOUSE
        return None if row < 0 else str(instance[table].keys[row])

    for each in way.payments:
        rows.append((
            each.due(course.schedule, course.years), each.kind,
            key("organisations", each.organisation), key("services", each.service),
            key("providers", each.provider), each.amount,
        ))  # fmt: skip
    rows.sort(key=lambda row: row[0])
    return sheet(instance, kinds, rows)


def orders(phasing: Phasing) -> Sheet:
    """One row per order: the best, all at once, and the greedy one."""
    kinds = {"order": "text", "within_limits": "flag", "last_move": "count", "one_off": "money",
             "most_spent": "money", "most_moves": "count", "worth": "quantity",
             "pays_back": "count", "less_low": "quantity", "less_high": "quantity"}  # fmt: skip
    rows = list[tuple[Any, ...]]()
    unit = 10**phasing.instance.settings.money_decimals
    best = phasing.course
    named = {"best": best, "all at once": phasing.at_once, "greedy": phasing.greedy}
    for name, course in named.items():
        if course is None:
            continue
        low = high = None
        if best is not None and name != "best" and phasing.keeps(course):
            less = phasing.against(course)
            low, high = (None if end is None else end / unit for end in (less.low, less.high))
        moving = [year for year, count in enumerate(course.moves, start=1) if count]
        rows.append((
            name, phasing.keeps(course), max(moving, default=0), sum(course.spending),
            max(course.spending), max(course.moves), phasing.worth(course) / unit,
            phasing.pays_back(course), low, high,
        ))  # fmt: skip
    return sheet(phasing.instance, kinds, rows)


def rules(phasing: Phasing) -> Sheet:
    """One row per rule that today's arrangement breaks, and how far it may stay broken."""
    way = phasing.transition
    rows: list[tuple[Any, ...]] = [] if way is None else [
        (each.rule.name, each.words) for each in way.relaxations
    ]  # fmt: skip
    return sheet(phasing.instance, {"rule": "text", "until_the_last_year": "text"}, rows)
