"""Folders and files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from optimiser.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Mapping


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make `folder` hold exactly `files`; whatever goes wrong, it is the old one or the new one.

    Everything is written and synchronised in a temporary sibling, which then takes the folder's
    place by renaming. Whether an old folder may go is for the caller to know.

    Parameters
    ----------
    folder
        Where to; folders above it are made. Through a symbolic link, what the link points to.
    files
        Name -> content.

    Raises
    ------
    FileError
        Something could not be written; nothing is left behind and the old folder is untouched.
    """
    folder = Path(os.path.realpath(folder))
    made: list[Path] = []
    token = secrets.token_hex(4)
    new = folder.with_name(f".{folder.name}.{token}.new")
    old = folder.with_name(f".{folder.name}.{token}.old")
    try:
        _make_parents(folder.parent, made)
        new.mkdir()
        for name, content in files.items():
            _write(new / name, content)
        _synchronise(new)
        _swap(new, folder, old)
    except BaseException as error:
        _remove(new)
        _take_back(made)
        _complain(folder, error)
        raise
    # From here on the new folder stands; what fails now must not look like a failure to write it.
    _remove(old)
    with suppress(OSError):
        _synchronise(folder.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Make `path` a file with `content`; whatever goes wrong, it is the old one or the new one.

    Raises
    ------
    FileError
        It could not be written; nothing is left behind and an old file is untouched.
    """
    path = Path(os.path.realpath(path))
    made: list[Path] = []
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        _make_parents(path.parent, made)
        _write(new, content)
        os.replace(new, path)  # noqa: PTH105 - the one call that fault injection watches
    except BaseException as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        _take_back(made)
        _complain(path, error)
        raise


def _remove(folder: Path) -> None:
    """Remove a folder; once more if something got in the way, be it Ctrl-C."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)


def _take_back(made: list[Path]) -> None:
    for folder in reversed(made):
        with suppress(OSError):  # someone else may have put something there
            folder.rmdir()


def _complain(path: Path, error: BaseException) -> None:
    if isinstance(error, OSError):
        raise FileError(
            f"{path} cannot be written: {error.strerror or error}. Nothing was changed "
            "there; close it where it is open, make room, or choose another place."
        ) from error


def _make_parents(folder: Path, made: list[Path]) -> None:
    missing = [folder, *folder.parents]
    missing = [path for path in missing if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        made.append(path)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666
    )
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _synchronise(folder: Path) -> None:
    """Write a folder's entries to disk, where the system can (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems refuse folders
            raise
    finally:
        os.close(descriptor)


def _swap(new: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        os.rename(new, folder)  # noqa: PTH104 - the one call that fault injection watches
        return
    os.rename(folder, old)  # noqa: PTH104
    try:
        os.rename(new, folder)  # noqa: PTH104
    except BaseException:
        os.rename(old, folder)  # noqa: PTH104
        raise
