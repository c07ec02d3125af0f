"""Goes through delimited files line by line: finds every malformed row and writes the others to a clean copy.

The fast reader only has to notice that something is wrong, by counting: which row, and why, is said here. (A parallel
csv reader cannot say it reliably: a quote that is never closed swallows the good rows behind it without a word.) A
clean copy is UTF-8, without header and empty lines, with one-character separators and lines ending at newlines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from likewise.data.columns import Role
from likewise.data.files import NOT_DECODED, UNDECODED, open_text, printable
from likewise.data.idkinds import MISSING_WORDS
from likewise.data.layout import Layout, split_cells
from likewise.data.rows import RejectedRow, RejectedRows

LONGEST_LINE = 2_000_000  # bytes
NO_TIMESTAMP = "no timestamp"
_DATES_READ = " such as 2020-12-31 or 2020-12-31T23:59:59Z"
CLEAN_SEPARATOR = "\x1f"  # instead of separators of several characters
_LONGEST_RECORD = 100  # lines; a quote open for longer was never meant to be one
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9])?"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?", re.ASCII)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class Proofreader:
    """Tells good rows of one layout from malformed ones.

    Args:
        layout: How the files are laid out.
        roles: The columns a row must have a value for.
        is_text: Whether "user" and "item" ids are text; beside integers, words like "NaN" are missing ids.
    """

    def __init__(self, layout: Layout, roles: Sequence[Role], is_text: Mapping[Role, bool]) -> None:
        self.layout, self.is_text = layout, is_text
        self.roles = {layout.places[role]: role for role in roles}
        self._good = re.compile(self._good_line())

    def _good_line(self) -> str:
        """A pattern most good lines match, so that few need a closer look."""
        mark = re.escape(self.layout.separator[0])
        space = rf"(?:(?!{mark})[ \t])*"
        other = f'[^{mark}"{UNDECODED}]*'
        word = rf'[^\s{mark}"{UNDECODED}]+'
        number = f"{space}{_NUMBER}{space}"
        patterns: dict[Role, str] = {"rating": number, "timestamp": number, "event": word}
        if self.layout.time_kind == "date":
            patterns["timestamp"] = "(?!)"
        for role, is_text in self.is_text.items():
            patterns[role] = word if is_text else rf"{space}-?[0-9]+{space}"
        cells = []
        for place in range(len(self.layout.names)):
            filled = self.roles.get(place)
            cells.append(other if filled is None else patterns[filled])
        return re.escape(self.layout.separator).join(cells)

    def copy(self, path: Path, encoding: str, clean: IO[str], rejected: RejectedRows) -> int:
        """Writes the good rows of a file to `clean` and adds the others to `rejected`; the number of good rows."""
        separator, good, rows = self.layout.separator, self._good, 0
        with open_text(path, encoding) as file:
            for line, record in self._records(file):
                if len(record) > LONGEST_LINE // 4 or good.fullmatch(record) is None:
                    fault = self._fault(record)
                    if fault is not None:
                        column, reason = fault
                        rejected.add(RejectedRow(str(path), line, column, printable(record), reason))
                        continue
                rows += 1
                if len(separator) > 1:
                    record = CLEAN_SEPARATOR.join(split_cells(record, separator))
                clean.write(record + "\n")
        return rows

    def _records(self, file: IO[str]) -> Iterator[tuple[int, str]]:
        """Rows with the line each begins at, without header and empty lines."""
        waiting: list[str] = []
        line, header = 0, self.layout.has_header

        def next_line() -> str | None:
            text = waiting.pop() if waiting else file.readline()
            return text.rstrip("\r\n") if text else None

        while (text := next_line()) is not None:
            line += 1
            begins = line
            more: list[str] = []
            if '"' in text and not header and self._is_open(text):
                record = text
                while len(more) < _LONGEST_RECORD and self._is_open(record):
                    following = next_line()
                    if following is None:
                        break
                    more.append(following)
                    record = "\n".join([text, *more])
                if not self._is_one_row(record):
                    waiting.extend(part + "\n" for part in reversed(more))
                else:
                    text = record
                    line += len(more)
            if header:
                header = not text.strip()
            elif text.strip():
                yield begins, text

    def _is_one_row(self, record: str) -> bool:
        """Whether lines joined by an open quote make a row: quotes closed, all columns there."""
        cells = split_cells(record, self.layout.separator)
        closed = all(_QUOTED.fullmatch(cell) for cell in cells if cell.startswith('"'))
        return closed and self._has_all_columns(cells)

    def _is_open(self, text: str) -> bool:
        """Whether a cell begins with a quote that the text does not close."""
        cells = split_cells(text, self.layout.separator)
        return any(cell.startswith('"') and _QUOTED.match(cell) is None for cell in cells)

    def _fault(self, record: str) -> tuple[str | None, str] | None:
        """The column at fault and what is wrong with a row; None where nothing is."""
        if len(record) > LONGEST_LINE // 4 and len(record.encode(errors="surrogateescape")) > LONGEST_LINE:
            return None, f"the line has more than {LONGEST_LINE:,} bytes"
        cells = split_cells(record, self.layout.separator)
        for place, cell in enumerate(cells):
            name = self._name(place)
            if cell.startswith('"') and _QUOTED.fullmatch(cell) is None:
                return name, "a quote is opened and not closed at the end of the cell"
            if not cell.isascii() and re.search(f"[{UNDECODED}]", cell):
                return name, NOT_DECODED
        if not self._has_all_columns(cells):
            return self._name(len(cells)), f"{len(cells)} columns instead of {len(self.layout.names)}"
        return self._fault_in_cells(cells)

    def _name(self, place: int) -> str | None:
        return self.layout.names[place] if place < len(self.layout.names) else None

    def _has_all_columns(self, cells: Sequence[str]) -> bool:
        """Whether there is a cell for each column; one more at the end may be empty."""
        columns = len(self.layout.names)
        return len(cells) == columns or (len(cells) == columns + 1 and cells[-1] == "")

    def _fault_in_cells(self, cells: Sequence[str]) -> tuple[str, str] | None:
        for place, role in self.roles.items():
            cell = cells[place]
            text = cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
            reason = self._fault_of(role, text.strip())
            if reason:
                return self.layout.names[place], reason
        return None

    def _fault_of(self, role: Role, text: str) -> str | None:
        if text == "":
            return f"no {role}"
        if role in ("user", "item"):
            return f"no {role}" if not self.is_text[role] and text.lower() in MISSING_WORDS else None
        if role == "event":
            return None
        if role == "timestamp" and self.layout.time_kind == "date":
            return None if _is_date(text) else f"{role} is not an ISO date{_DATES_READ}"
        if re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", text) is None:
            infinite = text.lower().lstrip("+-") in ("nan", "inf", "infinity")
            forms = f" and not an ISO date{_DATES_READ}" if role == "timestamp" and not _is_date(text) else ""
            return f"{role} is not finite" if infinite else f"{role} is not a number{forms}"
        limit = 3.4028234663852886e38 if role == "rating" else math.inf
        return None if abs(float(text)) <= limit and math.isfinite(float(text)) else f"{role} is out of range"


def _is_date(text: str) -> bool:
    if _DATE.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
