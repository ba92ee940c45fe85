"""What shares have to show: who pays what by each way, who would leave, and what keeps them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from optimiser.files.studies import Record
from optimiser.studies.shares import METHODS
from optimiser.studies.sweeps import sheet

if TYPE_CHECKING:
    from optimiser.solvers.frames import Sheet
    from optimiser.studies.interval import Interval
    from optimiser.studies.shares import Shares, Way

#: Verdicts as a planner reads them.
WORDS = {
    "stable": "nobody",
    "leaving": "yes",
    "unresolved": "unresolved",
}


def record(shares: Shares) -> Record:
    """Return what is to be kept of shares."""
    return Record(
        kind="share",
        instance=shares.result.instance,
        options={**shares.how.document(), "methods": list(shares.ways)},
        headline=headline(shares),
        facts={
            "cost": _money(shares, shares.cost),
            "core": shares.core,
            "least_saving": (
                None if shares.least_core is None else _money(shares, shares.least_core.value)
            ),
            "subsidy": None if shares.subsidy is None else _money(shares, shares.subsidy.value),
            "objecting": [
                {"organisations": list(_members(shares, group)), "weight": str(weight)}
                for group, weight in (
                    {} if shares.least_core is None else shares.least_core.objecting
                ).items()
            ],
            "all_groups": shares.complete,
            "groups": len(shares.values),
            "solves": shares.solves,
            "interrupted": shares.interrupted,
        },
        tables={
            "shares": by_organisation(shares),
            "ways": ways(shares),
            "attribution": attribution(shares),
            "payments": payments(shares),
            "groups": groups(shares),
        },
        results={"plan": shares.result},
        seconds=shares.seconds,
    )


def _members(shares: Shares, group: int) -> tuple[str, ...]:
    return tuple(key for at, key in enumerate(shares.players) if group >> at & 1)


def _money(shares: Shares, units: Fraction | int) -> float:
    return float(Fraction(units) / 10**shares.result.instance.settings.money_decimals)


def _said(shares: Shares, units: Fraction | int) -> str:
    return f"{_money(shares, units):,.0f} {shares.result.currency}"


def _named(shares: Shares, group: int) -> str:
    """Name a group: its members, or all but those who are not in it."""
    members = _members(shares, group)
    if len(members) <= 3 or len(members) <= len(shares.players) // 2:
        return ", ".join(members)
    others = [key for key in shares.players if key not in members]
    return f"all but {', '.join(others)}" if others else "all"


def headline(shares: Shares) -> list[str]:
    """Return the answer in a few sentences."""
    count = len(shares.players)
    text = [f"The plan costs {_said(shares, shares.cost)} a year"]
    alone = [shares.values.get(1 << at) for at in range(count)]
    highs = [each.cost.high for each in alone if each is not None and each.cost.high is not None]
    if count > 1 and len(highs) == count:
        saved = sum(highs, Fraction(0)) - shares.cost
        text[0] += (
            f"; each of the {count} organisations by itself would pay "
            f"{_said(shares, sum(highs, Fraction(0)))} in all: together they "
            + ("save" if saved >= 0 else "pay more by")
            + f" {_said(shares, abs(saved))}."
        )
    else:
        text[0] += f", shared by {count} organisation{'s' if count != 1 else ''}."
    if shares.core == "there":
        text.append("There are shares at which no organisation and no group gains by leaving.")
    elif shares.core == "empty":
        text.append(_empty(shares))
    elif shares.least_core is not None:
        text.append(
            "Whether there are shares at which no group gains by leaving is unresolved at this gap."
        )
    stable = [METHODS[way.method] for way in shares.ways.values()
              if way.shares and shares.verdict(way) == "stable"]  # fmt: skip
    if stable:
        text.append(f"Nobody is better off leaving if costs are shared: {'; '.join(stable)}.")
    text += [
        line for way in shares.ways.values() if (line := _leaving(shares, way))
    ]
    if shares.interrupted:
        text.append("It was interrupted: some ways are missing.")
    return text


def _empty(shares: Shares) -> str:
    assert shares.least_core is not None
    text = (
        "However the cost is shared, some group would be better off by itself: at best one gains "
        f"{_said(shares, -shares.least_core.value)} a year."
    )
    if shares.subsidy is not None and shares.subsidy.value > 0:
        text += (
            f" {_said(shares, shares.subsidy.value)} a year from outside would keep everybody in."
        )
    return text


def _leaving(shares: Shares, way: Way) -> str:
    if not way.shares or way.objection is None or shares.verdict(way) != "leaving":
        return ""
    what = METHODS[way.method]
    text = (
        f"Shared {what}, {_named(shares, way.objection.group)} would be better off leaving, by "
        f"{_span(shares, way.objection.gain)} a year"
        if way.method in ("volume", "stand-alone")
        else f"By {what}, {_named(shares, way.objection.group)} would be better off leaving, by "
        f"{_span(shares, way.objection.gain)} a year"
    )
    if way.moved:
        text += f"; side payments of {_said(shares, way.moved)} would prevent it"
    return text + "."


def _span(shares: Shares, value: Interval) -> str:
    if value.low is None or value.high is None or _said(shares, value.low) == _said(
        shares, value.high
    ):
        return _said(shares, value.low if value.low is not None else value.high or 0)
    return f"{_money(shares, value.low):,.0f} to {_said(shares, value.high)}"


def by_organisation(shares: Shares) -> Sheet:
    """One row per organisation: what it would pay alone, and its share by each way."""
    found = {method: way for method, way in shares.ways.items() if way.shares}
    errors = [way for way in found.values() if way.errors]
    kinds = {"organisation": "text", "alone_low": "money", "alone": "money"}
    kinds |= {_column(method): "money" for method in found}
    kinds |= {f"{_column(way.method)}_error": "money" for way in errors}
    rows: list[tuple[Any, ...]] = []
    for at, key in enumerate(shares.players):
        value = shares.values.get(1 << at)
        low = None if value is None or value.cost.low is None else value.cost.low
        high = None if value is None or value.cost.high is None else value.cost.high
        if len(shares.players) == 1:
            low = high = Fraction(shares.cost)
        rows.append((
            key, None if low is None else -(-low // 1), None if high is None else int(high),
            *(way.shares[at] for way in found.values()),
            *(round(way.errors[at]) for way in errors),
        ))  # fmt: skip
    return sheet(shares.result.instance, kinds, rows)


def _column(method: str) -> str:
    return "by_" + method.replace("-", "_")


def ways(shares: Shares) -> Sheet:
    """One row per way: would a group be better off leaving, which, by how much."""
    kinds = {"way": "text", "what": "text", "leaving": "text", "group": "text",
             "gain_low": "money", "gain_high": "money", "most_gain": "money",
             "side_payments": "money", "note": "text"}  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for way in shares.ways.values():
        gain = way.objection.gain if way.objection is not None else None
        leaving = way.shares and shares.verdict(way) == "leaving"
        rows.append((
            way.method, METHODS[way.method],
            WORDS[shares.verdict(way)] if way.shares else "–",
            _named(shares, way.objection.group) if leaving and way.objection is not None else "",
            None if not leaving or gain is None or gain.low is None else int(gain.low // 1),
            None if not leaving or gain is None or gain.high is None else int(-(-gain.high // 1)),
            None if way.objection is None or way.objection.most.high is None
            else int(-(-way.objection.most.high // 1)),
            way.moved if way.payments else None, way.note,
        ))  # fmt: skip
    return sheet(shares.result.instance, kinds, rows)


def attribution(shares: Shares) -> Sheet:
    """One row per organisation: what it causes by itself, and its part of what is shared."""
    found = shares.attribution
    columns = ("in_house", "direct", "providers", "oversight", "closing", "total")
    kinds = {"organisation": "text", **dict.fromkeys(columns, "money")}
    rows = [
        (key, *(round(getattr(found, column)[at]) for column in columns))
        for at, key in enumerate(shares.players)
    ]
    return sheet(shares.result.instance, kinds, rows)


def payments(shares: Shares) -> Sheet:
    """One row per way and organisation that pays more or less so that nobody leaves."""
    kinds = {"way": "text", "organisation": "text", "share": "money", "payment": "money",
             "after": "money"}  # fmt: skip
    rows = [
        (way.method, key, way.shares[at], way.payments[at], way.shares[at] + way.payments[at])
        for way in shares.ways.values()
        for at, key in enumerate(shares.players)
        if way.payments and way.payments[at]
    ]
    return sheet(shares.result.instance, kinds, rows)


def groups(shares: Shares) -> Sheet:
    """One row per group that was looked at: what it would pay by itself."""
    kinds = {"group": "text", "size": "count", "cost_low": "money", "cost": "money",
             "possible": "flag"}  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for group, value in sorted(
        shares.values.items(), key=lambda item: (item[0].bit_count(), item[0])
    ):
        low, high = value.cost.low, value.cost.high
        rows.append((
            "; ".join(_members(shares, group)), group.bit_count(),
            None if low is None else int(-(-low // 1)), None if high is None else int(high),
            not value.impossible,
        ))  # fmt: skip
    return sheet(shares.result.instance, kinds, rows)
