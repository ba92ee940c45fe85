"""Problem -> matrix and back.

Columns, all integer, in this order: ``x`` share of an option-band (under split: volume), ``u`` use of
an option (split only), ``h`` in-house (under split: volume), ``v`` use of in-house (split only), ``z``
band in force, ``y`` provider in use, ``w`` contract, ``n`` officers, ``m`` managers, ``r`` cover,
``d`` split link. Rows as in docs/problem.md, "Model" of the design: every pair once, strong links,
bands, capacities, members, oversight, links, covers, policies and side rows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.problem import UNLIMITED
from optimiser.solvers.milp.matrix import Matrix
from optimiser.solvers.milp.names import column_names, label
from optimiser.solvers.milp.rows import FREE, Rows, whole_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.problem import LinearRow, Problem

    Ints = NDArray[np.int64]

BLOCKS: Final = ("x", "u", "h", "v", "z", "y", "w", "n", "m", "r", "d")


class Formulation:
    """The mixed-integer program of one problem.

    Parameters
    ----------
    problem
        What is to be solved.
    strong
        Link every option-band to its band (a row each), which gives a tight relaxation; otherwise
        link them band by band, which gives fewer rows.
    """

    def __init__(self, problem: Problem, *, strong: bool = True) -> None:
        self.problem = problem
        self._strong = strong
        self._split = problem.split
        self._home = np.flatnonzero(problem.home)
        self._home_at = np.full(problem.pairs, -1, dtype=np.int64)
        self._home_at[self._home] = np.arange(len(self._home))
        options = problem.options if self._split else 0
        self._first_banded = np.searchsorted(
            problem.banded_option, np.arange(problem.options + 1)
        )
        self._first_band = np.searchsorted(
            problem.band_offer, np.arange(problem.size("offer") + 1)
        )
        sizes = {
            "x": problem.size("banded"), "u": options, "h": len(self._home),
            "v": len(self._home) if self._split else 0, "z": problem.size("band"),
            "y": problem.size("provider"), "w": problem.size("contract"),
            "n": problem.size("officers"), "m": problem.size("managers"),
            "r": problem.size("cover"), "d": problem.size("link"),
        }  # fmt: skip
        self.start: dict[str, int] = {}
        self.sizes = sizes
        total = 0
        for block in BLOCKS:
            self.start[block] = total
            total += sizes[block]
        self.columns = total
        self._exact = self._exact_kinds()
        self._rows = Rows()
        self._limit = np.minimum(problem.band_to, problem.offer_capacity[problem.band_offer])
        self._upper = self._column_bounds()
        self._assignment()
        self._linking()
        self._bands()
        self._providers()
        self._oversight()
        self._links()
        self._covers()
        for row in problem.rows:
            self._linear_row(row)
        self.matrix = self._matrix()

    # Columns

    def at(self, block: str, index: Ints | int) -> Ints:
        """Columns of a block by index within it."""
        return np.asarray(index, dtype=np.int64) + self.start[block]

    def _column_bounds(self) -> NDArray[np.float64]:
        upper = np.ones(self.columns)
        problem = self.problem
        if self._split:
            volume = problem.option_volume[problem.banded_option]
            upper[self._slice("x")] = np.minimum(volume, self._limit[problem.banded_band])
            upper[self._slice("h")] = problem.pair_volume[self._home]
        else:
            # What is larger than its band can never be served in it.
            volume = problem.option_volume[problem.banded_option]
            upper[self._slice("x")] = volume <= self._limit[problem.banded_band]
        officers, managers = self._most_officers()
        upper[self._slice("n")], upper[self._slice("m")] = officers, managers
        return upper

    def _slice(self, block: str) -> slice:
        return slice(self.start[block], self.start[block] + self.sizes[block])

    def _most_officers(self) -> tuple[Ints, Ints]:
        """Officers and managers that the largest hours would take."""
        problem, hours = self.problem, self.problem.hours
        most = np.array(hours.get("home", problem.pairs), dtype=object)
        each = hours.get("part", problem.options).astype(object)
        each = each + hours.get("use", problem.options)
        if self._split:  # a pair may have many deliveries, each with hours of its own
            np.add.at(most, problem.option_pair, each)
        elif problem.options:
            np.maximum.at(most, problem.option_pair, each)
        count = problem.size("officers")
        total = np.zeros(count, dtype=object)
        np.add.at(total, problem.pair_authority, most)
        authority = self._contract_authority()
        np.add.at(total, authority, hours.get("contract", problem.size("contract")).astype(object))
        per, span = problem.authority_officer_hours, problem.authority_span
        officers = np.where(per > 0, -(-total // np.maximum(per, 1)), 0)
        officers = np.minimum(officers, problem.authority_max_officers).astype(np.int64)
        managers = np.where(span > 0, -(-officers // np.maximum(span, 1)), 0)
        return officers, managers

    def _contract_authority(self) -> Ints:
        problem = self.problem
        authority = np.zeros(problem.size("contract"), dtype=np.int64)
        authority[problem.option_contract] = problem.pair_authority[problem.option_pair]
        return authority

    def _exact_kinds(self) -> bool:
        """Whether y, w and z must be 0 where nothing flows, and not just may be.

        Only then are they tied from above: where cost or a minimum would rather have them 1.
        """
        problem = self.problem
        cost = problem.objective
        fixed = any(
            np.any(cost.get(kind, problem.size(kind)) < 0)
            for kind in ("band", "provider", "offer", "contract")
        )
        watched = {"provider", "contract", "offer", "band", "use", "home_use"}
        rows = any(term.kind in watched for row in problem.rows for term in row.terms)
        return bool(fixed or rows or np.any(problem.provider_min_members > 1) or self._split)

    # Rows

    def _assignment(self) -> None:
        """Each pair once: Σ x + h = 1, or the pair's volume."""
        problem = self.problem
        pair = problem.option_pair[problem.banded_option]
        entries = [
            (pair, self.at("x", np.arange(len(pair))), 1),
            (self._home, self.at("h", np.arange(len(self._home))), 1),
        ]
        whole = problem.pair_volume if self._split else 1
        self._rows.add(problem.pairs, entries, whole, whole,
                       lambda: [f"pair_{label(problem, pair=q)}" for q in range(problem.pairs)])  # fmt: skip

    def _linking(self) -> None:
        """Options to bands, contracts and providers."""
        problem = self.problem
        banded, options = self.sizes["x"], problem.options
        x, each = self.at("x", np.arange(banded)), np.arange(banded)
        volume = problem.option_volume[problem.banded_option]
        size = np.minimum(volume, self._limit[problem.banded_band]) if self._split else 1
        names = lambda what: (lambda: [f"{what}_{label(problem, option=k)}" for k in range(options)])  # noqa: E731
        if self._strong:
            self._rows.add(
                banded, [(each, x, 1), (each, self.at("z", problem.banded_band), -np.asarray(size))],
                -FREE, 0,
                lambda: [f"band_{label(problem, banded=i)}" for i in range(banded)])  # fmt: skip
        else:
            reach = np.zeros(self.sizes["z"], dtype=np.int64)
            np.add.at(reach, problem.banded_band, np.broadcast_to(size, banded))
            bands = np.arange(len(reach))
            self._rows.add(len(reach), [(problem.banded_band, x, 1),
                                        (bands, self.at("z", bands), -reach)], -FREE, 0,
                           lambda: [f"band_{label(problem, band=b)}" for b in bands.tolist()])  # fmt: skip
        k = np.arange(options)
        contract = self.at("w", problem.option_contract)
        if self._split:
            u = self.at("u", k)
            most = np.minimum(problem.option_volume, problem.offer_capacity[problem.option_offer])
            self._rows.add(options, [(problem.banded_option, x, 1), (k, u, -most)], -FREE, 0,
                           names("use"))  # fmt: skip
            self._rows.add(options, [(problem.banded_option, x, -1), (k, u, 1)], -FREE, 0,
                           names("used"))  # fmt: skip
            self._rows.add(options, [(k, u, 1), (k, contract, -1)], -FREE, 0, names("contract"))
            q = np.arange(len(self._home))
            v, h = self.at("v", q), self.at("h", q)
            most = problem.pair_volume[self._home]
            home = lambda what: (lambda: [f"{what}_{label(problem, pair=p)}" for p in self._home])  # noqa: E731
            self._rows.add(len(q), [(q, h, 1), (q, v, -most)], -FREE, 0, home("home"))
            self._rows.add(len(q), [(q, h, -1), (q, v, 1)], -FREE, 0, home("at_home"))
        else:
            self._rows.add(options, [(problem.banded_option, x, 1), (k, contract, -1)], -FREE, 0,
                           names("contract"))  # fmt: skip
        self._contracts(x)

    def _contracts(self, x: Ints) -> None:
        """Contracts to providers, and nothing without flow."""
        problem = self.problem
        contracts = np.arange(self.sizes["w"])
        w, y = self.at("w", contracts), self.at("y", problem.contract_provider)
        tag = lambda what: (  # noqa: E731
            lambda: [f"{what}_{label(problem, contract=c)}" for c in contracts.tolist()]
        )
        self._rows.add(len(w), [(contracts, w, 1), (contracts, y, -1)], -FREE, 0, tag("member"))
        if not self._exact:
            return
        if self._split:
            flow = [(problem.option_contract, self.at("u", np.arange(problem.options)), -1)]
        else:
            flow = [(problem.option_contract[problem.banded_option], x, -1)]
        self._rows.add(len(w), [(contracts, w, 1), *flow], -FREE, 0, tag("contracted"))
        providers = np.arange(self.sizes["y"])
        self._rows.add(len(providers), [(providers, self.at("y", providers), 1),
                                        (problem.contract_provider, w, -1)], -FREE, 0,
                       lambda: [f"open_{label(problem, provider=p)}" for p in providers.tolist()])  # fmt: skip

    def _bands(self) -> None:
        """One band at most where the provider is in use; volume within the band and capacity."""
        problem = self.problem
        bands, offers = np.arange(self.sizes["z"]), np.arange(problem.size("offer"))
        z = self.at("z", bands)
        tag = lambda what, chosen: (  # noqa: E731
            lambda: [f"{what}_{label(problem, band=b)}" for b in chosen.tolist()]
        )
        self._rows.add(len(offers), [(problem.band_offer, z, 1),
                                     (offers, self.at("y", problem.offer_provider), -1)], -FREE, 0,
                       lambda: [f"offer_{label(problem, offer=f)}" for f in offers.tolist()])  # fmt: skip
        volume = problem.option_volume[problem.banded_option]
        share = np.ones_like(volume) if self._split else volume
        reach = np.zeros(len(bands), dtype=np.int64)
        np.add.at(reach, problem.banded_band, volume)
        least = np.maximum(problem.band_from, problem.offer_minimum[problem.band_offer])
        if self._exact:
            least = np.maximum(least, 1)  # a band in force delivers something
        x = self.at("x", np.arange(len(volume)))
        for chosen, limit, sign, what in (
            (np.flatnonzero(reach > self._limit), self._limit, 1, "most"),
            (np.flatnonzero(least > 0), least, -1, "least"),
        ):
            place = np.full(len(bands), -1, dtype=np.int64)
            place[chosen] = np.arange(len(chosen))
            inside = np.flatnonzero(place[problem.banded_band] >= 0)
            entries = [
                (place[problem.banded_band[inside]], x[inside], sign * share[inside]),
                (np.arange(len(chosen)), z[chosen], -sign * np.minimum(limit, FREE)[chosen]),
            ]
            self._rows.add(len(chosen), entries, -FREE, 0, tag(what, chosen))

    def _providers(self) -> None:
        """Capacity over all services, and members."""
        problem = self.problem
        banded_provider = problem.option_provider[problem.banded_option]
        weight = problem.service_weight[problem.pair_service[problem.option_pair]]
        weighted = weight if self._split else weight * problem.option_volume
        reach = np.zeros(self.sizes["y"], dtype=np.float64)
        np.add.at(reach, problem.option_provider, (weight * problem.option_volume).astype(float))
        limited = np.flatnonzero(problem.provider_capacity < reach)
        self._by_provider("load", limited, banded_provider,
                          self.at("x", np.arange(self.sizes["x"])),
                          weighted[problem.banded_option], problem.provider_capacity, 1)  # fmt: skip
        w = self.at("w", np.arange(self.sizes["w"]))
        one = np.ones(len(w), dtype=np.int64)
        members = np.bincount(problem.contract_provider, minlength=self.sizes["y"])
        self._by_provider("max_members", np.flatnonzero(problem.provider_max_members < members),
                          problem.contract_provider, w, one, problem.provider_max_members, 1)  # fmt: skip
        self._by_provider("min_members", np.flatnonzero(problem.provider_min_members > 1),
                          problem.contract_provider, w, one, problem.provider_min_members, -1)  # fmt: skip

    def _by_provider(self, what: str, chosen: Ints, provider: Ints, column: Ints, value: Ints,
                     limit: Ints, sign: int) -> None:  # fmt: skip
        """sign · (Σ value · column − limit · y) ≤ 0 for the chosen providers."""
        place = np.full(self.sizes["y"], -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        inside = np.flatnonzero(place[provider] >= 0)
        entries = [
            (place[provider[inside]], column[inside], sign * value[inside]),
            (np.arange(len(chosen)), self.at("y", chosen), -sign * limit[chosen]),
        ]
        self._rows.add(
            len(chosen), entries, -FREE, 0,
            lambda: [f"{what}_{label(self.problem, provider=p)}" for p in chosen.tolist()])  # fmt: skip

    def _oversight(self) -> None:
        """Officers for the hours, managers for the officers, and a limit on contracts."""
        problem, hours = self.problem, self.problem.hours
        authority = self._contract_authority()
        cost = problem.objective
        count = problem.size("officers")
        paid = cost.get("officers", count) > 0
        led = (cost.get("managers", count) > 0) & (problem.authority_span > 0)
        bound = problem.authority_max_officers < UNLIMITED
        counted = (problem.authority_officer_hours > 0) & (paid | led | bound)
        for a in np.flatnonzero(counted).tolist():
            options = np.flatnonzero(problem.pair_authority[problem.option_pair] == a)
            pairs = self._home[problem.pair_authority[self._home] == a]
            contracts = np.flatnonzero(authority == a)
            columns, values = [], []
            for kind, index in (("part", options), ("use", options), ("home", pairs),
                                ("contract", contracts)):  # fmt: skip
                found = hours.get(kind, problem.size(kind))[index]
                some = np.flatnonzero(found)
                column, value = self._expand(kind, index[some], found[some].tolist())
                columns.append(column)
                values.extend(value)
            per = int(problem.authority_officer_hours[a])
            columns.append(self.at("n", np.array([a])))
            integers, _, _ = whole_row([*values, -per], None, Fraction(0))
            row = np.zeros(len(integers), dtype=np.int64)
            name = label(problem, authority=a)
            self._rows.add(1, [(row, np.concatenate(columns), integers)], -FREE, 0,
                           lambda name=name: [f"officers_{name}"])  # type: ignore[misc]  # fmt: skip
        managed = np.flatnonzero(counted & led)
        each = np.arange(len(managed))
        self._rows.add(
            len(managed), [(each, self.at("n", managed), 1),
                           (each, self.at("m", managed), -problem.authority_span[managed])],
            -FREE, 0,
            lambda: [f"managers_{label(problem, authority=a)}" for a in managed.tolist()])  # fmt: skip
        held = np.bincount(authority, minlength=count)
        limited = np.flatnonzero(problem.authority_max_contracts < held)
        place = np.full(count, -1, dtype=np.int64)
        place[limited] = np.arange(len(limited))
        inside = np.flatnonzero(place[authority] >= 0)
        self._rows.add(
            len(limited), [(place[authority[inside]], self.at("w", inside), 1)], -FREE,
            problem.authority_max_contracts[limited],
            lambda: [f"contracts_{label(problem, authority=a)}" for a in limited.tolist()])  # fmt: skip

    def _links(self) -> None:
        """Together, apart and split-cost."""
        problem = self.problem
        for number, (a, b) in enumerate(problem.together.tolist()):
            self._bound_pairs(a, b, number)
        for number, (a, b) in enumerate(problem.apart.tolist()):
            for p, k, other in self._shared(a, b):
                if k >= 0 and other >= 0:
                    columns, values = self._joined([("use", k, 1), ("use", other, 1)])
                    self._one(columns, values, -FREE, 1, f"apart_{number}_{p}")
        watched = any(term.kind == "link" for row in problem.rows for term in row.terms)
        for number, (a, b) in enumerate(problem.link.tolist()):
            d = ("link", number, -1)
            sides = [(("use", k), ("use", other)) for _, k, other in self._shared(a, b)]
            sides.append((("home_use", a), ("home_use", b)))
            for first, second in sides:
                for one, two in ((first, second), (second, first)):
                    if not self._there(*one):
                        continue
                    terms = [(*one, 1), d]
                    if self._there(*two):
                        terms.append((*two, -1))
                    columns, values = self._joined(terms)
                    self._one(columns, values, -FREE, 0, f"differ_{number}_{one[0]}_{one[1]}")
                both = self._there(*first) and self._there(*second)
                if watched and both and not self._split:
                    columns, values = self._joined([(*first, 1), (*second, 1), ("link", number, 1)])
                    self._one(columns, values, -FREE, 2, f"same_{number}_{first[0]}_{first[1]}")

    def _there(self, kind: str, index: int) -> bool:
        if kind == "home_use":
            return bool(self.problem.home[index])
        return index >= 0

    def _shared(self, a: int, b: int) -> list[tuple[int, int, int]]:
        """Providers of two pairs: (row, option of a or −1, option of b or −1)."""
        problem = self.problem
        found: dict[int, list[int]] = {}
        for side, q in enumerate((a, b)):
            low, high = np.searchsorted(problem.option_pair, [q, q + 1]).tolist()
            for k in range(low, high):
                provider = int(problem.provider_row[problem.option_provider[k]])
                found.setdefault(provider, [-1, -1])[side] = k
        return [(p, first, second) for p, (first, second) in sorted(found.items())]

    def _bound_pairs(self, a: int, b: int, number: int) -> None:
        """Equal shares of two pairs by every deliverer."""
        sides = [(("part", k), ("part", other)) for _, k, other in self._shared(a, b)]
        sides.append((("home", a), ("home", b)))
        for first, second in sides:
            there = [self.problem.home[i] if kind == "home" else i >= 0 for kind, i in (first, second)]
            terms = [(*atom, sign) for atom, sign, ok in
                     ((first, 1, there[0]), (second, -1, there[1])) if ok]  # fmt: skip
            if terms:
                columns, values = self._joined(terms)
                self._one(columns, values, 0, 0, f"together_{number}_{first[0]}_{max(first[1], second[1])}")

    def _joined(self, terms: list[tuple[str, int, int]]) -> tuple[Ints, list[Any]]:
        columns: list[Ints] = []
        values: list[Any] = []
        for kind, index, coefficient in terms:
            column, value = self._expand(kind, np.array([index]), [coefficient])
            columns.append(column)
            values.extend(value)
        return np.concatenate(columns), values

    def _one(self, columns: Ints, values: list[Any], lower: int, upper: int, name: str) -> None:
        """Add a single row of fractions with whole bounds."""
        low = None if lower == -FREE else Fraction(lower)
        high = None if upper == FREE else Fraction(upper)
        integers, low_whole, high_whole = whole_row(values, low, high)
        self._rows.add(1, [(np.zeros(len(columns), dtype=np.int64), columns, integers)],
                       low_whole, high_whole, lambda: [name])  # fmt: skip

    def _covers(self) -> None:
        """r = 1 exactly where any member is 1."""
        problem = self.problem
        count = self.sizes["r"]
        if not count:
            return
        size = np.diff(problem.cover_start)
        cover = np.repeat(np.arange(count), size)
        ends = []
        for home in (False, True):
            some = np.flatnonzero(problem.cover_home == home)
            kind = "home_use" if home else "use"
            index = problem.cover_index[some]
            column, owner = self._columns(kind, index)
            ends.append((cover[some][owner], some[owner], column))
        r = self.at("r", np.arange(count))
        least = [(which, column, -1) for which, _, column in ends]
        self._rows.add(count, [(np.arange(count), r, 1), *least], -FREE, 0,
                       lambda: [f"covered_{i}" for i in range(count)])  # fmt: skip
        members = np.arange(len(cover))
        most = [(row, column, 1) for _, row, column in ends]
        self._rows.add(len(cover), [(members, r[cover], -1), *most], -FREE, 0,
                       lambda: [f"covers_{i}" for i in range(len(cover))])  # fmt: skip

    def _linear_row(self, row: LinearRow) -> None:
        columns: list[Ints] = []
        values: list[Any] = []
        for term in row.terms:
            column, value = self._expand(term.kind, term.index, term.coefficient.tolist())
            columns.append(column)
            values.extend(v * term.factor for v in value)
        column = np.concatenate([np.zeros(0, dtype=np.int64), *columns])
        integers, low, high = whole_row(values, row.lower, row.upper)
        self._rows.add(1, [(np.zeros(len(column), dtype=np.int64), column, integers)], low, high,
                       lambda: [label(self.problem, text=row.name)])  # fmt: skip

    def _columns(self, kind: str, index: Ints) -> tuple[Ints, Ints]:
        """Columns whose sum is an atom (its volume, for shares under split), and whose they are."""
        own = np.arange(len(index))
        if kind == "part" or (kind == "use" and not self._split):
            start, end = self._first_banded[index], self._first_banded[index + 1]
            return self._ranges("x", start, end)
        if kind == "offer":
            return self._ranges("z", self._first_band[index], self._first_band[index + 1])
        if kind in ("home", "home_use"):
            place = self._home_at[index]
            there = np.flatnonzero(place >= 0)
            block = "v" if kind == "home_use" and self._split else "h"
            return self.at(block, place[there]), there
        block = {"use": "u", "banded": "x", "band": "z", "provider": "y", "contract": "w",
                 "officers": "n", "managers": "m", "link": "d", "cover": "r"}[kind]  # fmt: skip
        return self.at(block, index), own

    def _ranges(self, block: str, start: Ints, end: Ints) -> tuple[Ints, Ints]:
        count = end - start
        owner = np.repeat(np.arange(len(start)), count)
        first = np.repeat(np.cumsum(count) - count, count)
        return self.at(block, np.repeat(start, count) + np.arange(len(owner)) - first), owner

    def _expand(self, kind: str, index: Ints, coefficient: list[Any]) -> tuple[Ints, list[Any]]:
        """Columns and exact coefficients of coefficient · atom."""
        column, owner = self._columns(kind, np.asarray(index, dtype=np.int64))
        values = [coefficient[i] for i in owner.tolist()]
        if self._split and kind in ("part", "banded", "home"):
            volume = self._volumes(kind, np.asarray(index))[owner].tolist()
            values = [Fraction(value, v) for value, v in zip(values, volume, strict=True)]
        return column, values

    def _volumes(self, kind: str, index: Ints) -> Ints:
        problem = self.problem
        if kind == "home":
            return problem.pair_volume[index]
        option = problem.banded_option[index] if kind == "banded" else index
        return problem.option_volume[option]

    # Matrix

    def _matrix(self) -> Matrix:
        problem = self.problem
        a, lower, upper = self._rows.matrix(self.columns)
        cost = np.zeros(self.columns)
        scaled = ("part", "banded", "home")
        for kind in problem.objective.by_kind:
            values = problem.objective.get(kind, problem.size(kind)).astype(np.float64)
            if self._split and kind in scaled:
                values = values / self._volumes(kind, np.arange(problem.size(kind)))
            column, owner = self._columns(kind, np.arange(problem.size(kind)))
            np.add.at(cost, column, values[owner])
        return Matrix(
            cost=cost,
            offset=float(problem.objective.constant),
            a=a,
            row_lower=lower,
            row_upper=upper,
            lower=np.zeros(self.columns),
            upper=self._upper,
            integer=np.ones(self.columns, dtype=bool),
            integral=not self._split,
            slack=problem.slack,
            column_names=lambda: column_names(self),
            row_names=self._rows.names,
        )

    # Plans

    def decode(self, x: NDArray[np.float64]) -> Plan:
        """Plan of a column vector; the nearest there is if the vector is not quite whole."""
        problem = self.problem
        pair = np.concatenate([problem.option_pair[problem.banded_option], self._home])
        rows = problem.provider_row[problem.option_provider[problem.banded_option]]
        by = np.concatenate([rows, np.full(len(self._home), BY_ITSELF)])
        value = np.concatenate([x[self._slice("x")], x[self._slice("h")]])
        if not self._split:
            order = np.lexsort((value, pair))
            last = np.flatnonzero(np.diff(pair[order], append=-1))
            best = order[last]
            return Plan.from_arrays(pair[best], by[best], problem.pair_volume[pair[best]])
        volume = np.maximum(np.rint(value), 0).astype(np.int64)
        total = np.zeros(problem.pairs, dtype=np.int64)
        np.add.at(total, pair, volume)
        order = np.lexsort((volume, pair))
        last = np.flatnonzero(np.diff(pair[order], append=-1))
        best = order[last]  # the largest delivery of each pair takes up what rounding left
        volume[best] = np.maximum(volume[best] + (problem.pair_volume - total)[pair[best]], 0)
        code = pair << 32 | (by + 2)
        unique, where = np.unique(code, return_inverse=True)
        summed = np.zeros(len(unique), dtype=np.int64)
        np.add.at(summed, where, volume)
        return Plan.from_arrays(unique >> 32, (unique & 0xFFFFFFFF) - 2, summed)

    def encode(self, plan: Plan) -> NDArray[np.float64] | None:
        """Column vector of a plan; None where it uses what is no option here."""
        problem = self.problem
        home = plan.deliverer == BY_ITSELF
        option = problem.option_of(plan.pair, plan.deliverer)
        if np.any((option < 0) & ~home) or not problem.home[plan.pair[home]].all():
            return None
        x = np.zeros(self.columns)
        option, volume = option[~home], plan.volume[~home]
        share = np.zeros(problem.options)
        share[option] = volume / problem.option_volume[option]
        band = self._bands_in_force(option, volume, share)
        if band is None:
            return None
        in_force = np.zeros(self.sizes["z"], dtype=bool)
        in_force[band] = True
        x[self.at("z", band)] = 1
        used = np.zeros(problem.options, dtype=bool)
        used[option] = True
        served = np.flatnonzero(in_force[problem.banded_band] & used[problem.banded_option])
        amount = np.zeros(problem.options)
        amount[option] = volume if self._split else 1
        x[self.at("x", served)] = amount[problem.banded_option[served]]
        own = self._home_at[plan.pair[home]]
        x[self.at("h", own)] = plan.volume[home] if self._split else 1
        if self._split:
            x[self.at("u", option)] = 1
            x[self.at("v", own)] = 1
        x[self.at("w", problem.option_contract[option])] = 1
        x[self.at("y", problem.option_provider[option])] = 1
        at_home = np.zeros(problem.pairs)
        at_home[plan.pair[home]] = plan.volume[home] / problem.pair_volume[plan.pair[home]]
        self._encode_oversight(x, share, used, at_home)
        member = np.where(problem.cover_home, at_home[problem.cover_index % max(problem.pairs, 1)] > 0,
                          used[problem.cover_index % max(problem.options, 1)]
                          if problem.options else False)  # fmt: skip
        cover = np.repeat(np.arange(self.sizes["r"]), np.diff(problem.cover_start))
        x[self.at("r", np.unique(cover[member]))] = 1
        by: dict[int, set[int]] = {}
        for q, deliverer in zip(plan.pair.tolist(), plan.deliverer.tolist(), strict=True):
            by.setdefault(q, set()).add(deliverer)
        differ = [by.get(a) != by.get(b) for a, b in problem.link.tolist()]
        x[self.at("d", np.flatnonzero(differ))] = 1
        return x

    def _bands_in_force(self, option: Ints, volume: Ints, share: NDArray[np.float64]) -> Ints | None:
        """Cheapest valid band of each offer in use, in the order of the offers; None if one has none."""
        problem = self.problem
        offers = problem.size("offer")
        total = np.zeros(offers, dtype=np.int64)
        np.add.at(total, problem.option_offer[option], volume)
        each = total[problem.band_offer]
        valid = (each >= problem.band_from) & (each <= problem.band_to) & (each > 0)
        price = problem.objective.get("band", self.sizes["z"]).astype(float)
        unit = problem.objective.get("banded", self.sizes["x"]) * share[problem.banded_option]
        np.add.at(price, problem.banded_band, unit)
        served = np.zeros(self.sizes["z"], dtype=np.int64)
        np.add.at(served, problem.banded_band, share[problem.banded_option] > 0)
        valid &= served == np.bincount(problem.option_offer[option], minlength=offers)[problem.band_offer]
        candidates = np.flatnonzero(valid)
        order = candidates[np.lexsort((price[candidates], problem.band_offer[candidates]))]
        first = np.flatnonzero(np.diff(problem.band_offer[order], prepend=-1))
        chosen = order[first]
        return chosen if len(chosen) == int(np.sum(total > 0)) else None

    def _encode_oversight(self, x: NDArray[np.float64], share: NDArray[np.float64],
                          used: NDArray[np.bool_], at_home: NDArray[np.float64]) -> None:  # fmt: skip
        problem, hours = self.problem, self.problem.hours
        count = problem.size("officers")
        total = np.zeros(count)
        authority = problem.pair_authority[problem.option_pair]
        np.add.at(total, authority, hours.get("part", problem.options) * share)
        np.add.at(total, authority, hours.get("use", problem.options) * used)
        np.add.at(total, problem.pair_authority, hours.get("home", problem.pairs) * at_home)
        contract = x[self._slice("w")]
        np.add.at(total, self._contract_authority(),
                  hours.get("contract", problem.size("contract")) * contract)  # fmt: skip
        per, span = problem.authority_officer_hours, problem.authority_span
        officers = np.where(per > 0, np.ceil(total / np.maximum(per, 1) - 1e-12), 0)
        x[self._slice("n")] = officers
        x[self._slice("m")] = np.where(span > 0, np.ceil(officers / np.maximum(span, 1)), 0)
