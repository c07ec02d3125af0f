"""The layout of a delimited file, told from its first lines: separator, header, kinds of columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from likewise.data.columns import Named, Places, Role, find_columns, is_known, logger, plain_name
from likewise.data.files import NOT_DECODED, UNDECODED, open_text, printable
from likewise.data.idkinds import IdKind

SAMPLE_LINES = 20_480
_SEPARATORS = ("::", "\t", ",", ";", "|", " ")
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_DATE = re.compile(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T].*)?")
_EARLIEST_TIMESTAMP = 1e8  # seconds: March 1973; no rating is that large

TimeKind = Literal["number", "integer", "date"]


@dataclass(frozen=True)
class Layout:
    """How to read a delimited file.

    Attributes:
        separator: What stands between two cells.
        has_header: Whether the first line names the columns.
        names: The columns, in the file's order; "column 0" and so on without a header.
        places: The place of each role among them.
        id_kinds: How the ids of "user" and "item" look in the first lines.
        time_kind: Whether timestamps are numbers, integers beyond 2^53 or dates.
    """

    separator: str
    has_header: bool
    names: tuple[str, ...]
    places: Places
    id_kinds: dict[Role, IdKind]
    time_kind: TimeKind


def read_layout(
    path: Path,
    named: Named,
    *,
    separator: str | None,
    header: bool | Literal["auto"],
    encoding: str,
    sample_lines: int = SAMPLE_LINES,
) -> Layout:
    """Tells the layout of a file from its first lines.

    Raises:
        ValueError: If the file is empty, no separator divides its lines, or a column is not there.
    """
    with open_text(path, encoding) as file:
        lines = [line for _, line in zip(range(sample_lines), file, strict=False)]
    lines = [line.rstrip("\r\n") for line in lines]
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise ValueError(f"{path}: the file is empty")
    separator = separator or _find_separator(lines, path)
    first, *rest = ([_unquoted(cell) for cell in split_cells(line, separator)] for line in lines)
    body = [cells for cells in rest if len(cells) == len(first)]
    has_header = _looks_like_header(first, body, named) if header == "auto" else header
    if has_header:
        names = tuple(plain_name(name) for name in first)
        places = find_columns(names, named, str(path))
    else:
        body = [first, *body]
        names = tuple(f"column {place}" for place in range(len(first)))
        may_be_names = header == "auto" and not any(_NUMBER.fullmatch(cell) for cell in first)
        places = _places_without_header(names, named, body, str(path), first if may_be_names else [])
    kinds = {role: IdKind.of_sample(cells[places[role]] for cells in body) for role in ("user", "item")}
    times = [cells[places["timestamp"]] for cells in body] if "timestamp" in places else []
    return Layout(separator, has_header, names, places, kinds, _time_kind(times))  # type: ignore[arg-type]


def split_cells(line: str, separator: str) -> list[str]:
    """The cells of one line, quotes kept: a separator inside quotes divides nothing."""
    if '"' not in line:
        return line.split(separator)
    mark = re.escape(separator)
    cells = re.findall(rf'(?:^|{mark})("(?:[^"]|"")*"(?={mark}|$)|(?:(?!{mark})[\s\S])*)', line)
    return list(cells)


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell


def read_cells(
    path: Path, separator: str | None, encoding: str, names: Sequence[str] | None
) -> list[tuple[int, list[str]]]:
    """All rows of a small file, each with the line it ends at; the names of its columns first.

    Raises:
        ValueError: If a row has another number of columns, or bytes that are not valid in the encoding; names file and
            line.
    """
    with open_text(path, encoding) as file:
        start = [line for _, line in zip(range(SAMPLE_LINES), file, strict=False) if line.strip()]
        if not start:
            raise ValueError(f"{path}: the file is empty")
        separator = separator or _find_separator([line.rstrip("\r\n") for line in start], path)
        file.seek(0)
        mark = separator if len(separator) == 1 else "\x1f"
        reader = csv.reader((line.replace(separator, mark) for line in file), delimiter=mark)
        rows = [] if names is None else [(0, list(names))]
        try:
            for row in reader:
                if row and rows and len(row) != len(rows[0][1]):
                    raise ValueError(f"{len(row)} columns instead of {len(rows[0][1])}: {row}")
                if re.search(f"[{UNDECODED}]", "".join(row)):
                    raise ValueError(f"{NOT_DECODED}: {printable(separator.join(row))!r}")
                if row:
                    rows.append((reader.line_num, row))
        except (csv.Error, ValueError) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    return rows


def _find_separator(lines: Sequence[str], path: Path) -> str:
    """The separator that divides most lines into equally many cells, then the one that makes most cells.

    A space comes after all others: it stands within texts too.
    """
    best, best_score = None, (0.0, 0)
    for separator in _SEPARATORS:
        counts = Counter(len(split_cells(line, separator)) for line in lines[:1000])
        cells, lines_so = max(counts.items(), key=lambda pair: (pair[1], pair[0]))
        score = (lines_so / min(len(lines), 1000), 0 if separator == " " else cells)
        if cells > 1 and score > best_score:
            best, best_score = separator, score
    if best is None:
        raise ValueError(f"{path}: no separator divides its first line {lines[0][:80]!r}; give separator=")
    return best


def _looks_like_header(first: Sequence[str], body: Sequence[Sequence[str]], named: Named) -> bool:
    wanted = [given for given in named.values() if isinstance(given, str)]
    if any(is_known(name) or plain_name(name) in wanted or name in wanted for name in first):
        return True
    return any(
        not _NUMBER.fullmatch(name) and bool(body) and all(_NUMBER.fullmatch(cells[place]) for cells in body)
        for place, name in enumerate(first)
    )


def _places_without_header(
    names: Sequence[str], named: Named, body: Sequence[Sequence[str]], source: str, unknown: Sequence[str]
) -> Places:
    """Named columns; if none is named, the usual order: user, item, rating, timestamp.

    Args:
        names: The columns.
        named: What the caller gave for each role.
        body: The cells of the first lines.
        source: The file.
        unknown: The first line's cells where they could as well be names; warns that they are taken for a row.
    """
    if any(given is not None for given in named.values()):
        return find_columns(names, named, source)
    if not 2 <= len(names) <= 4:
        raise ValueError(
            f"{source}: {len(names)} columns without a header; give the places of user= and item= (from 0)"
        )
    roles: tuple[Role, ...] = ("user", "item", "rating", "timestamp")
    if len(names) == 3 and _time_kind([cells[2] for cells in body]) == "date":
        roles = ("user", "item", "timestamp")
    elif len(names) == 3:
        numbers = [float(cells[2]) for cells in body if _NUMBER.fullmatch(cells[2])]
        if numbers and min(numbers) >= _EARLIEST_TIMESTAMP:
            roles = ("user", "item", "timestamp")
    places: Places = {role: place for place, role in enumerate(roles[: len(names)])}
    said = ", ".join(f"{role} = {names[place]}" for role, place in places.items())
    if unknown:
        message = "%s: no header recognised, the first line %s is a row; columns taken by place: %s (or give header=)"
        logger.warning(message, source, list(unknown), said)
    else:
        logger.info("%s: no header; columns taken by place: %s", source, said)
    return places


def _time_kind(texts: Sequence[str]) -> TimeKind:
    given = [text for text in texts if text.strip()]
    if sum(_DATE.fullmatch(text) is not None for text in given) * 2 > len(given):
        return "date"
    numbers = [text for text in given if _NUMBER.fullmatch(text)]
    return "integer" if any(abs(float(text)) >= 2**53 for text in numbers) else "number"
