"""The one-screen answer: it fits, it says what it must, and no name can break it."""

from __future__ import annotations

import io
import shutil

import pytest
from rich.cells import cell_len
from rich.console import Console
from toy_result import BEST, TOY, best_plan, result, toy, without_plan

import optimiser as opt
from optimiser.model.check import check, todays_plan
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.report.text import answer


def text(lines) -> str:
    """The lines as they would be printed."""
    return "\n".join(line.plain for line in lines)


def nearest_plan(instance, every=2):
    """A plan that sends every second pair to the first provider that offers its service."""
    demand, offers = instance["demand"], instance["offers"]
    first = {}
    for provider, service in zip(
        offers["provider"].tolist(), offers["service"].tolist(), strict=True
    ):
        first.setdefault(service, []).append(provider)
    deliveries = []
    for pair, service in enumerate(demand["service"].tolist()):
        choice = first.get(service, [BY_ITSELF])
        by = choice[pair % len(choice)] if pair % every == 0 else BY_ITSELF
        deliveries.append((pair, by, int(demand["volume"][pair])))
    return Plan.of(deliveries)


def result_of(instance, plan=None, **changes):
    """A result whose plan may break rules: the answer must not care."""
    plan = nearest_plan(instance) if plan is None else plan
    account = check(instance, plan)
    return result(
        instance,
        plan=plan,
        account=account,
        rows=(),
        **{"bound_units": account.objective - 12345, **changes},
    )


def test_toy():
    """The answer for the toy says what a planner asks, with figures from its README."""
    words = text(answer(result(bound_units=BEST)))
    for piece in (
        "Toy: three councils",
        "Best plan, proved: £220,600.00 a year.",
        "Providers' tariffs                            £156,000",
        "pairs, of 6                        1  17 %           3  50 %           2  33 %",
        "IT support, users                 60  17 %           0   0 %         300  83 %",
        "Providers open: 2 of 2",
        "290 h, 5 contracts, £11,600",
        "today's arrangement: not known",
        "all in-house              £251,200  this plan saves £30,600 (12.2 %)",
        "No plan can cost less than £220,600.00: this one is a best plan.",
    ):
        assert piece in words, words


@pytest.mark.parametrize("width", [72, 80, 100])
@pytest.mark.parametrize("height", [24, 40])
@pytest.mark.parametrize("family", ["regional", "oversight", "schools", "everything"])
def test_fits(family, width, height):
    """Whatever the instance, the answer fits the screen (down to 30 lines) and its width."""
    lines = answer(result_of(opt.generate(family)), width=width, height=height)
    assert len(lines) <= max(height - 2, 32)
    assert max(cell_len(line.plain) for line in lines) <= width


def test_lists_say_how_many_more():
    """A list that is cut says how many more there are, and where."""
    words = text(answer(result_of(opt.generate("everything"))))
    assert "open providers more, in providers.csv" in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "optimal", "bound_units": BEST}, "Best plan, proved: £220,600.00"),
        ({"status": "optimal"}, "Best plan within the gap asked for (0.01 %): £220,600.00"),
        ({"status": "feasible"}, "Stopped at a limit with a plan that keeps every rule"),
        ({"status": "feasible", "interrupted": True}, "Interrupted with a plan that keeps every"),
        (
            {"bound_units": BEST - 1000},
            "No plan can cost less than £220,590.00: this one is at most £10.00 (0.0045 %)",
        ),
        ({"bound_units": None}, "by hand gives no bound, so a better plan may exist"),
        ({"certified_bound_units": BEST - 2000}, "A certificate alone proves £220,580.00"),
        ({"certified_bound_units": BEST - 1000}, "has a certificate that anyone can verify"),
    ],
)
def test_status_and_bound(changes, words):
    """Status and bound are told in plain words."""
    plain = " ".join(text(answer(result(**changes))).replace("\xa0", " ").split())
    assert words in plain


def test_infeasible():
    """Without any possible plan the answer gives the reasons, and what to do next."""
    words = text(
        answer(
            without_plan(
                "infeasible",
                solver="counting",
                reasons=("Payroll for Alder: nobody is within reach.",),
            )
        )
    )
    for piece in (
        "There is no plan that keeps every rule.",
        "Payroll for Alder: nobody",
        "Proved by counting, before any solver ran.",
        "What to do next",
    ):
        assert piece in words


