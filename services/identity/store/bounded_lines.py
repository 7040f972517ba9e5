"""Lines of a text that is read as a stream, of which no more is in memory than a line may have."""

import re
from enum import Enum, auto
from typing import IO

LONGEST_LINE = 1024 * 1024
"""Characters with its end: a row with a longer line is read to its end, and cannot be read."""
LARGEST_ROW = 4 * LONGEST_LINE
"""Characters of a row of several lines; a file that has a larger one is refused: a quote was never closed, mostly."""
KEPT = 64 * 1024
"""How many characters of a row with too long a line are kept."""
_QUOTED = re.compile(r'[^"]*+(?:""[^"]*+)*+')
"""What is within quotes."""
_CELLS = re.compile(r'(?:(?:(?:"[^"]*+")++(?!")[^,]*+|[^",][^,]*+|),)*+')
"""Whole cells: a quote opens one where it is its first character, and is a character like others behind the closing."""


class TooLong(Exception):
    """A row has too long a line; the next line that is read begins the next row."""

    def __init__(self, number: int, last: int, began: str) -> None:
        to = f" and its row goes on to line {last}" if last > number else ""
        super().__init__(f"line {number} has more than {LONGEST_LINE} characters{to}; how its row began is kept")
        self.began = began


class _Cell(Enum):
    """Where in a cell of CSV a character stands, as Python's reader has it."""

    BEGINS = auto()
    PLAIN = auto()
    QUOTED = auto()
    AFTER_QUOTE = auto()


class BoundedLines:
    """An iterator of lines which raises TooLong and goes on behind that row; whoever asks has begun it by `begin_row`.

    Where cells may be `quoted`, a row that asks for another line does so within quotes. Raises ValueError for a row of
    several lines that is larger than LARGEST_ROW.
    """

    def __init__(self, file: IO[str], *, quoted: bool = False) -> None:
        self._file, self._quoted = file, quoted
        self._number = self._size = 0
        self._began = ""

    def begin_row(self) -> None:
        """Have the next line be the first of a row."""
        self._size = 0

    def __iter__(self) -> "BoundedLines":
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return the next line."""
        within = self._quoted and self._size > 0
        line = self._piece()
        if not line:
            raise StopIteration
        self._number += 1
        if not within:
            self._began = line[:KEPT]
        self._measure(len(line))
        if len(line) < LONGEST_LINE or _ends(line) or not (after := self._piece()):
            return line
        number = self._number
        self._pass_row(line, after, _Cell.QUOTED if within else _Cell.BEGINS)
        raise TooLong(number, self._number, self._began)

    def _piece(self) -> str:
        return self._file.readline(LONGEST_LINE)

    def _measure(self, characters: int) -> None:
        """Count a line, a long one as its first piece: by itself it refuses no file, whatever it weighs."""
        self._size += characters
        if self._size > LARGEST_ROW:
            raise ValueError(f"a row has more than {LARGEST_ROW} characters")

    def _pass_row(self, line: str, after: str, cell: _Cell) -> None:
        """Read on to the end of a row, two pieces of whose line were read."""
        cell = self._pass_line(after, self._pass_piece(line, cell))
        while cell is _Cell.QUOTED and (piece := self._piece()):
            self._number += 1
            self._measure(len(piece))
            cell = self._pass_line(piece, cell)

    def _pass_line(self, piece: str, cell: _Cell) -> _Cell:
        cell = self._pass_piece(piece, cell)
        while piece and not _ends(piece):
            piece = self._piece()
            cell = self._pass_piece(piece, cell)
        return cell

    def _pass_piece(self, piece: str, cell: _Cell) -> _Cell:
        return _after(piece, cell) if self._quoted else cell


def _ends(piece: str) -> bool:
    return piece.endswith(("\n", "\r"))


def _after(piece: str, cell: _Cell) -> _Cell:
    """Return where a piece of a line leaves who reads it as CSV: what is closed within it is passed in one step."""
    at = 0
    while at < len(piece):
        at, cell = _STEPS[cell](piece, at)
    return cell


def _from_quoted(piece: str, at: int) -> tuple[int, _Cell]:
    closing = _end(_QUOTED, piece, at)
    return (closing + 1, _Cell.AFTER_QUOTE) if closing < len(piece) else (closing, _Cell.QUOTED)


def _from_quote(piece: str, at: int) -> tuple[int, _Cell]:
    return (at + 1, _Cell.QUOTED) if piece[at] == '"' else (at, _Cell.PLAIN)


def _from_plain(piece: str, at: int) -> tuple[int, _Cell]:
    comma = piece.find(",", at)
    return (comma + 1, _Cell.BEGINS) if comma >= 0 else (len(piece), _Cell.PLAIN)


def _from_begin(piece: str, at: int) -> tuple[int, _Cell]:
    at = _end(_CELLS, piece, at)
    if at == len(piece):
        return at, _Cell.BEGINS
    return (at + 1, _Cell.QUOTED) if piece[at] == '"' else (at, _Cell.PLAIN)


def _end(pattern: re.Pattern[str], piece: str, at: int) -> int:
    found = pattern.match(piece, at)
    return found.end() if found else at


_STEPS = {
    _Cell.BEGINS: _from_begin,
    _Cell.PLAIN: _from_plain,
    _Cell.QUOTED: _from_quoted,
    _Cell.AFTER_QUOTE: _from_quote,
}
