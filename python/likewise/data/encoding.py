"""The table of checked rows in DuckDB -> encoded NumPy rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likewise.data.columns import Role
from likewise.data.database import Database
from likewise.data.idkinds import INTEGRAL, warn_of_mixed_ids
from likewise.data.loading import TABLE
from likewise.data.rows import ReadOptions, Rejected, Rows
from likewise.data.vocabulary import Vocabulary

_ROWS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class TableContents:
    """What the table `log` holds beside users and items, in columns named by their role.

    Attributes:
        source: What was read; messages name it.
        roles: The columns there.
        untyped: The roles whose ids might have been integers; that some are is said where they became text.
        time_unit: How timestamps are kept: "number" (DOUBLE or BIGINT), or microseconds or nanoseconds since 1970.
    """

    source: str
    roles: tuple[Role, ...]
    untyped: Collection[Role]
    time_unit: Literal["number", "us", "ns"] = "number"


def encoded_rows(database: Database, contents: TableContents, options: ReadOptions, rejected: Rejected) -> Rows:
    """Numbers the ids of the table `log` and fetches its rows in order of arrival."""
    vocabularies: dict[Role, Vocabulary] = {}
    declared = {"user": options.user_ids, "item": options.item_ids}
    for role in ("user", "item", "event"):
        if role in contents.roles:
            vocabularies[role] = _number_ids(database, role, declared.get(role))
            if role in contents.untyped and vocabularies[role].is_text:
                _say_if_mixed(database, role, contents.source)
    columns = _fetch(database, contents, vocabularies)
    times = columns.get("timestamp")
    if times is not None and contents.time_unit != "number":
        times = times.view(f"datetime64[{contents.time_unit}]")
    return Rows(
        user_vocabulary=vocabularies["user"],
        item_vocabulary=vocabularies["item"],
        user_index=columns["user"],
        item_index=columns["item"],
        ratings=columns.get("rating"),
        timestamps=times,
        event_vocabulary=vocabularies.get("event"),
        event_index=columns.get("event"),
        rejected=rejected,
    )


def _number_ids(database: Database, role: Role, declared: Any) -> Vocabulary:
    """Makes the table of a role's distinct ids and their numbers, ascending."""
    occurring = f'SELECT DISTINCT "{role}" AS id FROM {TABLE}'
    if declared is not None:
        vocabulary = Vocabulary.of(declared, role, declared=True)
        ids = database.arrays(occurring)["id"]
        vocabulary.index(ids if len(ids) else vocabulary.ids[:0])
        database.connection.register("declared", {"id": vocabulary.ids})
        occurring = "SELECT id FROM declared"
    database.run(
        f"CREATE OR REPLACE TEMP TABLE {role}_ids AS "
        f"SELECT id, (row_number() OVER (ORDER BY id) - 1)::INTEGER AS number FROM ({occurring})"
    )
    if declared is not None:
        return vocabulary
    ids = database.arrays(f"SELECT id FROM {role}_ids ORDER BY number")["id"]
    return Vocabulary(np.asarray(ids, dtype=object if ids.dtype == object else np.int64), role)


def _say_if_mixed(database: Database, role: Role, source: str) -> None:
    """Warns where some ids of a table of text are integers and others are not."""
    is_integer = f"regexp_full_match(id, '{INTEGRAL}')"
    found = f"SELECT count(*) FILTER ({is_integer}), min(id) FILTER (NOT {is_integer}) FROM {role}_ids"
    integers, example = database.row(found)
    if integers and example is not None:
        warn_of_mixed_ids(source, role, example)


def _fetch(database: Database, contents: TableContents, encoded: Collection[Role]) -> dict[Role, Any]:
    """The columns in order of arrival. Each leaves the table once it is fetched, so that memory never holds both."""
    columns: dict[Role, Any] = {}
    for role in sorted(contents.roles, key=("timestamp", "rating", "user", "item", "event").index):
        if role in encoded:
            relation = f'{TABLE} JOIN {role}_ids ON {TABLE}."{role}" = {role}_ids.id'
            columns[role] = _fetch_column(database, f"{role}_ids.number", relation, np.int32, f"{role}_ids")
        else:
            kind = np.float32 if role == "rating" else _time_type(database, contents)
            value = f'"{role}"::BIGINT' if kind is np.int64 else f'"{role}"'
            columns[role] = _fetch_column(database, value, TABLE, kind)
        if len(columns) < len(contents.roles):
            database.run(f'ALTER TABLE {TABLE} DROP COLUMN "{role}"')
    return columns


def _fetch_column(database: Database, value: str, relation: str, kind: Any, joined: str | None = None) -> NDArray[Any]:
    """One column, by ranges into one array; a join does not keep the order of rows, so each comes with its place."""
    (total,) = database.row(f"SELECT count(*) FROM {TABLE}")
    column = np.empty(total, dtype=kind)
    # A join is built anew for each range, so a range is never small beside the ids.
    (ids,) = database.row(f"SELECT count(*) FROM {joined}") if joined else (0,)
    step = max(_ROWS_AT_ONCE, 4 * ids)
    place = f", {TABLE}.rowid AS place" if joined else ""
    sql = f"SELECT {value} AS value{place} FROM {relation} WHERE {TABLE}.rowid >= ? AND {TABLE}.rowid < ?"
    for begin in range(0, total, step):
        part = database.arrays(sql, begin, begin + step)
        column[part["place"] if joined else slice(begin, begin + step)] = part["value"]
    return column


def _time_type(database: Database, contents: TableContents) -> Any:
    """int64 unless a timestamp has a fraction."""
    if contents.time_unit != "number":
        return np.int64
    (fractions,) = database.row(f'SELECT count(*) FROM {TABLE} WHERE "timestamp" <> floor("timestamp")')
    return np.float64 if fractions else np.int64
