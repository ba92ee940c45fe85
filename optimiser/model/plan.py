"""A plan: how much of each pair by whom, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

#: Stands for in-house where a provider's row number is expected.
BY_ITSELF: Final = -2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Deliveries, sorted by pair and then deliverer; whether they keep the rules is not said here.

    Parameters
    ----------
    pair
        Row of ``demand`` of each delivery, shape (deliveries,).
    deliverer
        Row of ``providers``, or `BY_ITSELF`, shape (deliveries,).
    volume
        Volume in units of its last decimal, positive, shape (deliveries,).
    """

    pair: NDArray[np.int64]
    deliverer: NDArray[np.int64]
    volume: NDArray[np.int64]

    @classmethod
    def of(cls, deliveries: Iterable[tuple[int, int, int]]) -> Plan:
        """Make a plan from (pair, deliverer, volume); equal (pair, deliverer) are added up."""
        total: dict[tuple[int, int], int] = {}
        for pair, deliverer, volume in deliveries:
            if volume:
                total[pair, deliverer] = total.get((pair, deliverer), 0) + volume
        array = np.array([(q, p, v) for (q, p), v in sorted(total.items())], dtype=np.int64)
        array = array.reshape(-1, 3)
        return cls.from_arrays(array[:, 0], array[:, 1], array[:, 2])

    @classmethod
    def from_arrays(
        cls, pair: NDArray[np.int64], deliverer: NDArray[np.int64], volume: NDArray[np.int64]
    ) -> Plan:
        """Make a plan from three arrays of one length, zero volumes dropped."""
        keep = np.flatnonzero(volume)
        order = keep[np.lexsort((deliverer[keep], pair[keep]))]
        columns = [
            np.ascontiguousarray(a[order], dtype=np.int64) for a in (pair, deliverer, volume)
        ]
        for column in columns:
            column.flags.writeable = False
        return cls(pair=columns[0], deliverer=columns[1], volume=columns[2])

    def __len__(self) -> int:
        return len(self.pair)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plan):
            return NotImplemented
        return (
            np.array_equal(self.pair, other.pair)
            and np.array_equal(self.deliverer, other.deliverer)
            and np.array_equal(self.volume, other.volume)
        )

    def __hash__(self) -> int:
        return hash((self.pair.tobytes(), self.deliverer.tobytes(), self.volume.tobytes()))
