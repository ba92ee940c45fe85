"""What each organisation causes by itself, and its part of what is shared, in proportion to use."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from optimiser.errors import InternalError
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimiser.model.account import Account
    from optimiser.studies.sharing.games import Game

#: Parts of cost that one organisation causes whatever the others do.
_OWN = ("exit", "in_house_entry", "links", "oversight_hours", "contracts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Cost of a plan by organisation, in last places of money, in the order of the players.

    Parameters
    ----------
    in_house
        Of what each delivers itself.
    direct
        Of what others deliver, caused by it alone: unit costs, access, contracts, hours, one-offs
        of its own pairs.
    providers
        Its part of fixed, running, set-up and opening costs: those of an offer by volume, those of
        a provider by weighted volume.
    oversight
        Its part of its authority's officers and managers, by hours.
    closing
        Its part of the closing of providers, by the weighted volume that they used to deliver.
    """

    in_house: tuple[int, ...]
    direct: tuple[int, ...]
    providers: tuple[Fraction, ...]
    oversight: tuple[Fraction, ...]
    closing: tuple[Fraction, ...]

    @property
    def total(self) -> tuple[Fraction, ...]:
        """All of it."""
        columns = (self.in_house, self.direct, self.providers, self.oversight, self.closing)
        return tuple(
            sum((Fraction(part) for part in each), Fraction(0))
            for each in zip(*columns, strict=True)
        )


def attribute(game: Game, account: Account) -> Attribution:
    """Attribute the cost of a plan of the whole.

    Raises
    ------
    InternalError
        The parts do not add up to the cost.
    """
    instance, size = game.instance, len(game.players)
    demand = instance["demand"]
    place = {int(row): at for at, row in enumerate(game.rows)}
    owner = [place[int(row)] for row in demand["organisation"]]
    in_house, direct = [0] * size, [0] * size
    for delivery in account.deliveries:
        mine = in_house if delivery.deliverer == BY_ITSELF else direct
        mine[owner[delivery.pair]] += sum(delivery.cost.values())
    for at in range(size):
        # These parts do not depend on others, so the checker may reckon them one by one.
        alone = check(game.instance_of(1 << at), game.part(account.plan, 1 << at))
        direct[at] += sum(alone.parts[part] for part in _OWN)
    weight = instance["services"]["weight"]
    offers = instance["offers"]
    providers = [Fraction(0)] * size
    for offer in account.offers:
        provider, service = (int(offers[name][offer.offer]) for name in ("provider", "service"))
        use = _sums(
            (owner[d.pair], Fraction(d.volume))
            for d in account.deliveries
            if d.deliverer == provider and demand["service"][d.pair] == service
        )
        _share(providers, offer.fixed_cost + offer.set_up, use)
    closing = [Fraction(0)] * size
    for each in account.providers:
        joint = each.cost["running"] + each.cost["opening"]
        use = _sums(
            (owner[d.pair], Fraction(d.volume * int(weight[demand["service"][d.pair]])))
            for d in account.deliveries
            if d.deliverer == each.provider
        )
        _share(providers, joint, use or _everybody(game, owner))
        if each.cost["closing"]:
            before = _sums(
                (owner[pair], Fraction(int(demand["volume"][pair])
                                       * int(weight[demand["service"][pair]])))
                for pair in range(len(demand))
                if demand["incumbent"][pair] == each.provider
            )  # fmt: skip
            _share(closing, each.cost["closing"], before or _everybody(game, owner))
    oversight = _oversight(game, account, owner)
    found = Attribution(
        in_house=tuple(in_house),
        direct=tuple(direct),
        providers=tuple(providers),
        oversight=tuple(oversight),
        closing=tuple(closing),
    )
    if sum(found.total) != account.cost:
        raise InternalError(
            f"the parts of the cost add up to {sum(found.total)} and not to {account.cost}"
        )
    return found


def _oversight(game: Game, account: Account, owner: list[int]) -> list[Fraction]:
    """Share officers and managers by the hours that each organisation causes."""
    hours: list[Fraction] = [Fraction(0)] * len(game.players)
    place = {int(row): at for at, row in enumerate(game.rows)}
    for delivery in account.deliveries:
        hours[owner[delivery.pair]] += delivery.hours
    for contract in account.contracts:
        hours[place[contract.organisation]] += contract.hours
    authority = game.instance["organisations"]["authority"]
    found = [Fraction(0)] * len(hours)
    for each in account.authorities:
        if each.authority < 0:
            members = [place[each.organisation]] if each.organisation in place else []
        else:
            members = [place[row] for row in place if int(authority[row]) == each.authority]
        joint = each.cost["officers"] + each.cost["managers"]
        if joint:
            _share(found, joint, {at: hours[at] for at in members if hours[at]})
    return found


def _everybody(game: Game, owner: list[int]) -> dict[int, Fraction]:
    """Weigh everybody by weighted volume: for what nobody uses but all were bound to keep."""
    demand = game.instance["demand"]
    weight = game.instance["services"]["weight"]
    return _sums(
        (owner[pair], Fraction(int(demand["volume"][pair])
                               * max(int(weight[demand["service"][pair]]), 1)))
        for pair in range(len(demand))
    )  # fmt: skip


def _sums(items: Iterable[tuple[int, Fraction]]) -> dict[int, Fraction]:
    total: dict[int, Fraction] = {}
    for at, value in items:
        total[at] = total.get(at, Fraction(0)) + value
    return {at: value for at, value in total.items() if value}


def _share(shares: list[Fraction], amount: int, use: Mapping[int, Fraction]) -> None:
    """Add an amount to shares in proportion to use."""
    total = sum(use.values(), Fraction(0))
    if not amount:
        return
    for at, value in use.items():
        shares[at] += amount * value / total
