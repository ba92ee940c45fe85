"""Every table and column, once: kind, unit, bounds, default and meaning.

Reading, checking, documentation, workbook templates and error texts all come from `TABLES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

IN_HOUSE: Final = "in-house"
SHARED_CENTRE: Final = "shared-centre"
CO_OPERATIVE: Final = "co-operative"
MODES: Final = (SHARED_CENTRE, CO_OPERATIVE)

#: Decimals of each kind of number; money and volume take theirs from instance.toml.
DECIMALS: Final = {
    "count": 0,
    "hours": 3,
    "km": 3,
    "weight": 3,
    "staff": 3,
    "degrees": 9,
    "rate": 6,
    "limit": 6,
}
NUMBERS: Final = frozenset({*DECIMALS, "money", "volume"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of one table.

    Parameters
    ----------
    name
        Heading.
    kind
        ``key`` and ``text`` are texts; ``choice`` is one of `choices`; ``reference`` names a row of
        the table `refers_to`; ``references`` several, separated by ``;``; the others are numbers
        (`DECIMALS`).
    meaning
        One sentence.
    unit
        Unit in words, with ``£`` standing for the instance's currency.
    key
        Part of the table's key.
    required
        Must not be blank. Key columns must not be blank unless `blank_key` is set.
    default
        Text that stands for a blank cell, or '' if a blank stays blank.
    blank
        What a blank means, where it is not the default.
    minimum, maximum
        Bounds in the column's unit, inclusive (`above` makes the lower one strict), or None.
    choices
        Words allowed in a ``choice``.
    refers_to
        Table whose key a ``reference`` names.
    in_house
        A ``reference`` to providers may also say ``in-house``.
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""
    key: bool = False
    blank_key: bool = False
    required: bool = False
    default: str = ""
    blank: str = ""
    minimum: float | None = 0
    maximum: float | None = None
    above: bool = False
    choices: tuple[str, ...] = ()
    refers_to: str = ""
    in_house: bool = False

    @property
    def number(self) -> bool:
        """Whether cells are numbers."""
        return self.kind in NUMBERS


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """One table: its name, whether an instance must have it, its meaning and its columns."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    required: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the key columns."""
        return tuple(column.name for column in self.columns if column.key)

    def column(self, name: str) -> Column:
        """Return the column called `name`; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _place() -> tuple[Column, ...]:
    return (
        Column(name="latitude", kind="degrees", unit="degrees north", minimum=-90, maximum=90,
               meaning="Place on the globe, with longitude", blank="no place"),
        Column(name="longitude", kind="degrees", unit="degrees east", minimum=-180, maximum=180,
               meaning="Place on the globe, with latitude", blank="no place"),
        Column(name="x_km", kind="km", unit="km", minimum=None,
               meaning="Place on a plane, with y_km", blank="no place"),
        Column(name="y_km", kind="km", unit="km", minimum=None,
               meaning="Place on a plane, with x_km", blank="no place"),
    )  # fmt: skip


def _oversight() -> tuple[Column, ...]:
    inherit = "the [oversight] default of instance.toml, else "
    return (
        Column(name="hour_cost", kind="rate", unit="£/h", blank=inherit + "0",
               meaning="Price of an hour of oversight"),
        Column(name="officer_hours", kind="hours", unit="h/yr per officer", above=True,
               blank=inherit + "no officers are counted", meaning="Hours that one officer gives"),
        Column(name="officer_cost", kind="money", unit="£/yr per officer", blank=inherit + "0",
               meaning="Cost of one whole officer"),
        Column(name="max_officers", kind="count", unit="officers", blank=inherit + "no limit",
               meaning="Most officers the authority may have"),
        Column(name="max_contracts", kind="count", unit="contracts", blank=inherit + "no limit",
               meaning="Most contracts the authority's organisations may hold together"),
        Column(name="span_of_control", kind="count", unit="officers per manager", above=True,
               blank=inherit + "no managers are counted", meaning="Officers one manager leads"),
        Column(name="manager_cost", kind="money", unit="£/yr per manager", blank=inherit + "0",
               meaning="Cost of one whole manager"),
    )  # fmt: skip


def _key(name: str, meaning: str) -> Column:
    return Column(name=name, kind="key", key=True, required=True, meaning=meaning)


def _ref(table: str, name: str, *, key: bool = True, in_house: bool = False,
         meaning: str = "") -> Column:  # fmt: skip
    return Column(name=name, kind="reference", key=key, required=key, refers_to=table,
                  in_house=in_house, meaning=meaning or f"A row of {table}")  # fmt: skip


_NAME = Column(name="name", kind="text", meaning="Name to show", blank="the key")
_DECISION = Column(name="decision", kind="choice", choices=("required", "barred"), blank="free",
                   meaning="Decided beforehand")  # fmt: skip

OVERSIGHT: Final = _oversight()

TABLES: Final[dict[str, TableSchema]] = {
    table.name: table
    for table in (
        TableSchema(
            name="authorities",
            meaning="Who manages, reports on and monitors organisations' contracts",
            columns=(_key("authority", "Key of the authority"), _NAME, *OVERSIGHT),
        ),
        TableSchema(
            name="organisations",
            required=True,
            meaning="Who needs services: councils, police forces, schools, branches",
            columns=(
                _key("organisation", "Key of the organisation"),
                _NAME,
                Column(name="kind", kind="text", meaning="Sort of organisation"),
                Column(name="authority", kind="reference", refers_to="authorities",
                       blank="it answers for itself under the [oversight] defaults",
                       meaning="Authority that oversees its contracts"),
                Column(name="staff", kind="staff", unit="staff", blank="unknown",
                       meaning="Staff, for the policy measure staff_covered"),
                *_place(),
            ),
        ),
        TableSchema(
            name="services",
            required=True,
            meaning="What is needed, and the unit it is counted in",
            columns=(
                _key("service", "Key of the service"),
                _NAME,
                Column(name="unit", kind="text", meaning="Unit of its volume"),
                Column(name="weight", kind="weight", default="1", unit="weighted units per unit",
                       meaning="Weight in provider capacities and in shares of volume"),
                Column(name="access_rate", kind="rate", unit="£ per unit and km", default="0",
                       meaning="Price of access, for options with a blank access_cost"),
            ),
        ),
        TableSchema(
            name="providers",
            required=True,
            meaning="Shared centres and co-operatives that may deliver",
            columns=(
                _key("provider", "Key of the provider"),
                _NAME,
                Column(name="mode", kind="choice", choices=MODES, required=True,
                       meaning="Shared centre or co-operative"),
                Column(name="status", kind="choice", choices=("candidate", "existing"),
                       blank="existing if some pair's incumbent is this provider, else candidate",
                       meaning="Whether it stands today"),
                _DECISION,
                *_place(),
                Column(name="running_cost", kind="money", unit="£/yr", default="0",
                       meaning="Paid while it is open"),
                Column(name="opening_cost", kind="money", unit="£ once", default="0",
                       meaning="Paid for a candidate that is open"),
                Column(name="closing_cost", kind="money", unit="£ once", default="0",
                       meaning="Paid for an existing provider that is not open"),
                Column(name="capacity", kind="volume", unit="weighted units/yr", blank="no limit",
                       meaning="Most weighted volume it delivers over all services"),
                Column(name="min_members", kind="count", unit="organisations", default="0",
                       meaning="Fewest members, if it has any"),
                Column(name="max_members", kind="count", unit="organisations", blank="no limit",
                       meaning="Most members"),
                Column(name="member_cost", kind="money", unit="£/yr per contract", default="0",
                       meaning="Cost of each contract, unless contracts says otherwise"),
                Column(name="contract_hours", kind="hours", unit="h/yr per contract", default="0",
                       meaning="Oversight of each contract, unless contracts says otherwise"),
                Column(name="max_distance_km", kind="km", unit="km", blank="everywhere",
                       meaning="Reach of the options that are generated"),
            ),
        ),
        TableSchema(
            name="demand",
            required=True,
            meaning="What each organisation needs, and what it costs in-house and today",
            columns=(
                _ref("organisations", "organisation"),
                _ref("services", "service"),
                Column(name="volume", kind="volume", unit="units/yr", required=True, above=True,
                       meaning="Volume needed"),
                Column(name="in_house_cost", kind="money", unit="£/yr", blank="in-house impossible",
                       meaning="Cost of doing it in-house"),
                Column(name="in_house_hours", kind="hours", unit="h/yr", default="0",
                       meaning="Oversight of doing it in-house"),
                Column(name="baseline_cost", kind="money", unit="£/yr", blank="in_house_cost",
                       meaning="Cost that policies on baseline_cost count"),
                _ref("providers", "incumbent", key=False, in_house=True,
                     meaning="Who delivers today; blank = nobody"),
                Column(name="exit_cost", kind="money", unit="£ once", default="0",
                       meaning="Paid on leaving the incumbent, in-house included"),
                Column(name="in_house_entry_cost", kind="money", unit="£ once", default="0",
                       meaning="Paid on going in-house where the incumbent is not in-house"),
            ),
        ),
        TableSchema(
            name="offers",
            required=True,
            meaning="Which provider can deliver which service, up to what capacity",
            columns=(
                _ref("providers", "provider"),
                _ref("services", "service"),
                Column(name="existing", kind="choice", choices=("yes", "no"),
                       blank="yes if some pair's incumbent uses it, else no",
                       meaning="Whether it is set up today"),
                Column(name="set_up_cost", kind="money", unit="£ once", default="0",
                       meaning="Paid for an offer in use that is not existing"),
                Column(name="capacity", kind="volume", unit="units/yr", blank="no limit",
                       meaning="Most volume it delivers"),
                Column(name="min_volume", kind="volume", unit="units/yr", default="0",
                       meaning="Least volume it delivers, if any"),
                Column(name="service_hours", kind="hours", unit="h/yr per pair", default="0",
                       meaning="Oversight of each pair it delivers"),
                Column(name="hours_per_unit", kind="rate", unit="h per unit", default="0",
                       meaning="Oversight of each unit it delivers"),
            ),
        ),
        TableSchema(
            name="tariffs",
            required=True,
            meaning="Price bands of offers; the cheapest band valid at the volume is in force",
            columns=(
                _ref("providers", "provider"),
                _ref("services", "service"),
                Column(name="band", kind="key", key=True, required=True, meaning="Key of the band"),
                Column(name="from_volume", kind="volume", unit="units/yr", default="0",
                       meaning="Least volume at which the band is valid"),
                Column(name="to_volume", kind="volume", unit="units/yr", blank="no limit",
                       meaning="Most volume at which the band is valid"),
                Column(name="fixed_cost", kind="money", unit="£/yr", default="0", minimum=None,
                       meaning="Paid once for the offer while the band is in force"),
                Column(name="unit_cost", kind="rate", unit="£/unit", default="0",
                       meaning="Paid for every unit while the band is in force"),
            ),
        ),
        TableSchema(
            name="options",
            meaning="Who may deliver which pair; a table without rows counts as absent",
            columns=(
                _ref("organisations", "organisation"),
                _ref("services", "service"),
                _ref("providers", "provider", in_house=True),
                Column(name="access_cost", kind="money", unit="£/yr",
                       blank="access_rate × volume × km", meaning="Cost of reaching the provider"),
                Column(name="entry_cost", kind="money", unit="£ once", default="0",
                       meaning="Paid on joining a provider that is not the incumbent"),
                Column(name="hours", kind="hours", unit="h/yr", default="0",
                       meaning="Further oversight of this delivery"),
                _DECISION,
            ),
        ),
        TableSchema(
            name="contracts",
            meaning="Costs and hours of single contracts; a filled cell overrides the provider's",
            columns=(
                _ref("organisations", "organisation"),
                _ref("providers", "provider"),
                Column(name="contract_cost", kind="money", unit="£/yr",
                       blank="the provider's member_cost", meaning="Cost of this contract"),
                Column(name="contract_hours", kind="hours", unit="h/yr",
                       blank="the provider's contract_hours", meaning="Oversight of this contract"),
            ),
        ),
        TableSchema(
            name="links",
            meaning="Pairs of services that an organisation buys together, apart, or dearer apart",
            columns=(
                _ref("services", "service_a"),
                _ref("services", "service_b"),
                Column(name="rule", kind="choice", key=True, required=True,
                       choices=("together", "apart", "split-cost"), meaning="What binds the two"),
                Column(name="cost", kind="money", unit="£/yr per organisation", default="0",
                       meaning="Paid where the deliverers differ (split-cost only)"),
                Column(name="organisation", kind="reference", key=True, blank_key=True,
                       refers_to="organisations", blank="all organisations",
                       meaning="Organisation it holds for; such a row overrides the one for all"),
            ),
        ),
        TableSchema(
            name="policies",
            meaning="Least and most of a measure, over all, each provider or each authority",
            columns=(
                _key("policy", "Key of the policy"),
                Column(name="scope", kind="choice", default="total",
                       choices=("total", "each-provider", "each-authority"),
                       meaning="What the measure is taken over"),
                Column(name="measure", kind="choice", required=True,
                       choices=("volume", "baseline_cost", "pairs", "staff_covered",
                                "open_providers", "contracts", "oversight_hours", "one_off_cost",
                                "moved_pairs"),
                       meaning="What is measured"),
                Column(name="mode", kind="choice", choices=(*MODES, IN_HOUSE), blank="any provider",
                       meaning="Deliveries that count"),
                Column(name="service", kind="references", refers_to="services",
                       blank="all services", meaning="Services that count, several with ;"),
                Column(name="minimum", kind="limit", blank="no minimum", meaning="Least it may be"),
                Column(name="maximum", kind="limit", blank="no limit", meaning="Most it may be"),
                Column(name="unit", kind="choice", choices=("share", "absolute"),
                       blank="share where the measure has a share, else absolute",
                       meaning="Whether the limits are shares of all demand or amounts"),
            ),
        ),
        TableSchema(
            name="network",
            meaning="Roads between organisations, providers and junctions, passable both ways",
            columns=(
                Column(name="from", kind="key", key=True, required=True, meaning="One end"),
                Column(name="to", kind="key", key=True, required=True, meaning="Other end"),
                Column(name="km", kind="km", unit="km", required=True, meaning="Length"),
            ),
        ),
    )
}  # fmt: skip

#: Cost parts, in the order in which they are shown; `[objective]` gives each a weight.
COST_PARTS: Final[dict[str, str]] = {
    "in_house": "In-house delivery",
    "tariff": "Providers' tariffs",
    "access": "Access",
    "running": "Running costs of open providers",
    "contracts": "Contracts (members)",
    "oversight_hours": "Oversight, by the hour",
    "officers": "Oversight officers",
    "managers": "Oversight managers",
    "opening": "Opening, annualised",
    "closing": "Closing, annualised",
    "set_up": "Set-up, annualised",
    "entry": "Entry, annualised",
    "exit": "Exit, annualised",
    "in_house_entry": "Going in-house, annualised",
    "links": "Split services",
}
#: Parts that are paid once and enter the yearly cost by annuity.
ONE_OFF_PARTS: Final = ("opening", "closing", "set_up", "entry", "exit", "in_house_entry")
