"""Services bounded by an executor of the caller: the same answers, and nothing lost if it fails."""

from __future__ import annotations

import contextlib
import json
import math
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest
from solvers import apart
from solvers.test_session import gone
from toy_result import toy

from optimiser.errors import UsageError
from optimiser.solvers import registry
from optimiser.solvers.base import Options
from optimiser.solvers.decomposition.crew import Crew, Job, packed, work
from optimiser.solvers.errands import Frames, Site, framed
from optimiser.solvers.session import solve

#: Not forked: HiGHS in a process forked from one that has run it (as other tests do) is not sound.
SPAWN = multiprocessing.get_context("spawn")


def run(executor, solver="Apart", **options):
    """Solve the instance of four services, all of whose work can go to an executor."""
    registry.register("apart", f"solvers.apart:{solver}")
    told = []
    result = solve(apart.instance(), solver="apart", executor=executor, progress=told.append,
                   **options)  # fmt: skip
    return result, [str(line) for line in told]


@pytest.fixture(scope="module", autouse=True)
def _no_tracker_left():
    """End the helper that Python starts with the first spawned process and keeps for good."""
    yield
    resource_tracker._resource_tracker._stop()  # noqa: SLF001


@pytest.fixture(scope="module")
def alone():
    """The result without an executor."""
    return run(None)[0]


class Counts(ThreadPoolExecutor):
    """Counts what it is given."""

    count = 0

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        return super().submit(fn, *args, **kwargs)


def test_threads_give_the_same_answer(alone, capfd):
    """Plan and bound are those of one process, to the last place, and nothing is printed."""
    with Counts(2) as executor:
        result, _ = run(executor)
    assert executor.count == 4 * 3
    assert (result.objective, result.bound) == (alone.objective, alone.bound)
    assert result.bound is not None
    assert result.reasons == alone.reasons
    assert result.options.executor is None
    assert capfd.readouterr().out == ""


def test_processes_give_the_same_answer(alone, capfd):
    """The same for a pool of processes."""
    with ProcessPoolExecutor(2, mp_context=SPAWN) as executor:
        result, _ = run(executor)
    assert (result.objective, result.bound) == (alone.objective, alone.bound)
    assert result.reasons == alone.reasons
    assert capfd.readouterr().out == ""


@pytest.mark.filterwarnings("default")  # its own
def test_dask_gives_the_same_answer(alone):
    """The same for Dask's executor."""
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False,
                                 dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        result, _ = run(client.get_executor())
    assert (result.objective, result.bound) == (alone.objective, alone.bound)
    assert result.reasons == alone.reasons


class Dies(ProcessPoolExecutor):
    """Its worker ends, as when memory runs out, at the sixth call."""

    count = 0

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        if self.count == 6:
            return super().submit(os._exit, 1)
        return super().submit(fn, *args, **kwargs)


def test_solver_goes_on_without_an_executor_whose_worker_dies(alone):
    """The answer is the same, and the user is told, both at once and in the result."""
    with Dies(1, mp_context=SPAWN) as executor:
        result, told = run(executor)
    assert (result.objective, result.bound) == (alone.objective, alone.bound)
    assert result.status == alone.status
    assert len(result.reasons) == len(alone.reasons) + 1
    assert "apart went on without the executor: BrokenProcessPool" in result.reasons[0]
    assert any("going on without the executor, which failed" in line for line in told)


def _upside_down(*_):
    raise ZeroDivisionError("upside down")


class Raises(ThreadPoolExecutor):
    """Whatever it is given raises from the third call on."""

    count = 0

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        return super().submit(fn if self.count < 3 else _upside_down, *args, **kwargs)


class Refuses(Raises):
    """Takes nothing from the third call on, as after shutdown."""

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        if self.count < 3:
            return super().submit(fn, *args, **kwargs)
        raise RuntimeError("upside down")


@pytest.mark.parametrize("make", [Raises, Refuses])
def test_what_came_before_a_failure_counts_and_the_rest_is_done_here(make):
    """Bounds are the same though the executor fails half-way; it is not asked again."""
    told = []
    problem = apart.problem()
    with make(1) as executor:
        services, search = apart.prepared(problem, Crew(executor, told.append))
        here, _ = apart.prepared(problem, Crew())
        for _ in range(2):
            services.step(search.value, 50, lambda: False)
            here.step(search.value, 50, lambda: False)
            assert services.bound == here.bound
    assert executor.count <= 4
    assert told == ["going on without the executor, which failed: upside down"]


class Silent(Executor):
    """Takes everything, and never answers."""

    def submit(self, fn, /, *args, **kwargs):
        return Future()


def test_time_limit_holds_for_an_executor_that_never_answers():
    """The solve ends at its limit with the plan it has."""
    began = time.monotonic()
    result, _ = run(Silent(), time_limit=4)
    assert time.monotonic() - began < 6
    assert result.objective is not None
    assert result.bound is None


def test_time_limit_holds_for_workers():
    """Workers end with the solve, though they had more to do."""
    with ProcessPoolExecutor(4, mp_context=SPAWN) as executor:
        began = time.monotonic()
        result, _ = run(executor, "Endless", time_limit=4)
        assert time.monotonic() - began < 6
    assert time.monotonic() - began < 8
    assert result.objective is not None


