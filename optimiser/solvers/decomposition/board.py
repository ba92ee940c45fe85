"""A plan under search: what it costs and breaks, kept up to date pair by pair, in kernels.

A `Board` holds the problem and one plan on it, as arrays of records. Under single sourcing a plan
gives each pair one *choice*: the index of an option, `AT_HOME`, or `NOBODY` while it is being
rebuilt. Rules that a plan breaks cost penalties, so that the search may pass through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from optimiser.model.problem import UNLIMITED
from optimiser.solvers.decomposition.kernels import kernel, piece
from optimiser.solvers.decomposition.ranges import grouped, starts
from optimiser.solvers.milp.rules import contract_authority

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Records = NDArray[np.void]

#: Choices that are no option.
AT_HOME: Final = -1
NOBODY: Final = -2
#: Kinds of ties between pairs.
TOGETHER, APART, SPLIT_COST = 0, 1, 2
#: Temperature in costs of a typical pair where no pair has a choice.
HOT: Final = 0.03
#: Stands for no limit.
NO_LIMIT: Final = 4.0e18

#: Fields of each array of records: whole numbers, then floats. What changes with the plan comes
#: last in either list; ranges (``…_start``, ``…_stop``) are written as one word with a star.
_FIELDS: Final = {
    "pairs": ("volume organisation authority home home_cost home_hours option* mate* row* cover* "
              "choice", "home_shadow"),
    "options": ("pair offer provider contract cost hours load banded* row* cover*", "shadow"),
    "banded": ("band cost", ""),
    "bands": ("cost unit have", "lo hi"),
    "offers": ("cost provider band* option* row* volume count", "penalty tariff"),
    "providers": ("cost least most offer* row* pairs members", "capacity penalty load"),
    "contracts": ("cost hours provider authority row* count", "shadow"),
    "authorities": ("officer_hours span officer_cost manager_cost hours contracts",
                    "max_officers max_contracts penalty flat"),
    "organisations": ("pair*", ""),
    "mates": ("pair kind cost", ""),
    "rows": ("", "lo hi penalty flat activity"),
    "covers": ("row* count", ""),
    "entries": ("row", "value"),
}  # fmt: skip


def _dtype(name: str) -> np.dtype[np.void]:
    whole, real = _FIELDS[name]
    fields: list[tuple[str, type]] = []
    for word in whole.split():
        names = (f"{word[:-1]}_start", f"{word[:-1]}_stop") if word.endswith("*") else (word,)
        fields += [(field, np.int64) for field in names]
    fields += [(field, np.float64) for field in real.split()]
    return np.dtype(fields, align=True)


#: Arrays that hold what changes with the plan, or penalties.
_MOVING: Final = ("pairs", "bands", "offers", "providers", "contracts", "authorities", "rows",
                  "covers", "total", "unit")  # fmt: skip
#: Record types by array; see `_FIELDS`.
DTYPES: Final = {name: _dtype(name) for name in _FIELDS}


class Board(NamedTuple):
    """The problem and one plan; money, volumes and hours in units of the last place.

    The first arrays are records (`DTYPES`); then come members of ranges: options by offer, offers
    by provider, pairs by organisation, covers by option and by pair. `total` holds the plan's cost
    with penalties (0), and the penalties of policies and side rows (1); `unit` what a pair costs,
    about (0), by how much its two cheapest choices differ (1), whether shadow prices are known (2)
    and whether they count at the moment (3).
    """

    pairs: Records
    options: Records
    banded: Records
    bands: Records
    offers: Records
    providers: Records
    contracts: Records
    authorities: Records
    organisations: Records
    mates: Records
    rows: Records
    covers: Records
    entries: Records
    offer_option: Ints
    provider_offer: Ints
    organisation_pair: Ints
    option_cover: Ints
    home_cover: Ints
    total: Floats
    unit: Floats


def lay(problem: Problem) -> Board:
    """Make the board of a problem under single sourcing, with nothing assigned yet."""
    size, cost, hours = problem.size, problem.objective, problem.hours
    pairs, options = problem.pairs, problem.options
    at = problem.option_pair
    load = problem.service_weight[problem.pair_service[at]] * problem.option_volume
    option_cost = cost.get("part", options) + cost.get("use", options)
    typical = _typical(problem, option_cost)
    mates = _mates(problem)
    entries = _Entries(problem)
    organisations = int(problem.pair_organisation.max(initial=-1)) + 1
    offer_option = grouped(problem.option_offer, size("offer"))
    provider_offer = grouped(problem.offer_provider, size("provider"))
    organisation_pair = grouped(problem.pair_organisation, organisations)
    cover = np.repeat(np.arange(size("cover")), np.diff(problem.cover_start))
    at_home = problem.cover_home
    option_cover = _csr(problem.cover_index[~at_home], cover[~at_home], options)
    home_cover = _csr(problem.cover_index[at_home], cover[at_home], pairs)
    volume = max(float(problem.pair_volume.mean()), 1.0) if pairs else 1.0
    records = {
        "pairs": _records(
            "pairs", pairs,
            volume=problem.pair_volume,
            organisation=problem.pair_organisation,
            authority=problem.pair_authority,
            home=problem.home,
            home_cost=cost.get("home", pairs) + cost.get("home_use", pairs),
            home_hours=hours.get("home", pairs),
            option=starts(at, pairs),
            mate=mates[0],
            row=entries.start["home"],
            cover=home_cover[0],
            choice=NOBODY,
        ),
        "options": _records(
            "options", options,
            pair=at,
            offer=problem.option_offer,
            provider=problem.option_provider,
            contract=problem.option_contract,
            cost=option_cost,
            hours=hours.get("part", options) + hours.get("use", options),
            load=load,
            banded=starts(problem.banded_option, options),
            row=entries.start["option"],
            cover=option_cover[0],
        ),
        "banded": _records(
            "banded", size("banded"),
            band=problem.banded_band, cost=cost.get("banded", size("banded")),
        ),
        "bands": _records(
            "bands", size("band"),
            cost=cost.get("band", size("band")),
            lo=problem.band_least,
            hi=_limits(problem.band_most),
        ),
        "offers": _records(
            "offers", size("offer"),
            cost=cost.get("offer", size("offer")),
            provider=problem.offer_provider,
            band=starts(problem.band_offer, size("offer")),
            option=offer_option[0],
            row=entries.start["offer"],
            penalty=4.0 * typical / volume,
        ),
        "providers": _records(
            "providers", size("provider"),
            cost=cost.get("provider", size("provider")),
            least=problem.provider_min_members,
            most=problem.provider_max_members,
            capacity=_limits(problem.provider_capacity),
            offer=provider_offer[0],
            row=entries.start["provider"],
            penalty=4.0 * typical / max(float(load.mean()), 1.0) if options else 0.0,
        ),
        "contracts": _records(
            "contracts", size("contract"),
            cost=cost.get("contract", size("contract")),
            hours=hours.get("contract", size("contract")),
            provider=problem.contract_provider,
            authority=contract_authority(problem),
            row=entries.start["contract"],
        ),
        "authorities": _records(
            "authorities", size("officers"),
            officer_hours=problem.authority_officer_hours,
            span=problem.authority_span,
            officer_cost=cost.get("officers", size("officers")),
            manager_cost=cost.get("managers", size("managers")),
            max_officers=_limits(problem.authority_max_officers),
            max_contracts=_limits(problem.authority_max_contracts),
            penalty=typical / _grain(problem), flat=typical,
        ),
        "organisations": _records("organisations", organisations, pair=organisation_pair[0]),
        "mates": mates[1],
        "rows": _records(
            "rows", len(problem.rows),
            lo=entries.lower, hi=entries.upper,
            penalty=2.0 * typical / entries.size, flat=typical,
        ),
        "covers": _records("covers", size("cover"), row=entries.start["cover"]),
        "entries": entries.records,
    }  # fmt: skip
    board = Board(
        **records,
        offer_option=offer_option[1],
        provider_offer=provider_offer[1],
        organisation_pair=organisation_pair[1],
        option_cover=option_cover[1],
        home_cover=home_cover[1],
        total=np.zeros(2),
        unit=np.array([typical, _spread(problem, option_cost, typical), 0.0, 0.0]),
    )
    for r in range(len(problem.rows)):
        board.total[1] += row_penalty(board, r, 0.0)
    return board


def insist(board: Board) -> None:
    """Double the penalties of rules that are broken, on a board with nothing assigned."""
    board.unit[0] *= 2
    for records in (board.offers, board.providers, board.authorities, board.rows):
        records["penalty"] *= 2
    for records in (board.authorities, board.rows):
        records["flat"] *= 2
    _reprice_rows(board)


def loosen(board: Board, worth: Floats) -> None:
    """Let policies and side rows be overstepped at a price.

    Parameters
    ----------
    board
        What changes.
    worth
        What a unit of each row is worth, shape (rows,); 0 leaves it as it is.
    """
    some = worth > 0
    board.rows["penalty"][some] = worth[some]
    board.rows["flat"][some] = 0.0
    _reprice_rows(board)


def tighten(board: Board, other: Board) -> None:
    """Take the penalties of policies and side rows from another board."""
    for field in ("penalty", "flat"):
        board.rows[field] = other.rows[field]
    _reprice_rows(board)


def _reprice_rows(board: Board) -> None:
    activity = board.rows["activity"]
    board.total[1] = sum(row_penalty(board, r, activity[r]) for r in range(len(board.rows)))


def copy(board: Board) -> Board:
    """Return a board whose plan and penalties move apart from this one's; the rest is shared."""
    return board._replace(**{name: getattr(board, name).copy() for name in _MOVING})


