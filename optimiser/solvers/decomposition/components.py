"""Parts of a problem that have nothing to do with each other, and the problem of each.

Two pairs are tied where the cost or the leave to serve one some way may depend on how the other is
served. Only what can still be chosen ties: option-bands that are there, and in-house where it is
allowed. Field by field of `Problem`, and atom by atom:

===============================================  ===================================================
``split``, ``names``, ``hours_scale``,           say nothing about pairs
``slack``, ``notes``, constants of forms
``home``, ``option_…``, ``banded_…``             ways to serve a pair
``pair_organisation``, ``pair_service``          tie nothing by themselves, only by the following
cost of part, use, banded, home, home_use        of one pair each (of a band's price: by the offer)
``offer_…``, ``band_…``, ``pair_volume``;        an offer ties all that may use it, unless it has
cost of offer, band                              one band, without a price of its own, that is valid
                                                 for whatever set of them
``provider_…``, ``service_weight``;              a provider ties all that may use it if it costs,
cost of provider                                 can be full, needs a second member or may have too
                                                 many
``contract_…``; cost of contract                 a contract that costs ties the services under it;
                                                 members are the provider's, limits and hours the
                                                 authority's
``pair_authority``, ``authority_…``, ``hours``;  an authority whose officers cost or are limited
cost of officers, managers                       ties all with hours; one that has not leave for all
                                                 contracts, all that may have one
``together``, ``apart``                          tie two pairs
``link``; cost of link                           ties two pairs if it costs
``cover_…``                                      a cover ties its members if a row counts it
``rows``                                         a row ties all whose atoms it counts: part, use,
                                                 banded, home, home_use (of one pair); band, offer,
                                                 provider, contract, officers, managers, link, cover
                                                 (then these tie all of theirs)
===============================================  ===================================================

Whether a limit can bind at all is asked of offers, providers, members and contracts, by the most
that there can be; not of rows and officers.
"""

from __future__ import annotations

import dataclasses
import heapq
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.model.clean import mark, restrict, ways
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.problem import Linear, LinearRow, Term
from optimiser.solvers.milp.rules import contract_authority, counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from optimiser.model.problem import Problem

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: What may tie pairs, beside pairs themselves, as nodes of a graph.
_NODES: Final = (
    "pair",
    "offer",
    "provider",
    "contract",
    "authority",
    "held",
    "link",
    "cover",
    "row",
)
#: Up to here sums of whole floats are exact.
_EXACT: Final = 2.0**52


def components(problem: Problem, *, decided: bool = True) -> Ints:
    """Return the number of the component of each pair, from 0 in order of pairs, shape (pairs,).

    Parameters
    ----------
    problem
        What is to be solved.
    decided
        Whether pairs that can be served one way only tie others. If not they are in no component
        (−1), and the others may fall into more; but these can only be taken apart by `alone`,
        around a plan, not by `extracted`.
    """
    return _Graph(problem, decided=decided).numbers()


def grouped_components(problem: Problem, at_most: int, *, decided: bool = True) -> Ints:
    """Return the same with components put together, so that no more than `at_most` are left.

    The largest go first, each to the group that has least so far (longest processing time: Graham
    1969, SIAM J. Appl. Math. 17). Large ones, whose difficulty grows faster than they do, so stay
    by themselves, and small ones fill up the groups evenly. Size is the number of ways to serve
    the pairs, by option-bands.
    """
    number = components(problem, decided=decided)
    count = int(number.max(initial=-1)) + 1
    if count <= at_most:
        return number
    each = ways(problem, np.ones(problem.size("banded"), dtype=bool), problem.home)
    some = number >= 0
    size = np.bincount(number[some], weights=each[some], minlength=count)
    group = np.zeros(count, dtype=np.int64)
    loads = [(0.0, g) for g in range(at_most)]
    for c in np.argsort(-size, kind="stable").tolist():
        load, g = heapq.heappop(loads)
        group[c] = g
        heapq.heappush(loads, (load + float(size[c]), g))
    result: Ints = np.where(some, group[number], -1)
    return result


