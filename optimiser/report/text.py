"""The answer on one screen.

Every line is a `rich.text.Text` made from plain strings, never from markup, so that a name such as
``[bold]`` stays a name; `words.safe` takes out what could steer the terminal.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.text import Text

from optimiser.model.check import in_house_account, todays_account
from optimiser.model.instance import BLANK
from optimiser.model.plan import BY_ITSELF
from optimiser.model.schema import CO_OPERATIVE, COST_PARTS, SHARED_CENTRE
from optimiser.report.plans import load_limits
from optimiser.report.words import Money, bar, clip, duration, number, percent, plural, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.model.account import Account, AuthorityAccount, ProviderAccount
    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result

#: Cells of a bar.
BAR: Final = 12
#: Narrower than this the columns do not fit, and the terminal has to break the lines.
_NARROWEST: Final = 72
#: Rows of a list, at most where there is room and at least where there is none.
_MOST_ROWS: Final = 10
_FEWEST_ROWS: Final = 2
#: Columns of a mode's figures.
_MODE: Final = 18
#: Solver names that stand for a proof by counting, made before any solver ran.
_COUNTING: Final = "counting"


@dataclass(slots=True, kw_only=True)
class _Section:
    """A heading, with what stands at its right end, and rows."""

    heading: str
    aside: str = ""
    rows: list[Text] = field(default_factory=list)


def answer(result: Result, *, width: int = 80, height: int = 40, plain: bool = False) -> list[Text]:
    """Return the answer in lines, each at most `width` cells wide.

    Parameters
    ----------
    result
        What to tell.
    width, height
        Size of the screen; a width below 72 counts as 72. Lists are shortened until the
        answer fits, down to a few rows each.
    plain
        Whether only ASCII may be drawn (names and the pound sign apart: those are data).
    """
    width = max(width, _NARROWEST)
    lines = _Page(result, width, height, plain).lines()
    for line in lines:  # only figures beyond all bounds make a line too long
        line.truncate(width, overflow="ellipsis")
    return lines


def sentences(result: Result) -> dict[str, list[str]]:
    """Return what the answer says in words, each paragraph on a line: heading -> paragraphs.

    ``status`` always; with a plan ``compared`` and ``bound``, without one ``why``.
    """
    return _Page(result, 100_000, 100_000, False).sentences()


def _sentence(row: str) -> str:
    """Return a row of the screen as a sentence: what stood in columns parted by signs."""
    cells = [" ".join(cell.split()) for cell in row.strip().split("  ") if cell.strip()]
    if len(cells) == 3:
        return f"{cells[0][:1].upper()}{cells[0][1:]} costs {cells[1]} a year: {cells[2]}."
    return " ".join(cells)


class _Page:
    def __init__(self, result: Result, width: int, height: int, plain: bool) -> None:
        settings = result.instance.settings
        self.result = result
        self.instance: Instance = result.instance
        self.width, self.height, self.plain = width, height, plain
        self.money = Money(
            currency=settings.currency, decimals=settings.money_decimals, plain=plain
        )

    def lines(self) -> list[Text]:
        account = self.result.account
        head = [*self._title(), *self._status()]
        if account is None:
            return [*head, *self._without_plan()]
        compared, bound = self._compared(account), self._bound(account)
        room = self.height - 2 - len(head)  # two lines stay for where the result was saved
        for rows in range(_MOST_ROWS, _FEWEST_ROWS - 1, -1):
            sections = [
                self._costs(account, rows=max(rows + 1, 5)),
                self._deliverers(account, rows=rows),
                self._providers(account, rows=rows),
                self._oversight(account, rows=rows),
                compared,
                bound,
            ]
            total = sum(1 + len(section.rows) for section in sections)
            if total <= room:
                break
        spaced = total + len(sections) <= room
        lines = head
        for section in sections:
            if spaced:
                lines.append(Text())
            lines += [self._heading(section), *section.rows]
        return lines

    def sentences(self) -> dict[str, list[str]]:
        found = {"status": [row.plain.strip() for row in self._status()]}
        account = self.result.account
        if account is None:
            lines = [row.plain.strip() for row in self._without_plan()]
            return found | {"why": [line for line in lines if line]}
        sections = {"compared": self._compared(account), "bound": self._bound(account)}
        for name, section in sections.items():
            found[name] = [_sentence(row.plain) for row in section.rows]
        return found

    # --- head ----------------------------------------------------------------------------------

    def _title(self) -> list[Text]:
        settings = self.instance.settings
        title = settings.title or self.instance.source or "Untitled instance"
        facts = f"{settings.sourcing} sourcing"
        if settings.price_year is not None:
            facts += f", prices of {settings.price_year}"
        room = self.width - len(facts) - 2
        return [Text(clip(title, room), style="bold") + Text(f"  {facts}", style="dim")]

    def _status(self) -> list[Text]:
        words, style = self._status_words()
        lines = self._wrap(words, style=style)
        result = self.result
        seconds = result.seconds.get("total")
        who = f"{result.solver} {result.solver_version}".strip()
        if result.account is not None and who:
            took = "" if seconds is None else f" in {duration(seconds)}"
            pairs = plural(len(self.instance["demand"]), "pair")
            lines += self._wrap(f"Solved by {who}{took}; {pairs}; every rule checked.", style="dim")
        return lines

    def _status_words(self) -> tuple[str, str]:
        result, account = self.result, self.result.account
        stopped = "Interrupted" if result.interrupted else "Stopped at a limit"
        if account is not None:
            cost = f"{self.money.exact(account.cost)} a year"
            if result.status == "optimal" and result.gap == 0:
                return f"Best plan, proved: {cost}.", "bold green"
            if result.status == "optimal":
                asked = percent(result.options.gap)
                return f"Best plan within the gap asked for ({asked}): {cost}.", "bold green"
            return f"{stopped} with a plan that keeps every rule: {cost}.", "bold yellow"
        if result.status == "infeasible":
            return "There is no plan that keeps every rule.", "bold red"
        if result.status == "error":
            return "The solver failed; nothing is known about the best plan.", "bold red"
        return f"{stopped} without a plan. That does not say that there is none.", "bold yellow"

    def _without_plan(self) -> list[Text]:
        result = self.result
        lines: list[Text] = []
        if result.bound_units is not None:
            lines += self._wrap(
                f"No plan can cost less than {self.money.exact(result.bound_units)}"
                f"{self._weighted()} a year, says {safe(result.solver)}."
            )
        if result.reasons:
            lines += [Text(), Text("Why", style="bold")]
            room = max(self.height - len(lines) - 10, 6)
            for reason in result.reasons[:room]:
                lines += self._wrap(reason, indent="  - ")
            if len(result.reasons) > room:
                lines.append(Text(f"  and {len(result.reasons) - room:,} more, in result.json"))
        if result.status == "infeasible":
            by = "counting, before any solver ran" if result.solver == _COUNTING else result.solver
            lines += self._wrap(f"Proved by {safe(by)}.", style="dim")
        lines += [Text(), Text("What to do next", style="bold")]
        for remedy in self._remedies():
            lines += self._wrap(remedy, indent="  - ")
        return lines

    def _remedies(self) -> list[str]:
        result, instance = self.result, self.instance
        if result.status == "infeasible":
            remedies = ["Mend what the reasons above name, if they name something."]
            loosen = []
            if len(instance["policies"]):
                loosen.append("the policies")
            if len(instance["links"]):
                loosen.append("the links")
            if any(a is not None for a in self._authority_limits()):
                loosen.append("the authorities' most officers and contracts")
            loosen.append("capacities and minimum volumes")
            remedies.append(
                "Loosen one thing at a time and solve again: " + ", ".join(loosen) + "."
            )
            blank = int((instance["demand"]["in_house_cost"] == BLANK).sum())
            if blank:
                remedies.append(
                    f"{plural(blank, 'pair')} cannot be done in-house: an in_house_cost "
                    "in demand.csv, even a high one, shows where it pinches."
                )
            return remedies
        if result.status == "error":
            return [
                "Try another solver; `optimiser solvers` lists what is installed.",
                "Run again with --log FILE to keep what the solver says.",
            ]
        return [
            "Give it more time: --time-limit 10m.",
            "Try another solver; `optimiser solvers` lists what is installed.",
            "Start from a plan you have: --start FOLDER of a saved result.",
        ]

    def _authority_limits(self) -> list[int | None]:
        authorities = self.instance["authorities"]
        values = [
            self.instance.settings.oversight.get(name, BLANK)
            for name in ("max_officers", "max_contracts")
        ]
        for name in ("max_officers", "max_contracts"):
            values += authorities[name].tolist()
        return [None if value == BLANK else value for value in values]

    # --- sections ------------------------------------------------------------------------------

    def _costs(self, account: Account, rows: int) -> _Section:
        parts = [(part, units) for part, units in account.parts.items() if units]
        parts.sort(key=lambda item: -abs(item[1]))
        rest = parts[rows - 1 :] if len(parts) > rows else []
        lines = [(COST_PARTS[part], units) for part, units in parts[: len(parts) - len(rest)]]
        if rest:
            words = f"{len(rest)} smaller parts, in costs.csv"
            lines.append((words, sum(units for _, units in rest)))
        section = _Section(heading="Cost by part, a year", aside=self.money.exact(account.cost))
        for words, units in lines:
            share = Fraction(units, account.cost) if account.cost > 0 else Fraction(0)
            left = f"  {clip(words, 36)}{self.money.rounded(units):>18}{percent(share):>9}  "
            section.rows.append(Text(left) + self._bar(float(share), self.width - len(left)))
        return section

    def _deliverers(self, account: Account, rows: int) -> _Section:
        """Pairs and volume by mode; volume by service, since their units differ."""
        instance, plan = self.instance, account.plan
        demand, services = instance["demand"], instance["services"]
        volume = demand["volume"].astype(float)
        mode = self._mode_of(plan.deliverer)
        part = plan.volume / volume[plan.pair]
        pairs = np.bincount(mode, weights=part, minlength=3)
        section = _Section(
            heading=clip("Who delivers", self.width - 3 * _MODE)
            + "".join(
                f"{name:>{_MODE}}" for name in ("in-house", "shared centres", "co-operatives")
            )
        )
        total, one = len(demand), 10.0**instance.settings.volume_decimals
        section.rows.append(self._modes(f"pairs, of {total:,}", pairs.tolist(), total))
        needed = np.bincount(demand["service"], weights=volume / one, minlength=len(services))
        given = np.zeros((len(services), 3))
        np.add.at(given, (demand["service"][plan.pair], mode), plan.volume)
        given /= one
        order = [s for s in np.argsort(-demand_pairs(instance), kind="stable") if needed[s]]
        fit = rows if len(order) <= rows else rows - 1
        for s in order[:fit]:
            unit = services["unit"][s]
            words = f"{safe(services['name'][s])}, {safe(unit)}" if unit else services["name"][s]
            section.rows.append(self._modes(words, given[s].tolist(), needed[s]))
        if len(order) > fit:
            section.rows.append(self._more(len(order) - fit, "service", "allocation.csv"))
        return section

    def _modes(self, words: str, amounts: Sequence[float], total: float) -> Text:
        line = f"  {clip(words, self.width - 3 * _MODE - 2)}"
        for amount in amounts:
            figure = number(amount, 0 if amount >= 1000 or amount == int(amount) else 1)
            share = f"{100 * amount / total:.0f} %" if total else ""
            line += f"{figure:>{_MODE - 6}}{share:>6}"
        return Text(line)

    def _mode_of(self, deliverer: np.ndarray) -> np.ndarray:
        """Return 0 for in-house, 1 for a shared centre, 2 for a co-operative."""
        modes = self.instance["providers"]["mode"]
        code = np.array([{SHARED_CENTRE: 1, CO_OPERATIVE: 2}[mode] for mode in modes] or [0])
        return np.where(deliverer == BY_ITSELF, 0, code[np.maximum(deliverer, 0)])

    def _providers(self, account: Account, rows: int) -> _Section:
        providers = self.instance["providers"]
        opened = [p for p in account.providers if p.is_open]
        section = _Section(
            heading=f"Providers open: {len(opened):,} of {len(providers):,}",
            aside="members          load",
        )
        if not opened:
            section.rows.append(Text("  none", style="dim"))
            return section
        limits = load_limits(self.instance, opened)

        def fullness(p: ProviderAccount) -> tuple[float, float]:
            limit = limits[p.provider]
            return (-float(p.load / limit) if limit else 0.0, -float(p.load))

        opened.sort(key=fullness)
        fit = rows if len(opened) <= rows else max(rows - 1, 1)
        short = {SHARED_CENTRE: "centre", CO_OPERATIVE: "co-op"}
        for p in opened[:fit]:
            mode = short[providers["mode"][p.provider]]
            limit = limits[p.provider]
            left = f"  {clip(providers['name'][p.provider], self.width - BAR - 44)} {mode:<6}"
            if limit:
                share = float(p.load / limit)
                full = Text(f"{percent(round(share, 3)):>8} full ") + self._bar(share, BAR)
            else:
                full = Text(f"{'no limit':>13}" if limit is None else f"{'no capacity':>13}")
            figures = f"{p.members:>8,}{number(p.load, 0 if p.load >= 100 else 1):>11}"
            section.rows.append(Text(left + figures) + full)
        if len(opened) > fit:
            section.rows.append(self._more(len(opened) - fit, "open provider", "providers.csv"))
        return section

    def _oversight(self, account: Account, rows: int) -> _Section:
        hours = sum((a.hours for a in account.authorities), Fraction(0))
        cost = sum(account.parts[part] for part in ("oversight_hours", "officers", "managers"))
        officers = sum(a.officers for a in account.authorities)
        aside = f"{number(hours)} h, {plural(len(account.contracts), 'contract')}"
        if officers:
            aside += f", {plural(officers, 'officer')}"
        section = _Section(
            heading="Oversight by authority", aside=f"{aside}, {self.money.rounded(cost)}"
        )
        busy = [a for a in account.authorities if a.hours or a.contracts]
        busy.sort(key=lambda a: (-(_pressed(a) or 0), -a.hours))
        fit = rows if len(busy) <= rows else max(rows - 1, 1)
        counted = any(a.officer_hours is not None for a in busy)
        limited = any(_pressed(a) is not None for a in busy)
        for a in busy[:fit]:
            section.rows.append(self._authority(a, counted=counted, limited=limited))
        if len(busy) > fit:
            section.rows.append(
                self._more(len(busy) - fit, "authority", "oversight.csv", "authorities")
            )
        if not busy:
            section.rows.append(Text("  none needed", style="dim"))
        return section

    def _authority(self, a: AuthorityAccount, *, counted: bool, limited: bool) -> Text:
        contracts = f"{a.contracts:,}"
        if a.max_contracts is not None:
            contracts += f" of {a.max_contracts:,}"
        figures = f"{number(a.hours):>8} h{contracts:>9} contr."
        if counted:
            officers = f"{a.officers:,}"
            if a.max_officers is not None:
                officers += f" of {a.max_officers:,}"
            figures += f"{officers:>9} off."
        room = self.width - len(figures) - 2 - ((BAR + 1) if limited else 0)
        line = Text(f"  {clip(a.name, room)}{figures}".rstrip())
        share = _pressed(a)
        return line if share is None else line + " " + self._bar(float(share), BAR)

    def _compared(self, account: Account) -> _Section:
        section = _Section(heading="Compared with")
        today = todays_account(self.instance)
        if today is None:
            text = "  today's arrangement: not known, some pairs have no incumbent"
            section.rows.append(Text(text, style="dim"))
        else:
            section.aside = "one-offs are left out of today's cost"
            section.rows.append(self._comparison("today's arrangement", account, today))
            section.rows += self._broken("Today's arrangement", today)
        alone = in_house_account(self.instance)
        if alone is not None:
            section.rows.append(self._comparison("all in-house", account, alone))
            section.rows += self._broken("All in-house", alone)
        else:
            section.rows.append(
                Text("  all in-house: not possible, some pairs have no in-house cost", style="dim")
            )
        return section

    def _comparison(self, words: str, account: Account, other: Account) -> Text:
        saved = other.cost - account.cost
        text = f"this plan saves {self.money.rounded(saved)}"
        if saved < 0:
            text = f"this plan costs {self.money.rounded(-saved)} more"
        if other.cost > 0:
            text += f" ({percent(Fraction(abs(saved), other.cost))})"
        return Text(f"  {words:<19}{self.money.rounded(other.cost):>15}  {text}")

    def _broken(self, words: str, account: Account) -> list[Text]:
        broken = account.violations
        if not broken:
            return []
        first = f"{words} breaks {plural(len(broken), 'rule')}: {safe(broken[0].message)}"
        rows = self._wrap(first, indent="    ", style="yellow")
        if len(rows) > 2:
            text = f"{rows[1].plain} {rows[2].plain.strip()}"
            rows[1] = Text(clip(text, self.width).rstrip(), style="yellow")
        return rows[:2]

    def _bound(self, account: Account) -> _Section:
        """Say what the bound means."""
        result, money = self.result, self.money
        section = _Section(heading="How good it is")
        if result.bound_units is None:
            text = f"{safe(result.solver)} gives no bound, so a better plan may exist."
        else:
            over = account.objective - result.bound_units
            weighted = self._weighted()
            if over <= 0:
                text = (
                    f"No plan can cost less than {money.exact(account.objective)}{weighted}: "
                    "this one is a best plan."
                )
            else:
                share = f" ({percent(result.gap)})" if result.gap is not None else ""
                text = (
                    f"No plan can cost less than {money.exact(result.bound_units)}{weighted}: "
                    f"this one is at most {money.exact(over)}{share} above the best."
                )
            if account.objective != account.cost:
                text += f" The plan's weighted cost is {money.exact(account.objective)}."
            text += " " + self._proof()
        if not self.plain:
            text = text.replace(" %", "\u00a0%")  # so that no line begins with the sign
        section.rows += self._wrap(text, indent="  ")
        return section

    def _proof(self) -> str:
        certified = self.result.certified_bound_units
        if certified is None:
            return f"The bound is what {safe(self.result.solver)} claims; the plan is checked."
        if self.result.bound_units is not None and certified >= self.result.bound_units:
            return "The bound has a certificate that anyone can verify."
        return f"A certificate alone proves {self.money.exact(certified)}."

    def _weighted(self) -> str:
        """Say that the objective's money is weighted, where it is."""
        weights = self.instance.settings.weights.values()
        return " (weighted)" if any(weight != 1 for weight in weights) else ""

    # --- drawing -------------------------------------------------------------------------------

    def _heading(self, section: _Section) -> Text:
        text = section.heading
        if section.aside:
            room = self.width - len(section.heading) - len(section.aside)
            text += " " * max(room, 2) + section.aside
        return Text(clip(text, self.width).rstrip(), style="bold")

    def _more(self, count: int, word: str, file: str, words: str = "") -> Text:
        return Text(f"  and {plural(count, word, words)} more, in {file}", style="dim")

    def _bar(self, share: float, width: int) -> Text:
        return Text(bar(share, width, plain=self.plain), style="cyan")

    def _wrap(self, text: str, *, indent: str = "", style: str = "") -> list[Text]:
        rows = textwrap.wrap(
            safe(text), self.width, initial_indent=indent, subsequent_indent=" " * len(indent)
        )
        return [Text(row, style=style) for row in rows]


def demand_pairs(instance: Instance) -> np.ndarray:
    """Pairs of each service, shape (services,)."""
    return np.bincount(instance["demand"]["service"], minlength=len(instance["services"]))


def _pressed(authority: AuthorityAccount) -> Fraction | None:
    """How much of its tightest limit an authority uses, None without a limit."""
    shares = []
    if authority.officer_hours and authority.max_officers:
        shares.append(authority.hours / (authority.officer_hours * authority.max_officers))
    if authority.max_contracts:
        shares.append(Fraction(authority.contracts, authority.max_contracts))
    return max(shares, default=None)
