"""Rules across cells, rows and tables: what each cell by itself cannot tell."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from optimiser.model.instance import BLANK, IN_HOUSE_CODE
from optimiser.model.parse import report
from optimiser.model.schema import IN_HOUSE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from optimiser.model.faults import Faults
    from optimiser.model.parse import Draft
    from optimiser.model.settings import Given

#: Measures of policies that may be a share of all demand; the others are absolute only.
SHARES: Final = ("volume", "baseline_cost", "pairs", "staff_covered")
#: Least rows of a table whose absence would leave nothing to decide.
_NEEDS_ROWS: Final = ("organisations", "services", "demand")


def validate(
    drafts: Mapping[str, Draft], given: Given, settings_source: str, faults: Faults
) -> None:
    """Note every fault across columns, rows and tables.

    Parameters
    ----------
    drafts
        Parsed tables, defaults filled in.
    given
        Settings.
    settings_source
        What faults in the settings name as their file.
    faults
        Where they are noted.
    """
    for name in _NEEDS_ROWS:
        draft = drafts[name]
        if draft.given and not len(draft):
            faults.add(draft.source, "the table has no rows", f"Add the rows of {name}.")
    for draft in drafts.values():
        _duplicates(draft, faults)
    _places(drafts, faults)
    _metric(drafts, str(given.values["distance.metric"]), settings_source, faults)
    _ranges(drafts, faults)
    _offers(drafts, faults)
    _incumbents(drafts, faults)
    _options(drafts, faults)
    _links(drafts["links"], faults)
    _oversight(drafts["authorities"], given.oversight, settings_source, faults)
    _policies(drafts, faults)


# --- keys --------------------------------------------------------------------------------------


def combine(*columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one code for each combination of codes (−2 and more), shape (rows,)."""
    result = np.zeros(len(columns[0]), dtype=np.int64)
    reach = 1
    for column in columns:
        span = int(column.max(initial=0)) + 3
        if reach * span >= 2**62:
            _, result = np.unique(result, return_inverse=True)
            reach = len(result) + 1
        result = result * span + column + 2
        reach *= span
    return result


def _codes(draft: Draft, column: str) -> NDArray[np.int64]:
    values = draft[column]
    if values.dtype != object:
        return values
    import pandas as pd

    return np.asarray(pd.factorize(values)[0], dtype=np.int64)


def _duplicates(draft: Draft, faults: Faults) -> None:
    key = draft.schema.key
    if not len(draft) or draft.schema.name == "network":
        return  # roads may be parallel
    import pandas as pd

    columns = [_codes(draft, name) for name in key]
    if draft.schema.name == "links":  # (a, b) is the same link as (b, a)
        columns[:2] = [np.minimum(*columns[:2]), np.maximum(*columns[:2])]
    code = combine(*columns)
    rows = np.flatnonzero(draft.fine(*key))
    repeated = pd.Series(code[rows]).duplicated().to_numpy()
    if not repeated.any():
        return
    mask = np.zeros(len(draft), dtype=bool)
    mask[rows[repeated]] = True
    many = len(key) > 1
    report(
        faults, draft, key[0], mask,
        f"another row has the same {', '.join(key)}",
        lambda at: (
            f"Row {draft.row_numbers[rows[code[rows] == code[at]][0]]} has it already"
            + (f" ({', '.join(draft.cell(name, at) for name in key)})" if many else "")
            + ": delete or change one of the two."
        ),
    )  # fmt: skip


# --- places ------------------------------------------------------------------------------------


_PLACES: Final = {"great-circle": ("latitude", "longitude"), "straight-line": ("x_km", "y_km")}


