"""Kernels: declared in one place, told of before they are compiled, kept on disk, healed."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pytest

from optimiser.solvers.base import Options
from optimiser.solvers.decomposition import kernels
from optimiser.solvers.decomposition.ledger import Ledger

SOURCE = '''
from optimiser.solvers.decomposition.kernels import kernel, piece

STEP = 2.0


@piece
def part(x, k):
    return x * STEP + k


@kernel
def total(xs):
    result = 0.0
    for i in range(len(xs)):
        result += part(xs[i], 1) - part(0.0, i)
    return result
'''
XS = np.array([1.0, 2.0, 4.0])
#: What `total` is of them, at step 2.
TOTAL = 14.0
ROOT = Path(__file__).parents[3]


class Machine:
    """A folder for kept kernels, and what was told while a kernel ran as in a new process."""

    def __init__(self, folder: Path) -> None:
        self.source, self.folder = folder / "some_kernels.py", folder / "kept"
        self.source.write_text(SOURCE)
        self.ended = 0

    def load(self):
        """Return the module as a new process would see it."""
        spec = importlib.util.spec_from_file_location("some_kernels", self.source)
        module = importlib.util.module_from_spec(spec)
        sys.modules["some_kernels"] = module  # what is kept names it
        spec.loader.exec_module(module)
        return module

    def run(self, value=TOTAL):
        """Run the kernel anew; return what was told."""
        told = []
        module = self.load()
        with kernels.watched(told.append, told.append, self._end):
            assert module.total(XS) == value
        return told

    def _end(self):
        self.ended += 1

    def files(self):
        """The files kept."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A fresh machine."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    yield Machine(tmp_path)
    sys.modules.pop("some_kernels", None)


def test_a_word_before_the_first_compilation_and_none_later(machine):
    """The first run says so once, however many pieces there are; a new process finds the code."""
    assert machine.run() == [kernels.FIRST]
    assert machine.ended == 1
    assert len(machine.files()) == 1
    assert machine.run() == []
    assert machine.ended == 1


def flip(data: bytes) -> bytes:
    """One bit wrong in the middle of the machine code."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


def sealed(body: bytes) -> bytes:
    """Garbage whose checksum is right."""
    return hashlib.sha256(body).digest() + body


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[:20], lambda data: data[: len(data) // 2], flip,
     lambda data: b"garbage" * 1000, lambda data: sealed(b"garbage"), lambda data: sealed(b"")],
    ids=["empty", "short", "half", "a bit", "garbage", "sealed garbage", "sealed nothing"],
)  # fmt: skip
def test_a_damaged_file_is_made_anew(machine, damage):
    """Whatever is wrong with a file, the answer is right, it is told, and the next run finds it."""
    machine.run()
    (path,) = machine.files()
    path.write_bytes(damage(path.read_bytes()))
    assert machine.run() == [kernels.DAMAGED]
    assert machine.files() == [path]
    assert machine.run() == []


def test_a_file_that_cannot_be_read_or_replaced_is_done_without(machine):
    """A folder in its place: the kernel is compiled, and it is told that it cannot be kept."""
    machine.run()
    (path,) = machine.files()
    path.unlink()
    (path / "inside").mkdir(parents=True)
    first, second = machine.run()
    assert first == kernels.FIRST
    assert second.startswith(kernels.REFUSED)
    assert machine.files() == []


def test_a_full_disk_is_told_and_leaves_nothing_behind(machine, monkeypatch):
    """Half of a file gets written: the answer is right, the half is removed, and it is said why."""

    def fill(path, data):
        with path.open("wb") as file:
            file.write(data[:1000])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)
    told = [kernels.FIRST, f"{kernels.REFUSED}: No space left on device"]
    assert machine.run() == told
    assert machine.files() == []
    monkeypatch.undo()
    assert machine.run() == told[:1]


def test_without_a_folder_kernels_are_compiled_each_time(machine, monkeypatch):
    """Where neither the installation nor the home can be written to, that is what is told."""
    monkeypatch.setattr(kernels.CompileResultCacheImpl, "_locator_classes", [])
    assert machine.run() == [kernels.HOMELESS]
    assert machine.run() == [kernels.HOMELESS]


def test_a_changed_constant_or_piece_is_another_kernel(machine):
    """Its old code is neither run nor kept; a comment and a docstring change nothing."""
    machine.run()
    (old,) = machine.files()
    machine.source.write_text(SOURCE.replace("STEP = 2.0", "STEP = 3.0"))
    assert machine.run(21.0) == [kernels.FIRST]
    (new,) = machine.files()
    assert new != old
    machine.source.write_text(SOURCE.replace("x * STEP", "x + STEP"))
    assert machine.run(7.0) == [kernels.FIRST]
    text = SOURCE.replace("def total(xs):", "# A comment.\ndef total(xs):\n    '''Words.'''")
    machine.source.write_text(text)
    machine.run()
    machine.source.write_text(text.replace("Words", "Other words").replace("comment", "remark"))
    assert machine.run() == []


@pytest.mark.parametrize("whose", ["numba", "llvmlite"])
def test_another_compiler_has_its_own(machine, monkeypatch, whose):
    """Code that another version of numba or LLVM made is not looked at, and dropped."""
    machine.run()
    (old,) = machine.files()
    monkeypatch.setattr(getattr(kernels, whose), "__version__", "0.0.1")
    assert machine.run() == [kernels.FIRST]
    assert old not in machine.files()


def test_other_types_have_a_file_of_their_own(machine):
    """A second signature does not touch the first one's file."""
    machine.run()
    module = machine.load()
    assert module.total(XS.astype(np.int64)) == TOTAL
    assert len(machine.files()) == 2
    assert machine.run() == []


