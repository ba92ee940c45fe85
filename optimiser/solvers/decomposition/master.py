"""Where the services' prices go next: the linear program over what their solutions cost.

At any prices a service costs at most what each of its known solutions does, which is linear in the
prices. So the least of these, summed over the services, with what contracts, providers and other
columns gain by themselves, is a concave model of the bound, never below it; its maximum within a
box around the best prices known is where to look next (cutting planes in a box: Marsten, Hogan &
Blankenship 1975, Oper. Res. 23). It is the dual of the Dantzig-Wolfe master problem over whole
solutions of services.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.solvers.decomposition import blocks as kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.solvers.decomposition.relaxation import Relaxation
    from optimiser.solvers.decomposition.services import Service

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Width of the box at first, in sizes of prices, and at most; what it grows and shrinks by.
WIDTH, WIDEST, CHANGE = 0.1, 4.0, 2.0
#: Part of the way to the target that has to be promised, else the box grows at once.
HARDLY: Final = 0.05
#: Solutions of each service that count, the cheapest at the best prices.
KEPT: Final = 200
#: Upper bounds of columns from which on their reduced costs are kept from being negative.
FREE: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Model:
    """A linear program in changes of prices and shares: maximise `gain` · x, `matrix` x ≤ `right`.

    `lower` and `upper` are of the columns after the changes; `fixed` is added to what is maximised,
    and `now` is the sum where nothing changes.
    """

    matrix: Any
    right: Floats
    gain: Floats
    lower: Floats
    upper: Floats
    fixed: float
    now: float


class Master:
    """The model of the bound over prices of rows and shares of running costs.

    Parameters
    ----------
    relaxation
        The whole.
    services
        Its services.
    provider
        Of each offer, shape (offers,).
    ties
        Columns that are no service's, no contract's and no provider's, shape (ties,).

    Attributes
    ----------
    width
        Half the width of the box, in sizes of prices.
    """

    def __init__(
        self, relaxation: Relaxation, services: list[Service], provider: Ints, ties: Ints
    ) -> None:
        from scipy.sparse import csr_array

        self._relaxation, self._services = relaxation, services
        self._provider, self._ties = provider, ties
        self.width = WIDTH
        m = relaxation.blocks
        tying = np.ones(len(m.low), dtype=bool)
        tying[relaxation.pair_rows] = False
        self._rows = np.flatnonzero(tying)
        entries = csr_array(
            (m.row_value, m.row_column, m.row_start), shape=(len(m.low), relaxation.columns.count)
        )
        #: Entries of the priced rows but those of pairs, shape (columns, rows).
        self._entries = entries[self._rows].T.tocsr()

    def next(
        self, prices: Floats, share: Floats, target: float, seconds: float = math.inf
    ) -> tuple[Floats, Floats, float] | None:
        """Return the prices and shares that promise most, and the bound that they promise.

        Parameters
        ----------
        prices
            The best known of the priced rows, those of pairs 0, shape (rows,).
        share
            The best known shares of running costs, shape (offers,).
        target
            An upper bound on the optimum, in last places of money.
        seconds
            That there are for it.

        Returns
        -------
        tuple or None
            None if the linear program was not solved.
        """
        from scipy.optimize import linprog

        model = self._model(prices, share)
        # Money is counted in what is still to be gained.
        unit = max(target - model.now, 1e-9 * abs(model.now), 1.0)
        options = {"time_limit": seconds} if math.isfinite(seconds) else {}
        while True:
            floor, ceiling = self._box(prices, share)
            found = linprog(
                -model.gain, A_ub=model.matrix, b_ub=model.right / unit,
                bounds=np.column_stack([np.concatenate([floor / unit, model.lower]),
                                        np.concatenate([ceiling / unit, model.upper])]),
                method="highs", options=options,
            )  # fmt: skip
            if found.status != 0:
                return None
            promised = model.fixed - float(found.fun) * unit
            if promised - model.now >= HARDLY * unit or self.width >= WIDEST:
                break
            self.width *= CHANGE  # nothing to be had so near
        change = np.clip(found.x[: len(floor)] * unit, floor, ceiling)
        after = prices.copy()
        after[self._rows] += change[: len(self._rows)]
        return after, share + change[len(self._rows) :], promised

    def _model(self, prices: Floats, share: Floats) -> _Model:
        """Return the model around prices and shares."""
        from scipy.sparse import csr_array, diags_array, eye_array, vstack

        relaxation, m = self._relaxation, self._relaxation.blocks
        reduced = np.empty(relaxation.columns.count)
        kernels.reduce_costs(m, prices, reduced)
        cuts, slack, least = self._cuts(reduced, share)
        solved = vstack(cuts)
        low, high, at = m.low[self._rows], m.high[self._rows], prices[self._rows]
        limit = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
        ranged = np.flatnonzero(np.isfinite(low) & np.isfinite(high) & (low < high))
        limit[ranged] = 0.0
        y = np.arange(len(m.least)) + int(m.first[2])
        w = int(m.first[3]) + m.contract
        t, entries = self._ties, self._entries
        upper, lower = relaxation.upper[t], relaxation.lower[t]
        held = upper > FREE
        slope = np.where(held, 1.0, upper)
        given = np.bincount(self._provider, share, minlength=len(y))
        owner = np.repeat(np.arange(len(y)), np.diff(m.contract_start))
        of_service = np.repeat(np.arange(len(least)), [len(each) for each in slack])
        among = _indicator(ranged, len(at))

        # Changes of prices and of shares, and what services, providers, contracts, ties and ranged
        # rows add to the bound at them.
        sizes = (len(at), len(share), len(least), len(y), len(w), len(t), len(ranged))
        prices_, shares_, services_, providers_, contracts_, ties_, ranged_ = range(len(sizes))
        lines: list[tuple[dict[int, Any], Floats]] = [
            ({prices_: solved[:, : len(at)], shares_: solved[:, len(at) :],
              services_: _indicator(of_service, len(least))}, np.concatenate(slack)),
            ({prices_: entries[y], shares_: _indicator(self._provider, len(y)).T,
              providers_: eye_array(len(y)), contracts_: -_indicator(owner, len(y)).T},
             reduced[y] - given),
            ({prices_: entries[w], contracts_: eye_array(len(w))}, reduced[w]),
            ({prices_: diags_array(slope) @ entries[t],
              ties_: diags_array((~held).astype(float))}, slope * reduced[t]),
            ({prices_: diags_array(lower) @ entries[t], ties_: eye_array(len(t))},
             lower * reduced[t]),
            *(({prices_: diags_array(-side) @ among, ranged_: eye_array(len(ranged))},
               side * at[ranged]) for side in (low[ranged], high[ranged])),
        ]  # fmt: skip
        lines = [line for line in lines if len(line[1])]
        grid = [
            [parts.get(k, csr_array((len(right), size))) for k, size in enumerate(sizes) if size]
            for parts, right in lines
        ]
        must = relaxation.lower[y] > 0
        alone = reduced[y] - given + np.bincount(owner, np.minimum(reduced[w], 0.0), len(y))
        fixed = float(least.sum()) + relaxation.offset + float(limit @ at)
        adds = (
            np.where(must, alone, np.minimum(alone, 0.0)),
            np.minimum(upper * reduced[t], lower * reduced[t]),
            np.minimum(low[ranged] * at[ranged], high[ranged] * at[ranged]),
        )
        none = [np.full(size, np.inf) for size in sizes[2:]]
        none[providers_ - 2][~must] = 0.0
        none[contracts_ - 2][:] = 0.0
        gains = (limit, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0)
        return _Model(
            matrix=_stacked(grid),
            right=np.concatenate([right for _, right in lines]),
            gain=np.concatenate([np.full(k, gain) for k, gain in zip(sizes, gains, strict=True)]),
            lower=np.full(sum(sizes[2:]), -np.inf),
            upper=np.concatenate(none),
            fixed=fixed,
            now=fixed + sum(float(each.sum()) for each in adds),
        )

    def _cuts(self, reduced: Floats, share: Floats) -> tuple[list[Any], list[Floats], Floats]:
        """Return the services' solutions as rows over prices and shares, and what they cost.

        Costs are those beyond the service's least, shape (solutions,) for each service; and these
        least costs, shape (services,).
        """
        from scipy.sparse import csr_array, hstack

        rows, slack, least = [], [], []
        for service in self._services:
            cost = service.costs(reduced, share)
            values = np.array([cost @ vector for vector in service.pool])
            order = np.argsort(values, kind="stable")[:KEPT]
            least.append(values[order[0]])
            slack.append(values[order] - values[order[0]])
            vectors = np.array([service.pool[k] for k in order.tolist()])
            own, used = csr_array(vectors[:, service.own]), csr_array(vectors[:, ~service.own])
            shares = csr_array(
                (-used.data, service.offers[used.indices], used.indptr),
                shape=(len(order), len(share)),
            )
            rows.append(hstack([own @ self._entries[service.columns], shares]).tocsr())
        return rows, slack, np.array(least)

    def _box(self, prices: Floats, share: Floats) -> tuple[Floats, Floats]:
        """Return how far prices and then shares may fall and rise, shape (rows + offers,)."""
        relaxation, m = self._relaxation, self._relaxation.blocks
        at = prices[self._rows]
        low, high = m.low[self._rows], m.high[self._rows]
        some = np.abs(at[at != 0])
        size = np.maximum(np.abs(at), some.mean() if len(some) else 1.0)
        running = relaxation.blocks.cost[relaxation.columns.block("y")]
        part = np.maximum(np.maximum(share, running[self._provider]), 1.0)
        sizes = self.width * np.concatenate([size, part])
        here = np.concatenate([at, share])
        # A row without lower limit has no price above 0, one without upper limit none below.
        least, most = np.zeros(len(here)), np.full(len(here), np.inf)
        least[: len(at)][np.isfinite(high)] = -np.inf
        most[: len(at)][~np.isfinite(low)] = 0.0
        return np.maximum(-sizes, least - here), np.minimum(sizes, most - here)

    def tell(self, before: float, promised: float, found: float) -> None:
        """Take what the last prices have led to: the box grows where the model is good.

        Parameters
        ----------
        before, promised, found
            The best bound until then, the one promised, and the one found.
        """
        share = (found - before) / max(promised - before, 1e-300)
        if share > 0.5:
            self.width = min(CHANGE * self.width, WIDEST)
        elif share < -1.0:
            self.width /= CHANGE**2
        elif share < -0.2:
            self.width /= CHANGE


def _indicator(which: Ints, count: int) -> Any:
    """Return a matrix with a 1 per row, in the columns given, shape (len(which), count)."""
    from scipy.sparse import csr_array

    rows = len(which)
    return csr_array((np.ones(rows), (np.arange(rows), which)), shape=(rows, count))


def _stacked(grid: list[list[Any]]) -> Any:
    """Return blocks as one matrix."""
    from scipy.sparse import block_array

    return block_array(grid).tocsr()
