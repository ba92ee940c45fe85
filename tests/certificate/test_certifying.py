"""Certificates on their way: from a solver into the result, its folder and `verify`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from toy_result import BEST, toy

from optimiser.certificate.storage import FILE, Saved, encode
from optimiser.files.results import write_result
from optimiser.files.verification import verify
from optimiser.solvers import registry
from optimiser.solvers.session import solve


def run(maker, **options):
    """Solve the toy with one of the makers."""
    registry.register(f"fake-{maker}", f"certificate.makers:{maker}")
    return solve(toy(), solver=f"fake-{maker}", **options)


@pytest.fixture(scope="module")
def certified():
    """A result with the certificate worked out by hand."""
    return run("Certifies")


@pytest.fixture
def folder(certified, tmp_path):
    return write_result(certified, tmp_path / "result")


def test_the_verifier_says_what_is_certified(certified):
    """The bound is the verifier's; it counts as a bound too, being better than the one claimed."""
    assert certified.certified_bound_units == BEST
    assert certified.bound_units == BEST
    assert certified.certified_bound == BEST / 100
    assert certified.certificate is not None
    assert certified.certificate.bound == BEST
    assert "certify" in certified.seconds


def test_without_cleaning_the_bound_is_the_same(certified):
    """The certificate is of the problem before cleaning, whichever the solver was given."""
    assert run("Certifies", clean=False).certificate == certified.certificate


@pytest.mark.parametrize(
    ("maker", "text"), [("Overreaches", "which has no lower limit"), ("Babbles", "int64 where")]
)
def test_a_wrong_certificate_is_refused(maker, text):
    """What cannot be accepted is named among the reasons, and the plan is kept."""
    result = run(maker)
    assert result.certified_bound_units is None
    assert result.certificate is None
    assert result.plan is not None
    assert any("the certificate was refused" in why and text in why for why in result.reasons)


def test_verify_reckons_the_certified_bound_anew(folder):
    """Both gaps are told, and everything agrees."""
    report = verify(folder, toy())
    assert report.ok, report.problems
    assert report.certified_units == BEST
    assert report.certified_gap == report.gap > 0
    assert sum("certified bound" in line for line in report.lines()) == 1
    assert report.document()["certified_bound_units"] == BEST


def test_a_result_with_a_certificate_is_replaced(certified, folder):
    """The file is part of the result: another result takes the whole folder's place."""
    write_result(replace(certified, certificate=None, certified_bound_units=None), folder)
    assert not (folder / FILE).exists()
    assert verify(folder, toy()).ok


def tampered(folder, change):
    """What verify says once the certificate is changed and written as if nothing had been."""
    path = folder / FILE
    path.write_bytes(encode(change(Saved(path.read_bytes()).certificate)))
    return verify(folder, toy()).problems


def test_a_bound_claimed_too_high_is_named(folder):
    """A claim that the multipliers do not prove is refused with its line."""
    problems = tampered(folder, lambda c: replace(c, bound=c.bound + 1))
    assert any(f"{FILE}, line 1: it claims a bound of {BEST + 1}" in text for text in problems)


def test_a_multiplier_changed_is_named(folder):
    """A pair's price raised by £1 proves less than is claimed."""

    def change(certificate):
        stage = certificate.stages[0]
        values = (stage.multipliers.values[0] + 100 * 2**20, *stage.multipliers.values[1:])
        changed = replace(stage.multipliers, values=values)
        return replace(certificate, stages=(replace(stage, multipliers=changed),))

    assert any("but proves a bound of" in text for text in tampered(folder, change))


def test_another_instance_is_named(folder):
    """Against a changed instance the digest does not fit."""
    problems = tampered(folder, lambda c: replace(c, facts="0" * 64))
    assert any("speaks of a program with the digest" in text for text in problems)


def test_damage_is_named(folder):
    """A file that is none, and one that is missing, are told as such."""
    (folder / FILE).write_bytes(b"gone")
    assert any("cannot be uncompressed" in text for text in verify(folder, toy()).problems)
    (folder / FILE).unlink()
    assert any("is missing" in text for text in verify(folder, toy()).problems)


def test_result_and_certificate_must_agree(folder):
    """result.json cannot claim another certified bound than the certificate's."""
    path = folder / "result.json"
    content = json.loads(path.read_text())
    content["certified_bound"] = {"units": BEST - 100, "text": "220599.00"}
    path.write_text(json.dumps(content))
    assert any("certified_bound is" in text for text in verify(folder, toy()).problems)
