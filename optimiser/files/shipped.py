"""The named instances that come with the package."""

from __future__ import annotations

from pathlib import Path


def shipped() -> dict[str, Path]:
    """Return the folders of the shipped instances by name.

    They lie in ``instances/`` of a source tree; a wheel holds a copy inside the package (setup.py).
    """
    package = Path(__file__).resolve().parent.parent
    for home in (package / "_instances", package.parent / "instances"):
        if home.is_dir():
            return {
                path.name: path
                for path in sorted(home.iterdir())
                if (path / "instance.toml").is_file()
            }
    return {}
