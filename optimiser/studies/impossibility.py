"""Why no plan exists: the least that would have to change, and rules that contradict each other.

Every rule that can be named is lifted from the instance and put back as rows with slack (an elastic
programme: Chinneck & Dravnieks 1991, section 3). The fewest rules touched, weighted, are sought
first, then the least change relative to what the cells say. What is found is proved by the checker:
with the cells so changed, the plan keeps every rule. The conflict is found by QuickXplain (Junker
2004): a set of rules that cannot hold together, each part of which can.
"""

from __future__ import annotations

import fnmatch
import math
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import UsageError
from optimiser.files.studies import Record
from optimiser.model.build import instance_from
from optimiser.model.bundles import Bundle, Common, Entries, Ties, parted
from optimiser.model.check import check
from optimiser.model.faults import did_you_mean
from optimiser.model.impossible import reasons
from optimiser.model.plan import BY_ITSELF
from optimiser.model.schema import TABLES
from optimiser.model.settings import settings_texts
from optimiser.solvers.base import Options
from optimiser.solvers.milp.highs import Highs
from optimiser.studies.named_rules import Lifted, Rule, RuleRow, cell_text, lift
from optimiser.studies.sweeps import sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.model.problem import Problem
    from optimiser.solvers.base import Outcome
    from optimiser.studies.pool import Tell

