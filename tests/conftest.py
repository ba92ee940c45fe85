"""Options of the test run."""

from __future__ import annotations

import signal

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


@pytest.fixture
def heard():
    """Let the processes of a test hear signals, as those of a terminal do.

    What runs in the background, a test run too, has SIGINT (and under nohup SIGHUP) ignored, and
    hands that on.
    """
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL,
             signal.SIGHUP: signal.SIG_DFL}  # fmt: skip
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
