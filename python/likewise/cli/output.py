"""What commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any


def show(result: Any, text: str, as_json: bool) -> None:
    """Prints a result on stdout: as JSON for scripts, or as text for people."""
    print(json.dumps(result, indent=2, default=_plain) if as_json else text)


def say(text: str) -> None:
    """Tells on stderr what is going on."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def told_on_stderr() -> Iterator[None]:
    """What the library logs, such as the columns it recognised, is told on stderr too."""
    logger = logging.getLogger("likewise")
    handler, level = _Teller(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Teller(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        mark = "" if record.levelno < logging.WARNING else f"likewise: {record.levelname.lower()}: "
        say(mark + record.getMessage())


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same columns as aligned text; numbers to the right."""
    if not rows:
        return "(none)"
    names = list(rows[0])
    cells = [[_cell(row[name]) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[column]) for line in cells)) for column, name in enumerate(names)]
    is_number = [all(isinstance(row[name], int | float | None) for row in rows) for name in names]

    def line(texts: Sequence[str]) -> str:
        aligned = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(texts, widths, is_number, strict=True)
        )
        return "  ".join(aligned).rstrip()

    return "\n".join([line(names), *(line(row) for row in cells)])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)


def _plain(value: Any) -> Any:
    return value.tolist()  # NumPy scalars and arrays