def test_a_kernel_may_use_numbers_alone(machine):
    """A global of which nobody can tell whether it has changed is refused by name."""
    machine.source.write_text(SOURCE.replace("STEP = 2.0", "STEP = [2.0]"))
    with pytest.raises(TypeError, match="the kernel part uses STEP, a list"):
        machine.load().total(XS)


def test_a_piece_answers_python_too(machine):
    """Called from Python, as tests do, a piece is a kernel of its own."""
    module = machine.load()
    assert module.part(3.0, 4) == 10.0
    assert module.part(3.0, 4) == 10.0


def test_two_processes_at_once(machine):
    """On an empty folder both compile and answer; what they leave is whole."""
    code = f"""
import sys; sys.path.insert(0, {str(machine.source.parent)!r})
import numpy as np, some_kernels
print(some_kernels.total(np.array({XS.tolist()})))
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(machine.folder),
                   "PYTHONPATH": str(ROOT)}  # fmt: skip
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in processes:
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, float(out)) == (0, TOTAL)
    assert len(machine.files()) == 1
    assert machine.run() == []


def test_no_kernel_is_declared_elsewhere():
    """Numba's own decorators stand nowhere in the package, which would keep code the old way."""
    for path in (ROOT / "optimiser").rglob("*.py"):
        assert not re.search(r"@(numba\.)?n?jit\b", path.read_text(encoding="utf-8")), path


def test_the_clock_stands_still_while_kernels_are_compiled():
    """Seconds between `stand` and `go_on` count for nothing, and the parent is told of both."""
    events = []
    ledger = Ledger(Options(time_limit=10.0), events.append)
    ledger.stand("compiling")
    before = ledger.left()
    time.sleep(0.05)
    assert ledger.left() == before
    ledger.go_on()
    ledger.go_on()
    assert before - 0.04 < ledger.left() <= before
    assert [(event.phase, event.waits) for event in events] == [("compiling", True), ("", False)]


def command(folder: Path, limit: int) -> tuple[str, str, float]:
    """Solve by the command line; return what it printed, told, and its processor's seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", "from optimiser.cli.main import run; run()", "solve",
         "instances/southwest-one", "--solver", "decomposition", "--time-limit", str(limit)],
        cwd=ROOT, env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stderr + done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, done.stderr, after.ru_utime - before.ru_utime


@pytest.mark.long
def test_first_use_of_a_machine(tmp_path):
    """A second's limit gives a plan where nothing is compiled yet; then the same in a second.

    Files that are all damaged are told of and made anew.
    """
    out, told, _ = command(tmp_path, 1)
    assert "with a plan that keeps every rule" in out
    assert kernels.FIRST in told
    out, told, _ = command(tmp_path, 10)
    assert kernels.FIRST in told  # those that a second has not come to
    out, told, _ = command(tmp_path, 1)
    assert "with a plan that keeps every rule" in out
    assert "compiling" not in told
    for path in tmp_path.rglob(f"*{kernels.SUFFIX}"):
        path.write_bytes(path.read_bytes()[:5000])
    out, told, _ = command(tmp_path, 1)
    assert "with a plan that keeps every rule" in out
    assert kernels.DAMAGED in told
    assert kernels.FIRST not in told


@pytest.mark.long
def test_all_kernels_are_compiled_in_ten_seconds(tmp_path):
    """The processor's seconds of a first run beyond those of a second; twice ten if others work."""
    _, _, first = command(tmp_path, 10)
    _, told, second = command(tmp_path, 10)
    assert "compiling" not in told
    assert first - second < 20