def _places(drafts: Mapping[str, Draft], faults: Faults) -> None:
    for draft in (drafts["organisations"], drafts["providers"]):
        has = []
        for one, two in _PLACES.values():
            fine = draft.fine(one, two)
            first, second = draft[one] != BLANK, draft[two] != BLANK
            for given, lacking, half in ((one, two, first & ~second), (two, one, second & ~first)):
                report(faults, draft, lacking, half & fine, f"{given} is given without {lacking}",
                       f"Fill {lacking}, or clear {given}.")  # fmt: skip
            has.append(first | second)
        report(faults, draft, "x_km", has[0] & has[1], "a place is given in degrees and in km",
               "Clear latitude and longitude, or x_km and y_km.")  # fmt: skip


def _first_place(drafts: Mapping[str, Draft], metric: str) -> tuple[Draft, int] | None:
    """Return the first row with a place of the one kind that a metric needs, and not the other."""
    (one, two), (three, four) = _PLACES[metric], *(
        pair for kind, pair in _PLACES.items() if kind != metric
    )
    for draft in (drafts["organisations"], drafts["providers"]):
        this = (draft[one] != BLANK) | (draft[two] != BLANK)
        other = (draft[three] != BLANK) | (draft[four] != BLANK)
        rows = np.flatnonzero(this & ~other)
        if len(rows):
            return draft, int(rows[0])
    return None


def _metric(
    drafts: Mapping[str, Draft], metric: str, settings_source: str, faults: Faults
) -> None:
    """Check that there is one kind of place, the one that the metric needs."""
    degrees, km = (_first_place(drafts, kind) for kind in _PLACES)
    if degrees and km:
        draft, at = km
        faults.add(draft.source, "some places are given in km, others in degrees",
                   "Use one kind for all organisations and providers: "
                   f"{degrees[0].source}, row {degrees[0].row_numbers[degrees[1]]} gives degrees.",
                   row=int(draft.row_numbers[at]), column="x_km",
                   value=draft.cell("x_km", at))  # fmt: skip
    elif metric == "network" and not len(drafts["network"]):
        faults.add(settings_source, "the metric is network, but there are no roads",
                   "Add the table network, or choose another metric.",
                   column="distance.metric", value=metric)  # fmt: skip
    elif (metric == "great-circle" and km) or (metric == "straight-line" and degrees):
        right = "straight-line" if km else "great-circle"
        faults.add(settings_source, f"the places are not of the kind that {metric} needs",
                   f"Set it to {right}, or leave it out.", column="distance.metric",
                   value=metric)  # fmt: skip


# --- ranges and offers -------------------------------------------------------------------------


def _ranges(drafts: Mapping[str, Draft], faults: Faults) -> None:
    for name, low, high, nought_bars in (
        ("providers", "min_members", "max_members", True),
        ("offers", "min_volume", "capacity", True),
        ("tariffs", "from_volume", "to_volume", False),
        ("policies", "minimum", "maximum", False),
    ):
        draft = drafts[name]
        wrong = (draft[low] != BLANK) & (draft[high] != BLANK) & (draft[low] > draft[high])
        if nought_bars:  # 0 is none at all, which a least amount does not contradict
            wrong &= draft[high] != 0
        report(faults, draft, low, wrong & draft.fine(low, high), f"{low} is above {high}",
               partial(_range_remedy, draft, high))  # fmt: skip


def _range_remedy(draft: Draft, high: str, at: int) -> str:
    return f"Lower it, or raise {high}, which is {draft.cell(high, at).strip()}."


def _offers(drafts: Mapping[str, Draft], faults: Faults) -> None:
    offers, tariffs = drafts["offers"], drafts["tariffs"]
    if not offers.given or not tariffs.given:
        return
    key = ("provider", "service")
    # Where a faulty row hides an offer or a band, it may be the very one that seems to be missing.
    bands = _known(tariffs, *key)
    if bands:
        lacking = bands.find(offers["provider"], offers["service"]) < 0
        report(faults, offers, "provider", lacking & offers.fine(*key),
               "the offer has no tariff",
               lambda at: f"Add a band for {offers.cell('provider', at)}, "
               f"{offers.cell('service', at)} to tariffs, or delete the offer.")  # fmt: skip
    known = _known(offers, *key)
    if known:
        lacking = known.find(tariffs["provider"], tariffs["service"]) < 0
        report(faults, tariffs, "provider", lacking & tariffs.fine(*key),
               "the tariff has no offer",
               lambda at: f"Add {tariffs.cell('provider', at)}, {tariffs.cell('service', at)} "
               "to offers, or delete the band.")  # fmt: skip


