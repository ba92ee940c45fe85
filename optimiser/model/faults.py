"""Collecting faults: all of them, but never a million lines of the same one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from optimiser.errors import Fault, InstanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: Faults shown of one rule in one column; the others are counted.
SHOWN: Final = 20
_LONGEST_VALUE: Final = 80
#: Beyond so many candidates, looking for similar words costs more time than it saves.
_MOST_CANDIDATES: Final = 20_000


class Faults:
    """Every fault found so far, in the order found."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._counts: dict[tuple[str, str, str], int] = {}

    def __len__(self) -> int:
        return len(self._faults)

    def add(
        self,
        source: str,
        rule: str,
        remedy: str,
        *,
        row: int | None = None,
        column: str = "",
        value: str = "",
    ) -> None:
        """Note one fault, or only count it if `SHOWN` of its like are noted already."""
        like = (source, column, rule)
        self._counts[like] = self._counts.get(like, 0) + 1
        if self._counts[like] > SHOWN:
            return
        if len(value) > _LONGEST_VALUE:
            value = value[:_LONGEST_VALUE] + "…"
        self._faults.append(
            Fault(source=source, rule=rule, remedy=remedy, row=row, column=column, value=value)
        )

    def add_rows(
        self,
        source: str,
        rule: str,
        remedy: str | Callable[[int], str],
        rows: Sequence[int],
        *,
        row_numbers: Sequence[int],
        column: str = "",
        values: Callable[[int], str] | None = None,
    ) -> None:
        """Note one fault for each of `rows`, which are positions in `row_numbers`.

        `remedy` and `values` are asked only for the rows that are shown.
        """
        for at in rows[:SHOWN]:
            self.add(
                source,
                rule,
                remedy if isinstance(remedy, str) else remedy(int(at)),
                row=int(row_numbers[at]),
                column=column,
                value=values(int(at)) if values else "",
            )
        if len(rows) > SHOWN:
            self._counts[source, column, rule] += len(rows) - SHOWN

    def raise_if_any(self) -> None:
        """Raise InstanceError with all faults, if there are any."""
        if not self._faults:
            return
        more = [
            Fault(
                source=source,
                column=column,
                rule=f"{rule}: {count - SHOWN:,} more like this",
                remedy="Mend these in the same way.",
            )
            for (source, column, rule), count in self._counts.items()
            if count > SHOWN
        ]
        raise InstanceError([*self._faults, *more])


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?``, or '' if no candidate is near."""
    pool = list(candidates)
    folded = word.strip().casefold()
    near = [each for each in pool if each.casefold() == folded]
    if not near and len(pool) <= _MOST_CANDIDATES:
        near = difflib.get_close_matches(word, pool, n=1, cutoff=0.7)
    return f"Did you mean {near[0]!r}?" if near else ""
