"""Problem -> matrix and back.

The columns are those of `columns.BLOCKS`, all integer but for flows that are whole by themselves
(`flows.are_whole`). The rows are those of the design's "Model": every pair once, strong links,
bands, capacities and members here, and what a service's volume needs in bands together; oversight,
links, covers, policies and side rows in `rules`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimiser.solvers.milp import flows, rules
from optimiser.solvers.milp.columns import Columns
from optimiser.solvers.milp.matrix import Matrix
from optimiser.solvers.milp.names import column_names, labels, unique
from optimiser.solvers.milp.plans import decode, encode
from optimiser.solvers.milp.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimiser.model.plan import Plan
    from optimiser.model.problem import Problem
    from optimiser.solvers.milp.rows import Entry

    Ints = NDArray[np.int64]


class Formulation:
    """The mixed-integer program of one problem.

    Parameters
    ----------
    problem
        What is to be solved.
    strong
        Link every option-band to its band (a row each), which gives a tight relaxation; otherwise
        link them band by band, which gives fewer rows.
    relaxed
        Let flows be continuous whether they are whole by themselves or not: then the optimum is a
        bound only, and column vectors are no plans but nearly so.
    counting
        Add a row per service that says how many offers its volume takes at least. It is implied,
        but not by the linear relaxation.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        strong: bool = True,
        relaxed: bool = False,
        counting: bool = False,
    ) -> None:
        self.problem = problem
        self.columns = Columns(problem)
        self._strong = strong
        self._continuous = problem.split and (relaxed or flows.are_whole(problem))
        self._exact, self._exact_bands = _must_be_exact(problem)
        self.watched = flows.watched_uses(problem, exact=self._exact)
        self._rows = Rows()
        #: Most that each band can serve, and volume of each option-band.
        self._limit = problem.band_most
        self._volume = problem.option_volume[problem.banded_option]
        self._assignment()
        self._bands_of_options()
        self._contracts_of_options()
        self._flow_of_contracts()
        self._bands()
        self._capacities()
        self._members()
        rules.oversight(problem, self.columns, self._rows)
        rules.links(problem, self.columns, self._rows)
        rules.covers(problem, self.columns, self._rows)
        if counting:
            self._counts()
        self._rooms()
        rules.linear_rows(problem, self.columns, self._rows)
        self.matrix = self._matrix()

    @property
    def blocks(self) -> list[tuple[str, int, int]]:
        """What each block of rows says, where it matters to others, and its start and stop."""
        return self._rows.blocks

    def decode(self, x: NDArray[np.float64]) -> Plan:
        """Return the plan of a column vector, the nearest there is if it is not quite whole."""
        if self._continuous:
            x = flows.made_whole(self.columns, self.matrix.cost, x)
        return decode(self.columns, x)

    def encode(self, plan: Plan) -> NDArray[np.float64] | None:
        """Return the column vector of a plan; None where it uses what is no option here."""
        return encode(self.columns, plan)

    def _assignment(self) -> None:
        """Each pair once: Σ x + h = 1, or the pair's volume."""
        problem, columns = self.problem, self.columns
        entries: list[Entry] = [
            (problem.option_pair[problem.banded_option], columns.at("x"), 1),
            (columns.home, columns.at("h"), 1),
        ]
        whole = problem.pair_volume if problem.split else 1
        pairs = range(problem.pairs)
        names = labels(problem, "pair", "pair", pairs)
        self._rows.add(len(pairs), entries, whole, whole, names, "pair")

    def _bands_of_options(self) -> None:
        """Serve an option in a band only where the band is in force: x ≤ z, strong or compact."""
        problem, columns = self.problem, self.columns
        x = columns.at("x")
        size = np.ones_like(self._volume)
        if problem.split:
            size = np.minimum(self._volume, self._limit[problem.banded_band])
        if self._strong:
            each = np.arange(len(x))
            z = columns.at("z", problem.banded_band)
            names = labels(problem, "band", "banded", each)
            self._rows.at_most(len(x), [(each, x, 1), (each, z, -size)], 0, names, "band")
            return
        reach = np.zeros(columns.sizes["z"], dtype=np.int64)
        np.add.at(reach, problem.banded_band, size)
        bands = np.arange(len(reach))
        entries = [(problem.banded_band, x, 1), (bands, columns.at("z"), -reach)]
        names = labels(problem, "band", "band", bands)
        self._rows.at_most(len(bands), entries, 0, names, "band")

    def _contracts_of_options(self) -> None:
        """Deliver only under a contract: Σ_b x ≤ w; under split, tie uses to volumes as well."""
        problem, columns = self.problem, self.columns
        w = columns.at("w", problem.option_contract)
        contracts = self.contracts_matter[problem.option_contract]
        most = np.ones_like(problem.option_volume)
        if problem.split:
            capacity = problem.offer_capacity[problem.option_offer]
            most = np.minimum(problem.option_volume, capacity)
        # Where nothing asks whether an option is used, its flow is tied to its contract at once;
        # and to nothing where that does not matter either.
        used, home_used = self.watched
        direct = np.flatnonzero(~used & contracts)
        place = np.full(problem.options, -1, dtype=np.int64)
        place[direct] = np.arange(len(direct))
        inside = np.flatnonzero(place[problem.banded_option] >= 0)
        entries = [
            (place[problem.banded_option[inside]], columns.at("x", inside), 1),
            (np.arange(len(direct)), w[direct], -most[direct]),
        ]
        names = labels(problem, "contract", "part", direct)
        self._rows.at_most(len(direct), entries, 0, names)
        if not problem.split:
            return  # an option-band is its own use
        told = np.flatnonzero(used)
        tied = np.flatnonzero(used & contracts)
        each = np.arange(len(tied))
        entries = [(each, columns.at("u", tied), 1), (each, w[tied], -1)]
        names = labels(problem, "contract", "part", tied)
        self._rows.at_most(len(tied), entries, 0, names)
        place = np.full(problem.options, -1, dtype=np.int64)
        place[told] = np.arange(len(told))
        inside = np.flatnonzero(place[problem.banded_option] >= 0)
        x = (place[problem.banded_option[inside]], columns.at("x", inside))
        self._uses("use", "use", told, x, columns.at("u", told), most[told])
        home = np.flatnonzero(home_used[columns.home])
        h = (np.arange(len(home)), columns.at("h", home))
        volume = problem.pair_volume[columns.home[home]]
        v = columns.at("v", home)
        self._uses("home", "pair", columns.home[home], h, v, volume)

    @cached_property
    def contracts_matter(self) -> NDArray[np.bool_]:
        """Which contracts cost, are counted or limited, or are watched, shape (contracts,)."""
        problem = self.problem
        count = problem.size("contract")
        if self._exact:
            return np.ones(count, dtype=bool)
        matter: NDArray[np.bool_] = problem.objective.get("contract", count) != 0
        held = rules.contract_authority(problem)
        counted = rules.counted(problem)[held]
        matter |= counted & (problem.hours.get("contract", count) != 0)
        members = np.bincount(problem.contract_provider, minlength=problem.size("provider"))
        limited = (problem.provider_max_members < members) | (problem.provider_min_members > 0)
        matter |= limited[problem.contract_provider]
        most = problem.authority_max_contracts
        return matter | (most < np.bincount(held, minlength=len(most)))[held]

    def _uses(
        self, what: str, kind: str, index: Ints, flow: tuple[Ints, Ints], use: Ints, most: Ints
    ) -> None:
        """Tie uses to flows both ways: use ≤ flow ≤ most · use."""
        size = len(use)
        each = np.arange(size)
        names = labels(self.problem, what, kind, index)
        self._rows.at_most(size, [(*flow, 1), (each, use, -most)], 0, names)
        names = labels(self.problem, f"{what}d", kind, index)
        self._rows.at_most(size, [(*flow, -1), (each, use, 1)], 0, names)

    def _flow_of_contracts(self) -> None:
        """Contract only with a provider in use: w ≤ y; where need be, neither without flow."""
        problem, columns = self.problem, self.columns
        contracts, providers = np.arange(columns.sizes["w"]), np.arange(columns.sizes["y"])
        w, y = columns.at("w"), columns.at("y", problem.contract_provider)
        tied = np.flatnonzero(self.contracts_matter)
        each = np.arange(len(tied))
        names = labels(problem, "member", "contract", tied)
        entries: list[Entry] = [(each, w[tied], 1), (each, y[tied], -1)]
        self._rows.at_most(len(tied), entries, 0, names, "member")
        if not self._exact:
            return
        flow, owner = columns.of("use", np.arange(problem.options))
        entries = [(contracts, w, 1), (problem.option_contract[owner], flow, -1)]
        self._rows.at_most(len(w), entries, 0, labels(problem, "flow", "contract", contracts))
        entries = [(providers, columns.at("y"), 1), (problem.contract_provider, w, -1)]
        names = labels(problem, "open", "provider", providers)
        self._rows.at_most(len(providers), entries, 0, names)

    def _bands(self) -> None:
        """Put at most one band in force, where the provider is in use; keep to its volumes."""
        problem, columns = self.problem, self.columns
        offers, bands = np.arange(problem.size("offer")), np.arange(columns.sizes["z"])
        z = columns.at("z")
        y = columns.at("y", problem.offer_provider)
        names = labels(problem, "offer", "offer", offers)
        entries: list[Entry] = [(problem.band_offer, z, 1), (offers, y, -1)]
        self._rows.at_most(len(offers), entries, 0, names, "offer")
        share = np.ones_like(self._volume) if problem.split else self._volume
        reach = np.zeros(len(bands), dtype=np.int64)
        np.add.at(reach, problem.banded_band, self._volume)
        least = problem.band_least
        if self._exact_bands:
            least = np.maximum(least, 1)  # a band in force delivers something
        flow = (problem.banded_band, columns.at("x"), share)
        self._limits("most", "band", reach > self._limit, flow, (z, self._limit), 1)
        self._limits("least", "band", least > 0, flow, (z, least), -1)

    def _capacities(self) -> None:
        """Keep to each provider's capacity over all services."""
        problem, columns = self.problem, self.columns
        weight = problem.service_weight[problem.pair_service[problem.option_pair]]
        weighted = weight * (1 if problem.split else problem.option_volume)
        reach = np.zeros(columns.sizes["y"])
        np.add.at(reach, problem.option_provider, weight * problem.option_volume.astype(float))
        provider = problem.option_provider[problem.banded_option]
        flow = (provider, columns.at("x"), weighted[problem.banded_option])
        capacity = problem.provider_capacity
        if problem.split:
            capacity = flows.whole_capacity(problem)
        self._limits("load", "provider", capacity < reach, flow, (columns.at("y"), capacity), 1)

    def _counts(self) -> None:
        """Put as many offers in use as a service's volume takes, where nobody serves itself."""
        problem, columns = self.problem, self.columns
        offers = problem.size("offer")
        room = np.zeros(offers, dtype=np.int64)
        np.maximum.at(room, problem.band_offer, problem.band_most)
        for service in np.unique(problem.pair_service).tolist():
            inside = problem.pair_service == service
            total = int(problem.pair_volume[inside].sum())
            here = np.flatnonzero(problem.offer_service == service)
            if np.any(problem.home[inside]) or not total or not len(here):
                continue
            largest = np.minimum(np.sort(room[here])[::-1], total)
            least = int(np.searchsorted(np.cumsum(largest), total)) + 1
            bands = np.flatnonzero(problem.offer_service[problem.band_offer] == service)
            entries = [(np.zeros_like(bands), columns.at("z", bands), -1)]
            self._rows.at_most(1, entries, -least, [f"count_{service}"].copy, "count")

    def _rooms(self) -> None:
        """Have bands in force that can take a service's volume, but for what may stay in-house.

        Implied by pairs and bands, but not one by one: from it follow covers of offers (Klose &
        Görtz 2007, Eur. J. Oper. Res. 179, on the capacitated problem's aggregate capacity).
        """
        problem, columns = self.problem, self.columns
        for service, bands, need in rooms(problem):
            most = np.minimum(problem.band_most[bands], need)
            entries = [(np.zeros_like(bands), columns.at("z", bands), -most)]
            self._rows.at_most(1, entries, -need, [f"room_{service}"].copy, "room")

    def _members(self) -> None:
        """Keep to each provider's least and most members."""
        problem, columns = self.problem, self.columns
        w, y = columns.at("w"), columns.at("y")
        flow = (problem.contract_provider, w, np.ones_like(w))
        members = np.bincount(problem.contract_provider, minlength=len(y))
        most, least = problem.provider_max_members, problem.provider_min_members
        self._limits("max_members", "provider", most < members, flow, (y, most), 1)
        self._limits("min_members", "provider", least > 0, flow, (y, least), -1)

    def _limits(
        self,
        what: str,
        kind: str,
        chosen: NDArray[np.bool_],
        flow: tuple[Ints, Ints, Ints],
        limit: tuple[Ints, Ints],
        sign: int,
    ) -> None:
        """Limit flows: sign · (Σ value · column − bound · indicator) ≤ 0 for the chosen owners.

        `flow` is (owner, column, value), `limit` (indicator column, bound) by owner.
        """
        index = np.flatnonzero(chosen)
        place = np.full(len(chosen), -1, dtype=np.int64)
        place[index] = np.arange(len(index))
        owner, column, value = flow
        inside = np.flatnonzero(place[owner] >= 0)
        entries = [
            (place[owner[inside]], column[inside], sign * value[inside]),
            (np.arange(len(index)), limit[0][index], -sign * limit[1][index]),
        ]
        self._rows.at_most(len(index), entries, 0, labels(self.problem, what, kind, index), what)

    def _upper(self) -> NDArray[np.float64]:
        """Upper bounds of all columns."""
        problem, columns = self.problem, self.columns
        upper = np.ones(columns.count)
        limit = self._limit[problem.banded_band]
        if problem.split:
            upper[columns.block("x")] = np.minimum(self._volume, limit)
            upper[columns.block("h")] = problem.pair_volume[columns.home]
        else:
            # What is larger than its band can never be served in it.
            upper[columns.block("x")] = self._volume <= limit
        officers, managers = rules.most_officers(problem)
        upper[columns.block("n")], upper[columns.block("m")] = officers, managers
        return upper

    def _integer(self) -> NDArray[np.bool_]:
        """Which columns have to be told to be whole."""
        integer = np.ones(self.columns.count, dtype=bool)
        if self._continuous:
            integer[self.columns.block("x")] = integer[self.columns.block("h")] = False
        return integer

    def _cost(self) -> NDArray[np.float64]:
        """Cost of all columns, in last places of money."""
        problem, columns = self.problem, self.columns
        cost = np.zeros(columns.count)
        for kind in problem.objective.by_kind:
            index = np.arange(problem.size(kind))
            values = problem.objective.get(kind, len(index)).astype(np.float64)
            volume = columns.volumes(kind, index)
            if volume is not None:
                values = values / volume
            column, owner = columns.of(kind, index)
            np.add.at(cost, column, values[owner])
        return cost

    def _matrix(self) -> Matrix:
        problem, rows, columns = self.problem, self._rows, self.columns
        a, lower, upper = rows.matrix(columns.count)
        return Matrix(
            cost=self._cost(),
            offset=float(problem.objective.constant),
            a=a,
            row_lower=lower,
            row_upper=upper,
            lower=np.zeros(columns.count),
            upper=self._upper(),
            integer=self._integer(),
            integral=not problem.split,
            slack=problem.slack,
            column_names=lambda: column_names(columns),
            row_names=lambda: unique(rows.names()),
        )


