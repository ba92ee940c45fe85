"""``optimiser explain`` of a saved result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimiser.cli.studies import conduct, how_of, restored
from optimiser.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.files.studies import Record
    from optimiser.report.studies import View


def explain_result(path: str, pairs: Sequence[str], count: int, options: dict[str, Any]) -> int:
    """Say why the plan of a saved result is as it is; return the exit code."""
    from optimiser.studies.reasons import explain

    wanted = [_pair(text) for text in pairs]
    result = restored(path)
    return conduct(
        options,
        lambda: result.instance,
        lambda _, tell: explain(result, wanted, count=count, how=how_of(options), progress=tell),
        _views,
    )


def _pair(text: str) -> tuple[str, str]:
    organisation, sign, service = text.rpartition("/")
    if not sign or not organisation or not service:
        raise UsageError(f"--pair {text}: write ORGANISATION/SERVICE by their keys.")
    return organisation, service


def _views(record: Record) -> Sequence[View]:
    from optimiser.report.studies import View

    return [
        View(table="reasons", title="Choices and what the next best would cost", rows=40, columns={
            "organisation": "organisation", "service": "service", "deliverer": "deliverer",
            "next_best": "next best", "extra_fixed": "more, all else fixed",
            "extra_free_low": "all free, from £", "extra_free_high": "to £"}),
        View(table="break_evens", title="When the decision flips", rows=40, columns={
            "organisation": "organisation", "service": "service", "what": "if", "now": "from",
            "flips": "to", "change_share": "by", "free": "all else free"}),
    ]  # fmt: skip
