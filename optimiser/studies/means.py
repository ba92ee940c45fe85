"""The mean of several instances: what a planner would plan for who knows no probabilities."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.errors import InstanceError
from optimiser.model.build import instance_from
from optimiser.model.instance import BLANK, decimal_text
from optimiser.model.schema import TABLES
from optimiser.model.settings import settings_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.model.instance import Instance


def mean_instance(instances: Sequence[Instance], shares: Sequence[Fraction]) -> Instance | None:
    """Return the instance whose numbers are the means of those given, weighted by `shares`.

    Each number is rounded once, half away from zero, to its column's last place; where a cell is
    blank in some, and where it is no number, the first instance's stands. None where the tables
    have not the same rows, or the means break a rule.
    """
    first = instances[0]
    tables: dict[str, dict[str, Any]] = {}
    for name, schema in TABLES.items():
        if any(len(each[name]) != len(first[name]) for each in instances):
            return None
        if not len(first[name]):
            continue
        columns = {c.name: first.texts(name, c.name).copy() for c in schema.columns}
        for column in schema.columns:
            values = [each[name][column.name] for each in instances]
            if not column.number or all(np.array_equal(values[0], v) for v in values):
                continue
            decimals = first.settings.decimals(column.kind)
            for row in range(len(first[name])):
                cells = [int(v[row]) for v in values]
                if BLANK in cells:
                    continue
                total = sum((c * p for c, p in zip(cells, shares, strict=True)), Fraction(0))
                units = int(abs(total) + Fraction(1, 2))
                columns[column.name][row] = decimal_text(units if total >= 0 else -units, decimals)
        tables[name] = columns
    try:
        return instance_from(tables, settings_texts(first))
    except InstanceError:
        return None
