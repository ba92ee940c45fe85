"""Texts to integer columns: numbers, keys, choices and references, one column at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np

from optimiser.model.faults import did_you_mean
from optimiser.model.instance import BLANK, IN_HOUSE_CODE, NOWHERE
from optimiser.model.schema import IN_HOUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from optimiser.model.faults import Faults
    from optimiser.model.schema import Column, TableSchema

_INT64_MAX: Final = 2**63 - 1
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
#: Up to so many characters a number takes the vectorised path; 18 digits always fit into int64.
_SHORT: Final = 20
_SAFE_DIGITS: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """One table as texts, before anything is known to be right.

    Parameters
    ----------
    name
        Table of `schema.TABLES`, or whatever stands there instead.
    source
        What a user calls it: ``demand.csv``, ``sheet demand``.
    columns
        Texts by heading as it stands in the input, each of shape (rows,); '' is blank.
    row_numbers
        Row of each as a spreadsheet counts it (the header is 1), shape (rows,).
    header
        Every heading in order, doubled ones twice; () means the keys of `columns`.
    damaged
        The table is there, but could not be read, which has its own fault.
    """

    name: str
    source: str
    columns: Mapping[str, Sequence[str] | NDArray[np.object_]]
    row_numbers: NDArray[np.int64]
    header: tuple[str, ...] = ()
    damaged: bool = False


@dataclass(slots=True, kw_only=True)
class Draft:
    """One table while it is being built.

    Parameters
    ----------
    schema, source, row_numbers
        What it is, what the user calls it, and where its rows stand.
    given
        Whether the input has this table, and it could be read.
    damaged
        Whether it is there but could not be read.
    texts
        Cells by column of the schema, of those columns that the input has.
    columns
        Parsed columns, as `instance.Table` promises them.
    bad
        Cells that already have a fault, which rules across columns must leave alone.
    """

    schema: TableSchema
    source: str
    row_numbers: NDArray[np.int64]
    given: bool = True
    damaged: bool = False
    texts: dict[str, NDArray[np.object_]] = field(default_factory=dict)
    columns: dict[str, NDArray] = field(default_factory=dict)  # type: ignore[type-arg]
    bad: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.row_numbers)

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self.columns[column]

    def fine(self, *columns: str) -> NDArray[np.bool_]:
        """Rows without a fault in any of `columns`, shape (rows,)."""
        result = np.ones(len(self), dtype=bool)
        for name in columns:
            if name in self.bad:
                result &= ~self.bad[name]
        return result

    def spoil(self, column: str, rows: NDArray[np.bool_]) -> None:
        """Mark cells as having a fault."""
        if rows.any():
            self.bad[column] = self.bad[column] | rows if column in self.bad else rows

    def cell(self, column: str, at: int) -> str:
        """Text of one cell as it stands in the input."""
        return str(self.texts[column][at]) if column in self.texts else ""


def report(
    faults: Faults,
    draft: Draft,
    column: str,
    rows: NDArray[np.bool_],
    rule: str,
    remedy: str | Callable[[int], str],
    *,
    spoil: bool = False,
) -> None:
    """Note a fault for every row of the mask `rows`; `remedy` is a str or a function of the row."""
    at = np.flatnonzero(rows)
    if not len(at):
        return
    faults.add_rows(
        draft.source,
        rule,
        remedy,
        at.tolist(),
        row_numbers=draft.row_numbers.tolist(),
        column=column,
        values=lambda row: draft.cell(column, row),
    )
    if spoil:
        draft.spoil(column, rows)


def factorise(texts: NDArray[np.object_]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the code of each text and the distinct texts, stripped, in order of appearance."""
    import pandas as pd

    codes, distinct = pd.factorize(texts)
    place: dict[str, int] = {}
    recode = [place.setdefault(text.strip(), len(place)) for text in distinct]
    return np.asarray(recode, dtype=np.int64)[codes] if len(codes) else codes, list(place)


# --- numbers -----------------------------------------------------------------------------------


