"""What the tests of the benchmarks share: fake solvers as an installed package would bring them."""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path

import pytest

from benchmarks import processes
from optimiser.solvers.process import release

TESTS = Path(__file__).parents[1]
FAKES = Path(__file__).parent / "fakes"
#: Variable that marks every process that a test starts.
MARK = "OPTIMISER_TEST"


def remaining(mark, within=10.0):
    """Return the processes that bear a mark, once they have had time to see that all is over."""
    until = time.monotonic() + within
    while True:
        found = [each for each in processes.marked(MARK, mark) if each != os.getpid()]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    """Let the fake solvers be found, here and in workers; no process and no folder stays."""
    paths = [str(FAKES), str(TESTS)]
    for path in paths:
        monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    mark = secrets.token_hex(8)
    monkeypatch.setenv(MARK, mark)
    folder = tmp_path / "temporary files"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    release()
    yield mark
    release()
    assert not remaining(mark)
    assert list(folder.iterdir()) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
def command(fakes):
    """Return how `python -m benchmarks` is started."""
    return [sys.executable, "-m", "benchmarks"]
