"""Whether a solver's package is installed, told without importing it."""

from __future__ import annotations

from importlib import metadata, util

from optimiser.solvers.base import Availability


def availability(module: str, package: str = "") -> Availability:
    """Say whether `module`, of the distribution `package`, can be imported; and its version."""
    package = package or module
    if util.find_spec(module) is None:
        return Availability(installed=False, remedy=f"pip install {package}")
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        version = ""
    return Availability(installed=True, version=version)
