"""Folders and files that appear whole or not at all, whatever fails."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from optimiser.errors import FileError
from optimiser.files.atomic import replace_file, replace_folder

if TYPE_CHECKING:
    from pathlib import Path

OLD = {"one": b"old one", "two": b"old two"}
NEW = {"one": b"new one", "three": b"new three" * 1000}


def contents(folder: Path) -> dict[str, bytes]:
    """What a folder holds."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Failing:
    """Lets the system call number `at` fail, over all the calls that write or move."""

    calls = ("open", "write", "fsync", "rename", "replace", "mkdir", "unlink")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException) -> None:
        self.count, self.at, self.error = 0, at, error
        for name in self.calls:
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name)))

    def _wrap(self, call):
        def wrapped(*args, **kwargs):
            self.count += 1
            if self.count == self.at:
                raise self.error
            return call(*args, **kwargs)

        return wrapped


def outcomes(tmp_path, write, old, new, error):
    """Fail at each call in turn; return how many calls there are."""
    expected = FileError if isinstance(error, OSError) else KeyboardInterrupt
    at = 0
    while True:
        at += 1
        place = tmp_path / str(at)
        place.mkdir()
        target = place / "target"
        if old is not None:
            write(target, old)
        with pytest.MonkeyPatch.context() as patch:
            failing = Failing(patch, at, error)
            try:
                write(target, new)
                raised = False
            except expected:
                raised = True
        yield target, raised
        if failing.count < at:
            return


ERRORS = {
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "denied": PermissionError(errno.EACCES, "Permission denied"),
    "ctrl-c": KeyboardInterrupt(),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("old", [None, OLD], ids=["nothing", "old"])
def test_folder_whole_or_not_at_all(tmp_path, old, error):
    """Whichever call fails, the folder is the old one or the new one, and nothing is left over."""
    runs = 0
    for target, raised in outcomes(tmp_path, replace_folder, old, NEW, error):
        runs += 1
        allowed = [old if raised else NEW]
        if isinstance(error, KeyboardInterrupt):
            allowed.append(NEW)  # it may come when all is done
        assert (contents(target) if target.exists() else None) in allowed
        assert [path.name for path in target.parent.iterdir()] in ([], ["target"])
    assert runs > 10


@pytest.mark.parametrize("old", [None, b"old"], ids=["nothing", "old"])
def test_file_whole_or_not_at_all(tmp_path, old):
    """Whichever call fails, the file is the old one or the new one, and nothing is left over."""
    error = OSError(errno.ENOSPC, "No space left on device")
    runs = 0
    for target, raised in outcomes(tmp_path, replace_file, old, b"new", error):
        runs += 1
        if raised and old is None:
            assert not target.exists()
        else:
            assert target.read_bytes() == (old if raised else b"new")
        assert [path.name for path in target.parent.iterdir()] in ([], ["target"])
    assert runs > 4


def test_replaces_as_a_whole(tmp_path):
    """What the old folder held and the new one does not is gone."""
    replace_folder(tmp_path / "target", OLD)
    replace_folder(tmp_path / "target", NEW)
    assert contents(tmp_path / "target") == NEW


def test_folders_above_are_made_and_taken_back(tmp_path, monkeypatch):
    """Folders above are made; if the writing fails, they go again."""
    replace_folder(tmp_path / "a" / "b" / "c", NEW)
    assert contents(tmp_path / "a" / "b" / "c") == NEW

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(FileError, match="No space left"):
        replace_folder(tmp_path / "d" / "e", NEW)
    assert not (tmp_path / "d").exists()


def test_short_writes(tmp_path, monkeypatch):
    """A system that writes only a few bytes at a time still gets everything written."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:7]))
    replace_folder(tmp_path / "target", NEW)
    assert contents(tmp_path / "target") == NEW


def test_link_is_followed(tmp_path):
    """Through a symbolic link, what it points to is replaced and the link stays."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    replace_folder(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "real") == NEW


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_ordinary_modes(tmp_path):
    """The folder has the mode that a folder made by hand would have."""
    (tmp_path / "hand").mkdir()
    replace_folder(tmp_path / "target", NEW)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1
