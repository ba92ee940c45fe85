"""The search: what it keeps is a plan that keeps the rules, and costs what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from brute import World
from random_instances import columns, random_instance, random_rows

from optimiser.model.build import instance_from
from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.model.plan import Plan
from optimiser.solvers.decomposition import board as boards
from optimiser.solvers.decomposition import searching
from optimiser.solvers.decomposition.relaxation import Ascent, Relaxation
from optimiser.solvers.decomposition.searching import Search, likely, pulls
from optimiser.solvers.decomposition.stages import _Backoff
from optimiser.solvers.milp.formulation import Formulation
from optimiser.studies.generate import generate


def drawn(seed):
    """Return a random problem with side rows, cleaned, and brute force's answer."""
    tables, settings = random_instance(seed)
    side = random_rows(seed, tables, settings)
    problem = compile_problem(instance_from(columns(tables), settings), side)
    return clean(problem)[0], World(tables, settings).solve(side)


def made(family, **sizes):
    """Return a cleaned problem of a family."""
    return clean(compile_problem(generate(family, **sizes)))[0]


@pytest.mark.parametrize("area", [7, 1000])
@pytest.mark.parametrize("seed", range(40))
def test_what_a_round_keeps_keeps_every_rule_and_costs_what_it_says(seed, area, monkeypatch):
    """Round by round, in areas and everywhere; only what has moved was looked at there."""
    monkeypatch.setattr(searching, "WIDE", 0)
    monkeypatch.setattr(searching, "AREA", area)
    problem, best = drawn(seed)
    if problem.split or not boards.follows(problem) or not problem.size("band"):
        pytest.skip("not for the search")
    relaxation = Relaxation(Formulation(problem))
    search = Search(problem, pulls(relaxation, relaxation.prices()), seed)
    search.start(search.choices(Plan.of(())))
    known = math.inf
    for heat in (1.0, 0.1, 3.0, 0.3, 1.0):
        search.explore(100, heat)
        assert search.value <= known
        known = search.value
        if known < math.inf:
            assert problem.evaluate(search.plan()) == known
            assert known >= best.objective


def test_a_board_moved_to_a_plan_is_as_one_laid_with_it():
    """Whatever was assigned before: costs, penalties and loads."""
    problem = made("everything", organisations=20, services=4, seed=1)
    rng = np.random.default_rng(0)
    first = np.searchsorted(problem.option_pair, np.arange(problem.pairs))
    count = np.bincount(problem.option_pair, minlength=problem.pairs)
    moved = boards.lay(problem)
    for _ in range(5):
        choice = np.where(count > 0, first + rng.integers(np.maximum(count, 1)), boards.AT_HOME)
        boards.assign(moved, choice)
        laid = boards.lay(problem)
        boards.assign(laid, choice)
        assert moved.total.sum() == pytest.approx(laid.total.sum(), rel=1e-9)
        for name in ("pairs", "bands", "offers", "contracts", "authorities", "covers"):
            for field in getattr(laid, name).dtype.names:
                ours, theirs = getattr(moved, name)[field], getattr(laid, name)[field]
                np.testing.assert_allclose(ours, theirs, rtol=1e-9, err_msg=f"{name} {field}")


def test_rules_loosened_and_tightened_cost_what_they_did():
    """The penalties of a board come back, with what its plan breaks now."""
    problem = made("everything", organisations=20, services=4, seed=1)
    empty = boards.lay(problem)
    board = boards.copy(empty)
    before = board.total.copy()
    boards.loosen(board, np.full(len(board.rows), 3.0))
    boards.tighten(board, empty)
    assert np.array_equal(board.rows, empty.rows)
    assert np.array_equal(board.total, before)


def test_a_venture_begins_with_the_cheaper_of_both_starts():
    """Careful or bold, by what the plan costs after a descent."""
    problem = made("regional", organisations=40, services=3, seed=2)
    relaxation = Relaxation(Formulation(problem))
    ascent = Ascent(relaxation, relaxation.prices())
    ascent.run(200, ascent.aim(math.inf))
    x, home = (ascent.average[relaxation.columns.block(block)] for block in "xh")
    found = []
    for least in (0.5, searching.BOLD):
        one = Search(problem, pulls(relaxation, ascent.multipliers), 0)
        one.start(likely(problem, x, home, least))
        found.append(one.value)
    search = Search(problem, pulls(relaxation, ascent.multipliers), 0)
    assert search.venture(ascent)
    assert search.value == min(found) < math.inf
    assert problem.evaluate(search.plan()) == search.value


def test_bold_choices_are_of_the_largest_share():
    """Over the share asked for; pairs without such an option stay open."""
    problem = made("regional", organisations=10, services=2, seed=0)
    share = np.random.default_rng(0).uniform(0, 0.4, problem.options)
    band = np.unique(problem.banded_option, return_index=True)[1]
    x = np.zeros(problem.size("banded"))
    x[band] = share
    choice = likely(problem, x, np.zeros(int(problem.home.sum())), 0.1)
    for q in range(problem.pairs):
        mine = np.flatnonzero(problem.option_pair == q)
        top = mine[np.argmax(share[mine])] if len(mine) else -1
        wanted = top if len(mine) and share[top] > 0.1 else boards.NOBODY
        assert choice[q] == wanted


def test_what_is_in_vain_is_done_more_seldom_and_at_once_again_where_it_pays():
    """Turns from one time to the next double up to the most."""
    backoff = _Backoff(8)
    times = []
    for turn in range(40):
        if backoff.due():
            times.append(turn)
            backoff.tell(paid=turn > 30)
    assert times == [0, 2, 6, 14, 22, 30, 38, 39]
