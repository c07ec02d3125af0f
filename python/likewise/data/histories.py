"""What users did, as rows of item indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from likewise import _core
from likewise.data.interactions import Interactions

Indices = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Histories:
    """Items of n users, oldest first: row r holds ``items[indptr[r]:indptr[r + 1]]``. Slices are rows.

    Attributes:
        indptr: Row pointers [n + 1], int64.
        items: Item indices, int32.
        ratings: Their ratings, float32; None if the log has none.
    """

    indptr: NDArray[np.int64]
    items: Indices
    ratings: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, rows: slice) -> Histories:
        begin, end, step = rows.indices(len(self))
        if step != 1:
            raise ValueError(f"Histories: slices take step 1, got {step}")
        end = max(begin, end)
        first, last = int(self.indptr[begin]), int(self.indptr[end])
        ratings = None if self.ratings is None else self.ratings[first:last]
        return Histories(self.indptr[begin : end + 1] - first, self.items[first:last], ratings)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Items in each row [n]."""
        return np.diff(self.indptr)

    @property
    def row_index(self) -> NDArray[np.int64]:
        """The row of each item."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @classmethod
    def empty(cls, n: int) -> Self:
        """N rows without items."""
        return cls(np.zeros(n + 1, dtype=np.int64), np.zeros(0, dtype=np.int32))

    @classmethod
    def of_lists(cls, rows: Sequence[Any]) -> Self:
        """One row of item indices from each list."""
        indptr = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=indptr[1:])
        return cls(indptr, np.concatenate([np.zeros(0, dtype=np.int32), *rows]).astype(np.int32))

    @classmethod
    def of_log(cls, log: Interactions, users: NDArray[Any]) -> Self:
        """The rows of some users of a log, by their index in it; -1 gives an empty row."""
        known = users >= 0
        safe = np.where(known, users, 0)
        starts = np.where(known, log.indptr[safe], 0)
        lengths = np.where(known, log.indptr[safe + 1] - starts, 0)
        indptr = np.zeros(len(users) + 1, dtype=np.int64)
        np.cumsum(lengths, out=indptr[1:])
        places = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
        return cls(indptr, log.item_index[places], None if log.ratings is None else log.ratings[places])

    def take(self, rows: NDArray[Any]) -> Histories:
        """Some rows, by mask or number."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        indptr = np.zeros(len(rows) + 1, dtype=np.int64)
        lengths = self.lengths[rows]
        np.cumsum(lengths, out=indptr[1:])
        places = np.arange(indptr[-1]) + np.repeat(self.indptr[rows] - indptr[:-1], lengths)
        return Histories(indptr, self.items[places], None if self.ratings is None else self.ratings[places])

    def replaced(self, other: Histories, chosen: NDArray[np.bool_]) -> Histories:
        """These rows, but where `chosen` those of `other`."""
        n = len(self)
        both = Histories(
            np.concatenate([self.indptr, other.indptr[1:] + self.indptr[-1]]),
            np.concatenate([self.items, other.items]),
            None if self.ratings is None or other.ratings is None else np.concatenate([self.ratings, other.ratings]),
        )
        return both.take(np.where(chosen, np.arange(n) + n, np.arange(n)))

    def beside(self, other: Histories) -> Histories:
        """Each row followed by the same row of `other`, without ratings."""
        order = np.argsort(np.concatenate([self.row_index, other.row_index]), kind="stable")
        return Histories(self.indptr + other.indptr, np.concatenate([self.items, other.items])[order])

    def where(self, chosen: NDArray[np.bool_]) -> Histories:
        """The rows with some of their items only."""
        counts = np.zeros(len(self.items) + 1, dtype=np.int64)
        np.cumsum(chosen, out=counts[1:])
        ratings = None if self.ratings is None else self.ratings[chosen]
        return Histories(counts[self.indptr], self.items[chosen], ratings)

    def contain(self, items: Histories) -> NDArray[np.bool_]:
        """Whether each of `items` is among this row's items; these rows must be `distinct`."""
        width = max((int(part.max()) + 1 for part in (self.items, items.items) if len(part)), default=1)
        keys, wanted = (part.row_index * width + part.items for part in (self, items))
        places = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        return keys[places] == wanted if len(keys) else np.zeros(len(wanted), dtype=bool)

    def mapped(self, table: Indices) -> Histories:
        """The same rows under other item indices, ``table[item]``; items mapped to -1 are left out."""
        moved = Histories(self.indptr, table[self.items].astype(np.int32), self.ratings)
        known = moved.items >= 0
        return moved if known.all() else moved.where(known)

    def distinct(self) -> Histories:
        """Each row's items once and in ascending order, without ratings."""
        return Histories(*_core.distinct_lists(self.indptr, np.ascontiguousarray(self.items)))
