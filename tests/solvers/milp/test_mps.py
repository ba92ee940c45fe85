"""MPS files hold the matrix exactly, as other programs read them back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from optimiser.errors import FileError
from optimiser.solvers.milp.formulation import Formulation
from optimiser.solvers.milp.matrix import Matrix
from optimiser.solvers.milp.mps import write_mps

INF = math.inf


def small_matrix(**changes: Any) -> Matrix:
    """Every kind of row and column, and numbers that are hard to write down."""
    a = np.array(
        [
            [1, 2, 0, 0, 0],
            [0, 1, -3, 0, 0.1],
            [900719925474099, 0, 0, 1, 0],
            [0, 1, 1, 1, 0],
            [0, 0, 1, 0, 1 / 3],
        ]
    )
    given: dict[str, Any] = {
        "cost": np.array([12345678901, 0, -0.07, 1e-7, 99999999999999.0]),
        "offset": -1234567.89,
        "a": csr_array(a),
        "row_lower": np.array([3.0, -INF, -INF, -5.0, 1e-3]),
        "row_upper": np.array([3.0, 7.5, 900719925474098.0, 4.0, INF]),
        "lower": np.array([0.0, 0.0, -4.0, 2.0, -INF]),
        "upper": np.array([1.0, 1e9, INF, 2.0, INF]),
        "integer": np.array([True, True, False, True, False]),
        "integral": False,
        "slack": 0.0,
        "column_names": lambda: ["x_Ash_HR_Hub", "y", "z", "fixed", "free"],
        "row_names": lambda: ["pair_Ash_HR", "r2", "r3", "r4", "r5"],
    }
    return Matrix(**given | changes)


def toy_matrix() -> Matrix:
    """The matrix of the toy instance."""
    from toy_result import toy

    from optimiser.model.compile import compile_problem

    return Formulation(compile_problem(toy())).matrix


@pytest.mark.parametrize("matrix", [small_matrix(), toy_matrix()], ids=["small", "toy"])
def test_highs_reads_back_the_same_matrix(matrix, tmp_path):
    """Every number, name, bound and marker is the same after writing and reading."""
    import highspy

    path = tmp_path / "model.mps"
    write_mps(matrix, path)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    lp = highs.getLp()
    assert list(lp.col_names_) == list(matrix.column_names())
    assert list(lp.row_names_) == list(matrix.row_names())
    for read, written in (
        (lp.col_cost_, matrix.cost),
        (lp.col_lower_, matrix.lower),
        (lp.col_upper_, matrix.upper),
        (lp.row_lower_, matrix.row_lower),
        (lp.row_upper_, matrix.row_upper),
    ):
        np.testing.assert_array_equal(np.array(read), written)
    assert lp.offset_ == matrix.offset
    whole = [kind == highspy.HighsVarType.kInteger for kind in lp.integrality_]
    assert whole == matrix.integer.tolist()
    columns = matrix.a.tocsc()
    columns.sort_indices()
    np.testing.assert_array_equal(np.array(lp.a_matrix_.start_), columns.indptr)
    read = csc(lp.a_matrix_, matrix)
    assert (read != matrix.a.tocsc()).nnz == 0


def csc(a: Any, matrix: Matrix) -> Any:
    """HiGHS's matrix as one of scipy."""
    from scipy.sparse import csc_array

    parts = (np.array(a.value_), np.array(a.index_), np.array(a.start_))
    return csc_array(parts, shape=matrix.a.shape)


def test_scip_finds_the_same_optimum(tmp_path):
    """SCIP, reading the file of the toy, finds its best plan, constant included."""
    import pyscipopt
    from toy_result import BEST

    path = tmp_path / "toy.mps"
    write_mps(toy_matrix(), path)
    model = pyscipopt.Model()
    model.hideOutput()
    model.readProblem(str(path))
    model.optimize()
    assert model.getObjVal() == pytest.approx(BEST, rel=1e-12)


def test_row_whose_limits_cross_becomes_two(tmp_path):
    """No range can say it, so it is written twice, and the reader finds it infeasible."""
    import highspy

    lower = np.array([3.0, -INF, -INF, 5.0, 1e-3])
    write_mps(small_matrix(row_lower=lower), tmp_path / "model.mps")
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.readModel(str(tmp_path / "model.mps"))
    assert highs.getNumRow() == 6
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible


def test_file_that_cannot_be_written_is_named(tmp_path):
    """It is a file error."""
    with pytest.raises(FileError, match=r"model\.mps"):
        write_mps(small_matrix(), tmp_path / "nowhere" / "model.mps")


def test_solve_exports_what_it_solves(tmp_path):
    """`export` writes the matrix of the cleaned problem."""
    from toy_result import toy

    from optimiser.solvers.session import solve

    solve(toy(), solver="highs", export=tmp_path / "toy.mps")
    assert (tmp_path / "toy.mps").read_text().endswith("ENDATA\n")
