"""The file of records: whole lines only, one writer, nothing counted twice."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal

import pytest

from benchmarks.records import RecordFile, Run, Session, read_records
from optimiser.errors import FileError, UsageError


def session(name="one"):
    """A session."""
    return Session(id=name, date="2026-11-24T12:00:00+00:00", pid=4711, versions={"numpy": "2"})


def run(key="a", **changed):
    """A run."""
    given = Run(session="one", key=key, suite="s", set="x", instance="x/1", solver="highs", seed=0,
                threads=1, gap=1e-4, limit=60.0, memory_mib=100, status="optimal", time=1.5,
                wall=2.0, solved=True, objective=10**18 + 1, bound=5,
                trace=((0.5, None, 3), (1.0, 10, 4)), reasons=("ä\n",),
                seconds={"read": 0.1})  # fmt: skip
    return dataclasses.replace(given, **changed)


def test_records_come_back_as_they_were(tmp_path):
    """Every field survives, integers of any size exactly, in the order of writing."""
    path = tmp_path / "new" / "records.jsonl"
    with RecordFile(path) as file:
        file.append(session())
        file.append(run("a"))
        file.append(run("b", objective=None, failure="crashed", wrong=("w",)))
    sessions, runs = read_records(path)
    assert sessions == [session()]
    assert runs == [run("a"), run("b", objective=None, failure="crashed", wrong=("w",))]
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_first_of_two_with_a_key_counts(tmp_path):
    """A run that was recorded twice is one run, the first."""
    path = tmp_path / "r"
    with RecordFile(path) as file:
        file.append(run("a", time=1.0))
        file.append(run("a", time=2.0))
        assert file.runs["a"].time == 1.0
    assert [each.time for each in read_records(path)[1]] == [1.0]


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_torn_last_line_is_ignored_and_repaired(tmp_path, cut):
    """What a killed runner left unfinished does not count, and the next record stands alone."""
    path = tmp_path / "r"
    with RecordFile(path) as file:
        file.append(run("a"))
        file.append(run("b"))
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    assert [each.key for each in read_records(path)[1]] == ["a"]
    with RecordFile(path) as file:
        assert list(file.runs) == ["a"]
        file.append(run("b"))
    assert path.read_bytes() == content


def test_second_writer_is_refused_and_the_first_named(tmp_path):
    """While one has the file open, another is told its process, and changes nothing."""
    path = tmp_path / "r"
    with RecordFile(path) as file:
        file.append(session())
        with pytest.raises(UsageError, match=r"another runner \(process 4711\).*--out"):
            RecordFile(path)
        assert read_records(path)[0] == [session()]
    with RecordFile(path):
        pass


def test_what_is_no_record_is_named_with_its_line(tmp_path):
    """A file of something else is neither read nor appended to."""
    path = tmp_path / "r"
    for line in ("hello", '{"kind": "tune"}', '{"kind": "run"}', "[1]", '{"kind": "session"}'):
        path.write_text('{"kind":"session","id":"a","date":"b"}\n' + line + "\n")
        for reads in (read_records, RecordFile):
            with pytest.raises(FileError, match="line 2: this is no record"):
                reads(path)
        assert path.read_text().endswith(line + "\n")


def test_fields_of_later_versions_are_left_out(tmp_path):
    """A field that this version does not know is no fault."""
    path = tmp_path / "r"
    document = {"kind": "run", "colour": "red", **dataclasses.asdict(run())}
    path.write_text(json.dumps(document) + "\n")
    assert read_records(path)[1] == [run()]


def test_files_that_cannot_be_opened_are_named(tmp_path):
    """Neither a missing file nor a folder gives a traceback."""
    with pytest.raises(FileError, match="nowhere"):
        read_records(tmp_path / "nowhere")
    with pytest.raises(FileError, match="cannot be written"):
        RecordFile(tmp_path)


def test_full_disk_leaves_no_torn_line(tmp_path):
    """A record that does not fit is taken back whole; what was there stays, and may go on later."""
    path = tmp_path / "r"
    child = os.fork()
    if not child:
        code = 1
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with RecordFile(path) as file:
            file.append(run("a"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100,) * 2)
            try:
                file.append(run("b"))
            except FileError as error:
                code = 0 if "make room" in str(error) else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert path.read_bytes().endswith(b"\n")
    assert [each.key for each in read_records(path)[1]] == ["a"]