def test_unknown():
    """Without a plan in time the answer does not say that there is none, and gives the bound."""
    words = text(answer(without_plan("unknown", bound_units=100)))
    assert "That does not say that there is none." in words
    assert "No plan can cost less than £1.00" in words
    assert "--time-limit" in words


def test_error():
    """A failed solver is named, and what else to try."""
    words = text(answer(without_plan("error", reasons=("by hand crashed",))))
    assert "The solver failed" in words
    assert "by hand crashed" in words
    assert "optimiser solvers" in words


def test_many_reasons():
    """A hundred reasons do not fill the screen."""
    lines = answer(without_plan("infeasible", reasons=tuple(f"reason {n}" for n in range(100))))
    assert len(lines) <= 42
    assert "more, in result.json" in text(lines)


def test_today(tmp_path):
    """Where today's arrangement is known, the plan is compared with it, broken rules and all."""
    shutil.copytree(TOY, tmp_path / "toy")
    demand = tmp_path / "toy" / "demand.csv"
    head, *rows = demand.read_text().splitlines()
    rows = [f"{row},{'hub' if 'payroll' in row else 'in-house'}" for row in rows]
    demand.write_text("\n".join([f"{head},incumbent", *rows]) + "\n")
    offers = tmp_path / "toy" / "offers.csv"
    offers.write_text(
        "provider,service,capacity\nhub,payroll,500\nhub,it,\nvalley,payroll,\nvalley,it,\n"
    )
    instance = opt.read(tmp_path / "toy")
    assert todays_plan(instance) is not None
    words = text(answer(result_of(instance, best_plan(instance))))
    assert "today's arrangement" in words
    assert "Today's arrangement breaks 1 rule" in words


def test_worse_than_today():
    """A plan that costs more than all in-house says so."""
    instance = toy()
    plan = Plan.of((q, 1, int(v)) for q, v in enumerate(instance["demand"]["volume"]))
    words = text(answer(result_of(instance, plan)))
    assert ("costs" in words) or ("saves" in words)


HOSTILE = "[bold red]x[/] \x1b[2J\x1b]0;owned\x07 \u202eevil :smile: " + "é" * 200


def test_hostile_names(tmp_path):
    """Markup, escape sequences and endless names stay names, and break no line."""
    shutil.copytree(TOY, tmp_path / "toy")
    for name, old in (
        ("organisations.csv", "Alder District Council"),
        ("providers.csv", "The Hub"),
        ("services.csv", "Payroll"),
    ):
        path = tmp_path / "toy" / name
        path.write_text(path.read_text().replace(old, f"[bold red]x[/] :smile: {'é' * 200}"))
    instance = opt.read(tmp_path / "toy")
    for table, row in (("organisations", 0), ("providers", 0), ("services", 0)):
        names = instance[table]["name"]
        names.flags.writeable = True
        names[row] = HOSTILE
    lines = answer(result_of(instance, best_plan(instance), solver=HOSTILE[:40]))
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=True,
        width=80,
        markup=False,
        emoji=False,
        highlight=False,
        color_system=None,
    )
    for line in lines:
        console.print(line)
    printed = out.getvalue()
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "[bold red]x" in printed
    assert ":smile:" in printed
    assert max(cell_len(line) for line in printed.splitlines()) <= 80


def test_plain():
    """Where only ASCII may be drawn, nothing else is, for names that are ASCII."""
    assert text(answer(result(), plain=True)).isascii()


def test_weights(tmp_path):
    """Where the objective is weighted, the bound says so."""
    shutil.copytree(TOY, tmp_path / "toy")
    path = tmp_path / "toy" / "instance.toml"
    path.write_text(path.read_text() + "\n[objective]\noversight_hours = 2\n")
    instance = opt.read(tmp_path / "toy")
    words = " ".join(text(answer(result_of(instance, best_plan(instance)))).split())
    assert "(weighted)" in words
    assert "The plan's weighted cost is £232,200.00." in words
