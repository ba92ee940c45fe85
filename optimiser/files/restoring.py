"""A saved result as a `Result` again, if it is what would be solved and everything in it agrees."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from optimiser.certificate.facts import Rejected
from optimiser.certificate.storage import FILE, Saved
from optimiser.errors import FileError, OptimiserError
from optimiser.files.results import objective_of, read_result, rows_of
from optimiser.files.verification import find_instance, verify
from optimiser.solvers.base import Options
from optimiser.solvers.result import Point, Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimiser.model.instance import Instance
    from optimiser.model.rows import Objective, SideRow


def restore_result(
    folder: Path,
    instance: Instance,
    *,
    rows: Sequence[SideRow] = (),
    objective: Objective | None = None,
    solver: str = "auto",
    options: Options | None = None,
    interrupted: bool = False,
) -> Result | None:
    """Return the result saved in a folder; None if there is none, or it is not what is asked.

    Its plan, figures, bound and certificate are verified as `verification.verify` does, and it must
    be of this instance, these rows and this objective, and by this solver.

    Parameters
    ----------
    folder
        Where it lies.
    instance, rows, objective, solver
        What would be solved, and by whom (``auto``: by anybody).
    options
        Time limit, gap, threads and seed that must be the same, or None if they may be any.
    interrupted
        Whether a result will do whose solve was interrupted.
    """
    try:
        saved = read_result(folder)
    except OptimiserError:
        return None
    content = saved.content
    kept, wrong = rows_of(content.get("rows", []))
    minimised, odd = objective_of(content.get("minimised"))
    if (
        wrong
        or odd
        or saved.instance_hash != instance.hash
        or (content["interrupted"] and not interrupted)
        or tuple(kept) != tuple(rows)
        or minimised != objective
        or solver not in ("auto", content["solver"].get("name"))
    ):
        return None
    names = ("time_limit", "gap", "threads", "seed")
    asked = content["options"]
    if options is not None and any(asked.get(name) != getattr(options, name) for name in names):
        return None
    try:
        verification = verify(folder, instance)
    except OptimiserError:
        return None
    if not verification.ok:
        return None
    certificate = None
    with contextlib.suppress(OSError, Rejected):
        certificate = Saved((folder / FILE).read_bytes()).certificate
    account = verification.account
    return Result(
        status=saved.status,
        instance=instance,
        plan=None if account is None else account.plan,
        account=account,
        bound_units=verification.bound_units,
        certified_bound_units=verification.certified_units,
        certificate=certificate,
        solver=str(content["solver"].get("name", "")),
        solver_version=str(content["solver"].get("version", "")),
        options=options or Options(**{name: asked[name] for name in names if name in asked}),
        reasons=tuple(content["reasons"]),
        cleaning=tuple(content.get("cleaning", ())),
        rows=tuple(rows),
        minimised=objective,
        trace=tuple(Point(**point) for point in content["trace"]),
        seconds=dict(content["seconds"]),
    )


def open_result(path: str | Path) -> Result:
    """Return the saved result at a path, everything in it verified against its instance.

    Parameters
    ----------
    path
        A folder that a result was saved to, or its result.json.

    Raises
    ------
    FileError
        It or its instance cannot be read, or the two do not agree any more.
    """
    saved = read_result(path)
    instance = find_instance(saved)
    rows, _ = rows_of(saved.content.get("rows", []))
    objective, _ = objective_of(saved.content.get("minimised"))
    result = restore_result(
        saved.folder, instance, rows=rows, objective=objective, interrupted=True
    )
    if result is None:
        raise FileError(
            f"{path} does not agree with its instance any more (optimiser verify {path} says in "
            "what). Solve again."
        )
    return result
