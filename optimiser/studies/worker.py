"""A worker: does calls for whoever started it, one after the other, and sends what comes of them.

Run as ``python -m optimiser.studies.worker DESCRIPTOR PARENT`` by `crew`. Messages go to the
descriptor and come from standard input, each a length and a pickle. Standard input is the lifeline
as well: it ends when the parent has ended, however that came about, and then the worker ends; what
it had started ends with it, by a lifeline of its own.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from optimiser.solvers.errands import framed, heard

if TYPE_CHECKING:
    from types import FrameType

#: First words of messages. To the worker: a task, or the wish that it stop. From it: news, a result
#: or an error.
TASK, STOP = "task", "stop"
NEWS, RESULT, ERROR = "news", "result", "error"
#: Seconds between two looks whether a solve can hear.
_BLINK: Final = 0.02


class _Post:
    """Reads what comes, in a thread of its own."""

    def __init__(self, parent: int) -> None:
        self.tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.stopped = False
        self.busy = False
        self._parent = parent
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for word, load in heard(self._parent):
            if word == TASK:
                self.tasks.put(load)
            else:
                self.stopped = True
                threading.Thread(target=self._interrupt, daemon=True).start()
        os._exit(1)

    def _interrupt(self) -> None:
        """Interrupt the solve once, as soon as it counts interrupts; before, it would not hear."""
        while signal.getsignal(signal.SIGINT) is _unheard:
            time.sleep(_BLINK)
        os.kill(os.getpid(), signal.SIGINT)


def _unheard(number: int, frame: FrameType | None) -> None:
    """Take no notice: whoever started the worker says when to stop."""


def main() -> None:
    """Do what comes, until the parent has gone."""
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, _unheard)
    post = _Post(parent)
    with os.fdopen(descriptor, "wb") as file:

        def send(word: str, content: Any) -> None:
            file.write(framed((word, content)))
            file.flush()

        while True:
            load = post.tasks.get()
            try:
                send(RESULT, _done(load, lambda news: send(NEWS, news)))
            except BrokenPipeError:
                return
            except BaseException as error:
                send(ERROR, _portable(error))


def _done(load: bytes, tell: Any) -> Any:
    path, rest = pickle.loads(load)
    sys.path[:] = path  # what solvers of others are made of may lie anywhere
    function, arguments = pickle.loads(rest)
    return function(*arguments, tell)


def _portable(error: BaseException) -> BaseException:
    """Return the error, or one that says the same where it cannot be sent."""
    from optimiser.errors import InternalError

    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return InternalError(f"{type(error).__name__}: {error}")
    return error


if __name__ == "__main__":
    main()
