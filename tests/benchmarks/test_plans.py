"""Plans kept small: what is written is read back, and damage is named."""

from __future__ import annotations

import gzip

import pytest

from benchmarks.permute import permute
from benchmarks.plans import decode, encode, of_text, to_text
from optimiser.errors import FileError
from optimiser.files.instances import read
from optimiser.files.shipped import shipped
from optimiser.model.check import in_house_account
from optimiser.model.plan import Plan


@pytest.fixture(scope="module")
def instance():
    """The toy."""
    return read(shipped()["toy"])


@pytest.fixture(scope="module")
def plan(instance):
    """Everything in-house, but that one pair is shared by two."""
    home = in_house_account(instance).plan
    rows = list(zip(home.pair.tolist(), home.deliverer.tolist(), home.volume.tolist(), strict=True))
    pair, by, volume = rows[0]
    return Plan.of([(pair, by, volume - 1), (pair, 0, 1), *rows[1:]])


def test_plan_is_read_back(instance, plan):
    """Whole pairs and shared ones come back as they were, as bytes and as text."""
    assert decode(encode(plan, instance), instance) == plan
    assert of_text(to_text(plan, instance), instance) == plan


def test_only_what_is_not_whole_has_a_volume(instance, plan):
    """A pair given whole to one needs no volume; the two that share one have theirs."""
    lines = gzip.decompress(encode(plan, instance)).decode().splitlines()
    assert lines[0] == "organisation,service,deliverer,volume"
    assert sum(not line.endswith(",") for line in lines[1:]) == 2


def test_order_of_the_tables_does_not_matter(instance, plan):
    """A permuted instance's plan is written as the instance's own, so it is read back for it."""
    moved = permute(instance, 7)
    assert encode(decode(encode(plan, instance), moved), moved) == encode(plan, instance)


def packed(content: bytes) -> bytes:
    """Compress so that the test's name is the same in every process."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "columns are"),
        (b"\x00", "no compressed CSV"),
        (packed(b"a,b\n1,2\n"), "columns are"),
        (packed(b"organisation,service,deliverer,volume\n"), "columns are"),
        (packed(b"organisation,service,deliverer,volume\nx,y,z,\n"), "does not need"),
        (packed(b"organisation,service,deliverer,volume\nx,y\n"), "columns are"),
        (packed(b"organisation,service,deliverer,volume\nx,y,z,1,2\n"), "columns are"),
        (packed(b"\xff\xfe"), "no compressed CSV"),
        (packed(b"organisation")[:-4], "no compressed CSV"),
    ],
)
def test_damage_is_named(instance, content, what):
    """What is no plan of this instance is refused with a sentence."""
    with pytest.raises(FileError, match=what):
        decode(content, instance)


def test_damaged_text_is_named(instance):
    """A record that somebody edited is refused, too."""
    with pytest.raises(FileError, match="damaged"):
        of_text("§", instance)
