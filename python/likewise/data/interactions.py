"""The log: who did what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from likewise.data import clock
from likewise.data.arguments import checked_integer, checked_number
from likewise.data.columns import Role
from likewise.data.description import described
from likewise.data.encoded_log import EncodedLog
from likewise.data.filtering import duplicates, frequent_rows, rows_naming, without_unused_ids
from likewise.data.rows import ReadOptions, joined
from likewise.data.vocabulary import Indices

if TYPE_CHECKING:
    from os import PathLike

    from likewise.data.audit import Audit

ColumnName = str | int | None
_WAY_OUT = " of Interactions.from_frame"  # for sources that take neither `errors` nor `order`


class Interactions(EncodedLog):
    """An immutable log of interactions: rows in order of user, then time, then arrival; raw ids kept.

    Users and items are numbered by ascending raw id. Integer ids stay integers (int64), all others are text (str).
    Every row is a positive unless the log is filtered; repeated pairs are kept.

    Args:
        users: Raw user ids [rows]; any one-dimensional array, Series or list.
        items: Raw item ids [rows].
        ratings: Numbers [rows]; kept as float32.
        timestamps: Numbers (kept as int64, or float64 where they have fractions) or dates (datetime64) [rows]. Without
            them the order given counts as the order in time.
        events: Kinds of event [rows], such as "view" and "buy".
        user_ids: All users, if there are more than the rows name.
        item_ids: All items, if there are more than the rows name.

    Attributes:
        indptr: Row pointers [n_users + 1], int64: user u has the rows indptr[u] to indptr[u + 1], oldest first.
        item_index: The item of each row as its index in `item_ids` [rows], int32.
        ratings: Ratings [rows], float32; None if the log has none.
        timestamps: Times [rows], int64, float64 or datetime64; None if the log has none.

    Raises:
        ValueError: If lengths differ, or an id, rating or timestamp is missing or not finite.
        KeyError: If `user_ids` or `item_ids` is given and a row names an id outside it.

    Example:
        >>> log = Interactions(["ann", "bob", "ann"], [7, 7, 9], timestamps=[1, 2, 3])
        >>> log.n_users, log.n_items, len(log)
        (2, 2, 3)
    """

    def __init__(
        self,
        users: Any,
        items: Any,
        *,
        ratings: Any = None,
        timestamps: Any = None,
        events: Any = None,
        user_ids: Any = None,
        item_ids: Any = None,
    ) -> None:
        from likewise.data.sources import from_arrays

        columns: dict[Role, Any] = {
            "user": users,
            "item": items,
            "rating": ratings,
            "timestamp": timestamps,
            "event": events,
        }
        self._keep(from_arrays(columns, ReadOptions(user_ids=user_ids, item_ids=item_ids, way_out=_WAY_OUT)))

    @classmethod
    def read(
        cls,
        path: str | PathLike[str],
        *,
        user: ColumnName = None,
        item: ColumnName = None,
        rating: ColumnName = None,
        timestamp: ColumnName = None,
        event: ColumnName = None,
        separator: str | None = None,
        header: Literal["auto"] | bool = "auto",
        encoding: str = "utf-8",
        order: Literal["time", "file"] = "time",
        errors: Literal["raise", "skip"] = "raise",
        min_rating: float | None = None,
        user_ids: Any = None,
        item_ids: Any = None,
        memory_limit: str | None = None,
    ) -> Self:
        """Reads csv, tsv, "::"-separated text, RecBole's .inter, parquet or JSON lines, gzipped or not.

        The content says which; separator, header and columns are told from the first lines and logged.

        Args:
            path: A file, or a glob for several of one layout.
            user: The column of user ids, by name or by place from 0; recognised by its name if not given.
            item: The column of item ids.
            rating: The column of ratings, if there is one.
            timestamp: The column of times: numbers, or ISO dates (UTC unless they say otherwise).
            event: The column of kinds of events.
            separator: What stands between two cells.
            header: Whether the first line names the columns.
            encoding: Of the text.
            order: "time" sorts each user's rows by time, then by place in the file; "file" by place alone, and the
                timestamps are not read.
            errors: "raise" stops at a malformed row; "skip" leaves malformed rows out and keeps them for `audit()`.
            min_rating: Leaves out rows rated lower.
            user_ids: All users, if there are more than the file names.
            item_ids: All items, if there are more than the file names.
            memory_limit: What DuckDB may hold in memory while it reads, such as "500MB"; the rest spills to disk. None
                takes LIKEWISE_MEMORY_LIMIT from the environment, else 80 % of the machine's memory.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If a row is malformed (names file, line, column and text), timestamps are missing (says how many
                and the way out), or a column is not there.
            KeyError: If `user_ids` or `item_ids` is given and a row names an id outside it.
        """
        from likewise.data.sources import from_file

        options = ReadOptions(order, errors, user_ids, item_ids, memory_limit)
        named = {"user": user, "item": item, "rating": rating, "timestamp": timestamp, "event": event}
        rows = from_file(path, named, options, separator=separator, header=header, encoding=encoding)
        return cls._of_rows(rows)._at_least(min_rating)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        user: ColumnName = None,
        item: ColumnName = None,
        rating: ColumnName = None,
        timestamp: ColumnName = None,
        event: ColumnName = None,
        order: Literal["time", "file"] = "time",
        errors: Literal["raise", "skip"] = "raise",
        min_rating: float | None = None,
        user_ids: Any = None,
        item_ids: Any = None,
    ) -> Self:
        """Takes the rows of a pandas or polars DataFrame, a pyarrow Table, a DuckDB relation or a dict of arrays.

        Other arguments as in `read`.

        Raises:
            TypeError: If it is no such frame.
            ValueError: If a row is malformed (names its number, from 1, and the column) or a column is not there.
            KeyError: If `user_ids` or `item_ids` is given and a row names an id outside it.
        """
        from likewise.data.sources import from_frame

        named = {"user": user, "item": item, "rating": rating, "timestamp": timestamp, "event": event}
        return cls._of_rows(from_frame(frame, named, ReadOptions(order, errors, user_ids, item_ids)))._at_least(
            min_rating
        )

    @classmethod
    def from_sql(
        cls,
        query: str,
        connection: Any,
        *,
        user: ColumnName = None,
        item: ColumnName = None,
        rating: ColumnName = None,
        timestamp: ColumnName = None,
        event: ColumnName = None,
        order: Literal["time", "file"] = "time",
        errors: Literal["raise", "skip"] = "raise",
        min_rating: float | None = None,
        user_ids: Any = None,
        item_ids: Any = None,
    ) -> Self:
        """Takes the rows of a query's result over a DuckDB or DB-API 2 connection (sqlite3, psycopg), which stays open.

        Other arguments as in `read`.

        Raises:
            TypeError: If `connection` is neither.
            ValueError: If a row is malformed (names its number, from 1, and the column) or a column is not there.
            KeyError: If `user_ids` or `item_ids` is given and a row names an id outside it.
        """
        from likewise.data.sources import from_sql

        named = {"user": user, "item": item, "rating": rating, "timestamp": timestamp, "event": event}
        rows = from_sql(query, connection, named, ReadOptions(order, errors, user_ids, item_ids))
        return cls._of_rows(rows)._at_least(min_rating)

    @classmethod
    def from_csr(cls, matrix: Any) -> Self:
        """Takes the entries of a sparse matrix of shape [users, items] (SciPy's, or alike) as ratings.

        Ids are row and column numbers; users and items without an entry are in the vocabulary.

        Raises:
            TypeError: If it has no `data`, `indices`, `indptr` and `shape`, and no `tocsr()`.
            ValueError: If these disagree.
        """
        from likewise.data.sources import from_csr

        return cls._of_rows(from_csr(matrix, ReadOptions(way_out=_WAY_OUT)))

    def _at_least(self, min_rating: float | None) -> Self:
        return self if min_rating is None else self.filter(min_rating=min_rating)

    def filter(
        self,
        *,
        min_rating: float | None = None,
        min_user_rows: int = 0,
        min_item_rows: int = 0,
        since: Any = None,
        until: Any = None,
        users: Any = None,
        items: Any = None,
        events: Any = None,
    ) -> Self:
        """The rows that meet every condition. Ids without a row leave the vocabulary, unless they were declared.

        Args:
            min_rating: The lowest rating that stays.
            min_user_rows: Rows a user must have; repeats with `min_item_rows` until both hold.
            min_item_rows: Rows an item must have.
            since: The first moment that stays: a number in the log's unit, a datetime, or an ISO date.
            until: The moment before which rows stay, so that `until` and `since` at one moment divide a log in two.
            users: Raw ids of the users that stay.
            items: Raw ids of the items that stay.
            events: The kinds of events that stay.

        Raises:
            KeyError: If a user, item or event is not in the log's vocabulary.
            TypeError: If a minimum is not a number, or is not a whole one for rows.
            ValueError: If the log lacks ratings, timestamps or events that a condition needs, or `min_rating` is NaN.
        """
        min_rating = None if min_rating is None else checked_number(min_rating, "min_rating")
        min_user_rows = checked_integer(min_user_rows, "min_user_rows")
        min_item_rows = checked_integer(min_item_rows, "min_item_rows")
        rows = self._rows()
        kept = np.ones(len(self), dtype=bool)
        if min_rating is not None:
            kept &= self._column("ratings", "min_rating") >= min_rating
        if since is not None:
            times = self._column("timestamps", "since")
            kept &= times >= clock.to_log_unit(since, times, "since")
        if until is not None:
            times = self._column("timestamps", "until")
            kept &= times < clock.to_log_unit(until, times, "until")
        if users is not None:
            kept &= rows_naming(rows.user_index, self._user_vocabulary, users)
        if items is not None:
            kept &= rows_naming(rows.item_index, self._item_vocabulary, items)
        if events is not None:
            if self._event_vocabulary is None or self._event_index is None:
                raise ValueError("events: the log has no events")
            kept &= rows_naming(
                self._event_index, self._event_vocabulary, [events] if isinstance(events, str) else events
            )
        if min_user_rows > 1 or min_item_rows > 1:
            kept = frequent_rows(rows, kept, min_user_rows, min_item_rows)
        return self._of_rows(without_unused_ids(self._rows(kept, with_rejected=True)))

    def _column(self, name: str, argument: str) -> NDArray[Any]:
        column: NDArray[Any] | None = getattr(self, name)
        if column is None:
            raise ValueError(f"{argument}: the log has no {name}")
        return column

    def deduplicate(self, keep: Literal["first", "last"] = "last") -> Self:
        """The log with each (user, item) pair once, under the same vocabularies.

        Args:
            keep: Which row of a pair stays, in the order of time.

        Raises:
            ValueError: If `keep` is neither "first" nor "last".
        """
        if keep not in ("first", "last"):
            raise ValueError(f'keep: takes "first" or "last", got {keep!r}')
        return self._of_rows(self._rows(duplicates(self._rows(), keep), with_rejected=True))

    def __add__(self, other: Interactions) -> Self:
        """Both logs as one, under the union of their vocabularies; at equal times this log's rows come first.

        Raises:
            ValueError: If only one of them has ratings, timestamps or events, or times are dates in one only.
            TypeError: If ids are text in one and integers in the other.
        """
        if not isinstance(other, Interactions):
            return NotImplemented
        return self._of_rows(joined(self._rows(with_rejected=True), other._rows(with_rejected=True)))

    def to_csr(self) -> tuple[NDArray[np.float32], Indices, NDArray[np.int64]]:
        """The log as a sparse matrix of shape [n_users, n_items].

        Returns:
            data (ratings, or ones) [rows], item indices [rows] and row pointers [n_users + 1], in the log's order: a
            user's items by time, repeated pairs kept. `scipy.sparse.csr_array(log.to_csr(), shape=...)` takes it.
        """
        data = np.ones(len(self), dtype=np.float32) if self.ratings is None else self.ratings
        return data, self.item_index, self.indptr

    def to_frame(self) -> Any:
        """The rows as a pandas DataFrame (without pandas: a dict of arrays) with raw ids in the log's order."""
        columns = {
            "user": self.users,
            "item": self.items,
            "rating": self.ratings,
            "timestamp": self.timestamps,
            "event": self.events,
        }
        present = {name: column for name, column in columns.items() if column is not None}
        try:
            import pandas
        except ModuleNotFoundError:
            return present
        return pandas.DataFrame(present)

    def audit(self) -> Audit:
        """What is unusual about the log and what to do about it; prints as a report."""
        from likewise.data.audit import audit

        return audit(self)

    def __repr__(self) -> str:
        return f"Interactions({self.n_users:,} users, {self.n_items:,} items, {len(self):,} rows)"

    def __str__(self) -> str:
        return described(self)
