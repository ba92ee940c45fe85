"""Ctrl-C and SIGTERM: the process stops soon, keeps the best plan and says 130."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import optimiser as opt

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals are POSIX"),
    pytest.mark.usefixtures("heard"),
]


@pytest.fixture(scope="module")
def hard(tmp_path_factory):
    """An instance that no solver proves within the test."""
    folder = tmp_path_factory.mktemp("hard") / "regional"
    opt.write(opt.generate("regional", organisations=40, seed=1), folder)
    return folder


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_solving(hard, tmp_path, which):
    """Interrupted with a plan in hand: it stops soon, saves the plan, and exits with 130."""
    out = tmp_path / "out"
    line = [sys.executable, "-m", "optimiser.cli.main", "solve", str(hard), "--out", str(out),
            "--solver", "highs", "--time-limit", "90", "--gap", "0"]  # fmt: skip
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for text in process.stderr:
        if "best" in text:
            break
    process.send_signal(which)
    sent = time.monotonic()
    printed, _ = process.communicate(timeout=30)
    assert time.monotonic() - sent < 10  # two seconds for the solver, the rest for a busy machine
    assert process.returncode == 130
    assert "Interrupted with a plan" in printed
    content = json.loads((out / "result.json").read_bytes())
    assert content["interrupted"] is True
    assert opt.verify(out).ok


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_before_solving(which, tmp_path):
    """Interrupted while still reading: a word on stderr, 130, no traceback."""
    code = (
        "import os, sys, optimiser.files.instances as files\n"
        "import time\n"
        f"files.read = lambda _: os.kill(os.getpid(), {int(which)}) or time.sleep(9)\n"
        "from optimiser.cli.main import run\n"
        f"run(['check', {str(tmp_path)!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          check=False)  # fmt: skip
    assert done.returncode == 130
    assert done.stderr == "Interrupted.\n"


def test_impatience_costs_no_plan(tmp_path):
    """Interrupts while the plan is saved and shown change neither it nor the exit code."""
    code = (
        "import os, signal, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from toy_result import TOY, result\n"
        "from optimiser.cli import solve\n"
        "from optimiser.cli.main import run\n"
        "before = solve._save\n"
        "def save(*arguments):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    return before(*arguments)\n"
        "solve._save = save\n"
        "solve._solve = lambda *_, **__: result(status='feasible', interrupted=True)\n"
        f"run(['solve', str(TOY), '--out', {str(tmp_path / 'out')!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          check=False)  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert "Saved in" in done.stdout
    assert (tmp_path / "out" / "result.json").exists()
