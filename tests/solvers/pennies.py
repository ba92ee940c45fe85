"""Instances worth hundreds of millions whose plans differ by pennies, and their exact optimum."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

from optimiser.model.build import instance_from

if TYPE_CHECKING:
    from optimiser.model.instance import Instance

PLACES = 7


def pennies(
    seed: int, *, organisations: int = 30, base: int = 1_000_000_000, spread: int = 60
) -> tuple[Instance, int]:
    """Return an instance without capacities, and its best objective by trying every opening.

    Each option costs `base` pence and up to `spread` more, each opening up to three times that.
    """
    rng = random.Random(seed)
    access = [[base + rng.randrange(spread) for _ in range(PLACES)] for _ in range(organisations)]
    running = [rng.randrange(3 * spread) for _ in range(PLACES)]
    best = min(
        sum(running[p] for p in chosen) + sum(min(row[p] for p in chosen) for row in access)
        for size in range(1, PLACES + 1)
        for chosen in itertools.combinations(range(PLACES), size)
    )
    names, places = [f"o{i}" for i in range(organisations)], [f"p{i}" for i in range(PLACES)]
    pairs = list(itertools.product(range(organisations), range(PLACES)))
    tables: dict[str, dict[str, list[Any]]] = {
        "organisations": {"organisation": names},
        "services": {"service": ["s"]},
        "demand": {"organisation": names, "service": ["s"] * len(names),
                   "volume": ["1"] * len(names)},
        "providers": {"provider": places, "mode": ["shared-centre"] * PLACES,
                      "running_cost": [pounds(value) for value in running]},
        "offers": {"provider": places, "service": ["s"] * PLACES},
        "tariffs": {"provider": places, "service": ["s"] * PLACES, "band": ["1"] * PLACES,
                    "unit_cost": ["0"] * PLACES},
        "options": {"organisation": [names[o] for o, _ in pairs], "service": ["s"] * len(pairs),
                    "provider": [places[p] for _, p in pairs],
                    "access_cost": [pounds(access[o][p]) for o, p in pairs]},
    }  # fmt: skip
    return instance_from(tables, {"title": f"pennies {seed}"}), best


def pounds(pence: int) -> str:
    """Write pence as pounds."""
    return f"{pence // 100}.{pence % 100:02}"
