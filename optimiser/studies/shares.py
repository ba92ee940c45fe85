"""Shares: what each organisation should pay of a plan's cost, and whether anyone would leave."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from optimiser.errors import UsageError
from optimiser.studies.pool import How
from optimiser.studies.sharing.attribution import attribute
from optimiser.studies.sharing.core import least_core, least_subsidy, nearest, nucleolus
from optimiser.studies.sharing.games import Game, groups_of
from optimiser.studies.sharing.linear import whole_shares
from optimiser.studies.sharing.objections import Objection, worst_objection
from optimiser.studies.sharing.shapley import (
    exact_shapley,
    orders_of,
    prefixes,
    sampled_shapley,
)

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optimiser.files.studies import Record
    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result
    from optimiser.studies.pool import Tell
    from optimiser.studies.sharing.attribution import Attribution
    from optimiser.studies.sharing.core import Stable
    from optimiser.studies.sharing.games import Value

#: Up to so many organisations every group is solved.
EXACT: Final = 8
#: Orders of joining that are sampled beyond.
SAMPLES: Final = 20
#: Ways to share, as they are asked for, with what each is.
METHODS: Final = {
    "volume": "in proportion to volume",
    "stand-alone": "in proportion to what each would pay alone",
    "shapley": "Shapley value",
    "core": "stable, nearest to stand-alone",
    "nucleolus": "nucleolus",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to share, money in last places.

    Parameters
    ----------
    method
        One of `METHODS`.
    shares
        What each pays, whole and adding up to the cost; () where the method gives none.
    exact
        The same before rounding.
    errors
        Half-width of the 95 % confidence interval of each; () where nothing was sampled.
    note
        Why there are no shares, or what else has to be known of them.
    objection
        The group with most reason to leave, or None.
    payments
        Side payments that take every reason to leave away, at least cost: what each pays more.
    """

    method: str
    shares: tuple[int, ...] = ()
    exact: tuple[Fraction, ...] = ()
    errors: tuple[Fraction, ...] = ()
    note: str = ""
    objection: Objection | None = None
    payments: tuple[int, ...] = ()

    @property
    def moved(self) -> int:
        """Money that changes hands by the side payments, in last places."""
        return sum(each for each in self.payments if each > 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shares:
    """What came of sharing the cost of a plan.

    Parameters
    ----------
    result
        The plan whose cost is shared.
    players
        Keys of the organisations that need a service.
    attribution
        What each causes, and its part of what is shared.
    ways
        Ways to share by method.
    values
        What each group that was looked at would pay by itself; bit i stands for ``players[i]``.
    least_core
        Shares at which the group that gains most by leaving gains least; `value` is what every
        group then saves at least (negative: some would gain).
    subsidy
        What somebody outside would have to pay so that nobody has reason to leave.
    complete
        Whether all groups were looked at one by one.
    solves
        Groups that were solved.
    """

    result: Result
    players: tuple[str, ...]
    attribution: Attribution
    ways: Mapping[str, Way]
    values: Mapping[int, Value]
    least_core: Stable | None
    subsidy: Stable | None
    complete: bool
    solves: int
    how: How
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def cost(self) -> int:
        """What is shared, in last places of money."""
        return self.result.cost_units or 0

    @property
    def room(self) -> int:
        """Gains up to this come of rounding: a last place of money for each organisation."""
        return len(self.players)

    @property
    def core(self) -> str:
        """``there``, ``empty`` or ``unresolved``: are there shares at which nobody would leave."""
        if self.least_core is None:
            return "unresolved"
        if self.least_core.value < 0:
            return "empty" if self.least_core.value < -self.room or self.complete else "unresolved"
        most = self.least_core.most_gain.high
        return "there" if most is not None and most <= self.room else "unresolved"

    def verdict(self, way: Way) -> str:
        """Return ``stable``, ``leaving`` or ``unresolved``: would a group be better off leaving."""
        if way.objection is None:
            return "unresolved"
        low, high = way.objection.most.low, way.objection.most.high
        if low is not None and low > self.room:
            return "leaving"
        return "stable" if high is not None and high <= self.room else "unresolved"

    def record(self) -> Record:
        """Return what is to be kept of it."""
        from optimiser.studies.shares_tables import record

        return record(self)


def share(
    result: Result,
    *,
    methods: Sequence[str] = tuple(METHODS),
    exact: int = EXACT,
    samples: int = SAMPLES,
    how: How | None = None,
    progress: Tell | None = None,
) -> Shares:
    """Say what each organisation should pay of what a plan costs.

    Parameters
    ----------
    result
        A plan.
    methods
        Some of `METHODS`.
    exact
        Up to so many organisations all groups are solved; beyond, the Shapley value is sampled and
        groups are generated.
    samples
        Orders of joining that are sampled; rounded up to an even number.
    how
        How each group is solved.
    progress
        Called with lines and progress.

    Raises
    ------
    UsageError
        The result has no plan, or there is no such method.
    SolverError
        A group's solve failed.
    """
    if result.account is None or result.cost_units is None:
        raise UsageError("The result has no plan whose cost could be shared.")
    unknown = [name for name in methods if name not in METHODS]
    if unknown:
        raise UsageError(
            f"there is no way to share called {unknown[0]!r}; there are {', '.join(METHODS)}"
        )
    return _Working(result, methods, exact, samples, how or How(), progress).shares()


def share_instance(
    instance: Instance, *, how: How | None = None, progress: Tell | None = None
) -> Result:
    """Solve an instance whose cost is then to be shared.

    Raises
    ------
    UsageError
        No plan was found.
    """
    from optimiser.studies.pool import Work, solve_all

    batch = solve_all([Work(name="plan", instance=instance)], how or How(), progress)
    result = batch.results.get("plan")
    if result is None or result.plan is None:
        why = "" if result is None else "; ".join([result.status, *result.reasons])
        raise UsageError(f"No plan was found whose cost could be shared ({why}).")
    return result


class _Working:
    """One study while it is done."""

    def __init__(
        self,
        result: Result,
        methods: Sequence[str],
        exact: int,
        samples: int,
        how: How,
        progress: Tell | None,
    ) -> None:
        assert result.account is not None
        self.result, self.account = result, result.account
        self.methods, self.exact, self.how = methods, exact, how
        self.progress = progress
        self.game = Game(result.instance, result.account.cost, how, progress)
        self.size = len(self.game.players)
        self.orders = orders_of(self.size, samples, how.seed)
        self.least: Stable | None = None
        self.subsidy: Stable | None = None
        self.seconds: dict[str, float] = {}

    def shares(self) -> Shares:
        """Do all of it."""
        game = self.game
        attribution = attribute(game, self.account)
        self._timed("groups", self._evaluate)
        if self.size > 1 and not game.interrupted:
            self._timed("core", self._stable)
        ways: dict[str, Way] = {}
        for method in self.methods:
            ways[method] = self._timed(method, partial(self._way, method, attribution))
        return Shares(
            result=self.result,
            players=game.players,
            attribution=attribution,
            ways=ways,
            values=dict(game.values),
            least_core=self.least,
            subsidy=self.subsidy,
            complete=game.complete,
            solves=game.solves,
            how=self.how,
            interrupted=game.interrupted,
            seconds=self.seconds,
        )

    def _timed(self, name: str, what: Callable[[], T]) -> T:
        began = time.monotonic()
        found = what()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
        return found

    def _tell(self, line: str) -> None:
        if self.progress is not None:
            self.progress(line)

    def _evaluate(self) -> None:
        """Solve the groups that are wanted: all, or those of single ones and of the samples."""
        game, size = self.game, self.size
        singles = [1 << at for at in range(size)]
        if size <= self.exact:
            self._tell(f"{2**size - 2} groups of {size} organisations")
            game.evaluate(groups_of(size))
            return
        groups = [*singles, *(game.everyone & ~each for each in singles)]
        if "shapley" in self.methods:
            groups += prefixes(self.orders)
        self._tell(f"{len(set(groups))} groups of {size} organisations")
        game.evaluate(groups)

    def _stable(self) -> None:
        self._tell("the core")
        self.least = least_core(self.game)
        if self.least.value >= 0:
            return
        self._tell("the core is empty: the least subsidy")
        self.subsidy = least_subsidy(self.game)

    def _way(self, method: str, attribution: Attribution) -> Way:
        if self.size == 1:
            found: Way | str = Way(method=method, exact=(Fraction(self.account.cost),))
        elif self.game.interrupted:
            found = "interrupted before all groups were known"
        elif method == "volume":
            found = Way(method=method, exact=attribution.total)
        elif method == "stand-alone":
            found = self._stand_alone()
        elif method == "shapley":
            found = self._shapley()
        elif method == "core":
            found = self._core()
        else:
            found = self._nucleolus()
        if isinstance(found, str):
            return Way(method=method, note=found)
        return self._judged(found)

    def _judged(self, way: Way) -> Way:
        """Round, look for a group that would leave, and what would keep it."""
        whole = whole_shares(way.exact, self.account.cost)
        objection = worst_objection(self.game, way.exact) if self.size > 1 else None
        payments: tuple[int, ...] = ()
        low = None if objection is None else objection.most.low
        if low is not None and low > self.size and not self.game.interrupted:
            subsidy = self.subsidy.value if self.subsidy is not None else Fraction(0)
            stable = nearest(
                self.game, way.exact, total=self.account.cost - subsidy, slack=Fraction(0)
            )
            total = round(self.account.cost - subsidy)
            paid = whole_shares(stable.shares, total)
            payments = tuple(after - before for after, before in zip(paid, whole, strict=True))
        return Way(
            method=way.method,
            shares=whole,
            exact=way.exact,
            errors=way.errors,
            note=way.note,
            objection=objection,
            payments=payments,
        )

    def _alone(self) -> list[Fraction] | None:
        costs = [self.game.values.get(1 << at) for at in range(self.size)]
        highs = [None if each is None else each.cost.high for each in costs]
        known = [high for high in highs if high is not None]
        return known if len(known) == self.size else None

    def _stand_alone(self) -> Way | str:
        alone = self._alone()
        if alone is None:
            return "not everybody can be served alone"
        total = sum(alone)
        if not total:
            return "nobody would pay anything alone"
        exact = tuple(self.account.cost * each / total for each in alone)
        return Way(method="stand-alone", exact=exact)

    def _shapley(self) -> Way | str:
        if self.size <= self.exact:
            found = exact_shapley(self.game)
        else:
            found = sampled_shapley(self.game, self.orders)
        if found is None:
            return "not every group can be served by itself"
        note = f"estimated from {found.orders} orders of joining" if found.orders else ""
        return Way(method="shapley", exact=found.shares, errors=found.errors, note=note)

    def _core(self) -> Way | str:
        if self.least is None:
            return "the groups are not known"
        slack = min(self.least.value, Fraction(0))
        alone = self._alone()
        reference = list(self.least.shares)
        if alone is not None and any(alone):
            whole = sum(alone, Fraction(0))
            reference = [self.account.cost * each / whole for each in alone]
        total = Fraction(self.account.cost)
        stable = nearest(self.game, reference, total=total, slack=slack)
        note = "the core is empty: these leave least reason to leave" if slack else ""
        return Way(method="core", exact=stable.shares, note=note)

    def _nucleolus(self) -> Way | str:
        if not self.game.complete:
            return (
                f"only with all groups known, which is tried up to {self.exact} organisations "
                f"(there are {self.size})"
            )
        return Way(method="nucleolus", exact=nucleolus(self.game).shares)