class Columns(Protocol):
    """Columns by name: a `Draft` or a `Table`."""

    def __getitem__(self, column: str, /) -> NDArray[Any]: ...


class Lookup:
    """Rows of a table by a key of two references (−2 and more); the first of equal ones."""

    def __init__(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> None:
        self._width = int(second.max(initial=0)) + 3
        codes = first * self._width + second
        self._order = np.argsort(codes, kind="stable")
        self._codes = codes[self._order]

    def find(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each, −1 where there is none, shape as given."""
        if not len(self._codes):
            return np.full(len(first), -1, dtype=np.int64)
        wanted = first * self._width + second
        at = np.minimum(np.searchsorted(self._codes, wanted), len(self._codes) - 1)
        there = (first >= 0) & (second >= 0) & (second + 2 < self._width)
        return np.where(there & (self._codes[at] == wanted), self._order[at], -1)


def _known(draft: Draft, first: str, second: str) -> Lookup | None:
    """Return the rows of a table by two columns; None if faults hide some of them."""
    if draft.given and draft.fine(first, second).all():
        return Lookup(draft[first], draft[second])
    return None


# --- demand and options ------------------------------------------------------------------------


def _incumbents(drafts: Mapping[str, Draft], faults: Faults) -> None:
    demand = drafts["demand"]
    incumbent = demand["incumbent"]
    fine = demand.fine("incumbent", "service", "in_house_cost")
    by_itself = (incumbent == IN_HOUSE_CODE) & (demand["in_house_cost"] == BLANK)
    report(faults, demand, "incumbent", fine & by_itself,
           "the incumbent is in-house, but in_house_cost is blank, so in-house is impossible",
           "Fill in_house_cost, or name another incumbent.")  # fmt: skip
    offers = _known(drafts["offers"], "provider", "service")
    if offers:
        lacking = (incumbent >= 0) & (offers.find(incumbent, demand["service"]) < 0)
        report(faults, demand, "incumbent", lacking & demand.fine("incumbent", "service"),
               "the incumbent has no offer for this service",
               lambda at: f"Add {demand.cell('incumbent', at)}, {demand.cell('service', at)} "
               "to offers, or name another incumbent.")  # fmt: skip


def _options(drafts: Mapping[str, Draft], faults: Faults) -> None:
    options, demand, providers = drafts["options"], drafts["demand"], drafts["providers"]
    if not len(options):
        return
    key = ("organisation", "service", "provider")
    fine = options.fine(*key)
    by_itself = options["provider"] == IN_HOUSE_CODE
    pair = Lookup(demand["organisation"], demand["service"]).find(
        options["organisation"], options["service"]
    )
    if _known(demand, "organisation", "service"):
        report(faults, options, "service", options.fine(*key[:2]) & (pair < 0),
               "the organisation does not need this service",
               lambda at: f"Add {options.cell('organisation', at)}, "
               f"{options.cell('service', at)} to demand, or delete the option.")  # fmt: skip
    offers = _known(drafts["offers"], "provider", "service")
    if offers:
        lacking = offers.find(options["provider"], options["service"]) < 0
        report(faults, options, "provider", fine & ~by_itself & lacking,
               "the provider has no offer for this service",
               lambda at: f"Add {options.cell('provider', at)}, {options.cell('service', at)} "
               "to offers, or delete the option.")  # fmt: skip
    for name, default in (("access_cost", BLANK), ("entry_cost", 0), ("hours", 0)):
        filled = by_itself & (options[name] != default) & options.fine("provider", name)
        report(faults, options, name, filled,
               f"a row whose provider is {IN_HOUSE} may fill no column but decision",
               "Clear it; demand holds the cost and hours of in-house.")  # fmt: skip
    required = fine & options.fine("decision") & (options["decision"] == "required")
    if not required.any():
        return
    if len(providers):
        barred = (providers["decision"] == "barred")[np.maximum(options["provider"], 0)]
        report(faults, options, "decision", required & ~by_itself & barred,
               "the option is required, but its provider is barred",
               lambda at: f"Clear this decision, or that of {options.cell('provider', at)} "
               "in providers.")  # fmt: skip
    known = required & by_itself & (pair >= 0)
    if known.any():
        impossible = (demand["in_house_cost"] == BLANK) & demand.fine("in_house_cost")
        report(faults, options, "decision", known & impossible[np.maximum(pair, 0)],
               "in-house is required, but the pair's in_house_cost is blank, so it is impossible",
               "Fill in_house_cost in demand, or clear the decision.")  # fmt: skip
    _required_twice(options, required, faults)


def _required_twice(options: Draft, required: NDArray[np.bool_], faults: Faults) -> None:
    first: dict[tuple[int, int], int] = {}
    earlier: dict[int, int] = {}
    for at in np.flatnonzero(required).tolist():
        pair = (int(options["organisation"][at]), int(options["service"][at]))
        before = first.setdefault(pair, at)
        # The same deliverer twice is a doubled row, which has its own fault.
        if before != at and options["provider"][before] != options["provider"][at]:
            earlier[at] = before
    mask = np.zeros(len(options), dtype=bool)
    mask[list(earlier)] = True
    report(faults, options, "decision", mask, "two deliverers are required for one pair",
           lambda at: f"Row {options.row_numbers[earlier[at]]} requires "
           f"{options.cell('provider', earlier[at])}: clear one of the two.")  # fmt: skip


# --- links and oversight -----------------------------------------------------------------------


def _links(links: Draft, faults: Faults) -> None:
    same = (links["service_a"] == links["service_b"]) & links.fine("service_a", "service_b")
    report(faults, links, "service_b", same, "a link needs two different services",
           "Name another service, or delete the row.")  # fmt: skip
    cost = (links["cost"] > 0) & (links["rule"] != "split-cost") & links.fine("cost", "rule")
    report(faults, links, "cost", cost, "only a link whose rule is split-cost has a cost",
           "Clear the cost, or make the rule split-cost.")  # fmt: skip


_NEEDS: Final = (
    ("officer_cost", "officer_hours"),
    ("max_officers", "officer_hours"),
    ("span_of_control", "officer_hours"),
    ("manager_cost", "officer_hours"),
    ("manager_cost", "span_of_control"),
)


def _oversight(
    authorities: Draft, oversight: Mapping[str, int], settings_source: str, faults: Faults
) -> None:
    wrong_defaults = set()
    for name, needed in _NEEDS:
        if oversight[name] != BLANK and oversight[needed] == BLANK:
            wrong_defaults.add((name, needed))
            faults.add(settings_source, f"{name} is given without {needed}",
                       f"Give {needed} too, or take {name} out.",
                       column=f"oversight.{name}")  # fmt: skip
    for name, needed in _NEEDS:
        # One fault in the defaults would otherwise be repeated for every authority.
        own = np.array([bool(authorities.cell(name, at).strip()) for at in range(len(authorities))],
                       dtype=bool)  # fmt: skip
        wrong = (authorities[name] != BLANK) & (authorities[needed] == BLANK)
        if (name, needed) in wrong_defaults:
            wrong &= own
        report(
            faults, authorities, name, wrong & authorities.fine(name, needed),
            f"{name} is given without {needed}", f"Fill {needed} too, or clear {name}.",
        )  # fmt: skip


# --- policies ----------------------------------------------------------------------------------


def _policies(drafts: Mapping[str, Draft], faults: Faults) -> None:
    policies = drafts["policies"]
    if not len(policies):
        return
    scope, measure, mode = policies["scope"], policies["measure"], policies["mode"]
    services = np.array([bool(each) for each in policies["service"]], dtype=bool)
    fine = policies.fine("scope", "measure", "mode", "service", "unit")
    each_provider = scope == "each-provider"
    share = policies["unit"] == "share"
    for column, wrong, rule, remedy in (
        ("service", (measure == "oversight_hours") & services,
         "oversight_hours takes no services", "Clear the services."),
        ("mode", np.isin(measure, ["open_providers", "contracts"]) & (mode == IN_HOUSE),
         "open_providers and contracts know no mode in-house", "Clear it or choose another mode."),
        ("mode", each_provider & (mode == IN_HOUSE),
         "the scope each-provider knows no mode in-house",
         "Choose another mode, or the scope total or each-authority."),
        ("measure", each_provider & (measure == "open_providers"),
         "the scope each-provider knows no measure open_providers",
         "Choose another measure, or the scope total or each-authority."),
        ("unit", share & ~np.isin(measure, SHARES),
         "this measure is absolute only, it is no share of anything",
         "Write absolute or leave it blank."),
    ):  # fmt: skip
        report(faults, policies, column, fine & np.asarray(wrong, dtype=bool), rule, remedy)
    for name in ("minimum", "maximum"):
        over = share & (policies[name] != BLANK) & (policies[name] > 10**6)
        report(
            faults, policies, name, over & fine & policies.fine(name),
            "a share is from 0 to 1", "Write 12.5 % as 0.125, or make the unit absolute.",
        )  # fmt: skip
    _counted(drafts, np.flatnonzero(fine).tolist(), faults)


def _counted(drafts: Mapping[str, Draft], rows: list[int], faults: Faults) -> None:
    """Find blank staff and baseline that a policy counts."""
    policies, demand, organisations = drafts["policies"], drafts["demand"], drafts["organisations"]
    staffless = np.zeros(len(organisations), dtype=bool)
    priceless = np.zeros(len(demand), dtype=bool)
    by: dict[str, str] = {}
    for at in rows:
        measure = policies["measure"][at]
        if measure not in ("staff_covered", "baseline_cost"):
            continue
        wanted = list(policies["service"][at])
        pairs = demand.fine("organisation", "service")
        if wanted:
            pairs &= np.isin(demand["service"], wanted)
        by.setdefault(measure, str(policies["policy"][at]))
        if measure == "staff_covered":
            staffless[np.unique(demand["organisation"][pairs])] = True
        else:
            priceless |= pairs
    if "staff_covered" in by:
        staffless &= (organisations["staff"] == BLANK) & organisations.fine("staff")
        report(faults, organisations, "staff", staffless,
               f"staff is blank, but the policy {by['staff_covered']} counts it",
               "Fill it, 0 included.")  # fmt: skip
    if "baseline_cost" in by:
        priceless &= demand["baseline_cost"] == BLANK
        priceless &= demand.fine("baseline_cost", "in_house_cost")
        report(faults, demand, "baseline_cost", priceless,
               f"baseline_cost and in_house_cost are blank, but the policy {by['baseline_cost']} "
               "counts the baseline", "Fill baseline_cost, 0 included.")  # fmt: skip


def default_status(incumbent: NDArray[np.int64], providers: int) -> NDArray[np.object_]:
    """Return the status of providers that a blank stands for, shape (providers,)."""
    used = np.zeros(providers, dtype=bool)
    used[incumbent[incumbent >= 0]] = True
    return np.where(used, "existing", "candidate").astype(object)


def default_existing(demand: Columns, offers: Columns) -> NDArray[np.object_]:
    """Return what a blank in offers.existing stands for, shape (offers,)."""
    rows = demand["incumbent"] >= 0
    used = np.zeros(len(offers["provider"]), dtype=bool)
    at = Lookup(offers["provider"], offers["service"]).find(
        demand["incumbent"][rows], demand["service"][rows]
    )
    used[at[at >= 0]] = True
    return np.where(used, "yes", "no").astype(object)
