"""Figures for notebooks, and what a page is made of, without a browser."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from small_tables import small_tables as tables
from toy_result import best_plan, result, toy

import optimiser
from optimiser.errors import UsageError
from optimiser.files.studies import Record
from optimiser.model.build import instance_from
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.schema import COST_PARTS
from optimiser.report.grids import moves_sheet, one_offs_sheet
from optimiser.report.maps import places
from optimiser.report.plans import LONGEST, PlanView, short_names
from optimiser.report.plots import StudyPlots
from optimiser.solvers.frames import Sheet

if TYPE_CHECKING:
    from optimiser.model.instance import Instance


def test_every_figure():
    """Every figure of a result is one, with something in it."""
    plot = result().plot
    for figure in (plot.map(), plot.map("payroll"), plot.costs(), plot.providers(),
                   plot.scale_curve(), plot.scale_curve("hub", "payroll"), plot.oversight(),
                   plot.matrix()):  # fmt: skip
        assert figure.data


def test_scale_curve_holds_the_plan():
    """The curve passes through the plan's point, which is what the offer costs by the checker."""
    figure = result().plot.scale_curve("hub", "payroll")
    curve, point = figure.data
    (x,), (y,) = point.x, point.y
    account = next(each for each in result().account.offers if each.volume == x * 1000)
    assert y == pytest.approx((account.fixed_cost + account.unit_cost) / 100 / x)
    assert curve.y[curve.x.index(x)] == pytest.approx(y, rel=1e-4)


def test_costs_add_up():
    """What each mode pays comes to the checker's figure, part by part."""
    view = PlanView.of(result())
    parts = view.parts_by_mode()
    assert set(parts) == set(COST_PARTS)
    assert {p: sum(by.values()) for p, by in parts.items()} == view.account.parts


def test_refusals():
    """A figure that there is nothing for says so."""
    with pytest.raises(UsageError, match="no plan to draw"):
        _ = result(plan=None, account=None, status="infeasible").plot
    plot = result().plot
    with pytest.raises(UsageError, match="Did you mean 'payroll'"):
        plot.map("payrol")
    with pytest.raises(UsageError, match="no provider"):
        plot.scale_curve("nobody", "payroll")
    with pytest.raises(UsageError, match="both keys"):
        plot.scale_curve("hub")
    with pytest.raises(UsageError, match="nobody moves"):
        plot.moves()


def _small() -> tuple[Instance, PlanView]:
    instance = instance_from(tables())
    demand = instance["demand"]
    who = [0, 0, 0, BY_ITSELF]  # all from the Hub but Cedar, which leaves the co-operative
    plan = Plan.of((row, who[row], int(demand["volume"][row])) for row in range(4))
    return instance, PlanView(instance, check(instance, plan))


def test_moves():
    """Who moves is every delivery not by its incumbent, with what is paid for it once."""
    _, view = _small()
    rows = {row[:2]: row[2:] for row in moves_sheet(view).rows}
    assert set(rows) == {("Ash", "HR"), ("Ash", "Payroll"), ("Cedar", "HR")}
    assert rows["Ash", "HR"] == ("in-house", "Hub", 100500, 100000)
    assert rows["Ash", "Payroll"][:2] == ("", "Hub")
    assert rows["Cedar", "HR"][:2] == ("Coop", "in-house")
    paid = sum(row[-1] for row in moves_sheet(view).rows)
    paid += sum(row[-1] for row in one_offs_sheet(view).rows)
    assert paid == sum(view.account.one_off.values(), Fraction(0))


def test_places_of_degrees():
    """Degrees become kilometres of one scale: a degree of latitude is 111.2 km, also over 180°."""
    given = tables()
    for table in ("organisations", "providers"):
        for name in ("x_km", "y_km"):
            given[table].pop(name, None)
    given["organisations"] |= {"latitude": ["10", "11", ""], "longitude": ["179.5", "-179.5", ""]}
    found = places(instance_from(given))
    east, north = found["organisations"]
    assert north[1] - north[0] == pytest.approx(111.195, abs=0.01)
    assert east[1] - east[0] == pytest.approx(111.195 * 0.983, abs=0.1)
    assert east[2] != east[2]  # not a number: no place


def test_short_names():
    """Names are cut and stay apart."""
    long = "x" * 100
    found = short_names([long + "a", long + "b", "c", "c", ""], ["k1", "k2", "k3", "k3", "k5"])
    assert len(set(found)) == 5
    assert all(len(name) <= 2 * LONGEST for name in found)
    assert found[4] == "k5"


def test_study_in_a_notebook():
    """A study's figures come with their titles escaped, and plotly's script once in a process."""
    sheet = Sheet(
        kinds={"point": "text", "value": "quantity", "cost": "money", "bound": "money",
               "step_price": "quantity", "knee": "flag"},
        rows=[("a", Fraction(1), 100, 90, None, False), ("b", Fraction(2), 200, 190, None, True),
              ("c", Fraction(3), 900, 890, None, False)],
        decimals={"money": 2, "volume": 3},
    )  # fmt: skip
    record = Record(kind="frontier", instance=toy(), options={"measure": "<i>hours</i>"},
                    tables={"points": sheet})  # fmt: skip
    plots = StudyPlots(record)
    (figure,) = plots.figures().values()
    assert [trace.name for trace in figure.data][-1] == "knee"
    first, second = plots.html(), plots.html()
    assert "<i>hours" not in first
    assert len(second) < 50_000
    assert 'src="http' not in first + second


def test_result_in_a_notebook():
    """A result shows its table and the report's figures; without a plan the table alone."""
    shown = result()._repr_html_()
    assert "<th>cost</th>" in shown
    for title in result().plot.figures():
        assert f"<b>{title}</b>" in shown
    assert 'src="http' not in shown
    assert "plotly" not in result(plan=None, account=None, status="unknown")._repr_html_()


def test_comparison():
    """Two plans: pairs, costs and providers that differ, exactly; the same plan differs nowhere."""
    best, instance = result(), toy()
    plan = best_plan(instance)
    home = Plan.from_arrays(plan.pair, plan.deliverer * 0 + BY_ITSELF, plan.volume)
    other = result(plan=home, account=check(instance, home))
    found = optimiser.compare([best, other], ["best", "home"])
    assert len(found.differing) == 5
    tables = found.record().tables
    rows = {row[0]: row for row in tables["costs"].rows}
    total = sum(row[-1] for row in rows.values())
    assert total == other.account.cost - best.account.cost
    opened = {row[0]: row[4:6] for row in tables["providers"].rows}
    assert opened == {"hub": ("open", "not open"), "valley": ("open", "not open")}
    assert "30,600 GBP a year more" in found.headline()[0]
    assert not optimiser.compare([best, best]).differing


def test_comparison_refuses():
    """What cannot be compared is refused in words."""
    best = result()
    with pytest.raises(UsageError, match="two results"):
        optimiser.compare([best])
    with pytest.raises(UsageError, match="no plan"):
        optimiser.compare([best, result(plan=None, account=None, status="unknown")])
    instance, view = _small()
    stranger = result(instance, plan=view.account.plan, account=view.account)
    with pytest.raises(UsageError, match="in common"):
        optimiser.compare([best, stranger])
