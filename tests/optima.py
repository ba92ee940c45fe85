"""Instances in a few words, and optima found by HiGHS within this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from random_instances import columns, random_instance

from optimiser.model.build import instance_from

if TYPE_CHECKING:
    from brute import Tables

    from optimiser.model.instance import Instance
    from optimiser.solvers.milp.matrix import Matrix


def made(tables: Tables, settings: dict[str, Any] | None = None) -> Instance:
    """Make an instance of tables of rows."""
    return instance_from(columns(tables), settings or {})


def drawn(seed: int) -> Instance:
    """Make random instance number `seed`."""
    return made(*random_instance(seed))


def row(**cells: object) -> dict[str, str]:
    """Make a row of a table; None is blank."""
    return {name: "" if cell is None else str(cell) for name, cell in cells.items()}


def minimum(matrix: Matrix) -> tuple[float, np.ndarray] | None:
    """Least value of a matrix and where it is taken; None if there is none."""
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.columns, matrix.rows
    model.col_cost_, model.offset_ = matrix.cost, matrix.offset
    model.col_lower_, model.col_upper_ = matrix.lower, matrix.upper
    model.row_lower_, model.row_upper_ = matrix.row_lower, matrix.row_upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.a.indptr
    model.a_matrix_.index_ = matrix.a.indices
    model.a_matrix_.value_ = matrix.a.data
    model.integrality_ = [highspy.HighsVarType.kInteger] * matrix.columns
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 0.4 if matrix.integral else 1e-6)
    highs.setOptionValue("mip_feasibility_tolerance", 1e-9)
    highs.passModel(model)
    highs.run()
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    assert status == highspy.HighsModelStatus.kOptimal, status
    return highs.getInfo().objective_function_value, np.array(highs.getSolution().col_value)
