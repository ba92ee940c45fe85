"""Why there is no plan: relaxations and conflicts of planted faults, and against brute force."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from studies.every_plan import feasible, seeds, tiny
from studies.planted import planted

from optimiser.errors import UsageError
from optimiser.model.check import check
from optimiser.studies.impossibility import explain_infeasible, relaxed
from optimiser.studies.named_rules import lift

SEEDS = [*range(30), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(30, 200))]


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_faults_are_found_and_named(seed):
    """Infeasibility is seen, a checked relaxation and an irreducible conflict name the cause."""
    import optimiser as opt

    instance, causes = planted(seed)
    found = explain_infeasible(instance, time_limit=60)
    assert not found.feasible
    assert found.relaxations
    assert found.checked
    assert found.agree
    named = {r.rule.kind for r in found.relaxations} | {rule.kind for rule in found.conflict}
    assert any(named & cause for cause in causes), (named, causes)
    assert found.conflict
    assert found.irreducible
    better = relaxed(instance, found.relaxations)
    assert opt.solve(better, solver="highs", gap=0.5).plan is not None


@pytest.mark.parametrize("seed", range(8))
def test_conflict_is_one_and_each_rule_of_it_is_needed(seed):
    """The conflict alone leaves no plan; without any one of its rules there is one."""
    import math

    from optimiser.studies.impossibility import _Elastic, _prices

    instance, _ = planted(seed)
    found = explain_infeasible(instance)
    lifted = lift(instance)
    elastic = _Elastic(lifted, _prices(lifted.rules, {}, ()), math.inf)
    elastic._sure = True  # noqa: SLF001
    by_name = {rule.name: rule for rule in lifted.rules}
    conflict = [by_name[rule.name] for rule in found.conflict]
    assert elastic._contradict(conflict)  # noqa: SLF001
    for rule in conflict:
        rest = [other for other in conflict if other is not rule]
        assert not elastic._contradict(rest)  # noqa: SLF001


@pytest.mark.parametrize("seed", seeds(6, 150))
def test_fewest_is_the_fewest_of_all_plans(seed):
    """Of all plans of a tiny instance none breaks fewer rules than the one found."""
    import math

    from optimiser.studies.impossibility import _Elastic, _prices

    instance = tiny(seed)
    if feasible(instance):
        pytest.skip("it has a plan")
    lifted = lift(instance)
    elastic = _Elastic(lifted, _prices(lifted.rules, {}, ()), math.inf)
    plan, proved = elastic.fewest()
    problem = lifted.problem
    choices = []
    for pair in range(problem.pairs):
        own = [int(problem.provider_row[problem.option_provider[k]])
               for k in range(problem.options) if problem.option_pair[k] == pair]  # fmt: skip
        choices.append(own + ([-2] if problem.home[pair] else []))
    if not all(choices):
        assert plan is None
        return
    from optimiser.model.plan import Plan

    counts = []
    volume = problem.pair_volume.tolist()
    for chosen in itertools.islice(itertools.product(*choices), 5000):
        each = Plan.of((q, by, volume[q]) for q, by in enumerate(chosen))
        counts.append(len(elastic.relaxations(each)))
    assert proved
    assert len(elastic.relaxations(plan)) == min(counts)


def test_weights_and_forbidden_rules_are_heeded():
    """A rule that must not be touched is not; a heavy one is avoided where another will do."""
    instance, _ = planted(3)
    first = explain_infeasible(instance)
    kinds = {r.rule.kind for r in first.relaxations}
    other = explain_infeasible(instance, never=sorted(kinds))
    assert not {r.rule.kind for r in other.relaxations} & kinds
    heavy = explain_infeasible(instance, weights={kind: Fraction(50) for kind in kinds})
    if other.relaxations and len(other.relaxations) < 50:
        assert not {r.rule.kind for r in heavy.relaxations} & kinds


def test_feasible_instance_has_nothing_to_explain():
    """Where there is a plan, it is said."""
    import optimiser as opt

    found = explain_infeasible(opt.read("instances/toy"))
    assert found.feasible
    assert not found.relaxations


def test_unknown_rule_is_refused():
    """A rule that is not there is named, with the kinds that are."""
    import optimiser as opt

    with pytest.raises(UsageError, match="no rule"):
        explain_infeasible(opt.read("instances/toy"), never=["offers.capacities"])


def test_relaxed_instance_keeps_the_plan():
    """The cells as changed let the checker accept the very plan that was found."""
    instance, _ = planted(1)
    found = explain_infeasible(instance)
    better = relaxed(instance, found.relaxations)
    assert better is not None
    assert check(better, check(better, _any_plan(better)).plan).feasible


def _any_plan(instance):
    import optimiser as opt

    return opt.solve(instance, solver="highs", gap=1.0).plan
