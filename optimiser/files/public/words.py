"""A public file as words, each with its line; and words as exact numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.errors import FileError
from optimiser.model.parse import parse_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

#: Decimals that money and volumes can be held with at most.
MOST_DECIMALS: Final = 6
#: Old programs ended a text with Ctrl-Z or NUL and left in the block whatever it held before.
_END: Final = re.compile("[\0\x1a]")
_TITLE: Final = "file:"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Words:
    """The words of a file.

    Parameters
    ----------
    source
        The file's name, for faults.
    words
        Texts between white space, shape (words,).
    lines
        Line of each, counted from 1, shape (words,).
    titled
        Whether the file began with a line ``FILE: …``, which is not among the words.
    end
        Line of a NUL or Ctrl-Z after which nothing was read, or None.
    """

    source: str
    words: NDArray[np.object_]
    lines: Ints
    titled: bool = False
    end: int | None = None

    def __len__(self) -> int:
        return len(self.words)


def read_words(path: str | Path) -> Words:
    """Read a file as words, up to the first NUL or Ctrl-Z.

    Raises
    ------
    FileError
        If it is no file, or cannot be read.
    """
    place = Path(path)
    try:
        if place.is_dir():
            raise FileError(
                f"{place}: this is a folder, and a reader takes one file. Name the file, or read "
                "the folder as an instance, without a reader."
            )
        if place.exists() and not place.is_file():  # a device may never end
            raise FileError(f"{place}: this is no ordinary file. Copy it into one.")
        data = place.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{place}: there is no such file. Check the path.") from None
    except OSError as error:
        raise FileError(f"{place}: the file cannot be read ({error.strerror}).") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(f"{place}: the file is in UTF-16. Save it anew as plain text.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return split_words(text, place.name)


def split_words(text: str, source: str) -> Words:
    """Split a text as `read_words` does."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cut = _END.search(text)
    end = None
    if cut is not None:
        end = text.count("\n", 0, cut.start()) + 1
        text = text[: cut.start()]
    lines = [line.split() for line in text.split("\n")]
    first = next((at for at, line in enumerate(lines) if line), None)
    titled = first is not None and lines[first][0].lower().startswith(_TITLE)
    if titled and first is not None:
        lines[first] = []
    words = [word for line in lines for word in line]
    array = np.empty(len(words), dtype=object)
    array[:] = words
    return Words(
        source=source,
        words=array,
        lines=np.repeat(np.arange(1, len(lines) + 1, dtype=np.int64), [len(w) for w in lines]),
        titled=titled,
        end=end,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """Exact numbers: whole numbers of the last of so many decimals.

    Parameters
    ----------
    values
        Of any shape; 1 where a word was faulty, which breaks no further rule.
    decimals
        Decimals that all of them share; no fewer would do.
    """

    values: Ints
    decimals: int

    def trimmed(self) -> Numbers:
        """Return the same numbers with as few decimals as they need."""
        values, decimals = self.values, self.decimals
        while decimals and not np.any(values % 10):
            values, decimals = values // 10, decimals - 1
        return Numbers(values=values, decimals=decimals)

    def at(self, decimals: int) -> Ints:
        """Return the numbers with more decimals, in last places; `size` says whether they fit."""
        values: Ints = self.values * 10 ** (decimals - self.decimals)
        return values

    def size(self, decimals: int) -> NDArray[np.float64]:
        """Return about how many last places each number has with so many decimals."""
        return np.abs(self.values).astype(np.float64) * 10.0 ** (decimals - self.decimals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Faulty words, by position: no numbers, with too many decimals, too large.

    `room` is how many decimals there was room for: fewer than `MOST_DECIMALS` beside a large one.
    """

    text: list[int]
    decimals: list[int]
    large: list[int]
    room: int


def parse_words(words: NDArray[np.object_]) -> tuple[Numbers, Wrong]:
    """Parse words exactly, with no more decimals than they need.

    Parameters
    ----------
    words
        Texts, shape (words,).

    Returns
    -------
    The numbers, and which words are faulty.
    """
    room = MOST_DECIMALS
    values, wrong = parse_numbers(words, room)
    while wrong["large"] and room:  # a prohibitive cost may leave room for fewer decimals only
        room -= 1
        values, wrong = parse_numbers(words, room)
    for rows in wrong.values():
        values[rows] = 10**room
    numbers = Numbers(values=values, decimals=room).trimmed()
    return numbers, Wrong(**wrong, room=room)
