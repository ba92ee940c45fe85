"""Rows of the rules that reach across pairs: oversight, links, covers, policies and side rows."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from optimiser.model.problem import UNLIMITED
from optimiser.solvers.milp.names import clean, label, labels
from optimiser.solvers.milp.rows import whole_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.problem import Problem
    from optimiser.solvers.milp.columns import Columns
    from optimiser.solvers.milp.rows import Entry, Rows

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

    #: An atom: kind and index.
    Atom = tuple[str, int]


def contract_authority(problem: Problem) -> Ints:
    """Return the authority of each contract's organisation, shape (contracts,)."""
    authority = np.zeros(problem.size("contract"), dtype=np.int64)
    authority[problem.option_contract] = problem.pair_authority[problem.option_pair]
    return authority


def most_officers(problem: Problem) -> tuple[Ints, Ints]:
    """Return the officers and managers that the largest hours would take, shape (authorities,)."""
    hours = problem.hours
    most = hours.get("home", problem.pairs).astype(object)
    each = hours.get("part", problem.options).astype(object)
    each = each + hours.get("use", problem.options)
    if problem.split:  # a pair may have many deliveries, each with hours of its own
        np.add.at(most, problem.option_pair, each)
    elif problem.options:
        np.maximum.at(most, problem.option_pair, each)
    total = np.zeros(problem.size("officers"), dtype=object)
    np.add.at(total, problem.pair_authority, most)
    contract = hours.get("contract", problem.size("contract")).astype(object)
    np.add.at(total, contract_authority(problem), contract)
    per, span = problem.authority_officer_hours, problem.authority_span
    officers = np.where(per > 0, -(-total // np.maximum(per, 1)), 0)
    officers = np.minimum(officers, problem.authority_max_officers).astype(np.int64)
    managers = np.where(span > 0, -(-officers // np.maximum(span, 1)), 0)
    return officers, managers


def counted(problem: Problem) -> Bools:
    """Return which authorities' officers cost, are limited or stand in a row; (authorities,)."""
    count = problem.size("officers")
    matters = _led(problem) | (problem.objective.get("officers", count) > 0)
    matters |= _in_rows(problem, "officers")
    matters |= problem.authority_max_officers < UNLIMITED
    result: Bools = (problem.authority_officer_hours > 0) & matters
    return result


def _led(problem: Problem) -> Bools:
    """Return which authorities' managers cost or stand in a row, shape (authorities,)."""
    cost = problem.objective.get("managers", problem.size("managers"))
    matters = (cost > 0) | _in_rows(problem, "managers")
    result: Bools = matters & (problem.authority_span > 0)
    return result


def _in_rows(problem: Problem, kind: str) -> Bools:
    """Return which atoms of a kind a policy or side row with a limit counts, shape (atoms,)."""
    result = np.zeros(problem.size(kind), dtype=bool)
    for row in problem.rows:
        if row.lower is None and row.upper is None:
            continue
        for term in row.terms:
            if term.kind == kind and term.factor:
                result[term.index[np.asarray(term.coefficient) != 0]] = True
    return result


def oversight(problem: Problem, columns: Columns, rows: Rows) -> None:
    """Add officers for the hours, managers for the officers, and limits on contracts."""
    authority = contract_authority(problem)
    count = problem.size("officers")
    led, some_officers = _led(problem), counted(problem)
    options = _grouped(problem.pair_authority[problem.option_pair], count)
    home = _grouped(problem.pair_authority[columns.home], count)
    contracts = _grouped(authority, count)
    for a in np.flatnonzero(some_officers).tolist():
        terms = []
        for kind, index in (
            ("part", options[a]),
            ("home", columns.home[home[a]]),
            ("contract", contracts[a]),
            ("use", options[a]),
        ):
            found = problem.hours.get(kind, problem.size(kind))[index]
            some = np.flatnonzero(found)
            terms.append((kind, index[some], found[some], Fraction(1)))
        per = problem.authority_officer_hours[[a]]
        terms.append(("officers", np.array([a]), -per, Fraction(1)))
        _row(columns, rows, terms, None, Fraction(0), f"officers_{label(problem, 'officers', a)}",
             "officers")
    managed = np.flatnonzero(some_officers & led)
    each = np.arange(len(managed))
    entries: list[Entry] = [
        (each, columns.at("n", managed), 1),
        (each, columns.at("m", managed), -problem.authority_span[managed]),
    ]
    rows.at_most(len(managed), entries, 0, labels(problem, "managers", "managers", managed))
    held = np.bincount(authority, minlength=count)
    limited = np.flatnonzero(problem.authority_max_contracts < held)
    place = np.full(count, -1, dtype=np.int64)
    place[limited] = np.arange(len(limited))
    inside = np.flatnonzero(place[authority] >= 0)
    entries = [(place[authority[inside]], columns.at("w", inside), 1)]
    limit = problem.authority_max_contracts[limited]
    rows.at_most(len(limited), entries, limit, labels(problem, "contracts", "officers", limited))


def _grouped(owner: Ints, count: int) -> list[Ints]:
    """Return the positions at which each of `count` owners stands, in order."""
    order = np.argsort(owner, kind="stable")
    return np.split(order, np.searchsorted(owner[order], np.arange(1, count)))


def _row(
    columns: Columns,
    rows: Rows,
    terms: list[tuple[str, Ints, Ints, Fraction]],
    lower: Fraction | None,
    upper: Fraction | None,
    name: str,
    what: str = "",
) -> None:
    """Add one row over atoms: lower ≤ Σ factor · coefficient · atom ≤ upper."""
    column: list[Ints] = [np.zeros(0, dtype=np.int64)]
    expanded = []
    for kind, index, coefficient, factor in terms:
        some, above, below = columns.expand(kind, index, coefficient)
        column.append(some)
        expanded.append((above, below, factor))
    integers, low, high = whole_row(expanded, lower, upper)
    place = np.zeros(len(integers), dtype=np.int64)
    rows.add(1, [(place, np.concatenate(column), integers)], low, high, lambda: [name], what)


def links(problem: Problem, columns: Columns, rows: Rows) -> None:
    """Add together, apart and split-cost."""

    def row(terms: list[tuple[Atom, int]], low: int | None, high: int, name: str) -> None:
        listed = [
            (kind, np.array([index]), np.array([sign]), Fraction(1))
            for (kind, index), sign in terms
        ]
        lower = None if low is None else Fraction(low)
        _row(columns, rows, listed, lower, Fraction(high), name)

    for number, (a, b) in enumerate(problem.together.tolist()):
        for atoms in _sides(problem, a, b, "part", "home"):
            terms = [(atom, sign) for atom, sign in zip(atoms, (1, -1), strict=True) if atom]
            row(terms, 0, 0, f"together_{number}_{_tag(problem, atoms)}")
    for number, (a, b) in enumerate(problem.apart.tolist()):
        for first, second in _sides(problem, a, b, "use", "home_use"):
            if first and second and first[0] == "use":
                tag = _tag(problem, (first, second))
                row([(first, 1), (second, 1)], None, 1, f"apart_{number}_{tag}")
    watched = any(term.kind == "link" for row in problem.rows for term in row.terms)
    for number, (a, b) in enumerate(problem.link.tolist()):
        paid: Atom = ("link", number)
        for atoms in _sides(problem, a, b, "use", "home_use"):
            tag = f"{number}_{_tag(problem, atoms)}"
            for way, (one, two) in enumerate((atoms, atoms[::-1])):
                if one:
                    others = [(two, -1)] if two else []
                    row([(one, 1), *others, (paid, -1)], None, 0, f"differ{way}_{tag}")
            if watched and atoms[0] and atoms[1] and not problem.split:
                both = [(atoms[0], 1), (atoms[1], 1), (paid, 1)]
                row(both, None, 2, f"same_{tag}")


def _sides(
    problem: Problem, a: int, b: int, by: str, at_home: str
) -> list[tuple[Atom | None, Atom | None]]:
    """Return the atoms of two pairs by deliverer, None where a pair has not got it."""
    found: dict[int, list[Atom | None]] = {}
    for side, q in enumerate((a, b)):
        low, high = np.searchsorted(problem.option_pair, [q, q + 1]).tolist()
        for k in range(low, high):
            provider = int(problem.option_provider[k])
            found.setdefault(provider, [None, None])[side] = (by, k)
    result = [(one, two) for _, (one, two) in sorted(found.items())]
    home = [(at_home, q) if problem.home[q] else None for q in (a, b)]
    return [*result, (home[0], home[1])] if any(home) else result


def _tag(problem: Problem, atoms: tuple[Atom | None, Atom | None]) -> str:
    """Name the deliverer that two atoms share."""
    kind, index = atoms[0] or atoms[1] or ("home", 0)
    if kind in ("home", "home_use"):
        return "in_house"
    return label(problem, "provider", int(problem.option_provider[index]))


def covers(problem: Problem, columns: Columns, rows: Rows) -> None:
    """Add covers: r = 1 exactly where any member is 1."""
    count = columns.sizes["r"]
    cover = np.repeat(np.arange(count), np.diff(problem.cover_start))
    least = [(np.arange(count), columns.at("r"), 1)]
    most = [(np.arange(len(cover)), columns.at("r", cover), -1)]
    for home in (False, True):
        member = np.flatnonzero(problem.cover_home == home)
        kind = "home_use" if home else "use"
        column, owner = columns.of(kind, problem.cover_index[member])
        least.append((cover[member[owner]], column, -1))
        most.append((member[owner], column, 1))
    rows.at_most(count, least, 0, labels(problem, "covered", "cover", range(count)))
    rows.at_most(len(cover), most, 0, labels(problem, "covers", "cover", cover))


def linear_rows(problem: Problem, columns: Columns, rows: Rows) -> None:
    """Add policies and side rows."""
    for row in problem.rows:
        terms = [(t.kind, t.index, t.coefficient, t.factor) for t in row.terms]
        _row(columns, rows, terms, row.lower, row.upper, clean(row.name), "linear")
