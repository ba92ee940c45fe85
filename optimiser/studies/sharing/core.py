"""Shares that no group has reason to leave: core, least core, nucleolus, side payments.

Each is a linear program with one row per group. Where not all groups are known, rows are generated:
solve, find the group with most reason to leave, add its row, until there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from optimiser.errors import InternalError
from optimiser.studies.sharing.linear import Answer, Row, Span, minimise
from optimiser.studies.sharing.objections import worst_objection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from optimiser.studies.interval import Interval
    from optimiser.studies.sharing.games import Game

#: Most groups that are generated for one program.
ROUNDS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stable:
    """What came of a program.

    Parameters
    ----------
    shares
        What each pays, in last places of money.
    value
        What was minimised or maximised, at the plans found for the groups.
    most_gain
        What any group gains by leaving lies within this.
    objecting
        Groups that hold the value where it is, with their multipliers.
    exact
        Whether the program was solved in fractions.
    """

    shares: tuple[Fraction, ...]
    value: Fraction
    most_gain: Interval
    objecting: Mapping[int, Fraction]
    exact: bool


def least_core(game: Game) -> Stable:
    """Find shares at which even the group that gains most by leaving gains least.

    maximise t subject to x(all) = cost and x(S) + t ≤ c(S) for every group S (Shapley & Shubik
    1966; Maschler, Peleg & Shapley 1979). Groups cannot all be kept exactly if t < 0: then those
    with a multiplier are a balanced collection whose plans together cost less than the whole
    (Bondareva 1963, Shapley 1967).
    """
    size = len(game.players)

    def ask() -> Answer | None:
        rows = [
            Row(terms={**dict.fromkeys(range(size), 1)}, lower=_whole(game), upper=_whole(game)),
            Row(terms={size: 1}, upper=_whole(game)),  # where no group can be served alone
            *(
                Row(terms={**dict.fromkeys(_inside(group), 1), size: 1}, upper=cost)
                for group, cost in _costs(game)
            ),
        ]
        answer = minimise([*([0] * size), -1], rows)
        return None if answer is None else replace(answer, value=-answer.value)

    return _generated(game, ask, rows_before=2, slack=lambda answer: answer.value)


def least_subsidy(game: Game) -> Stable:
    """Find the least that somebody outside has to pay so that no group has reason to leave.

    The cost of stability (Bachrach et al. 2009): maximise x(all) ≤ cost subject to x(S) ≤ c(S).
    """
    size = len(game.players)
    everybody = dict.fromkeys(range(size), 1)

    def ask() -> Answer | None:
        rows = [
            Row(terms=everybody, upper=_whole(game)),
            *(
                Row(terms=dict.fromkeys(_inside(group), 1), upper=cost)
                for group, cost in _costs(game)
            ),
        ]
        answer = minimise([-1] * size, rows)
        return None if answer is None else replace(answer, value=game.total + answer.value)

    return _generated(game, ask, rows_before=1, slack=lambda answer: Fraction(0))


def nearest(
    game: Game, reference: Sequence[Fraction], *, total: Fraction, slack: Fraction
) -> Stable:
    """Find the stable shares nearest to others: the cheapest side payments.

    minimise Σ |x − reference| subject to x(all) = total and x(S) + slack ≤ c(S).

    Parameters
    ----------
    game
        Who could leave.
    reference
        Shares to stay near.
    total
        What all pay.
    slack
        By how much each group must be better off within; negative where not all can be.
    """
    size = len(game.players)

    def ask() -> Answer | None:
        rows = [Row(terms=dict.fromkeys(range(size), 1), lower=total, upper=total)]
        for at, each in enumerate(reference):
            rows.append(Row(terms={size + at: 1, at: -1}, lower=-each))
            rows.append(Row(terms={size + at: 1, at: 1}, lower=Fraction(each)))
        rows += [
            Row(terms=dict.fromkeys(_inside(group), 1), upper=cost - slack)
            for group, cost in _costs(game)
        ]
        return minimise([*([0] * size), *([1] * size)], rows)

    return _generated(game, ask, rows_before=1 + 2 * size, slack=lambda answer: slack)


def nucleolus(game: Game) -> Stable:
    """Find the shares whose groups' savings, sorted from the least, are lexicographically largest.

    Schmeidler 1969, by a sequence of linear programs (Maschler, Peleg & Shapley 1979): at each, the
    groups with a multiplier get their saving fixed. If everybody can pay no more than alone, nobody
    does. All groups have to be known.

    Raises
    ------
    InternalError
        A program could not be solved in fractions, or not all groups are known.
    """
    if not game.complete:
        raise InternalError("the nucleolus was asked of a game whose groups are not all known")
    size = len(game.players)
    costs = dict(_costs(game))
    alone = {group: cost for group, cost in costs.items() if group.bit_count() == 1}
    rational = len(alone) == size and sum(alone.values()) >= game.total
    fixed: dict[int, Fraction] = {}
    span = Span(size)
    span.add(game.everyone)
    exact, first, answer = True, None, None
    while span.rank < size:
        free = [group for group in costs if not span.holds(group)]
        if not free:
            break
        bounded = [group for group in free if group in alone] if rational else []
        rows = [
            Row(terms=dict.fromkeys(range(size), 1), lower=_whole(game), upper=_whole(game)),
            Row(terms={size: 1}, upper=_whole(game)),
            *(_paid(group, costs[group] - saving) for group, saving in fixed.items()),
        ]
        start = len(rows)
        rows += [Row(terms={**dict.fromkeys(_inside(g), 1), size: 1}, upper=costs[g]) for g in free]
        rows += [Row(terms=dict.fromkeys(_inside(g), 1), upper=costs[g]) for g in bounded]
        answer = minimise([*([0] * size), -1], rows)
        if answer is None:
            raise InternalError("a program of the nucleolus has no optimum")
        exact &= answer.exact
        if first is None:
            first = -answer.value
        before = span.rank
        for at, group in enumerate([*free, *bounded]):
            if answer.duals[start + at]:
                fixed[group] = -answer.value if at < len(free) else Fraction(0)
                span.add(group)
        if span.rank == before:
            raise InternalError("a program of the nucleolus fixes no group")
    if answer is None or span.rank < size:
        # Groups that cannot be served alone leave shares open: the nearest to equal parts.
        shares = nearest_open(game, fixed, costs)
    else:
        shares = answer.x[:size]
    objection = worst_objection(game, shares)
    return Stable(
        shares=tuple(shares),
        value=first or Fraction(0),
        most_gain=objection.most,
        objecting={},
        exact=exact,
    )


def nearest_open(
    game: Game, fixed: Mapping[int, Fraction], costs: Mapping[int, Fraction]
) -> tuple[Fraction, ...]:
    """Return shares that keep what is fixed, as near to equal parts as can be."""
    size = len(game.players)
    equal = Fraction(game.total, size)
    rows = [Row(terms=dict.fromkeys(range(size), 1), lower=_whole(game), upper=_whole(game))]
    rows += [_paid(group, costs[group] - saving) for group, saving in fixed.items()]
    for at in range(size):
        rows.append(Row(terms={size + at: 1, at: -1}, lower=-equal))
        rows.append(Row(terms={size + at: 1, at: 1}, lower=equal))
    answer = minimise([*([0] * size), *([1] * size)], rows)
    if answer is None:
        raise InternalError("fixed groups leave no shares")
    return answer.x[:size]


def _generated(
    game: Game,
    ask: Callable[[], Answer | None],
    *,
    rows_before: int,
    slack: Callable[[Answer], Fraction],
) -> Stable:
    """Solve, add the group that gains most, and again until none gains more than it may."""
    size = len(game.players)
    for number in range(ROUNDS):
        groups = [group for group, _ in _costs(game)]
        found = ask()
        if found is None:
            raise InternalError("a program over groups has no optimum")
        answer, shares = found, found.x[:size]
        before = {group: game.values[group].cost.high for group in groups}
        objection = worst_objection(game, shares)
        new = any(
            before.get(group) != value.cost.high
            for group, value in game.values.items()
            if not value.impossible
        )
        done = objection.most.low is None or objection.most.low <= len(shares) - slack(answer)
        if game.complete or game.interrupted or done or not new or number == ROUNDS - 1:
            break
        if game.progress is not None:
            game.progress(f"{len(game.values)} groups; the next could still gain by leaving")
    duals = answer.duals[rows_before:]
    return Stable(
        shares=shares,
        value=answer.value,
        most_gain=objection.most,
        objecting={g: -d for g, d in zip(groups, duals, strict=False) if d},
        exact=answer.exact,
    )


def _costs(game: Game) -> Iterator[tuple[int, Fraction]]:
    """Yield the groups for which a plan of their own is known, and its cost."""
    for group, value in sorted(game.values.items()):
        if value.cost.high is not None and not value.impossible:
            yield group, value.cost.high


def _inside(group: int) -> list[int]:
    return [at for at in range(group.bit_length()) if group >> at & 1]


def _paid(group: int, amount: Fraction) -> Row:
    return Row(terms=dict.fromkeys(_inside(group), 1), lower=amount, upper=amount)


def _whole(game: Game) -> Fraction:
    return Fraction(game.total)
