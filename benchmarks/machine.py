"""What a run depends on beside the code: the machine, versions of packages, the commit."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).resolve().parent.parent
#: Seconds that a package may take to tell its version.
_PATIENCE: Final = 60.0
#: Packages whose versions are recorded, whatever runs.
_ALWAYS: Final = ("optimiser", "numpy", "scipy")
#: `Model.version` is a float, without the last number.
_SCIP: Final = (
    "import pyscipopt; model = pyscipopt.Model(); print(model.getMajorVersion(), "
    "model.getMinorVersion(), model.getTechVersion(), sep='.')"
)
#: Packages of the solvers, and a program that prints the version of what a package embeds.
_PACKAGES: Final = {
    "highs": ("highspy", "HiGHS", "import highspy; print(highspy.Highs().version())"),
    "scip": ("pyscipopt", "SCIP", _SCIP),
    "cp-sat": ("ortools", "", ""),
    "cbc": (
        "pulp",
        "CBC",
        "import subprocess; from optimiser.solvers.milp.cbc import _program; print([line for line "
        "in subprocess.run([_program().path, '-quit'], capture_output=True, text=True, "
        "stdin=subprocess.DEVNULL).stdout.splitlines() if 'Version' in line][0].split(':')[1])",
    ),
}


def machine() -> dict[str, Any]:
    """Describe this machine: node, cpu, cores, memory_gib, system, python."""
    return {
        "node": platform.node(),
        "cpu": _after("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": len(cores()),
        "memory_gib": round(int((_after("/proc/meminfo", "MemTotal") or "0").split()[0]) / 2**20),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def versions(solvers: Iterable[str]) -> dict[str, str]:
    """Return versions by package, of the solvers named and of what they embed."""
    found = {name: _version(name) for name in _ALWAYS}
    asked = []
    for solver in solvers:
        package, embedded, program = _PACKAGES.get(solver, ("", "", ""))
        if package:
            found[package] = _version(package)
        if program:
            # A process each: they do not all bear each other's company.
            asked.append((embedded, _python(program)))
    for embedded, process in asked:
        try:
            said, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        # A package may print a banner first.
        words = said.split()
        found[embedded] = words[-1] if words and not process.returncode else ""
    return {name: version for name, version in found.items() if version}


def commit() -> tuple[str, bool]:
    """Return the commit of the project's files, and whether they differ from it; '' if none."""
    head = _git("rev-parse", "HEAD")
    return head, bool(head and _git("status", "--porcelain", "--untracked-files=no"))


def _python(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
    )  # fmt: skip


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _git(*arguments: str) -> str:
    try:
        ended = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=_PATIENCE,
            # Else `git status` writes to the repository, where others may be at work.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if not ended.returncode else ""


def _after(path: str, name: str) -> str:
    """Return what follows `name` in a file of ``name : value`` lines; '' if there is no such."""
    try:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    except OSError:
        pass
    return ""
