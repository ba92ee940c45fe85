"""Drop what cannot matter, so that solvers need not find it out.

Every step keeps at least one best plan and its objective. What is dropped decides what general
solvers can do: left in, the bands that no capacity lets one reach alone cost them a point of gap.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.model.problem import UNLIMITED, Linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.problem import LinearRow, Problem, Term

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

#: Passes over all steps; what one drops may let another drop more.
PASSES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CleaningReport:
    """What was dropped, by step, and the sizes before and after."""

    dropped: dict[str, int]
    before: dict[str, int]
    after: dict[str, int]

    def lines(self) -> list[str]:
        """One line per step that dropped something, then the sizes."""
        result = [f"{count:,} {what}" for what, count in self.dropped.items() if count]
        sizes = ", ".join(
            f"{self.after[what]:,} of {self.before[what]:,} {what}" for what in self.before
        )
        return [*result, f"left: {sizes}"]


def clean(problem: Problem) -> tuple[Problem, CleaningReport]:
    """Return a problem without what cannot matter, and what was dropped."""
    before = _sizes(problem)
    dropped: Counter[str] = Counter()
    for _ in range(PASSES):
        sweep = _Sweep(problem)
        sweep.run()
        dropped.update(sweep.dropped)
        if not sweep.changed:
            break
        problem = restrict(problem, sweep.banded, sweep.home)
    return problem, CleaningReport(dropped=dropped, before=before, after=_sizes(problem))


def _sizes(problem: Problem) -> dict[str, int]:
    names = {
        "options": "part",
        "bands": "band",
        "option-bands": "banded",
        "offers": "offer",
        "providers": "provider",
    }
    return {name: problem.size(kind) for name, kind in names.items()}


class _Sweep:
    """One pass: masks of option-bands and in-house that stay."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.banded = np.ones(problem.size("banded"), dtype=bool)
        self.home = problem.home.copy()
        self.dropped: Counter[str] = Counter()
        self.volume = problem.option_volume[problem.banded_option]
        self.offer = problem.band_offer

    @property
    def changed(self) -> bool:
        return not (self.banded.all() and np.array_equal(self.home, self.problem.home))

    def run(self) -> None:
        self._oversized()
        self._unreachable()
        self._covered()
        self._dominated()
        self._memberless()
        self._unmatched()

    def _drop(self, mask: Bools, what: str) -> None:
        gone = mask & self.banded
        if gone.any():
            self.dropped[what] += int(gone.sum())
            self.banded &= ~mask

    def _drop_bands(self, bands: Bools, what: str) -> None:
        alive = np.zeros(len(bands), dtype=bool)
        alive[self.problem.banded_band[self.banded]] = True
        gone = bands & alive
        if gone.any():
            self.dropped[what] += int(gone.sum())
            self.banded &= ~bands[self.problem.banded_band]

    def _reach(self) -> Ints:
        """Most volume that each band's offer can come to deliver."""
        problem = self.problem
        total = np.zeros(problem.size("offer"), dtype=np.int64)
        options = np.unique(problem.banded_option[self.banded])
        np.add.at(total, problem.option_offer[options], problem.option_volume[options])
        total = np.minimum(total, problem.offer_capacity)
        weight = problem.service_weight[problem.offer_service]
        capacity = problem.provider_capacity[problem.offer_provider]
        some = (weight > 0) & (capacity < UNLIMITED)
        total[some] = np.minimum(total[some], capacity[some] // weight[some])
        return np.minimum(total[self.offer], problem.band_to)

    def _least(self) -> Ints:
        problem = self.problem
        return np.maximum(problem.band_least, 1)

    def _oversized(self) -> None:
        """Under single sourcing, options larger than a band's end."""
        if not self.problem.split:
            self._drop(
                self.volume > self._reach()[self.problem.banded_band],
                "ways to serve an option in a band smaller than it",
            )

    def _unreachable(self) -> None:
        self._drop_bands(self._least() > self._reach(), "bands that no volume can reach")

    def _covered(self) -> None:
        """Bands that another band of the offer is never dearer than, wherever they are valid.

        Over sets of options of volume at most `most`, band b saves at most most × max_k (c_kb' −
        c_kb) / v_k over band b' in unit costs; where that is no more than what it costs in fixed
        cost, b never pays.
        """
        problem = self.problem
        bands = problem.size("band")
        if not bands:
            return
        most, least = self._reach(), self._least()
        forms = self._tariff_forms()
        start = np.searchsorted(problem.band_offer, np.arange(problem.size("offer") + 1))
        width = int((start[1:] - start[:-1]).max(initial=0))
        first = np.searchsorted(problem.banded_option, problem.banded_option)
        position = np.arange(len(self.banded)) - first
        size = np.diff(np.searchsorted(problem.banded_option, np.arange(problem.options + 1)))
        size = size[problem.banded_option]
        gone = np.zeros(bands, dtype=bool)
        here = np.arange(bands) - start[problem.band_offer]
        room = np.where(most > 0, most, 0).astype(float)
        for shift in [*range(1, width), *range(-1, -width, -1)]:
            # Compare every band with the one `shift` places on within its offer.
            other = here + shift
            exists = (other >= 0) & (other < (start[1:] - start[:-1])[problem.band_offer])
            rival = np.where(exists, np.arange(bands) + shift, 0)
            exists &= ~gone[rival]
            covers = exists & (problem.band_from[rival] <= least) & (problem.band_to[rival] >= most)
            # An option's bands stand side by side, all of them or those that were left.
            there = (position + shift >= 0) & (position + shift < size)
            beside = np.where(there, np.arange(len(self.banded)) + shift, 0)
            same = there & (problem.banded_band[beside] == problem.banded_band + shift)
            beaten = covers
            for fixed, unit in forms:
                saving = (unit[beside] - unit) / self.volume
                saving = np.where(same, saving, np.inf)
                saving[~self.banded] = -np.inf
                best = np.full(bands, -np.inf)
                np.maximum.at(best, problem.banded_band, saving)
                worth = np.where(best > 0, best, 0.0) * room
                worth = worth * (1 + 1e-12) + np.where(best > 0, 1e-6, 0.0)
                beaten = beaten & (best < np.inf) & (fixed - fixed[rival] >= worth)
            gone |= beaten
        self._drop_bands(gone, "bands that a cheaper one covers")

    def _tariff_forms(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Return what bands count for, fixed and unit parts: in the objective and in every row.

        A side row may limit money that weighs little or nothing in the objective.
        """
        problem = self.problem
        bands, banded = problem.size("band"), len(self.banded)
        forms = [(problem.objective.get("band", bands), problem.objective.get("banded", banded))]
        for row in problem.rows:
            if any(term.kind in ("band", "banded") for term in row.terms):
                parts = {"band": np.zeros(bands), "banded": np.zeros(banded)}
                for term in row.terms:
                    if term.kind in parts:
                        np.add.at(
                            parts[term.kind], term.index, term.coefficient * float(term.factor)
                        )
                signs = [s for s, limit in ((1, row.upper), (-1, row.lower)) if limit is not None]
                forms += [(sign * parts["band"], sign * parts["banded"]) for sign in signs]
        return forms

    def _dominated(self) -> None:
        """Options that can never be cheaper than in-house, where nothing else speaks for them."""
        problem = self.problem
        cost = problem.objective
        if problem.rows or np.any(cost.get("cover", problem.size("cover"))) or not problem.options:
            return
        providers, contracts = problem.size("provider"), problem.size("contract")
        plain = problem.provider_min_members <= 1
        plain &= cost.get("provider", providers) >= 0
        fair = plain[problem.offer_provider] & (problem.offer_minimum <= 0)
        fair &= cost.get("offer", len(fair)) >= 0
        odd = (problem.band_from > 0) | (cost.get("band", problem.size("band")) < 0)
        fair[problem.band_offer[odd]] = False
        pair = problem.option_pair
        mask = fair[problem.option_offer] & self.home[pair]
        mask &= (cost.get("contract", contracts) >= 0)[problem.option_contract]
        for bound in (problem.together, problem.apart, problem.link):
            linked = np.zeros(problem.pairs, dtype=bool)
            linked[bound.ravel()] = True
            mask &= ~linked[pair]
        cheapest = np.full(problem.options, np.inf)
        np.minimum.at(
            cheapest, problem.banded_option, cost.get("banded", len(self.banded)).astype(float)
        )
        part = cost.get("part", problem.options) + cheapest
        use = cost.get("use", problem.options)
        home = cost.get("home", problem.pairs)[pair]
        home_use = cost.get("home_use", problem.pairs)[pair]
        hours = problem.hours
        counted = problem.authority_officer_hours[problem.pair_authority[pair]] > 0
        more = hours.get("part", problem.options) >= hours.get("home", problem.pairs)[pair]
        mask &= (part >= home) & (use >= home_use) & (~counted | more)
        self._drop(mask[problem.banded_option], "ways to serve an option that in-house undercuts")

    def _memberless(self) -> None:
        """Drop providers that cannot find the members they must have, or may have none."""
        problem = self.problem
        alive = np.zeros(problem.size("contract"), dtype=bool)
        alive[problem.option_contract[problem.banded_option[self.banded]]] = True
        members = np.bincount(problem.contract_provider[alive], minlength=problem.size("provider"))
        short = (members < problem.provider_min_members) | (problem.provider_max_members < 1)
        provider = problem.option_provider[problem.banded_option]
        self._drop(short[provider], "ways to serve an option by a provider short of members")

    def _unmatched(self) -> None:
        """Options of linked pairs that the other pair has not got."""
        problem = self.problem
        if not len(problem.together):
            return
        alive = np.zeros(problem.options, dtype=bool)
        alive[problem.banded_option[self.banded]] = True
        row = problem.provider_row[problem.option_provider]
        gone = np.zeros(problem.options, dtype=bool)
        for a, b in problem.together.tolist():
            (low, high), (low_b, high_b) = (
                np.searchsorted(problem.option_pair, [q, q + 1]).tolist() for q in (a, b)
            )
            ours, theirs = np.arange(low, high), np.arange(low_b, high_b)
            gone[ours] |= ~np.isin(row[ours], row[theirs[alive[theirs]]])
            gone[theirs] |= ~np.isin(row[theirs], row[ours[alive[ours]]])
            if self.home[a] != self.home[b]:
                self.home[[a, b]] = False
                self.dropped["in-house deliveries that a linked service cannot join"] += 1
        self._drop(
            gone[problem.banded_option], "ways to serve an option that a linked service cannot join"
        )


def ways(problem: Problem, banded: Bools, home: Bools) -> Ints:
    """Return how many of these option-bands, and in-house deliveries, each pair has; (pairs,)."""
    pair = problem.option_pair[problem.banded_option[banded]]
    result: Ints = home + np.bincount(pair, minlength=problem.pairs)
    return result


def restrict(problem: Problem, banded: Bools, home: Bools) -> Problem:
    """Return the problem with only these option-bands and in-house deliveries.

    Options, offers, bands, contracts and providers that nothing needs any more go too; everything
    is numbered anew. Providers that go are never in use, which costs nothing.
    """
    keep = {"banded": banded, "home": home, "home_use": home}
    option = np.zeros(problem.options, dtype=bool)
    option[problem.banded_option[banded]] = True
    keep["part"] = keep["use"] = option
    for kind, size, index in (
        ("band", problem.size("band"), problem.banded_band[banded]),
        ("offer", problem.size("offer"), problem.option_offer[option]),
        ("contract", problem.size("contract"), problem.option_contract[option]),
    ):
        keep[kind] = mark(size, index)
    keep["provider"] = mark(problem.size("provider"), problem.offer_provider[keep["offer"]])
    new = {kind: np.cumsum(mask) - 1 for kind, mask in keep.items()}
    # Pairs keep their numbers: only what may be chosen goes.
    for kind in ("home", "home_use"):
        new[kind] = np.arange(problem.pairs)

    def chosen(linear: Linear) -> Linear:
        by_kind = {}
        for kind, values in linear.by_kind.items():
            mask = keep.get(kind)
            if kind in ("home", "home_use") or mask is None:
                by_kind[kind] = values
            else:
                by_kind[kind] = values[mask]
        return Linear(constant=linear.constant, by_kind=by_kind)

    def term(old: Term) -> Term:
        mask = keep.get(old.kind)
        if mask is None:
            return old
        some = mask[old.index]
        return dataclasses.replace(
            old, index=new[old.kind][old.index[some]], coefficient=old.coefficient[some]
        )

    def row(old: LinearRow) -> LinearRow:
        return dataclasses.replace(old, terms=tuple(term(t) for t in old.terms))

    member = np.where(
        problem.cover_home, _pick(home, problem.cover_index), _pick(option, problem.cover_index)
    )
    cover = np.repeat(np.arange(problem.size("cover")), np.diff(problem.cover_start))[member]
    index = problem.cover_index[member]
    is_home = problem.cover_home[member]
    index = np.where(is_home, index, _pick(new["part"], index))
    offer, band, provider, contract = (keep[k] for k in ("offer", "band", "provider", "contract"))
    return dataclasses.replace(
        problem,
        home=home,
        option_pair=problem.option_pair[option],
        option_offer=new["offer"][problem.option_offer[option]],
        option_contract=new["contract"][problem.option_contract[option]],
        banded_option=new["part"][problem.banded_option[banded]],
        banded_band=new["band"][problem.banded_band[banded]],
        offer_row=problem.offer_row[offer],
        offer_provider=new["provider"][problem.offer_provider[offer]],
        offer_service=problem.offer_service[offer],
        offer_capacity=problem.offer_capacity[offer],
        offer_minimum=problem.offer_minimum[offer],
        band_offer=new["offer"][problem.band_offer[band]],
        band_row=problem.band_row[band],
        band_from=problem.band_from[band],
        band_to=problem.band_to[band],
        provider_row=problem.provider_row[provider],
        provider_capacity=problem.provider_capacity[provider],
        provider_min_members=problem.provider_min_members[provider],
        provider_max_members=problem.provider_max_members[provider],
        contract_organisation=problem.contract_organisation[contract],
        contract_provider=new["provider"][problem.contract_provider[contract]],
        hours=chosen(problem.hours),
        objective=chosen(problem.objective),
        cover_start=np.searchsorted(cover, np.arange(problem.size("cover") + 1)).astype(np.int64),
        cover_home=is_home,
        cover_index=index.astype(np.int64),
        rows=tuple(row(old) for old in problem.rows),
    )


def mark(size: int, index: Ints) -> Bools:
    """Return a mask of a size that is true at the places given, shape (size,)."""
    mask = np.zeros(size, dtype=bool)
    mask[index] = True
    return mask


def _pick(values: NDArray[np.generic], index: Ints) -> NDArray[np.generic]:
    """Index, clipped: entries of the other sort are looked up too and then thrown away."""
    if not len(values):
        return np.zeros(len(index), dtype=values.dtype)
    return values[np.minimum(index, len(values) - 1)]
