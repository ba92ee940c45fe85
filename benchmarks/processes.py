"""Processes and their descendants, as Linux's ``/proc`` shows them: memory, and an end for all."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
#: Rounds in which processes that fork while they are killed are killed.
_ROUNDS: Final = 50


def watchable() -> bool:
    """Whether this system shows processes in the way needed here."""
    return (_PROC / "self" / "task").is_dir()


def descendants(process: int) -> list[int]:
    """Return every process below `process`, itself left out, parents before children."""
    found: list[int] = []
    parents = [process]
    lists = (_PROC / "self" / "task" / str(os.getpid()) / "children").exists()
    tree = {} if lists else _tree()
    while parents:
        parent = parents.pop()
        children = _children(parent) if lists else tree.get(parent, [])
        found += children
        parents += children
    return found


def resident(processes: list[int]) -> float:
    """Return the MiB of memory that the processes hold together."""
    pages = 0
    for process in processes:
        with suppress(OSError, IndexError, ValueError):
            pages += int((_PROC / str(process) / "statm").read_text().split()[1])
    return pages * _PAGE / 2**20


def marked(variable: str, value: str) -> list[int]:
    """Return our processes whose environment had `variable` = `value` when they were started."""
    wanted = f"{variable}={value}".encode()
    found = []
    for place in _PROC.iterdir():
        if not place.name.isdigit():
            continue
        # Those of others are unreadable, others have ended meanwhile.
        with suppress(OSError):
            if wanted in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
    return found


def end_descendants(process: int) -> None:
    """Kill every process below `process`, also those that are being started meanwhile."""
    for _ in range(_ROUNDS):
        alive = [each for each in descendants(process) if _alive(each)]
        if not alive:
            return
        for each in alive:
            _kill(each)
        time.sleep(0.01)


def end_tree(process: int, variable: str, value: str) -> None:
    """Kill `process`, what is below it, and what bears its mark though its parents have gone."""
    end_descendants(process)
    _kill(process)
    for _ in range(_ROUNDS):
        alive = [each for each in marked(variable, value) if _alive(each)]
        if not alive:
            return
        for each in alive:
            _kill(each)
        time.sleep(0.01)


def _kill(process: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL)


def _alive(process: int) -> bool:
    """Whether it runs; one that has ended and waits to be reaped does not."""
    try:
        stat = (_PROC / str(process) / "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def _children(process: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in (_PROC / str(process) / "task").iterdir():
            with suppress(OSError):
                found += map(int, (thread / "children").read_text().split())
    return found


def _tree() -> dict[int, list[int]]:
    """Return the children of every process, from a kernel that does not list them."""
    found: dict[int, list[int]] = {}
    for place in _PROC.iterdir():
        if place.name.isdigit():
            with suppress(OSError):
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                found.setdefault(parent, []).append(int(place.name))
    return found
