"""Columns that have types already (arrays, frames, parquet, results of queries) and JSON lines -> rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from likewise.data.columns import Role, logger
from likewise.data.database import Database
from likewise.data.encoding import TableContents, encoded_rows
from likewise.data.idkinds import IdReading, typed_readings
from likewise.data.loading import Loader, rating_value, without_timestamp
from likewise.data.rows import ROWS_KEPT, MalformedRowError, ReadOptions, RejectedRow, RejectedRows, Rows

_DATES = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE")
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
TimeUnit = Literal["number", "us", "ns"]


@dataclass(frozen=True)
class TypedRelation:
    """A relation whose columns have types.

    Attributes:
        source: What to call it in messages.
        sql: What stands after FROM; rows come in order of arrival.
        parameters: The values of the question marks in it.
        columns: The SQL of each role's column.
        id_readings: How to read ids, where their column's type does not say it.
        origin: The SQL of the file, the line or row number and the text of a row; None for row numbers alone.
        unit: What the number counts.
        fault_of: What is wrong with a row's text as a whole, if something is.
    """

    source: str
    sql: str
    parameters: list[Any]
    columns: Mapping[Role, str]
    id_readings: Mapping[Role, list[IdReading]] | None = None
    origin: tuple[str, str, str] | None = None
    unit: Literal["line", "row"] = "row"
    fault_of: Callable[[str], str | None] | None = None


def read_typed(database: Database, relation: TypedRelation, options: ReadOptions) -> Rows:
    """Rows of a relation with types.

    Raises:
        ValueError: If a row lacks a value or has a wrong one, and is not to be skipped; names the row and the column.
    """
    columns = {role: sql for role, sql in relation.columns.items() if role != "timestamp" or options.order == "time"}
    described = ", ".join(f'{sql} AS "{role}"' for role, sql in columns.items())
    found = database.rows(f"DESCRIBE SELECT {described} FROM {relation.sql}", *relation.parameters)
    types: dict[Role, str] = {name: kind for name, kind, *_ in found}
    for role, kind in types.items():
        if kind == "BLOB":
            columns[role] = f"decode({columns[role]})"
        elif kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
            raise ValueError(f"{role}: takes numbers, text or dates, {relation.source} has {kind} there")
    values: dict[Role, str] = {}
    time_unit: TimeUnit = "number"
    for role, raw in columns.items():
        if role == "rating":
            is_number = types[role] != "VARCHAR"
            values[role] = rating_value(f"{raw}::DOUBLE" if is_number else f"TRY_CAST({raw} AS DOUBLE)")
        elif role == "timestamp":
            values[role], time_unit = _time_value(database, relation, raw, types[role])
        elif role == "event":
            values[role] = typed_readings(f"{raw}::VARCHAR", "VARCHAR")[0].value
    given = relation.id_readings or {}
    readings = {role: given.get(role) or typed_readings(columns[role], types[role]) for role in ("user", "item")}
    untyped = [role for role, ways in readings.items() if len(ways) > 1]
    loader = Loader(database, relation.source, relation.sql, relation.parameters, values, readings, dict(columns))  # type: ignore[arg-type]
    loader.scan()
    loader.settle_ids()
    rejected = RejectedRows(options.errors, options.way_out)
    if loader.incomplete_rows():
        _reject_incomplete(loader, relation, rejected, options.way_out)
        loader.drop_incomplete()
    contents = TableContents(relation.source, loader.roles, untyped, time_unit)  # type: ignore[arg-type]
    return encoded_rows(database, contents, options, rejected.finished())


def _time_value(database: Database, relation: TypedRelation, raw: str, type_name: str) -> tuple[str, TimeUnit]:
    """The SQL of a timestamp and the unit it is kept in."""
    if type_name in _DATES:
        return f"epoch_us({raw})" if type_name != "DATE" else f"epoch_us({raw}::TIMESTAMP)", "us"
    if type_name == "TIMESTAMP_NS":
        return f"epoch_ns({raw})", "ns"
    if type_name != "VARCHAR":
        is_float = type_name in ("FLOAT", "DOUBLE") or type_name.startswith("DECIMAL")
        return (f"{raw}::DOUBLE", "number") if is_float else (f"TRY_CAST({raw} AS BIGINT)", "number")
    first = f"SELECT {raw} FROM {relation.sql} WHERE trim({raw}) <> '' LIMIT 1"
    example = database.row(first, *relation.parameters)
    if not example or _NUMBER.fullmatch(example[0]):
        return f"TRY_CAST({raw} AS DOUBLE)", "number"
    return f"epoch_us(TRY_CAST({raw} AS TIMESTAMPTZ))", "us"


def _reject_incomplete(loader: Loader, relation: TypedRelation, rejected: RejectedRows, way_out: str) -> None:
    """Names the rows that lack a value.

    Raises:
        ValueError: At the first one, unless rows are to be skipped.
    """
    total = loader.incomplete_rows()
    incomplete = loader.first_incomplete(ROWS_KEPT)
    places = ", ".join(str(place) for place, *_ in incomplete)
    file, number, text = relation.origin or ("''", "place + 1", "''")
    columns = ", ".join(f"({sql})::VARCHAR" for sql in loader.raw.values())
    rows = f"SELECT row_number() OVER () - 1 AS place, * FROM {relation.sql}"
    sql = f"SELECT {file}, {number}, {text}, {columns} FROM ({rows}) WHERE place IN ({places}) ORDER BY place"
    for (_, *lacking), (name, line, written, *cells) in zip(
        incomplete, loader.database.rows(sql, *relation.parameters), strict=True
    ):
        by_role = dict(zip(loader.raw, cells, strict=True))
        role = next(role for role, lacks in zip(loader.roles, lacking, strict=True) if lacks)
        shown = written or ", ".join(f"{key}={value}" for key, value in by_role.items())
        fault = relation.fault_of(written) if relation.fault_of else None
        column, reason = (None, fault) if fault else (role, _reason(role, by_role[role]))
        row = RejectedRow(name or relation.source, int(line), column, shown, reason, relation.unit)
        try:
            rejected.add(row)
        except MalformedRowError:
            if role != "timestamp" or by_role[role] is not None:
                raise
            (untimed,) = loader.database.row('SELECT count(*) FROM log WHERE "timestamp" IS NULL')
            raise MalformedRowError(row, without_timestamp(untimed, loader.rows(), way_out)) from None
    rejected.reasons["more rows like these"] += total - len(incomplete)
    message = "%s: %s malformed rows left out, the first: %s"
    logger.warning(message, loader.source, f"{total:,}", rejected.finished().rows[0])


def _reason(role: Role, raw: str | None) -> str:
    if raw is None or not raw.strip():
        return f"no {role}"
    if role == "timestamp":
        return "timestamp is neither a finite number nor a date such as 2020-12-31"
    try:
        is_nan = math.isnan(float(raw))
    except ValueError:
        return f"{role} is not a number"
    return f"no {role} (NaN)" if is_nan else f"{role} is not finite"