def alone(problem: Problem, plan: Plan, mask: Bools) -> Problem:
    """Return the problem in which all pairs but those of `mask` are served as in `plan`.

    If `mask` runs through the components, one after the other or in groups, then

        optimum(problem) = value(plan) + Σ (optimum(alone) − value(plan)).

    Pairs keep their numbers. Under split sourcing a share of a pair is held by a row of its own.
    Rows that count nothing of these pairs are left out: the plan keeps them. `slack` stays that of
    the whole, which counts only once in the sum.

    Parameters
    ----------
    problem
        What is to be solved.
    plan
        A plan that keeps the rules, of options of the problem.
    mask
        Pairs that may still be chosen for: a union of components, shape (pairs,).

    Raises
    ------
    ValueError
        If the plan gives pairs outside `mask` what is no option, or not their volume.
    """
    fixed = ~mask[plan.pair]
    pair, deliverer, volume = plan.pair[fixed], plan.deliverer[fixed], plan.volume[fixed]
    at_home = deliverer == BY_ITSELF
    option = problem.option_of(pair, deliverer)
    total = np.zeros(problem.pairs, dtype=np.int64)
    np.add.at(total, pair, volume)
    if (
        np.any((option < 0) & ~at_home)
        or not problem.home[pair[at_home]].all()
        or not np.array_equal(total[~mask], problem.pair_volume[~mask])
    ):
        raise ValueError("The plan does not serve all other pairs by options of the problem.")
    chosen = mask[problem.option_pair]
    chosen[option[~at_home]] = True
    home = problem.home & mask
    home[pair[at_home]] = True
    rows = tuple(
        row
        for row, ours, whole in zip(
            problem.rows, _counting(_only(problem, mask)), _counting(problem), strict=True
        )
        if ours or not whole
    )
    problem = dataclasses.replace(problem, rows=rows)
    result = restrict(problem, chosen[problem.banded_option], home)
    shared = np.flatnonzero(np.bincount(pair, minlength=problem.pairs)[pair] > 1)
    if not len(shared):
        return result
    kept = result.option_of(pair, deliverer)
    held = tuple(
        LinearRow(
            name=f"share {number}",
            terms=(
                Term(
                    kind="home" if at_home[i] else "part",
                    index=pair[[i]] if at_home[i] else kept[[i]],
                    coefficient=problem.pair_volume[pair[[i]]],
                ),
            ),
            lower=Fraction(int(volume[i])),
            upper=Fraction(int(volume[i])),
        )
        for number, i in enumerate(shared.tolist())
    )
    return dataclasses.replace(result, rows=(*result.rows, *held))


def extracted(problem: Problem, mask: Bools) -> Problem:
    """Return the problem of these pairs only, numbered anew in their order; others are gone.

    If `mask` runs through the components (with `decided` pairs in them), one after the other or in
    groups, then, without any plan,

        optimum(problem) = problem.objective.constant + Σ optimum(extracted),

    and there is none if one has none. The constant of the objective is left to the whole; `slack`
    stays that of the whole, which counts only once in the sum. Rows that count nothing of these
    pairs go; those that count nothing at all stay in every part. Authorities keep their numbers.
    """
    whole = _counting(problem)
    small = _only(problem, mask)
    place = np.cumsum(mask) - 1
    tied = {name: mask[getattr(small, name)].all(axis=1) for name in ("together", "apart", "link")}
    size = np.diff(small.cover_start)
    some = size > 0  # covers that have lost all their members are never 1
    keep: dict[str, Bools] = {"link": tied["link"], "cover": some}
    new = {kind: np.cumsum(kept) - 1 for kind, kept in keep.items()}
    new["home"] = new["home_use"] = place
    keep["home"] = keep["home_use"] = mask

    def form(linear: Linear, constant: int) -> Linear:
        return Linear(
            constant=constant,
            by_kind={
                kind: values[keep[kind]] if kind in keep else values
                for kind, values in linear.by_kind.items()
            },
        )

    def term(old: Term) -> Term:
        if old.kind not in keep:
            return old
        left = keep[old.kind][old.index]
        return dataclasses.replace(
            old, index=new[old.kind][old.index[left]], coefficient=old.coefficient[left]
        )

    result = dataclasses.replace(
        small,
        pair_organisation=small.pair_organisation[mask],
        pair_service=small.pair_service[mask],
        pair_volume=small.pair_volume[mask],
        pair_authority=small.pair_authority[mask],
        home=small.home[mask],
        option_pair=place[small.option_pair],
        hours=form(small.hours, small.hours.constant),
        objective=form(small.objective, 0),
        together=place[small.together[tied["together"]]],
        apart=place[small.apart[tied["apart"]]],
        link=place[small.link[tied["link"]]],
        cover_start=np.concatenate([[0], np.cumsum(size[some])]).astype(np.int64),
        cover_index=np.where(
            small.cover_home, place[small.cover_index * small.cover_home], small.cover_index
        ),
        rows=tuple(
            dataclasses.replace(row, terms=tuple(term(t) for t in row.terms)) for row in small.rows
        ),
    )
    rows = zip(result.rows, _counting(result), whole, strict=True)
    return dataclasses.replace(
        result, rows=tuple(row for row, ours, any_ in rows if ours or not any_)
    )


