"""Rows on their way into a log, and what a reader was asked to do with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likewise.data.vocabulary import Indices, Vocabulary

ROWS_KEPT = 10_000


@dataclass(frozen=True)
class RejectedRow:
    """A row that could not be read.

    Attributes:
        source: The file, or what else was read.
        line: Its line in the file, from 1; the row, from 1, where the source has no lines.
        column: The column at fault, if one is.
        text: The line's text.
        reason: What is wrong with it.
        unit: Whether `line` counts lines or rows.
    """

    source: str
    line: int
    column: str | None
    text: str
    reason: str
    unit: Literal["line", "row"] = "line"

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        text = self.text if len(self.text) <= 200 else self.text[:197] + "..."
        return f"{self.source}, {self.unit} {self.line}{column}: {self.reason}: {text!r}"


@dataclass(frozen=True)
class Rejected:
    """The rows left out by a read: all are counted, the first ones kept."""

    count: int = 0
    rows: tuple[RejectedRow, ...] = ()


class RejectedRows:
    """Collects malformed rows, or stops at the first.

    Args:
        errors: "raise" stops with a ValueError that names the row; "skip" collects.
        way_out: Whose `errors` and `order` an error advises, such as " of Interactions.from_frame".
    """

    def __init__(self, errors: Literal["raise", "skip"], way_out: str = "") -> None:
        self._errors, self._way_out, self._rows = errors, way_out, list[RejectedRow]()
        self.reasons: Counter[str] = Counter()

    def add(self, row: RejectedRow) -> None:
        """Counts a row and keeps it, if it is among the first 10,000.

        Raises:
            ValueError: If `errors` is "raise".
        """
        if self._errors == "raise":
            raise MalformedRowError(row, f'errors="skip"{self._way_out} leaves such rows out')
        self.reasons[row.reason] += 1
        if len(self._rows) < ROWS_KEPT:
            self._rows.append(row)

    def finished(self) -> Rejected:
        """All rows so far."""
        return Rejected(self.reasons.total(), tuple(self._rows))


class MalformedRowError(ValueError):
    """A row that could not be read; `row` says which and why."""

    def __init__(self, row: RejectedRow, advice: str) -> None:
        super().__init__(f"{row} ({advice})")
        self.row = row


@dataclass(frozen=True)
class ReadOptions:
    """What `Interactions.read` and its siblings were asked for, beyond the columns.

    `way_out` says in errors whose `errors` and `order` they advise, where the caller takes neither.
    """

    order: Literal["time", "file"] = "time"
    errors: Literal["raise", "skip"] = "raise"
    user_ids: Any = None
    item_ids: Any = None
    memory_limit: str | None = None
    way_out: str = ""

    def __post_init__(self) -> None:
        if self.order not in ("time", "file"):
            raise ValueError(f'order: takes "time" or "file", got {self.order!r}')
        if self.errors not in ("raise", "skip"):
            raise ValueError(f'errors: takes "raise" or "skip", got {self.errors!r}')


@dataclass
class Rows:
    """Encoded rows in order of arrival; `Interactions` sorts and keeps them."""

    user_vocabulary: Vocabulary
    item_vocabulary: Vocabulary
    user_index: Indices
    item_index: Indices
    ratings: NDArray[np.float32] | None = None
    timestamps: NDArray[Any] | None = None
    event_vocabulary: Vocabulary | None = None
    event_index: Indices | None = None
    rejected: Rejected = field(default_factory=Rejected)


def joined(first: Rows, second: Rows) -> Rows:
    """The rows of both, first those of `first`, under the union of their vocabularies.

    Raises:
        ValueError: If only one of them has ratings, timestamps or events.
        TypeError: If ids are text in one and integers in the other.
    """

    def column(name: str) -> Any:
        parts = [getattr(first, name), getattr(second, name)]
        if any(part is None for part in parts) and not all(part is None for part in parts):
            raise ValueError(f"+: one log has {name}, the other has none")
        if parts[0] is not None and len({part.dtype.kind == "M" for part in parts}) == 2:
            raise ValueError(f"+: {name} are dates in one log and numbers in the other")
        return None if parts[0] is None else np.concatenate(parts)

    def encoded(kind: str) -> tuple[Vocabulary | None, Any]:
        one, other = (getattr(rows, f"{kind}_vocabulary") for rows in (first, second))
        indices = column(f"{kind}_index")
        if indices is None or one == other:
            return one, indices
        union = one.union(other)
        size = len(getattr(first, f"{kind}_index"))
        for vocabulary, part in ((one, indices[:size]), (other, indices[size:])):
            part[:] = union.index(vocabulary.ids)[part]
        return union, indices

    (users, user_index), (items, item_index), (events, event_index) = map(encoded, ("user", "item", "event"))
    return Rows(
        user_vocabulary=users,  # type: ignore[arg-type]
        item_vocabulary=items,  # type: ignore[arg-type]
        user_index=user_index,
        item_index=item_index,
        ratings=column("ratings"),
        timestamps=column("timestamps"),
        event_vocabulary=events,
        event_index=event_index,
        rejected=Rejected(first.rejected.count + second.rejected.count, first.rejected.rows + second.rejected.rows),
    )