def _records(name: str, count: int, **columns: Any) -> Records:
    result = np.zeros(count, dtype=DTYPES[name])
    for field, values in columns.items():
        if f"{field}_start" in result.dtype.names:  # type: ignore[operator]
            result[f"{field}_start"], result[f"{field}_stop"] = values[:-1], values[1:]
        else:
            result[field] = values
    return result


def _typical(problem: Problem, option_cost: Ints) -> float:
    """Return what a pair costs, about: the scale of penalties."""
    each = problem.objective.get("banded", problem.size("banded"))
    total = [float(x.mean()) if len(x) else 0.0 for x in (option_cost, each)]
    home = problem.objective.get("home", problem.pairs)[problem.home]
    at_home = float(home.mean()) if len(home) else 0.0
    return max(sum(total), at_home, 1.0)


def _spread(problem: Problem, option_cost: Ints, typical: float) -> float:
    """Return by how much the two cheapest choices of a pair differ in the mean: a temperature."""
    each = problem.objective.get("banded", problem.size("banded")).astype(np.float64)
    best = np.full(problem.options, np.inf)
    np.minimum.at(best, problem.banded_option, each)
    cost = np.concatenate(
        [option_cost + best, problem.objective.get("home", problem.pairs)[problem.home]]
    )
    pair = np.concatenate([problem.option_pair, np.flatnonzero(problem.home)])
    order = np.lexsort((cost, pair))
    pair, cost = pair[order], cost[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    first = first[first + 1 < len(pair)]
    first = first[pair[first + 1] == pair[first]]
    differences = cost[first + 1] - cost[first]
    differences = differences[np.isfinite(differences) & (differences > 0)]
    return float(differences.mean()) if len(differences) else HOT * typical


def _grain(problem: Problem) -> Floats:
    """Return the hours that a pair takes in each authority where it takes any, in the mean."""
    count = problem.size("officers")
    if not count:
        return np.ones(0)
    hours = np.concatenate([
        problem.hours.get("part", problem.options) + problem.hours.get("use", problem.options),
        problem.hours.get("home", problem.pairs),
    ]).astype(np.float64)  # fmt: skip
    at = problem.pair_authority[np.concatenate([problem.option_pair, np.arange(problem.pairs)])]
    some = hours > 0
    total = np.bincount(at[some], hours[some], minlength=count)
    return np.maximum(total / np.maximum(np.bincount(at[some], minlength=count), 1), 1.0)


def _limits(values: Ints) -> Floats:
    return np.where(values == UNLIMITED, NO_LIMIT, values.astype(np.float64))


def _csr(owner: Ints, value: Ints, count: int) -> tuple[Ints, Ints]:
    start, member = grouped(owner, count)
    return start, value[member].astype(np.int64)


def _mates(problem: Problem) -> tuple[Ints, Records]:
    """Return the ties of each pair, both ways: starts by pair, and records."""
    prices = problem.objective.get("link", len(problem.link))
    found = []
    for ties, kind, cost in (
        (problem.together, TOGETHER, np.zeros(len(problem.together))),
        (problem.apart, APART, np.zeros(len(problem.apart))),
        (problem.link, SPLIT_COST, prices),
    ):
        for a, b in ((0, 1), (1, 0)):
            if len(ties):
                found.append((ties[:, a], ties[:, b], np.full(len(ties), kind), cost))
    none = np.zeros(0, dtype=np.int64)
    owner, pair, kinds, costs = (
        np.concatenate([none, *(each[i] for each in found)]) for i in range(4)
    )
    start, order = grouped(owner, problem.pairs)
    records = _records(
        "mates", len(order), pair=pair[order], kind=kinds[order], cost=costs[order]
    )
    return start, records


def follows(problem: Problem) -> bool:
    """Whether the search follows every policy and side row."""
    return all(term.kind in _FOLLOWED for row in problem.rows for term in row.terms)


#: Kinds of atoms that rows may be about and still be followed in the search, and what moves them.
_FOLLOWED: Final = {
    "part": "option", "use": "option", "home": "home", "home_use": "home",
    "contract": "contract", "provider": "provider", "offer": "offer", "cover": "cover",
}  # fmt: skip


class _Entries:
    """Policies and side rows as entries (row, value), in ranges by what makes them move.

    Rows over atoms that are not followed are left to the exact check of the plans found.
    """

    def __init__(self, problem: Problem) -> None:
        sizes = {"option": problem.options, "home": problem.pairs}
        sizes |= {name: problem.size(name) for name in ("contract", "provider", "offer", "cover")}
        found: dict[str, list[tuple[Ints, Ints, Floats]]] = {name: [] for name in sizes}
        count = len(problem.rows)
        self.lower, self.upper = np.full(count, -NO_LIMIT), np.full(count, NO_LIMIT)
        #: Mean size of each row's coefficients.
        self.size = np.ones(count)
        for number, row in enumerate(problem.rows):
            if not all(term.kind in _FOLLOWED for term in row.terms):
                continue
            if row.lower is not None:
                self.lower[number] = float(row.lower)
            if row.upper is not None:
                self.upper[number] = float(row.upper)
            sizes_of = [np.zeros(0)]
            for term in row.terms:
                value = term.coefficient.astype(np.float64) * float(term.factor)
                which = np.full(len(value), number)
                found[_FOLLOWED[term.kind]].append((term.index, which, value))
                sizes_of.append(np.abs(value[value != 0]))
            some = np.concatenate(sizes_of)
            self.size[number] = float(some.mean()) if len(some) else 1.0
        self.start: dict[str, Ints] = {}
        rows, values, total = [np.zeros(0, dtype=np.int64)], [np.zeros(0)], 0
        for name, parts in found.items():
            index = np.concatenate([np.zeros(0, dtype=np.int64), *(part[0] for part in parts)])
            order = np.argsort(index, kind="stable")
            self.start[name] = starts(index[order], sizes[name]) + total
            rows.append(np.concatenate([rows[0], *(part[1] for part in parts)])[order])
            values.append(np.concatenate([values[0], *(part[2] for part in parts)])[order])
            total += len(index)
        self.records = _records(
            "entries", total, row=np.concatenate(rows), value=np.concatenate(values)
        )


@kernel
def assign(b, choice):  # type: ignore[no-untyped-def]
    """Give pairs to choices, shape (pairs,); `NOBODY` leaves one as it is."""
    reassign(b, choice, range(len(choice)))


@piece
def reassign(b, choice, some):  # type: ignore[no-untyped-def]
    """Do the same with some of the pairs."""
    for q in some:
        if choice[q] != b.pairs[q].choice and b.pairs[q].choice != NOBODY and choice[q] != NOBODY:
            remove(b, q)
    for q in some:
        if b.pairs[q].choice == NOBODY and choice[q] != NOBODY:
            insert(b, q, choice[q])


@kernel
def row_penalty(b, r, activity):  # type: ignore[no-untyped-def]
    """Penalty of a row at an activity."""
    slack = 1e-9 * max(1.0, abs(activity))
    if activity > b.rows[r].hi + slack:
        return b.rows[r].penalty * (activity - b.rows[r].hi) + b.rows[r].flat
    if activity < b.rows[r].lo - slack:
        return b.rows[r].penalty * (b.rows[r].lo - activity) + b.rows[r].flat
    return 0.0


@piece
def overseen(b, a, hours):  # type: ignore[no-untyped-def]
    """Cost of an authority's officers and managers, and the penalty beyond its most."""
    per = b.authorities[a].officer_hours
    if per <= 0:
        return 0.0
    n = -(-hours // per)
    cost = float(b.authorities[a].officer_cost * n)
    if b.authorities[a].span > 0:
        cost += float(b.authorities[a].manager_cost * (-(-n // b.authorities[a].span)))
    if n > b.authorities[a].max_officers:
        # Every pair less that is overseen has to pay, not only the last that saves an officer.
        over = hours - b.authorities[a].max_officers * per
        cost += b.authorities[a].penalty * over + b.authorities[a].flat
    return cost


@piece
def tariff_with(b, j, k, sign):  # type: ignore[no-untyped-def]
    """Tariff of offer `j`, penalty included, with option `k` added (sign 1) or taken away (−1).

    With sign 0 it is the tariff as things are.
    """
    count = b.offers[j].count + sign
    if count <= 0:
        return 0.0
    volume = b.offers[j].volume
    if sign != 0:
        volume += sign * b.pairs[b.options[k].pair].volume
    best = np.inf
    t = b.options[k].banded_start if sign != 0 else 0
    stop = b.options[k].banded_stop if sign != 0 else 0
    for i in range(b.offers[j].band_start, b.offers[j].band_stop):
        unit, have = b.bands[i].unit, b.bands[i].have
        while t < stop and b.banded[t].band < i:
            t += 1
        if t < stop and b.banded[t].band == i:
            unit += sign * b.banded[t].cost
            have += sign
        if have != count:
            continue
        price = float(b.bands[i].cost + unit)
        if volume > b.bands[i].hi:
            price += b.offers[j].penalty * (volume - b.bands[i].hi) + b.unit[0]
        elif volume < b.bands[i].lo:
            price += b.offers[j].penalty * (b.bands[i].lo - volume) + b.unit[0]
        best = min(best, price)
    if best == np.inf:
        return 1e3 * b.unit[0] * count
    return best + b.offers[j].cost


@piece
def tied(b, q, provider):  # type: ignore[no-untyped-def]
    """Cost and penalty of a pair's ties if `provider` (−1 at home) delivered it."""
    total = 0.0
    for t in range(b.pairs[q].mate_start, b.pairs[q].mate_stop):
        other = b.pairs[b.mates[t].pair].choice
        if other == NOBODY:
            continue
        by = b.options[other].provider if other >= 0 else -1
        kind = b.mates[t].kind
        if (kind == TOGETHER and by != provider) or (kind == APART and by == provider and by >= 0):
            total += 2.0 * b.unit[0]
        elif kind == SPLIT_COST and by != provider:
            total += b.mates[t].cost
    return total


@piece
def members_penalty(b, p, members):  # type: ignore[no-untyped-def]
    """Penalty of too few or too many members."""
    if members <= 0:
        return 0.0
    if members > b.providers[p].most:
        return b.unit[0] * (members - b.providers[p].most)
    if members < b.providers[p].least:
        return 0.5 * b.unit[0] * (b.providers[p].least - members)
    return 0.0


@piece
def _hours_price(b, a, hours, shadows):  # type: ignore[no-untyped-def]
    """Return what hours more cost an authority; nothing where their shadow price counts instead."""
    now = b.authorities[a].hours
    per = b.authorities[a].officer_hours
    if shadows and per > 0 and now + hours <= b.authorities[a].max_officers * per:
        return 0.0
    return overseen(b, a, now + hours) - overseen(b, a, now)


@piece
def price_of(b, q, k):  # type: ignore[no-untyped-def]
    """Return the cost, penalties included, of giving an unassigned pair to choice `k`.

    Exact but for rows that several things move at once; where shadow prices count, hours and what
    policies are about have these prices, so that the dearest use of what is short comes last.
    """
    a = b.pairs[q].authority
    rows = 0.0
    shadows = b.unit[3] > 0
    if k == AT_HOME:
        cost = float(b.pairs[q].home_cost) + tied(b, q, -1)
        hours = b.pairs[q].home_hours
        if shadows:
            cost += b.pairs[q].home_shadow
        if hours != 0:
            cost += _hours_price(b, a, hours, shadows)
        if len(b.rows):
            rows += _moved(b, b.pairs[q].row_start, b.pairs[q].row_stop)
            for t in range(b.pairs[q].cover_start, b.pairs[q].cover_stop):
                rows += _covered(b, b.home_cover[t])
        return cost + rows
    j, p, c = b.options[k].offer, b.options[k].provider, b.options[k].contract
    cost = float(b.options[k].cost) + tied(b, q, p)
    cost += tariff_with(b, j, k, 1) - b.offers[j].tariff
    hours = b.options[k].hours
    opens = b.contracts[c].count == 0
    if opens:
        cost += b.contracts[c].cost
        hours += b.contracts[c].hours
        if b.authorities[a].contracts + 1 > b.authorities[a].max_contracts:
            cost += b.unit[0]
        m = b.providers[p].members
        cost += members_penalty(b, p, m + 1) - members_penalty(b, p, m)
        if shadows:
            cost += b.contracts[c].shadow
    if shadows:
        cost += b.options[k].shadow
    if hours != 0:
        cost += _hours_price(b, a, hours, shadows)
    if b.providers[p].pairs == 0:
        cost += b.providers[p].cost
    over = b.providers[p].load + b.options[k].load - b.providers[p].capacity
    if over > 0:
        cost += b.providers[p].penalty * min(over, float(b.options[k].load)) + b.unit[0]
    if len(b.rows):
        rows += _moved(b, b.options[k].row_start, b.options[k].row_stop)
        for t in range(b.options[k].cover_start, b.options[k].cover_stop):
            rows += _covered(b, b.option_cover[t])
        if opens:
            rows += _moved(b, b.contracts[c].row_start, b.contracts[c].row_stop)
        if b.offers[j].count == 0:
            rows += _moved(b, b.offers[j].row_start, b.offers[j].row_stop)
        if b.providers[p].pairs == 0:
            rows += _moved(b, b.providers[p].row_start, b.providers[p].row_stop)
    return cost + rows


@piece
def _moved(b, start, stop):  # type: ignore[no-untyped-def]
    """Return what a range of entries adds to the penalties of their rows."""
    total = 0.0
    for t in range(start, stop):
        r = b.entries[t].row
        now = b.rows[r].activity
        total += row_penalty(b, r, now + b.entries[t].value) - row_penalty(b, r, now)
    return total


@piece
def _covered(b, cover):  # type: ignore[no-untyped-def]
    if b.covers[cover].count > 0:
        return 0.0
    return _moved(b, b.covers[cover].row_start, b.covers[cover].row_stop)


@piece
def _shift_rows(b, start, stop, sign):  # type: ignore[no-untyped-def]
    """Move the rows of a range of entries, forwards (sign 1) or back (−1)."""
    for t in range(start, stop):
        r, by = b.entries[t].row, sign * b.entries[t].value
        now = b.rows[r].activity
        b.total[1] += row_penalty(b, r, now + by) - row_penalty(b, r, now)
        b.rows[r].activity = now + by


@piece
def _shift_cover(b, cover, sign):  # type: ignore[no-untyped-def]
    before = b.covers[cover].count
    b.covers[cover].count = before + sign
    if (before == 0) != (before + sign == 0):
        _shift_rows(b, b.covers[cover].row_start, b.covers[cover].row_stop, sign)


@piece
def insert(b, q, k):  # type: ignore[no-untyped-def]
    """Give an unassigned pair to choice `k`."""
    _turn(b, q, k, 1)


@piece
def remove(b, q):  # type: ignore[no-untyped-def]
    """Take a pair from whom it has."""
    k = b.pairs[q].choice
    b.pairs[q].choice = NOBODY
    _turn(b, q, k, -1)


@piece
def _turn(b, q, k, sign):  # type: ignore[no-untyped-def]
    """Add (sign 1) or take away (−1) what choice `k` of an unassigned pair brings with it."""
    a = b.pairs[q].authority
    rows = len(b.rows) > 0
    provider = b.options[k].provider if k >= 0 else -1
    total = tied(b, q, provider) * sign
    if k == AT_HOME:
        total += sign * float(b.pairs[q].home_cost)
        hours = b.pairs[q].home_hours
        if hours != 0:
            total -= overseen(b, a, b.authorities[a].hours)
            b.authorities[a].hours += sign * hours
            total += overseen(b, a, b.authorities[a].hours)
        if rows:
            _shift_rows(b, b.pairs[q].row_start, b.pairs[q].row_stop, sign)
            for t in range(b.pairs[q].cover_start, b.pairs[q].cover_stop):
                _shift_cover(b, b.home_cover[t], sign)
        b.total[0] += total
        if sign > 0:
            b.pairs[q].choice = k
        return
    j, p, c = b.options[k].offer, b.options[k].provider, b.options[k].contract
    total += sign * float(b.options[k].cost)
    b.offers[j].volume += sign * b.pairs[q].volume
    b.offers[j].count += sign
    for t in range(b.options[k].banded_start, b.options[k].banded_stop):
        i = b.banded[t].band
        b.bands[i].unit += sign * b.banded[t].cost
        b.bands[i].have += sign
    new = tariff_with(b, j, k, 0)
    total += new - b.offers[j].tariff
    b.offers[j].tariff = new
    hours = b.options[k].hours
    before = b.contracts[c].count
    b.contracts[c].count = before + sign
    if (before == 0) != (before + sign == 0):
        total += sign * float(b.contracts[c].cost)
        hours += b.contracts[c].hours
        total -= b.unit[0] * max(0.0, b.authorities[a].contracts - b.authorities[a].max_contracts)
        b.authorities[a].contracts += sign
        total += b.unit[0] * max(0.0, b.authorities[a].contracts - b.authorities[a].max_contracts)
        total -= members_penalty(b, p, b.providers[p].members)
        b.providers[p].members += sign
        total += members_penalty(b, p, b.providers[p].members)
        if rows:
            _shift_rows(b, b.contracts[c].row_start, b.contracts[c].row_stop, sign)
    if hours != 0:
        total -= overseen(b, a, b.authorities[a].hours)
        b.authorities[a].hours += sign * hours
        total += overseen(b, a, b.authorities[a].hours)
    over = b.providers[p].load - b.providers[p].capacity
    if over > 0:
        total -= b.providers[p].penalty * over + b.unit[0]
    b.providers[p].load += sign * b.options[k].load
    over = b.providers[p].load - b.providers[p].capacity
    if over > 0:
        total += b.providers[p].penalty * over + b.unit[0]
    before = b.providers[p].pairs
    b.providers[p].pairs = before + sign
    if (before == 0) != (before + sign == 0):
        total += sign * float(b.providers[p].cost)
        if rows:
            _shift_rows(b, b.providers[p].row_start, b.providers[p].row_stop, sign)
    if rows:
        _shift_rows(b, b.options[k].row_start, b.options[k].row_stop, sign)
        for t in range(b.options[k].cover_start, b.options[k].cover_stop):
            _shift_cover(b, b.option_cover[t], sign)
        if (b.offers[j].count == 0) or (sign > 0 and b.offers[j].count == 1):
            _shift_rows(b, b.offers[j].row_start, b.offers[j].row_stop, sign)
    b.total[0] += total
    if sign > 0:
        b.pairs[q].choice = k
