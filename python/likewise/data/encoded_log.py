"""Encoded rows in a log's order, and the way between raw ids and indices: what models work on."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from likewise.data.ordering import Order, gathered, order_by_user_and_time, row_pointers
from likewise.data.rows import Rejected, Rows
from likewise.data.vocabulary import Ids, Indices


class EncodedLog:
    """Rows in CSR order by user, then time, then arrival, under two vocabularies; immutable.

    Attributes:
        indptr: Row pointers [n_users + 1], int64: user u has the rows indptr[u] to indptr[u + 1], oldest first.
        item_index: The item of each row as its index in `item_ids` [rows], int32.
        ratings: Ratings [rows], float32; None if the log has none.
        timestamps: Times [rows], int64, float64 or datetime64; None if the log has none.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__:
            raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot be set; make a new log")
        super().__setattr__(name, value)

    def _keep(self, rows: Rows) -> None:
        """Sorts rows into the log's order and keeps them, read-only."""
        n_users = len(rows.user_vocabulary)
        order = order_by_user_and_time(rows.user_index, rows.timestamps, n_users)
        self.indptr = row_pointers(rows.user_index, n_users)
        del rows.user_index
        self.item_index: Indices = _ordered(rows, "item_index", order)
        self.ratings: NDArray[np.float32] | None = _ordered(rows, "ratings", order)
        self.timestamps: NDArray[Any] | None = _ordered(rows, "timestamps", order)
        self._event_index: Indices | None = _ordered(rows, "event_index", order)
        self._user_vocabulary, self._item_vocabulary = rows.user_vocabulary, rows.item_vocabulary
        self._event_vocabulary, self._rejected = rows.event_vocabulary, rows.rejected
        self.indptr.flags.writeable = False

    @classmethod
    def _of_rows(cls, rows: Rows) -> Self:
        log = cls.__new__(cls)
        log._keep(rows)
        return log

    def _rows(self, chosen: NDArray[Any] | slice = slice(None), with_rejected: bool = False) -> Rows:
        """Some of this log's rows, under the same vocabularies."""

        def part(column: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if column is None else column[chosen]

        return Rows(
            user_vocabulary=self._user_vocabulary,
            item_vocabulary=self._item_vocabulary,
            event_vocabulary=self._event_vocabulary,
            user_index=self.user_index[chosen],
            item_index=self.item_index[chosen],
            ratings=part(self.ratings),
            timestamps=part(self.timestamps),
            event_index=part(self._event_index),
            rejected=self._rejected if with_rejected else Rejected(),
        )

    def take(self, rows: NDArray[Any]) -> Self:
        """The log of some rows only, under the same vocabularies.

        Args:
            rows: A mask [rows] or row numbers, in the log's order.
        """
        return self._of_rows(self._rows(rows))

    @property
    def user_ids(self) -> Ids:
        """Raw user ids in ascending order [n_users], int64 or str."""
        return self._user_vocabulary.ids

    @property
    def item_ids(self) -> Ids:
        """Raw item ids in ascending order [n_items], int64 or str."""
        return self._item_vocabulary.ids

    @property
    def n_users(self) -> int:
        """Number of users in the vocabulary."""
        return len(self._user_vocabulary)

    @property
    def n_items(self) -> int:
        """Number of items in the vocabulary."""
        return len(self._item_vocabulary)

    def __len__(self) -> int:
        return len(self.item_index)

    @property
    def user_index(self) -> Indices:
        """The user of each row as its index in `user_ids` [rows], int32; made at each call."""
        return np.repeat(np.arange(self.n_users, dtype=np.int32), np.diff(self.indptr))

    @property
    def users(self) -> Ids:
        """The raw user id of each row [rows]."""
        return np.repeat(self.user_ids, np.diff(self.indptr))

    @property
    def items(self) -> Ids:
        """The raw item id of each row [rows]."""
        return self.item_ids[self.item_index]

    @property
    def events(self) -> Ids | None:
        """The kind of event of each row [rows]; None if the log has none."""
        if self._event_index is None or self._event_vocabulary is None:
            return None
        return self._event_vocabulary.ids[self._event_index]

    def index_of_users(self, ids: Any) -> Indices:
        """Indices [n] of raw user ids (one id or many), in the order given.

        Raises:
            KeyError: If an id is not in the vocabulary.
        """
        return self._user_vocabulary.index(ids)

    def index_of_items(self, ids: Any) -> Indices:
        """Indices [n] of raw item ids (one id or many), in the order given.

        Raises:
            KeyError: If an id is not in the vocabulary.
        """
        return self._item_vocabulary.index(ids)

    def find_users(self, ids: Any) -> Indices:
        """Indices [n] of raw user ids, -1 where an id is not in the vocabulary."""
        return self._user_vocabulary.find(ids)

    def find_items(self, ids: Any) -> Indices:
        """Indices [n] of raw item ids, -1 where an id is not in the vocabulary."""
        return self._item_vocabulary.find(ids)


def _ordered(rows: Rows, name: str, order: Order | None) -> Any:
    """One column in the log's order, read-only; the unordered one is dropped at once to save memory."""
    column = getattr(rows, name)
    setattr(rows, name, None)
    if column is None:
        return None
    ordered = column if order is None else gathered(column, order)
    ordered.flags.writeable = False
    return ordered
