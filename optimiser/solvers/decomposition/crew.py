"""Who bounds the services: this process one after the other, or an executor's workers all at once.

A service is sent with its tree, comes back with it, and replaces the one that was sent: workers
keep nothing, so it does not matter which of them does what, nor whether one dies. A service's work
hangs on its own state only, so that it is the same wherever it is done.
"""

from __future__ import annotations

import io
import math
import pickle
import time
from concurrent.futures import wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.solvers.errands import abandoned

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

    from numpy.typing import NDArray

    from optimiser.solvers.decomposition.services import Service

    Floats = NDArray[np.float64]

#: Seconds of those left that are kept for an answer's way back, at most a tenth of them.
RETURN: Final = 0.3
#: Seconds between two questions whether to stop.
PAUSE: Final = 0.2
#: Length from which vectors are looked at before they are sent.
LONG: Final = 64
#: Bits of 1.0.
ONE: Final = np.float64(1.0).view(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done for one service.

    Parameters
    ----------
    cost
        New costs, shape (own columns,), or None to go on at the present ones.
    iterations
        Of search at new costs.
    nodes
        As `Service.bound` takes them.
    """

    cost: Floats | None
    iterations: int
    nodes: int

    def do(self, service: Service, stop: Callable[[], bool]) -> float:
        """Return the service's bound."""
        if self.cost is not None:
            service.reprice(self.cost, self.iterations)
        return service.bound(self.nodes, stop)


class Crew:
    """Bounds services, here or elsewhere.

    Parameters
    ----------
    executor
        Where to have it done, or None to do it here. Once it has failed it is not used again.
    tell
        Called with what is worth saying.
    left
        Returns the seconds that are left; infinite without a limit.
    """

    def __init__(
        self,
        executor: Executor | None = None,
        tell: Callable[[str], object] = lambda _: None,
        left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._executor, self._tell, self._left = executor, tell, left

    def bound(
        self, services: list[Service], jobs: list[Job], stop: Callable[[], bool]
    ) -> list[float] | None:
        """Return the bound of each service, or None if there was no time for all.

        Parameters
        ----------
        services
            What comes back from elsewhere replaces what is in this list.
        jobs
            One per service.
        stop
            Asked now and then.
        """
        found: dict[int, float] = {}
        if self._executor is not None and len(services) > 1 and not stop():
            found = self._elsewhere(self._executor, services, jobs, stop)
        for number, (service, job) in enumerate(zip(services, jobs, strict=True)):
            if number not in found:
                if stop():
                    return None
                found[number] = job.do(service, stop)
        return [found[number] for number in range(len(services))]

    def _elsewhere(
        self, executor: Executor, services: list[Service], jobs: list[Job],
        stop: Callable[[], bool],
    ) -> dict[int, float]:
        """Return the bounds that the executor's workers have found."""
        futures: dict[int, Future[bytes]] = {}
        found: dict[int, float] = {}
        left = max(self._left(), 0.0)
        seconds = left - min(RETURN, 0.1 * left) if math.isfinite(left) else math.inf
        try:
            for number, (service, job) in enumerate(zip(services, jobs, strict=True)):
                futures[number] = executor.submit(work, packed((service, job, seconds)))
        except Exception as error:  # of any kind: the executor is the caller's
            self._dismiss(error)
        # This ends once stop() says so, whatever becomes of the workers.
        while wait(futures.values(), timeout=PAUSE).not_done and not stop():
            pass
        for number, future in futures.items():
            if not future.done():
                future.cancel()
                continue
            try:
                services[number], found[number] = pickle.loads(future.result())
            except Exception as error:
                self._dismiss(error)
        return found

    def _dismiss(self, error: Exception) -> None:
        if self._executor is not None:
            self._executor = None
            self._tell(f"going on without the executor, which failed: {error}")


def work(load: bytes) -> bytes:
    """Do one job in a worker; return the service as it is then, and its bound, as bytes."""
    service, job, seconds = pickle.loads(load)
    own = service.deadline
    service.deadline = end = time.monotonic() + seconds
    bound = job.do(service, lambda: time.monotonic() > end or abandoned())
    service.deadline = own
    return packed((service, bound))


def packed(what: Any) -> bytes:
    """Pickle, vectors of zeros and ones (bounds of nodes, solutions) as bits."""
    file = io.BytesIO()
    _Packer(file, pickle.HIGHEST_PROTOCOL).dump(what)
    return file.getvalue()


class _Packer(pickle.Pickler):
    def reducer_override(self, thing: Any) -> Any:
        """Return how to make a vector of zeros and ones; leave all else as it is."""
        if type(thing) is np.ndarray and thing.dtype == np.float64 and thing.shape > (LONG,):
            bits = thing.view(np.int64)  # tells −0.0 from 0.0
            one = bits == ONE
            if np.all(one | (bits == 0)):
                return _unpacked, (np.packbits(one), len(one))
        return NotImplemented


def _unpacked(bits: NDArray[np.uint8], count: int) -> Floats:
    return np.unpackbits(bits, count=count).astype(np.float64)
