"""The file of a certificate: what is written is read again, what was changed is named."""

from __future__ import annotations

import gzip

import pytest
from toy_result import toy

from certificate.makers import toy_certificate
from optimiser.certificate.facts import Rejected
from optimiser.certificate.proof import Certificate, Decision, Multipliers, Node, Part, Stage
from optimiser.certificate.storage import Saved, encode
from optimiser.model.compile import compile_problem

CERTIFICATE = Certificate(
    stages=(
        Stage(multipliers=Multipliers(rows=tuple(range(1200)), values=tuple(range(-600, 600)))),
        Stage(
            multipliers=Multipliers(),
            apart=True,
            parts=(
                Part(
                    rows=(3, 4),
                    target=10**30,
                    nodes=(
                        Node(fix=True, decision=Decision(row=-1, first=(1, 2))),
                        Node(change=Multipliers(rows=(3,), values=(-5,))),
                        Node(),
                    ),
                ),
                Part(rows=(), nodes=()),
            ),
        ),
    ),
    cutoff=7,
    nodes=12,
    facts="abc",
    bound=-4,
)


def test_what_is_written_is_read_again():
    """Every field survives, and the same certificate gives the same bytes."""
    assert Saved(encode(CERTIFICATE)).certificate == CERTIFICATE
    assert encode(CERTIFICATE) == encode(CERTIFICATE)


def test_places_have_lines():
    """Head, stages, parts and nodes are found by line: 1,200 multipliers take three."""
    saved = Saved(encode(CERTIFICATE))
    places = [("head",), ("stage", 0), ("stage", 1), ("part", 1, 0), ("node", 1, 0, 2)]
    assert [saved.line_of(place) for place in places] == [1, 2, 6, 7, 10]


def test_every_changed_character_is_named_by_its_line():
    """One character changed anywhere makes its own line the one at fault."""
    text = gzip.decompress(encode(toy_certificate(compile_problem(toy()))))
    for at in range(0, len(text) - 1, 7):
        if text[at] == ord("\n"):
            continue
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        if b"\n" in (changed[at : at + 1], text[at : at + 1]):
            continue
        line = text.count(b"\n", 0, at) + 1
        with pytest.raises(Rejected, match=f"^line {line}: "):
            Saved(gzip.compress(changed))


def test_lines_missing_or_added_are_noticed():
    """A file cut short, one with more than it says, and lines in another order are refused."""
    lines = gzip.decompress(encode(CERTIFICATE)).split(b"\n")
    for changed in (lines[:-3], [*lines[:-1], lines[-2], b""], [lines[1], lines[0], *lines[2:]]):
        with pytest.raises(Rejected, match=r"^line "):
            Saved(gzip.compress(b"\n".join(changed)))


@pytest.mark.parametrize(
    "content", [b"", b"not compressed", gzip.compress(b"", mtime=0), b"\x1f\x8b\x08"]
)
def test_what_is_no_certificate_is_refused(content):
    """Other files are refused without a traceback."""
    with pytest.raises(Rejected):
        Saved(content)


def test_a_file_cut_off_is_refused():
    """So is the first half of a certificate."""
    content = encode(CERTIFICATE)
    with pytest.raises(Rejected):
        Saved(content[: len(content) // 2])