def rooms(problem: Problem) -> Iterator[tuple[int, Ints, int]]:
    """Yield services of which a volume has to be delivered by offers, and no band takes it alone.

    Each with its bands, shape (bands of the service,), and that volume. None under split sourcing,
    where volumes are no whole pairs.
    """
    if problem.split:
        return
    service_of = problem.offer_service[problem.band_offer]
    for service in np.unique(problem.pair_service).tolist():
        bands = np.flatnonzero(service_of == service)
        must = (problem.pair_service == service) & ~problem.home
        need = int(problem.pair_volume[must].sum())
        if need and len(bands) and np.any(problem.band_most[bands] < need):
            yield service, bands, need


def _must_be_exact(problem: Problem) -> tuple[bool, bool]:
    """Whether y and w, and whether z, must be 0 where nothing flows, and not just may be.

    Only then are they tied from above: where cost or a minimum would rather have them 1.
    """
    cost = problem.objective
    counted = {term.kind for row in problem.rows for term in row.terms}

    def wanted(*kinds: str) -> bool:
        negative = any(np.any(cost.get(kind, problem.size(kind)) < 0) for kind in kinds)
        return negative or bool(counted & set(kinds))

    bands = wanted("band", "offer")
    above = wanted("provider", "contract") or bool(np.any(problem.provider_min_members > 1))
    if not problem.split:
        bands = above = bands or above or wanted("use", "home_use")
    return above, bands