def taken(plan: Plan, mask: Bools) -> Plan:
    """Return what a plan says of these pairs, numbered as in `extracted`."""
    mine = mask[plan.pair]
    place = np.cumsum(mask) - 1
    return Plan.from_arrays(place[plan.pair[mine]], plan.deliverer[mine], plan.volume[mine])


def placed(plan: Plan, mask: Bools) -> Plan:
    """Return a plan of the problem `extracted` with the numbers that pairs have in the whole."""
    return Plan.from_arrays(np.flatnonzero(mask)[plan.pair], plan.deliverer, plan.volume)


def combined(plan: Plan, parts: Iterable[tuple[Bools, Plan]]) -> Plan:
    """Return a plan that serves the pairs of each mask as in its plan, and all others as in `plan`.

    All plans number pairs as the whole problem does: see `placed`.
    """
    rest = np.ones(len(plan), dtype=bool)
    plans = []
    for mask, part in parts:
        rest &= ~mask[plan.pair]
        plans.append((part, mask[part.pair]))
    plans.append((plan, rest))
    return Plan.from_arrays(
        np.concatenate([each.pair[mine] for each, mine in plans]),
        np.concatenate([each.deliverer[mine] for each, mine in plans]),
        np.concatenate([each.volume[mine] for each, mine in plans]),
    )


def _only(problem: Problem, mask: Bools) -> Problem:
    """Leave the other pairs nobody to go to."""
    banded = mask[problem.option_pair[problem.banded_option]]
    return restrict(problem, banded, problem.home & mask)


def _counting(problem: Problem) -> list[bool]:
    """Whether each row counts an atom that can be anything but 0, shape (rows,)."""
    live = _live(problem)
    return [any(len(_index(term, live)) for term in row.terms) for row in problem.rows]


def _index(term: Term, live: dict[str, Bools]) -> Ints:
    """Return the atoms of a term that count."""
    if not term.factor:
        return term.index[:0]
    result: Ints = term.index[live[term.kind][term.index] & (term.coefficient != 0)]
    return result


def _live(problem: Problem) -> dict[str, Bools]:
    """Return by kind which atoms can be anything but 0."""
    option = mark(problem.options, problem.banded_option)
    offer = mark(problem.size("offer"), problem.option_offer[option])
    pair = problem.home | mark(problem.pairs, problem.option_pair[option])
    link: Bools = np.any(pair[problem.link], axis=1)
    officers = mark(problem.size("officers"), problem.pair_authority[_with_hours(problem, option)])
    officers &= problem.authority_officer_hours > 0
    index = problem.cover_index
    member = np.zeros(len(index), dtype=bool)
    for home, atoms in ((True, problem.home), (False, option)):
        of = problem.cover_home == home
        member[of] = atoms[index[of]]
    cover = np.repeat(np.arange(problem.size("cover")), np.diff(problem.cover_start))
    return {
        "part": option,
        "use": option,
        "banded": np.ones(problem.size("banded"), dtype=bool),
        "home": problem.home,
        "home_use": problem.home,
        "band": mark(problem.size("band"), problem.banded_band),
        "offer": offer,
        "provider": mark(problem.size("provider"), problem.offer_provider[offer]),
        "contract": mark(problem.size("contract"), problem.option_contract[option]),
        "officers": officers,
        "managers": officers & (problem.authority_span > 0),
        "link": link,
        "cover": mark(problem.size("cover"), cover[member]),
    }


