"""Options of the test run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the solvers that are compared with brute force be named."""
    parser.addoption(
        "--solvers",
        nargs="+",
        default=["highs", "scip", "cp-sat", "cbc"],
        help="solvers to compare with brute force, and to hold to the contract "
        "(highs scip cp-sat cbc; decomposition is compared in its own tests, and held to the "
        "contract unless solvers are named)",
    )