def parse_numbers(
    texts: NDArray[np.object_], decimals: int
) -> tuple[NDArray[np.int64], dict[str, list[int]]]:
    """Parse decimal texts exactly into integers of the last place.

    Parameters
    ----------
    texts
        Cells, shape (rows,).
    decimals
        Decimals that are kept.

    Returns
    -------
    Values (`BLANK` for blank and for faulty cells), shape (rows,), and the faulty rows by what is
    wrong with them: ``text`` (no number), ``decimals`` (too many), ``large`` (not in int64).
    """
    values = np.full(len(texts), BLANK, dtype=np.int64)
    wrong: dict[str, list[int]] = {"text": [], "decimals": [], "large": []}
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    short = np.flatnonzero((lengths > 0) & (lengths <= _SHORT))
    done = lengths == 0
    if len(short):
        parsed, good = _parse_short(texts[short], decimals)
        values[short[good]] = parsed[good]
        done[short[good]] = True
    for at in np.flatnonzero(~done).tolist():
        value = parse_number(texts[at], decimals)
        if isinstance(value, str):
            wrong[value].append(at)
        else:
            values[at] = value
    return values, wrong


def parse_number(text: str, decimals: int) -> int | str:
    """Parse one decimal text; a str says what is wrong with it, as in `parse_numbers`."""
    text = text.strip()
    if not text:
        return BLANK
    if not _NUMBER.fullmatch(text):
        return "text"
    number = Decimal(text)
    if number and number.adjusted() + decimals > 20:
        return "large"
    sign, digits, exponent = number.as_tuple()
    whole, shift = int("".join(map(str, digits))), int(exponent) + decimals
    if not whole:
        return 0
    if shift < 0:
        # Digits that would be cut off must all be noughts.
        whole, rest = divmod(whole, 10 ** min(-shift, len(digits) + 1))
        if rest:
            return "decimals"
    else:
        whole *= int(10**shift)
    if whole > _INT64_MAX:
        return "large"
    return -whole if sign else whole