#: Gap at which elastic programmes stop: their optimum is a small whole number.
_GAP: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """One rule to be relaxed.

    Parameters
    ----------
    rule
        Which.
    needed
        What its cell would have to say, in last places; None where the rule is lifted.
    """

    rule: Rule
    needed: int | None

    @property
    def change(self) -> Fraction | None:
        """How much the cell moves, relative to what it says; None where the rule is lifted."""
        if self.needed is None or self.rule.value is None:
            return None
        return abs(self.needed - self.rule.value) / self.rule.base

    @property
    def words(self) -> str:
        """What to change, in the planner's words."""
        rule = self.rule
        if self.needed is None or rule.value is None:
            verb = "price it in" if rule.column == "in_house_cost" else "lift"
            return f"{verb} {rule.table or 'instance.toml'}: {rule.words}"
        where = f"{rule.table}.csv" if rule.table else "instance.toml"
        verb = "raise" if rule.sign > 0 else "lower"
        return (
            f"{verb} {rule.words} from {cell_text(rule, rule.value)} to "
            f"{cell_text(rule, self.needed)} ({where}, {rule.column})"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Impossibility:
    """Why an instance has no plan.

    Parameters
    ----------
    instance
        What was studied.
    feasible
        Whether a plan was found after all: then there is nothing to explain.
    relaxations
        Fewest rules that, changed so, let a plan keep all others; () if none was found.
    fewest
        Whether it is proved that no fewer (weighted) suffice.
    least
        Whether it is proved that no smaller changes of as many rules suffice.
    checked
        Whether the checker accepts a plan with these changes.
    conflict
        Rules that contradict each other; each is needed for that.
    irreducible
        Whether that was shown for each of them.
    counting
        Reasons that counting alone gives.
    rules
        Number of rules that could be named.
    why
        What else there is to say, such as why nothing was found.
    """

    instance: Instance
    feasible: bool = False
    relaxations: tuple[Relaxation, ...] = ()
    fewest: bool = False
    least: bool = False
    checked: bool = False
    conflict: tuple[Rule, ...] = ()
    irreducible: bool = False
    counting: tuple[str, ...] = ()
    rules: int = 0
    why: str = ""
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        """Whether the relaxation touches the conflict, as it must."""
        touched = {each.rule.name for each in self.relaxations}
        return not self.conflict or any(rule.name in touched for rule in self.conflict)

    def record(self) -> Record:
        """Return what is to be kept of it."""
        return Record(
            kind="explain",
            instance=self.instance,
            headline=self._headline(),
            facts={"feasible": self.feasible, "fewest": self.fewest, "least": self.least,
                   "checked": self.checked, "irreducible": self.irreducible, "agree": self.agree,
                   "rules": self.rules, "counting": list(self.counting),
                   "interrupted": self.interrupted},
            tables={"relaxations": self._relaxations(), "conflict": self._conflict()},
            seconds=self.seconds,
        )  # fmt: skip

    def _headline(self) -> list[str]:
        if self.feasible:
            return ["There is a plan that keeps every rule: nothing to explain. Solve it."]
        if not self.relaxations:
            return [self.why or "No plan was found, and no relaxation that would let one be."]
        count = len(self.relaxations)
        proof = "no fewer suffice" if self.fewest else "fewer are not ruled out"
        text = [
            f"No plan keeps every rule. The least that would have to change: {count} "
            f"rule{'' if count == 1 else 's'} of {self.rules} ({proof})."
        ]
        if self.conflict:
            words = "; ".join(rule.words for rule in self.conflict)
            need = "each of these is needed for that" if self.irreducible else "perhaps not all"
            text.append(f"These cannot hold together ({need}): {words}.")
        if self.checked:
            text.append("The checker has confirmed that, so changed, a plan keeps every rule.")
        elif self.why:
            text.append(self.why)
        return text

    def _relaxations(self) -> Any:
        kinds = {"rule": "text", "table": "text", "key": "text", "column": "text", "now": "text",
                 "needed": "text", "change_share": "quantity", "what": "text"}  # fmt: skip
        rows = []
        for each in self.relaxations:
            rule = each.rule
            now = "" if rule.value is None else cell_text(rule, rule.value)
            needed = "" if each.needed is None else cell_text(rule, each.needed)
            rows.append((rule.name, rule.table, "/".join(rule.key), rule.column, now, needed,
                         each.change, each.words))  # fmt: skip
        return sheet(self.instance, kinds, rows)

    def _conflict(self) -> Any:
        kinds = {"rule": "text", "table": "text", "key": "text", "column": "text", "now": "text",
                 "what": "text"}  # fmt: skip
        rows = [
            (rule.name, rule.table, "/".join(rule.key), rule.column,
             "" if rule.value is None else cell_text(rule, rule.value), rule.words)
            for rule in self.conflict
        ]  # fmt: skip
        return sheet(self.instance, kinds, rows)


def explain_infeasible(
    instance: Instance,
    *,
    weights: Mapping[str, Fraction] | None = None,
    never: Iterable[str] = (),
    time_limit: float | None = None,
    progress: Tell | None = None,
) -> Impossibility:
    """Say why an instance has no plan.

    Parameters
    ----------
    instance
        What is studied.
    weights
        Rule (or kind of rule such as ``offers.capacity``, or a pattern with ``*``) -> how much it
        counts when fewest are sought; 1 for all others.
    never
        Rules, kinds or patterns that may not be touched.
    time_limit
        Seconds in all; what is not proved by then is said.
    progress
        Called with lines.

    Raises
    ------
    UsageError
        A rule that is not there is named, or a weight is not positive.
    """
    began = time.monotonic()
    tell: Tell = progress if progress is not None else _silent
    from optimiser.model.compile import compile_problem

    counting = tuple(reasons(compile_problem(instance)))
    lifted = lift(instance)
    prices = _prices(lifted.rules, weights or {}, tuple(never))
    elastic = _Elastic(lifted, prices, math.inf if time_limit is None else began + time_limit)
    tell(f"{len(lifted.rules)} rules by name; the fewest to relax are sought")
    told: dict[str, Any] = {"instance": instance, "counting": counting, "rules": len(lifted.rules)}
    try:
        found, fewest = elastic.fewest()
    except KeyboardInterrupt:
        return Impossibility(**told, interrupted=True, why="Interrupted before anything was found.")
    if found is None:
        return Impossibility(**told, why=_nothing(elastic, fewest))
    relaxations = elastic.relaxations(found)
    if not relaxations:
        return Impossibility(**told, feasible=check(instance, found).feasible,
                             why="The rules that can be named hold; what else is broken cannot be "
                             "told (a gap between bands of a tariff, for one).")  # fmt: skip
    conflict: list[Rule] = []
    least = irreducible = interrupted = False
    try:
        tell(f"{len(relaxations)} to relax; the least changes are sought")
        better, least = elastic.least(
            sum((prices[r.rule.name] for r in relaxations), Fraction(0)), found
        )
        if better is not None:
            relaxations = elastic.relaxations(better)
            found = better
        tell("rules that contradict each other are sought")
        conflict, irreducible = elastic.conflict([r.rule for r in relaxations])
    except KeyboardInterrupt:
        interrupted = True
    changed = relaxed(instance, relaxations)
    checked = changed is not None and check(changed, found).feasible
    why = "" if checked else (
        "With these changes the plan found still breaks a rule that cannot be named (a gap between "
        "bands of a tariff, for one)."
    )  # fmt: skip
    return Impossibility(
        **told,
        relaxations=tuple(relaxations),
        fewest=fewest,
        least=least,
        checked=checked,
        conflict=tuple(conflict),
        irreducible=irreducible,
        why=why,
        interrupted=interrupted,
        seconds={"total": time.monotonic() - began},
    )


def _silent(_: object) -> None:
    pass


def _nothing(elastic: _Elastic, proved: bool) -> str:
    if proved:
        return (
            "No plan keeps every rule, and none would with every rule relaxed that may be: some "
            "pair has no option at all (no provider offers its service, or the table options "
            "leaves it out), or --never forbids what is needed."
        )
    return "Nothing was found in the time given; allow more with --time-limit."


def _prices(
    rules: Sequence[Rule], weights: Mapping[str, Fraction], never: Sequence[str]
) -> dict[str, Fraction]:
    """Return the weight of each rule; −1 where it may not be touched."""
    names = {rule.name for rule in rules} | {rule.kind for rule in rules}
    for pattern in (*weights, *never):
        if not any(fnmatch.fnmatchcase(name, _plain(pattern)) for name in names):
            raise UsageError(
                f"There is no rule {pattern!r} here. {did_you_mean(pattern, names)} The kinds are "
                f"{', '.join(sorted({rule.kind for rule in rules})) or 'none'}."
            )
    prices = {}
    for rule in rules:
        price = Fraction(1)
        for pattern, weight in weights.items():
            if _is(rule, pattern):
                if weight <= 0:
                    raise UsageError(f"The weight of {pattern} is {weight}; give one above 0.")
                price = weight
        prices[rule.name] = Fraction(-1) if any(_is(rule, p) for p in never) else price
    return prices


def _plain(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def _is(rule: Rule, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, _plain(pattern)) for name in (rule.name, rule.kind))


class _Elastic:
    """The elastic programme of one instance, and what is asked of it."""

    def __init__(self, lifted: Lifted, prices: Mapping[str, Fraction], end: float) -> None:
        self.lifted, self.prices, self.end = lifted, prices, end
        self.problem = lifted.problem
        self.rules = lifted.rules
        self.place = {rule.name: at for at, rule in enumerate(self.rules)}
        self._reach = [self._farthest(rule) for rule in self.rules]

    def _farthest(self, rule: Rule) -> float:
        """Return the largest change that can be needed, relative to the rule's base (or 1)."""
        far = 0.0
        for row in rule.rows:
            most = sum(
                float(part.factor) * float(part.coefficient[part.coefficient > 0].sum())
                if part.factor > 0
                else float(part.factor) * float(part.coefficient[part.coefficient < 0].sum())
                for part in row.parts
            )
            over = most - float(row.upper)
            far = max(far, over / (float(row.slope * rule.base) if rule.numeric else 1.0))
        return max(far, 0.0)

    def fewest(self) -> tuple[Plan | None, bool]:
        """Return a plan that touches least, weighted, and whether that is proved."""
        cost = [float(self.prices[rule.name]) for rule in self.rules]
        outcome = self._ask(self._bundle(touch=cost, change=None, most=None))
        return self._plan(outcome), outcome.reason in ("finished", "infeasible")

    def least(self, most: Fraction, start: Plan) -> tuple[Plan | None, bool]:
        """Return a plan that touches no more, by the least relative change, and whether proved."""
        ones = [1.0] * len(self.rules)
        outcome = self._ask(self._bundle(touch=None, change=ones, most=most), start)
        plan = self._plan(outcome)
        if plan is not None:
            touched = sum(self.prices[r.rule.name] for r in self.relaxations(plan))
            if touched > most:
                return None, False
        return plan, outcome.reason == "finished"

    def conflict(self, first: Sequence[Rule]) -> tuple[list[Rule], bool]:
        """Return rules that contradict each other, and whether each is needed."""
        order = [rule for rule in self.rules if self._reach[self.place[rule.name]] > 0]
        names = {rule.name for rule in first}
        order.sort(key=lambda rule: rule.name not in names)
        self._sure = True
        if not self._contradict(order):
            return [], False
        found = self._explain([], [], order)
        return found, self._sure

    def _explain(self, base: list[Rule], added: list[Rule], rules: list[Rule]) -> list[Rule]:
        """QuickXplain: rules of which all are needed, besides `base`, for a contradiction."""
        if added and self._contradict(base):
            return []
        if len(rules) == 1:
            return rules
        middle = len(rules) // 2
        one, two = rules[:middle], rules[middle:]
        second = self._explain([*base, *one], one, two)
        first = self._explain([*base, *second], second, one)
        return first + second

    def _contradict(self, rules: Sequence[Rule]) -> bool:
        """Whether no plan keeps these rules, all others lifted."""
        if time.monotonic() > self.end:
            self._sure = False
            return False
        outcome = self._ask(self._bundle(touch=None, change=None, most=None, only=rules))
        if outcome.reason not in ("finished", "infeasible"):
            self._sure = False
        return outcome.reason == "infeasible"

    def _plan(self, outcome: Outcome) -> Plan | None:
        if outcome.plan is None:
            return None
        (plan,) = parted(self._last, outcome.plan)
        return plan

    def _ask(self, bundle: Bundle, start: Plan | None = None) -> Outcome:
        self._last = bundle
        left = self.end - time.monotonic()
        options = Options(time_limit=None if math.isinf(left) else max(left, 0.01), gap=_GAP)
        solver: Any = Highs()
        outcome: Outcome = solver.solve(bundle, options, _silent)
        if outcome.reason == "interrupted":
            raise KeyboardInterrupt
        return outcome

    def _bundle(
        self,
        *,
        touch: Sequence[float] | None,
        change: Sequence[float] | None,
        most: Fraction | None,
        only: Sequence[Rule] | None = None,
    ) -> Bundle:
        """Return the lifted problem with rules as rows.

        Variables: whether each rule is touched, then how far its cell moves, relative to its base.
        With `only` these rules are hard and all others are left out.
        """
        count = len(self.rules)
        chosen = range(count) if only is None else [self.place[rule.name] for rule in only]
        upper = np.zeros(2 * count)
        if only is None:
            for at, rule in enumerate(self.rules):
                if self.prices[rule.name] >= 0:
                    upper[at] = 1.0
                    upper[count + at] = self._reach[at]
        cost = np.zeros(2 * count)
        if touch is not None:
            cost[:count] = np.maximum(touch, 0.0)
        if change is not None:
            cost[count:] = change
        common = Common(
            cost=cost,
            lower=np.zeros(2 * count),
            upper=upper,
            integer=np.arange(2 * count) < count,
            names=tuple([f"touch_{at}" for at in range(count)]
                        + [f"move_{at}" for at in range(count)]),
        )  # fmt: skip
        ties = []
        for at in chosen:
            rule = self.rules[at]
            if self._reach[at] <= 0:
                continue
            ties += [self._tie(at, rule, row, number, elastic=only is None)
                     for number, row in enumerate(rule.rows)]  # fmt: skip
            if only is None:
                ties.append(_simple(f"moved_{at}", [(count + at, 1.0),
                                                    (at, -self._reach[at])], 0.0))  # fmt: skip
        if most is not None:
            entries = [(at, float(self.prices[r.name])) for at, r in enumerate(self.rules)
                       if self.prices[r.name] > 0]  # fmt: skip
            ties.append(_simple("touched", entries, float(most) + 1e-6))
        return Bundle(copies=(_free(self.problem),), weights=np.zeros(1), common=common,
                      ties=tuple(ties))  # fmt: skip

    def _tie(self, at: int, rule: Rule, row: RuleRow, number: int, *, elastic: bool) -> Ties:
        entries = [
            Entries(copy=0, kind=part.kind, row=np.zeros_like(part.index), index=part.index,
                    coefficient=part.coefficient * float(part.factor))
            for part in row.parts
        ]  # fmt: skip
        if elastic:
            worth = float(row.slope * rule.base) if rule.numeric else 1.0
            entries.append(_common(len(self.rules) + at, -worth))
        return Ties(name=f"rule_{at}_{number}", entries=tuple(entries),
                    lower=np.array([-np.inf]), upper=np.array([float(row.upper)]))  # fmt: skip

    # What a plan touches, exactly

    def relaxations(self, plan: Plan) -> list[Relaxation]:
        """Return every rule that a plan breaks, and what its cell would have to say."""
        atoms = _atoms(self.problem, plan)
        found = []
        for rule in self.rules:
            needed = Fraction(0)
            broken = False
            for row in rule.rows:
                over = _left(row, atoms) - row.upper
                if over > 0:
                    broken = True
                    if rule.numeric:
                        needed = max(needed, over / row.slope)
            if broken:
                value = None
                if rule.value is not None:
                    value = rule.value + rule.sign * math.ceil(needed)
                found.append(Relaxation(rule=rule, needed=value))
        return found


def _free(problem: Problem) -> Problem:
    """Return the problem with nothing to pay: only whether there is a plan matters."""
    import dataclasses

    from optimiser.model.problem import Linear

    return dataclasses.replace(problem, objective=Linear(constant=0, by_kind={}), slack=0.0)


def _common(index: int, value: float) -> Entries:
    nought = np.zeros(1, dtype=np.int64)
    return Entries(copy=-1, kind="", row=nought, index=nought + index,
                   coefficient=np.array([value]))  # fmt: skip


def _simple(name: str, entries: Sequence[tuple[int, float]], upper: float) -> Ties:
    return Ties(name=name, entries=tuple(_common(at, value) for at, value in entries),
                lower=np.array([-np.inf]), upper=np.array([upper]))  # fmt: skip


def _atoms(problem: Problem, plan: Plan) -> dict[str, dict[int, Fraction]]:
    """Return the atoms of a plan that are not 0, by kind, exactly."""
    home: dict[int, Fraction] = {}
    part: dict[int, Fraction] = {}
    option = problem.option_of(plan.pair, plan.deliverer).tolist()
    volume = problem.pair_volume
    for pair, by, v, k in zip(
        plan.pair.tolist(), plan.deliverer.tolist(), plan.volume.tolist(), option, strict=True
    ):
        share = Fraction(v, int(volume[pair]))
        if by == BY_ITSELF:
            home[pair] = share
        else:
            part[k] = share
    one = Fraction(1)
    return {
        "part": part,
        "home": home,
        "use": dict.fromkeys(part, one),
        "home_use": dict.fromkeys(home, one),
        "contract": {int(problem.option_contract[k]): one for k in part},
        "offer": {int(problem.option_offer[k]): one for k in part},
        "provider": {int(problem.option_provider[k]): one for k in part},
        "cover": _covers(problem, part, home),
    }


def _covers(
    problem: Problem, part: Mapping[int, Fraction], home: Mapping[int, Fraction]
) -> dict[int, Fraction]:
    found = {}
    for cover in range(problem.size("cover")):
        for at in range(int(problem.cover_start[cover]), int(problem.cover_start[cover + 1])):
            where = home if problem.cover_home[at] else part
            if int(problem.cover_index[at]) in where:
                found[cover] = Fraction(1)
                break
    return found


def _left(row: RuleRow, atoms: Mapping[str, Mapping[int, Fraction]]) -> Fraction:
    """Return Σ factor · coefficient · atom."""
    total = Fraction(0)
    for part in row.parts:
        values = atoms[part.kind]
        if not values:
            continue
        total += part.factor * sum(
            (c * values[i] for i, c in zip(part.index.tolist(), part.coefficient.tolist(),
                                           strict=True) if i in values),
            Fraction(0))  # fmt: skip
    return total


def needed(lifted: Lifted, plan: Plan) -> list[Relaxation]:
    """Return every rule that a plan breaks, and what its cell would have to say."""
    return _Elastic(lifted, {}, math.inf).relaxations(plan)


def relaxed(instance: Instance, relaxations: Sequence[Relaxation]) -> Instance | None:
    """Return the instance with cells changed and rules lifted; None where the tables refuse it.

    A pair that is to be delivered in-house is given an in_house_cost of 0, which is for the planner
    to price.
    """
    from optimiser.errors import InstanceError

    tables: dict[str, dict[str, Any]] = {
        name: {c.name: instance.texts(name, c.name).copy() for c in schema.columns}
        for name, schema in TABLES.items()
        if len(instance[name])
    }
    settings: dict[str, object] = dict(settings_texts(instance))
    for each in relaxations:
        rule = each.rule
        if not rule.table:
            settings[rule.column] = str(each.needed)
            continue
        columns = tables[rule.table]
        if rule.table == "links":
            keep = ~_link(columns, rule)
            tables["links"] = {name: cells[keep] for name, cells in columns.items()}
            continue
        names = TABLES[rule.table].key
        here = np.ones(len(columns[names[0]]), dtype=bool)
        for name, text in zip(names, rule.key, strict=True):
            here &= columns[name] == text
        text = "" if each.needed is None else cell_text(rule, each.needed)
        columns[rule.column][here] = "0" if rule.column == "in_house_cost" else text
    if "links" in tables and not len(tables["links"]["rule"]):
        del tables["links"]
    if len(instance["options"]) and not instance.settings.generate:
        settings["options.generate"] = "false"
    try:
        return instance_from(tables, settings)
    except InstanceError:
        return None


def _link(columns: Mapping[str, Any], rule: Rule) -> Any:
    one, other, kind, organisation = rule.key
    return (
        (columns["service_a"] == one) & (columns["service_b"] == other)
        & (columns["rule"] == kind) & (columns["organisation"] == organisation)
    )  # fmt: skip
