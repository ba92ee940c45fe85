"""The certificate in a result's folder, against the instance: its bound reckoned anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimiser.certificate.facts import Rejected
from optimiser.certificate.storage import FILE, Saved
from optimiser.certificate.verifier import verify
from optimiser.errors import OptimiserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimiser.model.instance import Instance
    from optimiser.model.rows import Objective, SideRow


def check_certificate(
    folder: Path,
    claimed: int | None,
    instance: Instance,
    rows: Sequence[SideRow],
    objective: Objective | None,
) -> tuple[bool, list[str]]:
    """Check the certificate that lies in a folder.

    Parameters
    ----------
    folder
        Where the result lies.
    claimed
        The certified bound by result.json, in last places of the objective, or None.
    instance, rows, objective
        What was solved.

    Returns
    -------
    tuple
        Whether there is a certificate that proves what it claims, and what does not agree.
    """
    try:
        content = (folder / FILE).read_bytes()
    except FileNotFoundError:
        if claimed is None:
            return False, []
        return False, [f"result.json has a certified bound, but {FILE} is missing"]
    except OSError as error:
        return False, [f"{FILE} cannot be read: {error.strerror}"]
    try:
        saved = Saved(content)
    except Rejected as error:
        return False, [f"{FILE}, {error}"]
    from optimiser.model.compile import compile_problem
    from optimiser.solvers.milp.facts import facts
    from optimiser.solvers.milp.formulation import Formulation

    try:
        problem = compile_problem(instance, rows, objective)
        bound = verify(saved.certificate, facts(Formulation(problem)))
    except Rejected as error:
        return False, [f"{FILE}, line {saved.line_of(error.place)}: {error}"]
    except OptimiserError as error:
        return False, [f"{FILE} cannot be checked: {error}"]
    if bound != claimed:
        told = "missing" if claimed is None else claimed
        proved = "that there is no plan" if bound is None else f"a bound of {bound}"
        return False, [
            f"certified_bound is {told} in result.json, but {FILE} proves {proved} "
            "(in last places of the objective)"
        ]
    return True, []
