"""What cost is traded off against: measures of a plan, as limits and as exact values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from optimiser.errors import UsageError
from optimiser.model.faults import did_you_mean
from optimiser.model.plan import BY_ITSELF
from optimiser.model.rows import Objective, Quantity, SideRow
from optimiser.model.schema import DECIMALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance

#: Name -> in words.
MEASURES: Final = {
    "hours": "hours of oversight a year",
    "co-operatives": "share of pairs that co-operatives deliver",
    "co-operative-volume": "share of weighted volume that co-operatives deliver",
    "moved": "pairs that leave their incumbent",
    "burden": "hours of oversight of the most burdened authority",
    "largest-provider": "share of weighted volume of the largest provider",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of one instance.

    Parameters
    ----------
    name, title
        As in `MEASURES`.
    more
        Whether more of it is sought (the share of co-operatives), and not less.
    scale
        What its value is divided by to be shown: a share of the whole, or 1.
    step
        Least difference between two values of plans, in the units of `value`; 0 if there is none.
    quantities
        One quantity, or several of which the largest counts.
    value
        Its exact value for an account, not divided by `scale`.
    """

    name: str
    title: str
    more: bool
    scale: Fraction
    step: Fraction
    quantities: tuple[Quantity, ...]
    value: Callable[[Account], Fraction]

    def rows(self, limit: Fraction) -> tuple[SideRow, ...]:
        """Return the side rows that hold a plan to a limit, in the units of `value`."""
        return tuple(
            SideRow(
                name=f"{self.name} {at}",
                terms=(quantity,),
                minimum=limit if self.more else None,
                maximum=None if self.more else limit,
            )
            for at, quantity in enumerate(self.quantities)
        )

    @property
    def linear(self) -> bool:
        """Whether it is one sum, which can be minimised; the largest of several cannot."""
        return len(self.quantities) == 1

    def objective(self, cost: Fraction = Fraction(0), weight: Fraction = Fraction(1)) -> Objective:
        """Return cost × money + weight × the measure as an objective; less of it is sought.

        Raises
        ------
        UsageError
            It is the largest of several sums.
        """
        if not self.linear:
            raise UsageError(
                f"{self.name} is the largest of several sums and cannot be weighted; "
                "use --points, or another measure."
            )
        sign = -1 if self.more else 1
        (quantity,) = self.quantities
        terms = [
            Quantity(
                measure=quantity.measure,
                mode=quantity.mode,
                coefficient=sign * weight * quantity.coefficient,
            )
        ]
        if cost:
            terms.append(Quantity(measure="cost", coefficient=cost))
        return Objective(name=self.name, terms=tuple(terms))


def measure_of(instance: Instance, name: str) -> Measure:
    """Return a measure of an instance by its name.

    Raises
    ------
    UsageError
        There is no such measure, or the instance gives it no meaning.
    """
    if name not in MEASURES:
        raise UsageError(
            f"There is no measure {name!r}. {did_you_mean(name, MEASURES)} "
            f"The measures are {', '.join(MEASURES)}."
        )
    split = instance.settings.split
    none = Fraction(0)
    pairs = Fraction(len(instance["demand"]))
    modes = instance["providers"]["mode"]
    hour = none if split else _hour(instance)
    if name == "hours":
        return Measure(name=name, title=MEASURES[name], more=False, scale=Fraction(1), step=hour,
                       quantities=(Quantity(measure="oversight_hours"),),
                       value=lambda a: sum((x.hours for x in a.authorities), none))  # fmt: skip
    if name == "burden":
        keys = _authorities(instance)
        return Measure(name=name, title=MEASURES[name], more=False, scale=Fraction(1), step=hour,
                       quantities=tuple(Quantity(measure="oversight_hours", authority=key)
                                        for key in keys),
                       value=lambda a: max((x.hours for x in a.authorities),
                                           default=none))  # fmt: skip
    if name == "moved":
        if not (instance["demand"]["incumbent"] != -1).any():
            raise UsageError("No pair has an incumbent, so none can move: choose another measure.")
        return Measure(name=name, title=MEASURES[name], more=False, scale=Fraction(1),
                       step=none if split else Fraction(1),
                       quantities=(Quantity(measure="moved_pairs"),),
                       value=lambda a: a.moved)  # fmt: skip
    needs = instance["demand"]["volume"].tolist()
    if name == "co-operatives":
        def cooperative(account: Account) -> Fraction:
            return sum((Fraction(d.volume, needs[d.pair]) for d in account.deliveries
                        if d.deliverer != BY_ITSELF and modes[d.deliverer] == "co-operative"),
                       none)  # fmt: skip

        return Measure(name=name, title=MEASURES[name], more=True, scale=pairs,
                       step=none if split else Fraction(1),
                       quantities=(Quantity(measure="pairs", mode="co-operative"),),
                       value=cooperative)  # fmt: skip
    return _by_volume(instance, name)


def _by_volume(instance: Instance, name: str) -> Measure:
    """Return a measure in weighted units."""
    demand, modes = instance["demand"], instance["providers"]["mode"]
    weights = instance["services"]["weight"][demand["service"]].tolist()
    volumes = demand["volume"].tolist()
    unit = Fraction(1, 10 ** (instance.settings.volume_decimals + DECIMALS["weight"]))
    whole = sum(w * v for w, v in zip(weights, volumes, strict=True)) * unit

    def delivered(account: Account) -> dict[int, Fraction]:
        totals: dict[int, Fraction] = {}
        for d in account.deliveries:
            if d.deliverer != BY_ITSELF:
                one = weights[d.pair] * d.volume * unit
                totals[d.deliverer] = totals.get(d.deliverer, Fraction(0)) + one
        return totals

    if name == "co-operative-volume":
        return Measure(
            name=name, title=MEASURES[name], more=True, scale=whole, step=unit,
            quantities=(Quantity(measure="volume", mode="co-operative"),),
            value=lambda a: sum((v for p, v in delivered(a).items()
                                 if modes[p] == "co-operative"), Fraction(0)))  # fmt: skip
    keys = instance["providers"].keys.tolist()
    return Measure(
        name=name, title=MEASURES[name], more=False, scale=whole, step=unit,
        quantities=tuple(Quantity(measure="volume", provider=str(key)) for key in keys),
        value=lambda a: max(delivered(a).values(), default=Fraction(0)))  # fmt: skip


def _hour(instance: Instance) -> Fraction:
    """Return the last place of hours of whole deliveries."""
    from optimiser.model.rows import places

    hours = Objective(name="hours", terms=(Quantity(measure="oversight_hours"),))
    return Fraction(1, 10 ** (places(hours, instance) or 0))


def _authorities(instance: Instance) -> list[str]:
    """Return the keys of all authorities, organisations that answer for themselves among them."""
    keys: list[str] = instance["authorities"].keys.tolist()
    organisations = instance["organisations"]
    alone = organisations.keys[organisations["authority"] == -1].tolist()
    return [*keys, *(key for key in alone if key not in keys)]
