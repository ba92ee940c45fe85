"""What is paid once on the way to a plan, and with whose move it is due."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from optimiser.errors import InternalError
from optimiser.model.instance import IN_HOUSE_CODE
from optimiser.model.schema import ONE_OFF_PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan

    Ints = NDArray[np.int64]

#: When a payment is due that hangs on nobody's move: in the first year, or in the last.
FIRST: Final = "first"
LAST: Final = "last"
#: It hangs on moves.
BY_MOVES: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One one-off payment of the chosen plan.

    Parameters
    ----------
    kind
        One of `schema.ONE_OFF_PARTS`.
    amount
        In last places of money.
    pairs
        Pairs on whose moves it hangs: due in the year of the first of them, or, for a closing, of
        the last.
    fixed
        `FIRST` or `LAST` year whatever moves; else `BY_MOVES`.
    organisation, service, provider
        Rows of whose it is, −1 where it belongs to none; the provider may be `BY_ITSELF`.
    """

    kind: str
    amount: int
    pairs: tuple[int, ...] = ()
    fixed: str = BY_MOVES
    organisation: int = -1
    service: int = -1
    provider: int = -1

    @property
    def at_end(self) -> bool:
        """Whether the last of its pairs makes it due, and not the first."""
        return self.kind == "closing"

    def due(self, schedule: Ints, years: int) -> int:
        """Return the year in which it is paid."""
        if self.fixed:
            return 1 if self.fixed == FIRST else years
        moves = schedule[list(self.pairs)]
        return int(moves.max() if self.at_end else moves.min())



def one_offs(
    instance: Instance, start: Plan, account: Account, movers: Ints
) -> tuple[Payment, ...]:
    """Return every one-off payment of a plan, and on whose moves it hangs.

    Parameters
    ----------
    instance
        The tables.
    start
        The arrangement of the start.
    account
        The checker's account of the plan.
    movers
        Pairs that move, shape (movers,).

    Raises
    ------
    InternalError
        The payments are not those that the checker has reckoned.
    """
    found = [
        each
        for each in (
            *_of_pairs(instance, account.plan, set(movers.tolist())),
            *_of_offers(instance, account, set(movers.tolist())),
            *_of_providers(instance, start, account, set(movers.tolist())),
        )
        if each.amount
    ]
    for kind in ONE_OFF_PARTS:
        total = sum(each.amount for each in found if each.kind == kind)
        if abs(total - account.one_off[kind]) * 2 > (len(movers) if instance.settings.split else 0):
            raise InternalError(f"the {kind} of the plan does not add up: {total}, and by the "
                                f"checker {account.one_off[kind]}")  # fmt: skip
    return tuple(found)


def _of_pairs(instance: Instance, target: Plan, movers: set[int]) -> Iterator[Payment]:
    """Yield exit, entry and going in-house; what has no incumbent pays in the first year."""
    demand, options = instance["demand"], instance["options"]
    entry: dict[tuple[int, int], int] = {}
    if len(options):
        pairs = demand.find(options["organisation"], options["service"]).tolist()
        entry = {
            (q, by): cost
            for q, by, cost in zip(
                pairs, options["provider"].tolist(), options["entry_cost"].tolist(), strict=True
            )
        }
    incumbent, volume = demand["incumbent"].tolist(), demand["volume"].tolist()
    stays = dict.fromkeys(movers, 0)

    def paid(kind: str, amount: int, q: int, by: int) -> Payment:
        return Payment(
            kind=kind,
            amount=amount,
            pairs=(q,) if q in movers else (),
            fixed=BY_MOVES if q in movers else FIRST,
            organisation=int(demand["organisation"][q]),
            service=int(demand["service"][q]),
            provider=by,
        )

    for q, by, v in zip(
        target.pair.tolist(), target.deliverer.tolist(), target.volume.tolist(), strict=True
    ):
        if by == incumbent[q]:
            if q in movers:
                stays[q] = v
        elif by == IN_HOUSE_CODE:
            yield paid("in_house_entry", int(demand["in_house_entry_cost"][q]), q, by)
        else:
            yield paid("entry", entry.get((q, by), 0), q, by)
    for q in sorted(movers):
        exact = Fraction(int(demand["exit_cost"][q]) * (volume[q] - stays[q]), volume[q])
        yield paid("exit", int(exact + Fraction(1, 2)), q, incumbent[q])


def _of_offers(instance: Instance, account: Account, movers: set[int]) -> Iterator[Payment]:
    """Yield the set-up of offers, with the first pair that the target gives them."""
    offers, demand, plan = instance["offers"], instance["demand"], account.plan
    rows = offers.find(plan.deliverer, demand["service"][plan.pair])
    for each in account.offers:
        if offers["existing"][each.offer] == "yes":
            continue
        pairs = plan.pair[rows == each.offer].tolist()
        first = any(q not in movers for q in pairs)
        yield Payment(
            kind="set_up",
            amount=int(offers["set_up_cost"][each.offer]),
            pairs=() if first else tuple(pairs),
            fixed=FIRST if first else BY_MOVES,
            service=int(offers["service"][each.offer]),
            provider=int(offers["provider"][each.offer]),
        )


def _of_providers(
    instance: Instance, start: Plan, account: Account, movers: set[int]
) -> Iterator[Payment]:
    """Yield opening with the first pair that joins, and closing with the last that leaves."""
    providers, plan = instance["providers"], account.plan
    for each in account.providers:
        existing = providers["status"][each.provider] == "existing"
        if each.is_open and not existing:
            pairs = plan.pair[plan.deliverer == each.provider].tolist()
            first = any(q not in movers for q in pairs)
            yield Payment(
                kind="opening",
                amount=int(providers["opening_cost"][each.provider]),
                pairs=() if first else tuple(pairs),
                fixed=FIRST if first else BY_MOVES if pairs else LAST,
                provider=each.provider,
            )
        elif existing and not each.is_open:
            pairs = start.pair[start.deliverer == each.provider].tolist()
            yield Payment(
                kind="closing",
                amount=int(providers["closing_cost"][each.provider]),
                pairs=tuple(pairs),
                fixed=BY_MOVES if pairs else FIRST,
                provider=each.provider,
            )