def test_a_worker_whose_time_is_up_returns_what_it_has():
    """A bound from a tree that is still open counts, and the service can be gone on with."""
    services, search = apart.prepared(apart.problem(), Crew())
    services.step(search.value, 10, lambda: False)
    service = services.services[0]
    before = min(service.tree.bound, service.best(service.tree.blocks.cost)[0])
    job = Job(cost=None, iterations=0, nodes=10**7)
    began = time.monotonic()
    back, bound = pickle.loads(work(packed((service, job, 0.5))))
    assert time.monotonic() - began < 5
    assert math.isfinite(bound)
    assert bound >= before
    assert back.deadline == service.deadline


PROGRAM = """
import json, multiprocessing, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background has it ignored
from concurrent.futures import ProcessPoolExecutor
sys.path[:0] = {path}
from optimiser.solvers import registry
from optimiser.solvers.session import solve
from solvers import apart
registry.register("apart", "solvers.apart:Endless")
def tell(item):
    if "at work" in str(item):
        print("at work", flush=True)
with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as executor:
    result = solve(apart.instance(), solver="apart", executor=executor, progress=tell)
    print(json.dumps([result.interrupted, result.objective is not None, result.reasons]))
"""


@pytest.fixture
def program(tmp_path):
    """A program whose solve has more to do than anyone waits for, at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(path=[str(Path(__file__).parents[2])])],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert process.stdout.readline() == "at work\n"
    time.sleep(1.5)
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its workers hold its output, too
    process.communicate()


def offspring(process):
    """Processes that one has started."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(number) for number in found]


def test_interrupt_ends_the_workers_too(program, tmp_path):
    """Ctrl-C keeps the plan, and workers leave what they are at, so that the pool can close."""
    workers = offspring(program)
    assert len(workers) == 3  # and the solver
    began = time.monotonic()
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does; the solver has its own group
    out, _ = program.communicate(timeout=10)
    assert time.monotonic() - began < 4
    assert json.loads(out.splitlines()[-1])[:2] == [True, True]
    assert all(gone(number) for number in workers)
    assert list(tmp_path.iterdir()) == []


def test_killed_program_leaves_no_solver(program, tmp_path):
    """Workers that were forked hold the pipes of a program that is killed; the solver ends."""
    solver = next(n for n in offspring(program) if os.getpgid(n) == n)
    workers = [n for n in offspring(program) if n != solver]
    program.kill()
    assert gone(solver, 4)
    assert list(tmp_path.iterdir()) == []
    for number in workers:  # Python's pools do not end with their program
        os.kill(number, signal.SIGKILL)


def test_services_come_back_as_they_are_after_the_work():
    """Bounds, solutions, rows and trees agree to the last bit after every step."""
    problem = apart.problem()
    with ThreadPoolExecutor(2) as executor:
        here, search = apart.prepared(problem, Crew())
        there, _ = apart.prepared(problem, Crew(executor))
        for move in (True, True, False):
            for services in (here, there):
                services.step(search.value, 100, lambda: False, move=move)
            assert here.bound == there.bound
            np.testing.assert_array_equal(here.solution, there.solution)
            for one, other in zip(here.services, there.services, strict=True):
                assert one.tree.nodes == other.tree.nodes
                assert one.tree.bound == other.tree.bound
                assert len(one.pool) == len(other.pool)
                assert one.cut().lower == other.cut().lower


def test_vectors_are_sent_as_bits_and_come_back_the_same():
    """Zeros and ones shrink; signs of zero, other numbers and what is shared stay as they are."""
    rng = np.random.default_rng(0)
    ones = rng.integers(0, 2, 1000).astype(float)
    odd = np.where(ones > 0, 0.5, -0.0)
    sent = packed([ones, ones, odd, -np.zeros(100), ones[:0]])
    assert len(sent) < 8 * 1000 * 1.2 + 1000
    back = pickle.loads(sent)
    for array, other in zip(back, [ones, ones, odd, -np.zeros(100), ones[:0]], strict=True):
        assert array.tobytes() == other.tobytes()
        assert array.flags.writeable
    assert back[0] is back[1]


def test_frames_put_messages_together_whatever_the_pieces():
    """Messages arrive whole and in order, byte by byte or all at once."""
    messages = [1, "two", b"3" * 1000, None]
    data = b"".join(map(framed, messages))
    for size in (1, 7, 5000):
        frames = Frames()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert [m for piece in pieces for m in frames.feed(piece)] == messages


def test_a_site_elsewhere_is_never_gone():
    """A worker on another machine, which cannot see the folder, works on."""
    assert not Site(host="elsewhere", folder="/no/such/folder").gone()
    assert Site(host=os.uname().nodename, folder="/no/such/folder").gone()


def test_what_is_no_executor_is_refused():
    """A pool of another kind, or Dask's client itself, is a usage error that says what to give."""
    with pytest.raises(UsageError, match=r"executor is a list; give a concurrent.futures.Executor"):
        solve(toy(), executor=[])


def test_solver_without_use_for_an_executor_says_so():
    """It is left alone, with a line to the user."""
    told = []
    with Counts(1) as executor:
        result = solve(toy(), solver="highs", executor=executor, progress=told.append)
    assert result.status == "optimal"
    assert executor.count == 0
    assert "highs has no work for an executor and leaves it alone" in told


def test_the_engine_hands_its_executor_on(monkeypatch):
    """What the engine is given is what bounds its services."""
    from optimiser.solvers.decomposition import stages

    seen = []
    monkeypatch.setattr(stages, "Crew", lambda executor, *_: seen.append(executor) or Crew())
    engine = registry.get("decomposition")
    assert engine.capabilities.executor
    with Counts(1) as executor:
        engine.solve(apart.problem(), Options(time_limit=0.5, executor=executor), lambda _: None)
    assert set(seen) == {executor}
