"""Random services whose volume hardly fits the offers: what covers of offers are about."""

from __future__ import annotations

import random
from typing import Any

Tables = dict[str, list[dict[str, str]]]


def tight_instance(seed: int) -> tuple[Tables, dict[str, Any]]:
    """Tables and settings of instance number `seed`: nearly nobody may serve itself.

    Four to six organisations and three to five providers of one service, some with two bands, least
    members or a running cost; every third instance has a second service, with providers of its own
    or (every sixth) the same.
    """
    rng = random.Random(seed)
    organisations = [f"o{i}" for i in range(rng.randint(4, 6))]
    providers = [f"p{j}" for j in range(rng.randint(3, 5))]
    services = ["s", "t"] if seed % 3 == 0 else ["s"]
    tables: Tables = {
        "organisations": [{"organisation": o} for o in organisations],
        "services": [{"service": s, "unit": "cases"} for s in services],
        "providers": [],
        "demand": [],
        "offers": [],
        "tariffs": [],
        "options": [],
    }
    for p in providers:
        row = {"provider": p, "mode": rng.choice(("shared-centre", "co-operative"))}
        if rng.random() < 0.5:
            row["running_cost"] = str(rng.randint(0, 300))
        if rng.random() < 0.2:
            row["min_members"] = "2"
        tables["providers"].append(row)
    for number, s in enumerate(services):
        here = organisations if number == 0 else organisations[:3]
        there = providers
        if number == 1:
            there = providers if seed % 6 == 0 else [f"q{j}" for j in range(2)]
            if seed % 6:
                tables["providers"] += [{"provider": p, "mode": "co-operative"} for p in there]
        volume = {o: rng.randint(3, 30) for o in here}
        for o in here:
            row = {"organisation": o, "service": s, "volume": str(volume[o]), "in_house_cost": ""}
            if rng.random() < 0.1:
                row["in_house_cost"] = str(rng.randint(200, 900))
            tables["demand"].append(row)
        total = sum(volume.values())
        for p in there:
            room = rng.randint(max(total // 4, 10), max(total // 2, 12)) + max(volume.values()) // 2
            tables["offers"].append({"provider": p, "service": s, "capacity": str(room)})
            fixed, each = rng.randint(0, 400), rng.randint(1, 9)
            bands = [("0", "", fixed, each)]
            if rng.random() < 0.4:
                half = str(room // 2)
                bands = [("0", half, fixed, each), (half, "", fixed + 60, max(each - 2, 0))]
            for band, (least, most, cost, unit) in enumerate(bands, 1):
                tables["tariffs"].append(
                    {"provider": p, "service": s, "band": str(band), "from_volume": least,
                     "to_volume": most, "fixed_cost": str(cost), "unit_cost": str(unit)}
                )  # fmt: skip
            for o in here:
                tables["options"].append(
                    {"organisation": o, "service": s, "provider": p,
                     "access_cost": str(rng.randint(0, 200))}
                )  # fmt: skip
    return tables, {"money_decimals": 0}
