"""Whether a difference of times is more than chance: the paired test and the bootstrap interval.

Several seeds of one instance say much the same, so they are one observation: a test over them
singly would be too sure of itself. The logarithms are of shifted times, as in the shifted geometric
mean, so that test, interval and ratio speak of one thing and a hundredth of a second counts for
little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.metrics import mean, ratio, shifted_geometric_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

#: Resamples, their seed, and how sure the interval is.
RESAMPLES: Final = 10_000
SEED: Final = 20_021
CONFIDENCE: Final = 0.95
#: Resamples that are drawn at a time, so that memory stays small.
_BLOCK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """What paired times say of new against old.

    Parameters
    ----------
    pairs, instances
        Pairs of runs, and instances that they are of.
    shift
        σ of the means, in seconds.
    old, new
        Shifted geometric means, in seconds; None without pairs.
    ratio
        new / old: under 1 is faster. None without pairs, or where old is 0.
    low, high
        Bootstrap interval of the ratio over instances; None with fewer than two of them.
    p
        Two-sided p of Wilcoxon's signed-rank test on the instances' mean log ratios; None where it
        is undefined because every one of them is 0.
    """

    pairs: int
    instances: int
    shift: float
    old: float | None
    new: float | None
    ratio: float | None
    low: float | None
    high: float | None
    p: float | None


def compare_times(
    pairs: Mapping[str, Sequence[tuple[float, float]]], shift: float
) -> Paired:
    """Compare paired times.

    Parameters
    ----------
    pairs
        Instance -> (old, new) in seconds, one for each seed; unsolved runs stand at their limit.
    shift
        σ in seconds.
    """
    every = [pair for several in pairs.values() for pair in several]
    old = shifted_geometric_mean([a for a, _ in every], shift)
    new = shifted_geometric_mean([b for _, b in every], shift)
    low, high = _interval(pairs, shift)
    return Paired(
        pairs=len(every), instances=len(pairs), shift=shift, old=old, new=new,
        ratio=ratio(new, old), low=low, high=high, p=signed_rank(log_ratios(pairs, shift)),
    )  # fmt: skip


def log_ratios(
    pairs: Mapping[str, Sequence[tuple[float, float]]], shift: float
) -> list[float]:
    """Return each instance's mean of ln((new + σ) / (old + σ)) over its seeds."""
    logs = []
    for several in pairs.values():
        found = mean([math.log((new + shift) / (old + shift)) for old, new in several])
        if found is not None:
            logs.append(found)
    return logs


def signed_rank(differences: Sequence[float]) -> float | None:
    """Return the two-sided p of Wilcoxon's signed-rank test; None if all are 0.

    Zeros are dropped, as Wilcoxon did: two runs that both end at the limit say nothing.
    """
    moved = [value for value in differences if value != 0]
    if not moved:
        return None
    from scipy import stats

    return float(stats.wilcoxon(moved).pvalue)


def sign_test(worse: int, better: int) -> float:
    """Return the one-sided p that as many changes for the worse, of all changes, are chance."""
    changes = worse + better
    ways = sum(math.comb(changes, k) for k in range(worse, changes + 1))
    return float(ways / 2**changes)


def _interval(
    pairs: Mapping[str, Sequence[tuple[float, float]]], shift: float
) -> tuple[float | None, float | None]:
    """Percentile interval of the ratio of means, whole instances drawn with replacement."""
    if len(pairs) < 2:
        return None, None
    # Sums of logarithms by instance, and how many runs each has: a resample is a sum of rows.
    table = np.array(
        [
            [
                math.fsum(math.log(a + shift) for a, _ in several),
                math.fsum(math.log(b + shift) for _, b in several),
                len(several),
            ]
            for several in pairs.values()
        ]
    )
    ratios = _resample(table, shift)
    finite = ratios[np.isfinite(ratios)]
    if len(finite) < len(ratios):  # a mean of 0 seconds, of which there is no ratio
        return None, None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)


def _resample(table: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    generator = np.random.default_rng(SEED)
    count = len(table)
    found = []
    for start in range(0, RESAMPLES, _BLOCK):
        size = min(_BLOCK, RESAMPLES - start)
        old, new, runs = table[generator.integers(count, size=(size, count))].sum(axis=1).T
        with np.errstate(divide="ignore", invalid="ignore"):
            # expm1 keeps the difference to σ where times are far below it
            means = [np.expm1(logs / runs - math.log(shift)) for logs in (old, new)]
            found.append(means[1] / means[0])
    return np.concatenate(found)
