"""Where the services' prices go next: the linear program over what their solutions cost.

At any prices a service costs at most what each of its known solutions does, which is linear in the
prices. So the least of these, summed over the services, with what contracts, providers and other
columns gain by themselves, is a concave model of the bound, never below it; its maximum within a
box around the best prices known is where to look next (cutting planes in a box: Marsten, Hogan &
Blankenship 1975, Oper. Res. 23). It is the dual of the Dantzig-Wolfe master problem over whole
solutions of services.
"""

from __future__ import annotations

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
WIDTH, WIDEST, CHANGE = 0.3, 4.0, 2.0
#: Part of the way to the target that has to be promised, else the box grows at once.
HARDLY: Final = 0.05
#: Solutions of each service that count, the cheapest at the best prices.
KEPT: Final = 200
#: Upper bounds of columns from which on their reduced costs are kept from being negative.
FREE: Final = 1e6


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
        rows = csr_array(
            (m.row_value, m.row_column, m.row_start), shape=(len(m.low), relaxation.columns.count)
        )[self._rows]
        #: Of columns in priced rows, shape (columns, rows), and of rows, the other way round.
        self._by_row, self._by_column = rows.tocsr(), rows.T.tocsr()

    def next(
        self, prices: Floats, share: Floats, target: float
    ) -> tuple[Floats, Floats, float] | None:
        """Return the prices and shares that promise most, and the bound that they promise.

        Parameters
        ----------
        prices
            The best known of the priced rows, those of pairs 0, shape (rows,).
        share
            The best known shares of running costs, shape (offers,).
        target
            An upper bound on the optimum, in last places of money; more is not asked for.

        Returns
        -------
        tuple or None
            None if the linear program was not solved.
        """
        from scipy.optimize import linprog
        from scipy.sparse import block_array, csr_array, eye_array, vstack

        relaxation, m = self._relaxation, self._relaxation.blocks
        reduced = np.empty(relaxation.columns.count)
        kernels.reduce_costs(m, prices, reduced)
        cuts, slack, least = self._cuts(reduced, share)
        low, high, at = m.low[self._rows], m.high[self._rows], prices[self._rows]
        limit = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
        ranged = np.flatnonzero(np.isfinite(low) & np.isfinite(high) & (low < high))
        limit[ranged] = 0.0
        now = float(least.sum()) + relaxation.offset + float(limit @ at)
        #: Money is counted in steps of the size of what is still to be gained.
        unit = max(target - now, 1e-9 * abs(now), 1.0)

        rows, offers, providers = len(at), len(share), len(m.least)
        y = np.arange(providers) + int(m.first[2])
        w = int(m.first[3]) + m.contract
        owner = np.repeat(np.arange(providers), np.diff(m.contract_start))
        ties = self._ties
        upper, lower = relaxation.upper[ties], relaxation.lower[ties]
        held = upper > FREE
        slope = np.where(held, 1.0, upper)
        ones = np.ones
        serves = csr_array((ones(offers), (self._provider, np.arange(offers))),
                           shape=(providers, offers))  # fmt: skip
        signs = csr_array((ones(len(w)), (owner, np.arange(len(w)))), shape=(providers, len(w)))
        bounded = csr_array((ones(len(ranged)), (np.arange(len(ranged)), ranged)),
                            shape=(len(ranged), rows))  # fmt: skip
        tie, service = self._by_column[ties], np.repeat(np.arange(len(least)), list(map(len, slack)))
        which = csr_array((ones(len(service)), (np.arange(len(service)), service)),
                          shape=(len(service), len(least)))  # fmt: skip
        solved = vstack(cuts)
        # Columns: changes of prices and of shares; what services, providers, contracts, ties and
        # ranged rows add. All but the changes are in units.
        blocks = [
            [solved[:, :rows], solved[:, rows:], which, None, None, None, None],
            [self._by_column[y], serves, None, eye_array(providers), -signs, None, None],
            [self._by_column[w], None, None, None, eye_array(len(w)), None, None],
            [_times(tie, slope), None, None, None, None, _diagonal(~held), None],
            [_times(tie, lower), None, None, None, None, eye_array(len(ties)), None],
            [_times(bounded, -low[ranged]), None, None, None, None, None, eye_array(len(ranged))],
            [_times(bounded, -high[ranged]), None, None, None, None, None, eye_array(len(ranged))],
        ]
        given = np.bincount(self._provider, share, minlength=providers)
        right = [np.concatenate(slack), reduced[y] - given, reduced[w], slope * reduced[ties],
                 lower * reduced[ties], low[ranged] * at[ranged],
                 high[ranged] * at[ranged]]  # fmt: skip
        sizes = (rows, offers, len(least), providers, len(w), len(ties), len(ranged))
        kept = [k for k, part in enumerate(right) if len(part)]
        wide = [k for k, size in enumerate(sizes) if size]
        matrix = block_array(
            [[blocks[k][j] if blocks[k][j] is not None else csr_array((len(right[k]), sizes[j]))
              for j in wide] for k in kept]
        )  # fmt: skip
        free, none = np.full(sum(sizes[2:]), -np.inf), np.full(sum(sizes[2:]), np.inf)
        must = relaxation.lower[y] > 0
        start = len(least)
        none[start : start + providers][~must] = 0.0
        none[start + providers : start + providers + len(w)] = 0.0
        gain = np.concatenate([limit, np.zeros(offers), ones(len(least) + providers),
                               np.zeros(len(w)), ones(len(ties) + len(ranged))])  # fmt: skip
        promised, least_gain = now, HARDLY * (target - now)
        while True:
            floor, ceiling = self._box(at, low, high, share, reduced[y])
            found = linprog(
                -gain, A_ub=matrix, b_ub=np.concatenate(right) / unit,
                bounds=np.column_stack([np.concatenate([floor / unit, free]),
                                        np.concatenate([ceiling / unit, none])]),
                method="highs",
            )  # fmt: skip
            if found.status != 0:
                return None
            promised = now - float(found.fun) * unit
            if promised - now >= least_gain or self.width >= WIDEST:
                break
            self.width *= CHANGE  # nothing to be had so near
        change = found.x[: rows + offers] * unit
        after = prices.copy()
        after[self._rows] = np.clip(
            at + change[:rows], np.where(np.isfinite(high), -np.inf, 0.0),
            np.where(np.isfinite(low), np.inf, 0.0),
        )  # fmt: skip
        return after, np.maximum(share + change[rows:], 0.0), promised

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
            rows.append(hstack([own @ self._by_column[service.columns], shares]).tocsr())
        return rows, slack, np.array(least)

    def _box(
        self, at: Floats, low: Floats, high: Floats, share: Floats, running: Floats
    ) -> tuple[Floats, Floats]:
        """Return how far prices and then shares may fall and rise, shape (rows + offers,)."""
        some = np.abs(at[at != 0])
        size = np.maximum(np.abs(at), some.mean() if len(some) else 1.0)
        part = np.maximum(share, np.maximum(running, 0.0)[self._provider])
        part = np.maximum(part, 1.0)
        floor = np.where(np.isfinite(high), -np.inf, -at)
        ceiling = np.where(np.isfinite(low), np.inf, -at)
        return (
            np.concatenate([np.maximum(-self.width * size, floor),
                            np.maximum(-self.width * part, -share)]),
            np.concatenate([np.minimum(self.width * size, ceiling), self.width * part]),
        )  # fmt: skip

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
        elif share < -0.2:
            self.width /= CHANGE


def _times(matrix: Any, factor: Floats) -> Any:
    """Return a matrix whose rows are multiplied."""
    from scipy.sparse import diags_array

    return (diags_array(factor) @ matrix).tocsr() if len(factor) else matrix


def _diagonal(mask: NDArray[np.bool_]) -> Any:
    from scipy.sparse import diags_array

    return diags_array(mask.astype(float)).tocsr()