def _parse_short(
    texts: NDArray[np.object_], decimals: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Parse plain short numbers column of characters by column; False where that will not do."""
    characters = texts.astype(f"U{_SHORT}").view(np.uint32).reshape(len(texts), _SHORT)
    width = int(np.flatnonzero(characters.any(axis=0)).max(initial=-1)) + 1
    # Nothing that matters lies above 255, and a byte per character is four times as fast.
    codes = np.minimum(characters[:, :width].T, 255).astype(np.uint8)
    rows = len(texts)
    value = np.zeros(rows, dtype=np.int64)
    good = np.ones(rows, dtype=bool)
    point = np.zeros(rows, dtype=bool)
    ended = np.zeros(rows, dtype=bool)
    digits = np.zeros(rows, dtype=np.int8)
    after = np.zeros(rows, dtype=np.int8)
    for at, code in enumerate(codes):
        digit = code - np.uint8(48)  # wraps round to above 9 for what is no digit
        is_digit = digit < 10
        is_point = code == ord(".")
        is_end = code == 0
        fits = (is_digit & ~ended) | (is_point & ~point & ~ended) | is_end
        if at == 0:
            fits |= (code == ord("-")) | (code == ord("+"))
        good &= fits
        # More digits than are safe would wrap round; such texts are refused below.
        value = np.where(is_digit, value * 10 + digit, value)
        digits += is_digit
        after += is_digit & point
        point |= is_point
        ended |= is_end
    spare = decimals - after.astype(np.int64)
    good &= (digits > 0) & (spare >= 0) & (digits + spare <= _SAFE_DIGITS)
    value = value * 10 ** np.where(good, spare, 0)
    if width:
        value = np.where(codes[0] == ord("-"), -value, value)
    return value, good


_CURRENCY: Final = re.compile(r"[£$€¥]|\b(?:GBP|EUR|USD)\b", re.IGNORECASE)
_NOTHING: Final = frozenset({
    "-", "--", "–", "—", "n/a", "na", "nan", "none", "nil", "null", "inf", "-inf", "infinity",
    "-infinity", "unlimited", "no limit", "tbc", "tbd", "?", ".",
})  # fmt: skip


def number_remedy(text: str, blank: str = "") -> str:
    """Say how to write a text that is meant as a number."""
    text = text.strip()
    if text.casefold() in _NOTHING:
        return "Leave the cell blank" + (f", which means {blank}." if blank else ".")
    if "%" in text:
        return "Write a percentage as a fraction of one: 12.5 % is 0.125."
    if _CURRENCY.search(text):
        return "Write the number alone, without a currency sign, such as 1234.50."
    if re.fullmatch(r"\(.*[0-9].*\)", text):
        return "Write a negative number with a minus sign, such as -1234.50."
    if re.match("[−–—]", text):
        return "Use an ordinary minus sign (-)."
    if re.fullmatch(r"[+-]?[0-9]{1,3},[0-9]{3}", text):
        bare = text.replace(",", "")
        return (
            f"Write {bare} if the comma groups thousands, "
            f"{text.replace(',', '.')} if it marks the decimals."
        )
    if re.fullmatch(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?", text):
        return f"Leave out the thousands separators: {text.replace(',', '')}."
    if re.fullmatch(r"[+-]?[0-9]{1,3}(?:[.][0-9]{3})+(?:,[0-9]*)?", text):
        bare = text.replace(".", "").replace(",", ".")
        return f"Leave out the thousands separators and use a decimal point: {bare}."
    if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text):
        return f"Use a decimal point: {text.replace(',', '.')}."
    if re.fullmatch(r"[+-]?[0-9]+(?:[\s_'’][0-9]+)+(?:\.[0-9]*)?", text):
        return f"Leave out the thousands separators: {re.sub(r'[^0-9.+-]', '', text)}."
    return "Write digits, with a point for decimals and nothing else, such as 1234.5."


def _numbers(draft: Draft, column: Column, decimals: int, faults: Faults) -> None:
    texts = draft.texts[column.name]
    values, wrong = parse_numbers(texts, decimals)

    def mask(rows: Sequence[int] | NDArray[np.bool_]) -> NDArray[np.bool_]:
        result = np.zeros(len(texts), dtype=bool)
        result[rows] = True
        return result

    report(faults, draft, column.name, mask(wrong["text"]), "this is not a number",
           lambda at: number_remedy(texts[at], column.blank), spoil=True)  # fmt: skip
    report(faults, draft, column.name, mask(wrong["decimals"]), too_many_rule(decimals),
           too_many_remedy(column.kind, decimals), spoil=True)  # fmt: skip
    report(
        faults, draft, column.name, mask(wrong["large"]), LARGE_RULE, LARGE_REMEDY, spoil=True
    )
    given = values != BLANK
    for bound in bounds(column, decimals):
        report(faults, draft, column.name, given & bound.broken_by(values), bound.rule,
               bound.remedy, spoil=True)  # fmt: skip
    bad = draft.bad.get(column.name)
    if bad is not None:
        values[bad] = BLANK
    blank = values == BLANK
    values[blank if bad is None else blank & ~bad] = default_number(column, decimals)
    draft.columns[column.name] = values


def default_number(column: Column, decimals: int) -> int:
    """Return what a blank cell of a column of numbers is held as."""
    number = parse_number(column.default, decimals)
    assert isinstance(number, int)
    return number


LARGE_RULE: Final = "the number is too large to be held exactly"
LARGE_REMEDY: Final = "Use a larger unit, or fewer decimals in the settings."


def too_many_rule(decimals: int) -> str:
    """Return the rule that is broken by too many decimals."""
    if not decimals:
        return "the number must be whole"
    return f"the number has more than {decimals} decimals"


def too_many_remedy(kind: str, decimals: int) -> str:
    """Return the remedy for too many decimals of a column kind."""
    remedy = f"Round it to {decimals} decimals" if decimals else "Round it to a whole number"
    if kind in ("money", "volume") and decimals < 6:
        remedy += f", or raise {kind}_decimals in the settings (at most 6)"
    return remedy + "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One bound of a column: least or most integer of the last place, rule and remedy."""

    rule: str
    remedy: str
    least: int | None = None
    most: int | None = None

    @overload
    def broken_by(self, values: NDArray[np.int64]) -> NDArray[np.bool_]: ...
    @overload
    def broken_by(self, values: int) -> bool: ...
    def broken_by(self, values: NDArray[np.int64] | int) -> NDArray[np.bool_] | bool:
        """Whether values lie beyond the bound."""
        if self.least is not None:
            return values < self.least
        assert self.most is not None
        return values > self.most


def bounds(column: Column, decimals: int) -> list[Bound]:
    """Return the bounds of a column whose numbers are held with so many decimals."""
    result = []
    low, high, last_place = column.minimum, column.maximum, 10**decimals
    if low is not None and column.above:
        result.append(Bound(least=int(low * last_place) + 1, rule=f"the number must be above {low}",
                            remedy=f"Give a number above {low}."))  # fmt: skip
    elif low is not None:
        rule = f"the number is below {low}" if low else "the number is negative"
        remedy = f"Give at least {low}." if low else "Give 0 or more."
        result.append(Bound(least=int(low * last_place), rule=rule, remedy=remedy))
    if high is not None:
        result.append(Bound(most=int(high * last_place), rule=f"the number is above {high}",
                            remedy=f"Give at most {high}."))  # fmt: skip
    return result


# --- texts -------------------------------------------------------------------------------------


def _spread(codes: NDArray[np.int64], per_text: Sequence[object]) -> NDArray[np.object_]:
    lookup = np.empty(len(per_text), dtype=object)
    lookup[:] = list(per_text)
    return lookup[codes] if len(codes) else np.empty(0, dtype=object)


def _flags(codes: NDArray[np.int64], per_text: Sequence[bool]) -> NDArray[np.bool_]:
    return np.asarray(per_text, dtype=bool)[codes] if len(codes) else np.zeros(0, dtype=bool)


def _blank_cells(draft: Draft, column: Column, blank: NDArray[np.bool_], faults: Faults) -> None:
    if column.required:
        report(faults, draft, column.name, blank, "the cell must not be blank",
               f"Fill it; it says this: {column.meaning}.", spoil=True)  # fmt: skip


def unprintable(text: str) -> bool:
    """Whether a text cannot be kept in every file format: control characters, half surrogates."""
    return any(
        (ord(c) < 32 and c not in "\t\n") or ord(c) in (127, 0xFFFE, 0xFFFF)
        or 0xD800 <= ord(c) < 0xE000
        for c in text
    )  # fmt: skip


def _keys(draft: Draft, column: Column, faults: Faults) -> None:
    codes, words = factorise(draft.texts[column.name])
    _blank_cells(draft, column, _flags(codes, [not word for word in words]), faults)
    report(faults, draft, column.name, _flags(codes, [not word.isprintable() for word in words]),
           "a key holds a line break or an invisible character",
           "Type it anew, in letters, digits, signs and ordinary spaces.", spoil=True)  # fmt: skip
    report(faults, draft, column.name, _flags(codes, [word == IN_HOUSE for word in words]),
           f"{IN_HOUSE} is a reserved word", "Use another key.", spoil=True)  # fmt: skip
    if draft.schema.name == "services":
        report(faults, draft, column.name, _flags(codes, [";" in word for word in words]),
               "the key of a service holds a semicolon, which separates services in policies",
               "Use another key.", spoil=True)  # fmt: skip
    draft.columns[column.name] = _spread(codes, words)


def _texts(draft: Draft, column: Column, faults: Faults) -> None:
    codes, words = factorise(draft.texts[column.name])
    words = [w.replace("\r\n", "\n").replace("\r", "\n") if "\r" in w else w for w in words]
    report(faults, draft, column.name, _flags(codes, [unprintable(word) for word in words]),
           "the text holds a control character", "Type it anew.", spoil=True)  # fmt: skip
    draft.columns[column.name] = _spread(codes, words)


def _choices(draft: Draft, column: Column, faults: Faults) -> None:
    codes, words = factorise(draft.texts[column.name])
    _blank_cells(draft, column, _flags(codes, [not word for word in words]), faults)
    wrong = [bool(word) and word not in column.choices for word in words]
    allowed = ", ".join(column.choices)
    report(faults, draft, column.name, _flags(codes, wrong),
           f"this is none of the words allowed here ({allowed})",
           lambda at: did_you_mean(words[codes[at]], column.choices)
           or f"Use one of {allowed}" + ("." if column.required else ", or leave it blank."),
           spoil=True)  # fmt: skip
    draft.columns[column.name] = _spread(codes, [word or column.default for word in words])


# --- references --------------------------------------------------------------------------------


def _keys_known(target: Draft) -> bool:
    """Whether what is missing among a table's keys is missing from the input."""
    return target.given and target.schema.key[0] in target.texts


def _rows_by_key(target: Draft) -> dict[str, int]:
    keys = target.columns.get(target.schema.key[0])
    if keys is None:
        return {}
    # Backwards, so that of two rows with one key the first is meant.
    return {key: row for row, key in reversed(list(enumerate(keys.tolist()))) if key}


def _references(
    draft: Draft, column: Column, drafts: Mapping[str, Draft], faults: Faults
) -> None:
    codes, words = factorise(draft.texts[column.name])
    _blank_cells(draft, column, _flags(codes, [not word for word in words]), faults)
    target = drafts[column.refers_to]
    rows = _rows_by_key(target)
    special = {"": NOWHERE, **({IN_HOUSE: IN_HOUSE_CODE} if column.in_house else {})}
    found = [special.get(word, rows.get(word)) for word in words]
    unknown = _flags(codes, [row is None for row in found])
    # Without the table that is referred to, every row would be wrong: that table's fault says it.
    if _keys_known(target):
        report(faults, draft, column.name, unknown, f"there is no such row in {column.refers_to}",
               lambda at: _reference_remedy(words[codes[at]], rows, column))  # fmt: skip
    elif not target.given and not target.damaged and not target.schema.required:
        report(faults, draft, column.name, unknown, f"there is no table {column.refers_to}",
               f"Add the table {column.refers_to}, or leave the cell blank.")  # fmt: skip
    draft.spoil(column.name, unknown)
    numbers = np.asarray([NOWHERE if row is None else row for row in found], dtype=np.int64)
    draft.columns[column.name] = numbers[codes] if len(codes) else np.zeros(0, dtype=np.int64)


def _reference_remedy(word: str, rows: Mapping[str, int], column: Column) -> str:
    candidates = [*rows, IN_HOUSE] if column.in_house else list(rows)
    return did_you_mean(word, candidates) or (
        f"Add {word!r} to {column.refers_to}, or use the key of a row that is there."
    )


def _lists(draft: Draft, column: Column, drafts: Mapping[str, Draft], faults: Faults) -> None:
    codes, words = factorise(draft.texts[column.name])
    rows = _rows_by_key(drafts[column.refers_to])
    parts = [sorted({part.strip() for part in word.split(";")} - {""}) for word in words]
    strange = [[part for part in each if part not in rows] for each in parts]
    unknown = _flags(codes, [bool(each) for each in strange])
    if _keys_known(drafts[column.refers_to]):
        report(faults, draft, column.name, unknown, f"there is no such row in {column.refers_to}",
               lambda at: f"{strange[codes[at]][0]!r} is unknown. "
               + _reference_remedy(strange[codes[at]][0], rows, column))  # fmt: skip
    draft.spoil(column.name, unknown)
    # In order of the keys, so that the order in which they were written does not matter.
    draft.columns[column.name] = _spread(
        codes, [tuple(rows[part] for part in each if part in rows) for each in parts]
    )


# --- tables ------------------------------------------------------------------------------------


def _empty(column: Column, rows: int, decimals: Mapping[str, int]) -> NDArray[Any]:
    """Return a column of which the input has nothing, shape (rows,)."""
    if column.number:
        return np.full(rows, default_number(column, decimals[column.kind]), dtype=np.int64)
    if column.kind == "reference":
        return np.full(rows, NOWHERE, dtype=np.int64)
    result = np.empty(rows, dtype=object)
    result[:] = [() if column.kind == "references" else column.default] * rows
    return result


def parse_tables(
    drafts: Mapping[str, Draft], decimals: Mapping[str, int], faults: Faults
) -> None:
    """Fill `columns` of every draft from its texts; keys first, since references need them."""
    for draft in drafts.values():
        for column in draft.schema.columns:
            if column.name not in draft.texts:
                draft.columns[column.name] = _empty(column, len(draft), decimals)
                if column.required:
                    draft.bad[column.name] = np.ones(len(draft), dtype=bool)
            elif column.kind == "key":
                _keys(draft, column, faults)
            elif column.kind == "text":
                _texts(draft, column, faults)
            elif column.kind == "choice":
                _choices(draft, column, faults)
            elif column.number:
                _numbers(draft, column, decimals[column.kind], faults)
                if column.required:
                    blank = (draft[column.name] == BLANK) & draft.fine(column.name)
                    _blank_cells(draft, column, blank, faults)
    for draft in drafts.values():
        for column in draft.schema.columns:
            if column.name in draft.texts and column.kind == "reference":
                _references(draft, column, drafts, faults)
            elif column.name in draft.texts and column.kind == "references":
                _lists(draft, column, drafts, faults)
