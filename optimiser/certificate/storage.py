"""Certificates as bytes: JSON, a record a line, each with a checksum of all so far; compressed."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from optimiser.certificate.facts import Rejected
from optimiser.certificate.proof import (
    Certificate,
    Decision,
    Multipliers,
    Node,
    Part,
    Stage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Name of the file in a result's folder, what its first line says, and the version of its layout.
FILE: Final = "certificate.jsonl.gz"
FORMAT: Final = "optimiser-certificate"
VERSION: Final = 1
#: Multipliers in a line.
_CHUNK: Final = 500
#: Binary digits that no number in a certificate needs.
_LARGE: Final = 200


def encode(certificate: Certificate) -> bytes:
    """Return the content of the file."""
    target = io.BytesIO()
    check = 0
    # Neither a name nor a date: the same certificate gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=6, mtime=0) as file:
        for record in _records(certificate):
            text = json.dumps(record, separators=(",", ":")).encode()
            check = zlib.crc32(text, check)
            file.write(b"%08x " % check + text + b"\n")
    return target.getvalue()


def _records(certificate: Certificate) -> Iterator[dict[str, Any]]:
    yield {
        "format": FORMAT,
        "version": VERSION,
        "facts": certificate.facts,
        "bound": certificate.bound,
        "cutoff": certificate.cutoff,
        "nodes": certificate.nodes,
        "digits": certificate.digits,
        "stages": len(certificate.stages),
    }
    for stage in certificate.stages:
        rows, values = stage.multipliers.rows, stage.multipliers.values
        yield {"apart": stage.apart, "multipliers": len(rows), "parts": len(stage.parts)}
        for at in range(0, len(rows), _CHUNK):
            yield {"rows": rows[at : at + _CHUNK], "values": values[at : at + _CHUNK]}
        for part in stage.parts:
            yield {"target": part.target, "rows": part.rows, "nodes": len(part.nodes)}
            yield from map(_node_record, part.nodes)


def _node_record(node: Node) -> dict[str, Any]:
    decision = node.decision
    record: dict[str, Any] = {"rows": node.change.rows, "values": node.change.values}
    record["fix"] = node.fix
    if decision is not None:
        record |= {"row": decision.row, "first": decision.first, "second": decision.second}
    return record


class Saved:
    """A certificate as it was read, and the line of each of its records.

    Parameters
    ----------
    content
        Content of the file.

    Attributes
    ----------
    certificate
        What it says; nothing in it is believed but its layout.

    Raises
    ------
    Rejected
        If it is damaged; the text names the line.
    """

    def __init__(self, content: bytes) -> None:
        self._line = 0
        self._lines: dict[tuple[str | int, ...], int] = {}
        self._texts = _uncompressed(content).split(b"\n")
        self._check = 0
        try:
            self.certificate = self._certificate()
        except Rejected as error:
            raise Rejected(f"line {max(self._line, 1)}: {error}") from None
        del self._texts

    def line_of(self, place: tuple[str | int, ...]) -> int:
        """Return the line, from 1, of what `Rejected.place` names."""
        return self._lines.get(place, 1)

    def _certificate(self) -> Certificate:
        head = self._next(
            {"format", "version", "facts", "bound", "cutoff", "nodes", "digits", "stages"},
            ("head",),
        )
        if head["format"] != FORMAT:
            raise Rejected("this is no certificate of optimiser")
        if head["version"] != VERSION:
            raise Rejected(
                f"version {head['version']!r}; this program reads version {VERSION}. Solve again "
                "with this program"
            )
        if not isinstance(head["facts"], str):
            raise Rejected("the digest is no text")
        stages = self._count(head, "stages")
        certificate = Certificate(
            stages=tuple(self._stage(number) for number in range(stages)),
            cutoff=self._whole(head, "cutoff", optional=True),
            nodes=self._count(head, "nodes"),
            digits=self._count(head, "digits"),
            facts=head["facts"],
            bound=self._whole(head, "bound", optional=True),
        )
        self._line += 1
        if self._texts[self._line - 1 :] != [b""]:
            raise Rejected("there is more than the head says")
        return certificate

    def _stage(self, number: int) -> Stage:
        record = self._next({"apart", "multipliers", "parts"}, ("stage", number))
        count, parts = self._count(record, "multipliers"), self._count(record, "parts")
        apart = self._flag(record, "apart")
        rows: list[int] = []
        values: list[int] = []
        while len(rows) < count:
            chunk = self._next({"rows", "values"})
            more = self._list(chunk, "rows")
            if not more:
                raise Rejected("a line without multipliers")
            rows += more
            values += self._list(chunk, "values")
        if len(rows) != count or len(values) != count:
            raise Rejected(f"{len(rows)} rows and {len(values)} multipliers, not {count}")
        return Stage(
            multipliers=Multipliers(rows=tuple(rows), values=tuple(values)),
            apart=apart,
            parts=tuple(self._part(number, part) for part in range(parts)),
        )

    def _part(self, stage: int, number: int) -> Part:
        record = self._next({"target", "rows", "nodes"}, ("part", stage, number))
        count = self._count(record, "nodes")
        return Part(
            rows=tuple(self._list(record, "rows")),
            target=self._whole(record, "target", optional=True),
            nodes=tuple(self._node(("node", stage, number, at)) for at in range(count)),
        )

    def _node(self, place: tuple[str | int, ...]) -> Node:
        record = self._next({"rows", "values", "fix"}, place, {"row", "first", "second"})
        rows, values = self._list(record, "rows"), self._list(record, "values")
        decision = None
        if "row" in record:
            row = self._whole(record, "row")
            assert row is not None
            decision = Decision(
                row=row,
                first=tuple(self._list(record, "first")),
                second=tuple(self._list(record, "second")),
            )
        change = Multipliers(rows=tuple(rows), values=tuple(values))
        return Node(change=change, fix=self._flag(record, "fix"), decision=decision)

    # --- fields ----------------------------------------------------------------------------

    def _next(
        self,
        keys: set[str],
        place: tuple[str | int, ...] = (),
        more: set[str] | None = None,
    ) -> dict[str, Any]:
        """Return the record of the next line; it has these keys, and perhaps all of `more`."""
        self._line += 1
        if self._line > len(self._texts) or not self._texts[self._line - 1]:
            raise Rejected("the file ends too early")
        check, _, text = self._texts[self._line - 1].partition(b" ")
        self._check = zlib.crc32(text, self._check)
        if check != b"%08x" % self._check:
            raise Rejected("its checksum is wrong: this line, or one before it, was changed")
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Rejected(f"it is no valid JSON: {error}") from None
        if not isinstance(record, dict) or (
            set(record) != keys and (more is None or set(record) != keys | more)
        ):
            raise Rejected(f"it should have {', '.join(sorted(keys))}")
        if place:
            self._lines[place] = self._line
        return record

    def _whole(self, record: dict[str, Any], key: str, *, optional: bool = False) -> int | None:
        value = record[key]
        if value is None and optional:
            return None
        if not _is_whole(value):
            raise Rejected(f"{key!r} is {value!r}, which is no whole number of fair size")
        return int(value)

    def _count(self, record: dict[str, Any], key: str) -> int:
        value = self._whole(record, key)
        if value is None or value < 0:
            raise Rejected(f"{key!r} is {value}, and less than 0")
        return value

    def _flag(self, record: dict[str, Any], key: str) -> bool:
        if not isinstance(record[key], bool):
            raise Rejected(f"{key!r} is {record[key]!r}, neither true nor false")
        return bool(record[key])

    def _list(self, record: dict[str, Any], key: str) -> list[int]:
        values = record[key]
        if not isinstance(values, list) or not all(map(_is_whole, values)):
            raise Rejected(f"{key!r} is no list of whole numbers of fair size")
        return values


def _is_whole(value: Any) -> bool:
    return type(value) is int and value.bit_length() <= _LARGE


def _uncompressed(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise Rejected(f"it cannot be uncompressed: {error}") from None