def _with_hours(problem: Problem, option: Bools) -> Bools:
    """Which pairs have hours of oversight in one of their ways at least, shape (pairs,)."""
    hours = problem.hours
    result: Bools = problem.home & (hours.get("home", problem.pairs) != 0)
    some = (hours.get("part", problem.options) != 0) | (hours.get("use", problem.options) != 0)
    some |= (hours.get("contract", problem.size("contract")) != 0)[problem.option_contract]
    result[problem.option_pair[option & some]] = True
    return result


def _sums(index: Ints, values: NDArray[Any], size: int) -> Floats:
    result: Floats = np.bincount(index, weights=values, minlength=size).astype(np.float64)
    return result


def _exceeds(reach: Floats, limit: Ints) -> Bools:
    """Whether sums may exceed limits; if sums are not exact, to be on the safe side they may."""
    result: Bools = np.where(reach < _EXACT, reach, reach * (1 + 1e-9)) > limit
    return result


class _Graph:
    """Pairs and what ties them as nodes, and edges between them."""

    def __init__(self, problem: Problem, *, decided: bool) -> None:
        self._problem = problem
        self._live = _live(problem)
        sizes = {
            "pair": problem.pairs,
            **{kind: problem.size(kind) for kind in ("offer", "provider", "contract")},
            "authority": problem.size("officers"),
            "held": problem.size("officers"),
            **{kind: problem.size(kind) for kind in ("link", "cover")},
            "row": len(problem.rows),
        }
        self._start, self._count = {}, 0
        for block in _NODES:
            self._start[block] = self._count
            self._count += sizes[block]
        #: Nodes that a row counts.
        self._watched = {block: np.zeros(sizes[block], dtype=bool) for block in _NODES}
        self._edges: list[tuple[Ints, Ints]] = []
        #: Options that there are, and of each what it is of.
        self._option = np.flatnonzero(self._live["part"])
        self._pair = problem.option_pair[self._option]
        self._volume = problem.pair_volume[self._pair]
        ways = problem.home + np.bincount(self._pair, minlength=problem.pairs)
        self._free = np.ones(problem.pairs, dtype=bool) if decided else ways > 1
        #: Options that are used whatever is decided, where that ties nobody.
        self._sure = self._option[~self._free[self._pair]]
        self._rows()
        self._offers()
        self._providers()
        self._contracts()
        self._authorities()
        self._links()
        self._covers()

    def numbers(self) -> Ints:
        """Return the component of each pair, −1 for what is decided and ties nobody."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        one = np.concatenate([np.zeros(0, dtype=np.int64), *(a for a, _ in self._edges)])
        other = np.concatenate([np.zeros(0, dtype=np.int64), *(b for _, b in self._edges)])
        graph = coo_array(
            (np.ones(len(one), dtype=np.int8), (one, other)), shape=(self._count, self._count)
        )
        _, label = connected_components(graph, directed=False)
        result = np.full(self._problem.pairs, -1, dtype=np.int64)
        mine = label[: len(result)][self._free]
        _, first, inverse = np.unique(mine, return_index=True, return_inverse=True)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        result[self._free] = rank[inverse]
        return result

    def _tie(self, pair: Ints, block: str, node: Ints) -> None:
        """Join pairs to nodes of a block, one by one."""
        some = self._free[pair]
        self._edges.append((pair[some], self._start[block] + node[some]))

    def _tie_options(self, block: str, of: Ints, matters: Bools) -> None:
        """Join the pairs of all options to what they are of, where it matters."""
        node = of[self._option]
        some = matters[node]
        self._tie(self._pair[some], block, node[some])

    def _costs(self, kind: str) -> Bools:
        """Which atoms cost anything."""
        result: Bools = self._problem.objective.get(kind, self._problem.size(kind)) != 0
        return result

    def _rows(self) -> None:
        """Join each row to what it counts."""
        problem = self._problem
        banded_pair = problem.option_pair[problem.banded_option]
        nodes = {
            "part": ("pair", problem.option_pair),
            "use": ("pair", problem.option_pair),
            # With one band this is the part; with several the offer ties all that may use it.
            "banded": ("pair", banded_pair),
            "home": ("pair", None),
            "home_use": ("pair", None),
            "band": ("offer", problem.band_offer),
            "offer": ("offer", None),
            "provider": ("provider", None),
            "contract": ("contract", None),
            "officers": ("authority", None),
            "managers": ("authority", None),
            "link": ("link", None),
            "cover": ("cover", None),
        }
        for number, row in enumerate(problem.rows):
            if row.lower is None and row.upper is None:
                continue
            for term in row.terms:
                block, of = nodes[term.kind]
                node = _index(term, self._live)
                node = node if of is None else of[node]
                self._watched[block][node] = True
                this = np.full(len(node), number, dtype=np.int64)
                if block == "pair":
                    self._tie(node, "row", this)
                else:
                    self._edges.append((self._start[block] + node, self._start["row"] + this))

    def _offers(self) -> None:
        """Tie by offers: prices, thresholds and limits of their bands, and what they cost."""
        problem = self._problem
        count = problem.size("offer")
        offer = problem.option_offer[self._option]
        sure = mark(count, problem.option_offer[self._sure])
        reach = _sums(offer, self._volume, count)
        smallest = np.ones(count, dtype=np.int64)  # a share may be as small as that
        if not problem.split:
            smallest = np.full(count, np.iinfo(np.int64).max)
            np.minimum.at(smallest, offer, self._volume)
        band, of = self._live["band"], problem.band_offer
        odd = self._costs("band") & ~sure[of]
        odd |= (problem.band_least > smallest[of]) | _exceeds(reach[of], problem.band_most)
        matters = self._watched["offer"] | (self._costs("offer") & ~sure)
        matters |= np.bincount(of[band], minlength=count) > 1
        matters[of[band & odd]] = True
        self._tie_options("offer", problem.option_offer, matters)

    def _providers(self) -> None:
        """Tie by providers: what they cost, their capacity and members."""
        problem = self._problem
        count = problem.size("provider")
        provider = problem.option_provider
        sure = mark(count, provider[self._sure])
        weight = problem.service_weight[problem.pair_service[self._pair]]
        load = weight.astype(np.float64) * self._volume
        reach = _sums(provider[self._option], load, count)
        members = np.bincount(problem.contract_provider[self._live["contract"]], minlength=count)
        matters = self._watched["provider"] | (self._costs("provider") & ~sure)
        matters |= _exceeds(reach, problem.provider_capacity)
        matters |= (problem.provider_min_members > 1) | (problem.provider_max_members < members)
        self._tie_options("provider", provider, matters)

    def _contracts(self) -> None:
        """Tie by contracts: what they cost. Who limits or oversees them ties by itself."""
        problem = self._problem
        sure = mark(problem.size("contract"), problem.option_contract[self._sure])
        matters = self._watched["contract"] | (self._costs("contract") & ~sure)
        self._tie_options("contract", problem.option_contract, matters)

    def _authorities(self) -> None:
        """Tie by authorities: whole officers and managers, and limits on contracts."""
        problem = self._problem
        authority = problem.pair_authority
        matters = counted(problem) | self._watched["authority"]
        pair = np.flatnonzero(_with_hours(problem, self._live["part"]) & matters[authority])
        self._tie(pair, "authority", authority[pair])
        held = contract_authority(problem)[self._live["contract"]]
        limited = problem.authority_max_contracts < np.bincount(held, minlength=len(matters))
        self._tie_options("held", authority[problem.option_pair], limited)

    def _links(self) -> None:
        """Tie by links, those of a split cost only if that counts."""
        problem = self._problem
        for bound in (problem.together, problem.apart):
            both = bound[self._free[bound].all(axis=1)]
            self._edges.append((both[:, 0], both[:, 1]))
        link = np.flatnonzero(self._costs("link") | self._watched["link"])
        for side in (0, 1):
            self._tie(problem.link[link, side], "link", link)

    def _covers(self) -> None:
        """Tie by covers that rows count."""
        problem = self._problem
        cover = np.repeat(np.arange(problem.size("cover")), np.diff(problem.cover_start))
        for home, atoms, of in (
            (True, self._live["home"], np.arange(problem.pairs)),
            (False, self._live["part"], problem.option_pair),
        ):
            member = np.flatnonzero((problem.cover_home == home) & self._watched["cover"][cover])
            index = problem.cover_index[member]
            some = atoms[index]
            self._tie(of[index[some]], "cover", cover[member[some]])
