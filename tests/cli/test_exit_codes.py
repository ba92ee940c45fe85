"""The last line of defence: whatever happens, a message and the right exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy_result import TOY, result, without_plan

from optimiser.cli import codes
from optimiser.errors import InternalError, SolverError, UnsupportedError
from optimiser.solvers import session


def solving(monkeypatch, outcome):
    """Let `solve` return a result or raise an exception."""

    def fake(*_, **__):
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(session, "solve", fake)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (result(), 0),
        (result(status="feasible"), 3),
        (without_plan("infeasible"), 4),
        (without_plan("unknown"), 5),
        (without_plan("error"), 6),
        (result(status="feasible", interrupted=True), 130),
        (without_plan("unknown", interrupted=True), 130),
        (result(interrupted=True), 0),
        (SolverError("highs crashed"), 6),
        (UnsupportedError("cp-sat refuses row 7"), 6),
        (InternalError("two computations disagree"), 1),
        (ZeroDivisionError("x"), 1),
        (RecursionError("x"), 1),
        (MemoryError(), 6),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 2),
    ],
    ids=lambda value: value if isinstance(value, int) else getattr(value, "status", repr(value)),
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_codes(cli, monkeypatch, tmp_path, outcome, code, form):
    """Each ending has its exit code, and never a traceback."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    solving(monkeypatch, outcome)
    done = cli("solve", TOY, "--format", form)
    assert done.code == code
    if isinstance(outcome, BaseException):
        assert done.err


def test_interrupted_plan_is_saved(cli, monkeypatch, tmp_path):
    """The plan kept at an interruption is shown and saved."""
    solving(monkeypatch, result(status="feasible", interrupted=True))
    done = cli("solve", TOY, "--out", tmp_path / "out")
    assert done.code == codes.INTERRUPTED
    assert "Interrupted with a plan" in done.out
    assert (tmp_path / "out" / "result.json").exists()


def test_our_fault_is_written_down(cli, monkeypatch, tmp_path):
    """A fault of ours leaves its details in a file, and says where."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    solving(monkeypatch, ZeroDivisionError("of all things"))
    done = cli("solve", TOY)
    (log,) = tmp_path.iterdir()
    assert str(log) in done.err
    assert "ZeroDivisionError: of all things" in log.read_text()
    assert "Traceback" in log.read_text()


def test_escape_sequences_do_not_reach_the_terminal(cli, monkeypatch):
    """What a solver says about itself cannot steer the terminal."""
    solving(monkeypatch, SolverError("crashed \x1b[2J"))
    assert "\x1b" not in cli("solve", TOY).err


def command(*arguments: object, **options):
    """Run the command line as a process of its own."""
    line = [sys.executable, "-m", "optimiser.cli.main", *map(str, arguments)]
    return subprocess.run(line, text=True, timeout=120, check=False, **options)


def test_console_script():
    """The installed command is there and runs."""
    script = Path(sys.executable).with_name("optimiser")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60,
                          check=False)  # fmt: skip
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_output():
    """When the answer cannot be written there is a message, code 2 and no traceback."""
    with Path("/dev/full").open("w") as full:
        done = command("solve", TOY, "--quiet", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == codes.INPUT
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_broken_pipe():
    """When nobody reads the answer there is a message, code 2 and no traceback."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as broken:
        done = command("schema", stdout=broken, stderr=subprocess.PIPE)
    assert done.returncode == codes.INPUT
    assert "Traceback" not in done.stderr
    assert "BrokenPipeError" not in done.stderr


def test_ascii_terminal():
    """A terminal that knows only ASCII gets the answer all the same."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = command("solve", TOY, "--quiet", env=environment, capture_output=True)
    assert done.returncode == 0
    assert "GBP 220,600.00" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="descriptors are POSIX")
@pytest.mark.parametrize(
    "streams", ["2>/dev/full", "2>&-", ">&-", "2>&1 | true", ">&- 2>&- <&-"], ids=str
)
def test_unreadable_progress_costs_no_plan(tmp_path, streams):
    """Where progress cannot be shown, or nothing is open at all, the result is saved even so."""
    out = tmp_path / "out"
    command = f"{sys.executable} -m optimiser.cli.main solve {TOY} --out {out} {streams}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60,
                          check=False)  # fmt: skip
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr
    assert (out / "result.json").exists()
