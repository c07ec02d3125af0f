"""Any source of interactions -> rows: files, arrays, frames, queries, matrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from likewise.data.arrays import as_column, joined_columns
from likewise.data.columns import Named, Role, find_columns
from likewise.data.database import Database, first_line, open_database, quoted
from likewise.data.delimited import read_delimited
from likewise.data.files import find_files, open_bytes, plainly_named
from likewise.data.idkinds import mixed_example, warn_of_mixed_ids
from likewise.data.jsonlines import read_json_lines
from likewise.data.loading import joined_name
from likewise.data.rows import ReadOptions, Rows
from likewise.data.typed import TypedRelation, read_typed

_REGISTERED = "given"  # the name frames and arrays go by in DuckDB
_ROWS_AT_ONCE = 100_000


def from_file(
    path: str | PathLike[str],
    named: Named,
    options: ReadOptions,
    *,
    separator: str | None,
    header: bool | Literal["auto"],
    encoding: str,
) -> Rows:
    """Rows of one file or, for a glob, several; the content says of what kind they are.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file is not readable or a row is malformed; names file and line.
    """
    if separator is not None and not isinstance(separator, str):
        raise TypeError(f"separator: takes what stands between two cells, got {separator!r}")
    if separator == "":
        raise ValueError("separator: takes what stands between two cells, got an empty string")
    if header not in ("auto", True, False):
        raise ValueError(f'header: takes "auto", True or False, got {header!r}')
    paths = find_files(path)
    with open_bytes(paths[0]) as file:
        start = file.read(4096)
    if start.startswith(b"PAR1"):
        return _read_parquet(paths, named, options)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and separator is None:
        return read_json_lines(paths, named, options, encoding)
    if start.lstrip().startswith(b"[{") and separator is None:
        raise ValueError(f"{paths[0]}: a JSON array; write one object a line instead (JSON lines)")
    return read_delimited(paths, named, options, separator=separator, header=header, encoding=encoding)


def _read_parquet(paths: Sequence[Path], named: Named, options: ReadOptions) -> Rows:
    source = joined_name(paths)
    with open_database(source, options.memory_limit) as database:
        files = [str(plainly_named(path, database.folder)) for path in paths]
        names, *others = (_parquet_columns(database, path, file) for path, file in zip(paths, files, strict=True))
        for path, other in zip(paths[1:], others, strict=True):
            if other != names:
                raise ValueError(f"{path}: columns {other}, but {paths[0]} has {names}")
        columns = {role: quoted(names[place]) for role, place in find_columns(names, named, source).items()}
        if {name.lower() for name in names} & {"filename", "file_row_number"}:  # DuckDB would have them twice
            relation = TypedRelation(source, "read_parquet(?)", [files], columns)
        else:
            sql = "read_parquet(?, filename = true, file_row_number = true)"
            origin = ("filename", "file_row_number + 1", "''")
            relation = TypedRelation(source, sql, [files], columns, origin=origin)
        return read_typed(database, relation, options)


def _parquet_columns(database: Database, path: Path, file: str) -> list[str]:
    import duckdb

    try:
        return [str(name) for name, *_ in database.rows("DESCRIBE SELECT * FROM read_parquet(?)", file)]
    except duckdb.Error as error:
        raise ValueError(f"{path}: not readable as parquet: {first_line(error)}") from error


def from_frame(frame: Any, named: Named, options: ReadOptions) -> Rows:
    """Rows of a pandas or polars DataFrame, a pyarrow Table, a DuckDB relation, or a mapping of names to arrays.

    Raises:
        TypeError: If it is none of these.
        ValueError: If a column is not recognised, or a row is malformed.
    """
    if isinstance(frame, Mapping):
        return _from_mapping(frame, named, options, "the frame")
    if hasattr(frame, "fetchnumpy"):
        return _from_mapping(frame.fetchnumpy(), named, options, "the relation")
    columns = getattr(frame, "column_names", getattr(frame, "columns", None)) if hasattr(frame, "__len__") else None
    if columns is None:
        raise TypeError(f"frame: takes a pandas, polars or pyarrow table, got {type(frame).__name__}")
    places = find_columns([str(name) for name in columns], named, "the frame")
    if hasattr(frame, "iloc"):
        _say_if_mixed({role: frame.iloc[:, place] for role, place in places.items()}, "the frame")
    return _read_registered(_renamed(frame, list(columns), places), places, options, "the frame")


def _from_mapping(columns: Mapping[Any, Any], named: Named, options: ReadOptions, source: str) -> Rows:
    places = find_columns([str(name) for name in columns], named, source)
    listed = list(columns.values())
    return from_arrays({role: listed[place] for role, place in places.items()}, options, source)


def _renamed(frame: Any, names: list[Any], places: Mapping[Role, int]) -> Any:
    """The columns of a frame that have a role, named by it, as DuckDB can register them."""
    roles, kept = list(places), list(places.values())
    if hasattr(frame, "iloc"):
        chosen = frame.iloc[:, kept].set_axis(roles, axis=1)
        # DuckDB before 2.0 does not know the text type of pandas 3.
        return chosen.astype({role: object for role in roles if str(chosen[role].dtype) == "str"})
    if hasattr(frame, "rename_columns"):
        return frame.select(kept).rename_columns(roles)
    if hasattr(frame, "to_arrow"):
        try:
            return frame.select([names[place] for place in kept]).to_arrow().rename_columns(roles)
        except ModuleNotFoundError:  # polars without pyarrow
            pass
        except ValueError:  # a type pyarrow does not have, such as integers of 128 bits
            return {role: as_column(frame[names[place]].to_list(), role) for role, place in places.items()}
    return {role: as_column(frame[names[place]], role) for role, place in places.items()}


def from_arrays(columns: Mapping[Role, Any], options: ReadOptions, source: str = "the arrays") -> Rows:
    """Rows of one-dimensional arrays, Series or lists of one length by role; None where there is none.

    Raises:
        TypeError: If users or items are None, or a column is no array, Series or list.
        ValueError: If lengths differ, or a row is malformed.
    """
    there = {role: values for role, values in columns.items() if values is not None or role in ("user", "item")}
    arrays = {role: as_column(values, role) for role, values in there.items()}
    _say_if_mixed(there, source)
    for role, array in arrays.items():
        if len(array) != len(arrays["user"]):
            raise ValueError(f"{role}: {len(array):,} rows, but user has {len(arrays['user']):,}")
    return _read_registered(arrays, list(arrays), options, source)


def _say_if_mixed(columns: Mapping[Role, Any], source: str) -> None:
    """Warns where ids are Python objects of which some are numbers and others text."""
    for role in ("user", "item"):
        if str(getattr(columns[role], "dtype", "object")) == "object":
            example = mixed_example(columns[role])
            if example is not None:
                warn_of_mixed_ids(source, role, example)


def _read_registered(columns: Any, roles: Iterable[Role], options: ReadOptions, source: str) -> Rows:
    with open_database(source, options.memory_limit) as database:
        database.connection.register(_REGISTERED, columns)
        relation = TypedRelation(source, _REGISTERED, [], {role: quoted(role) for role in roles})
        return read_typed(database, relation, options)


def from_sql(query: str, connection: Any, named: Named, options: ReadOptions) -> Rows:
    """Rows of a query's result, over a DuckDB or any DB-API 2 connection.

    Raises:
        TypeError: If the connection is neither.
        ValueError: If a column is not recognised, or a row is malformed.
    """
    if hasattr(connection, "fetchnumpy"):
        return _from_mapping(connection.execute(query).fetchnumpy(), named, options, "the query")
    if not hasattr(connection, "cursor"):
        raise TypeError(f"connection: takes a DuckDB or a DB-API 2 connection, got {type(connection).__name__}")
    cursor = connection.cursor()
    try:
        cursor.execute(query)
        if cursor.description is None:
            raise ValueError(f"query: takes one that returns rows, got {query!r}")
        names = [str(column[0]) for column in cursor.description]
        places = find_columns(names, named, "the query")
        parts: dict[Role, list[Any]] = {role: [] for role in places}
        of_each_kind: dict[Role, dict[type, Any]] = {role: {} for role in places}
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            for role, place in places.items():
                values = [row[place] for row in rows]
                of_each_kind[role] |= dict(zip(map(type, values), values, strict=True))
                parts[role].append(as_column(values, role))
    finally:
        cursor.close()
    _say_if_mixed({role: list(some.values()) for role, some in of_each_kind.items()}, "the query")
    return from_arrays({role: joined_columns(some, role) for role, some in parts.items()}, options, "the query")


def from_csr(matrix: Any, options: ReadOptions) -> Rows:
    """Rows of a sparse matrix users x items: its entries are the ratings, its row and column numbers the ids.

    Raises:
        TypeError: If it is not a two-dimensional sparse matrix.
        ValueError: If its parts disagree.
    """
    if not hasattr(matrix, "indptr") and hasattr(matrix, "tocsr"):
        matrix = matrix.tocsr()
    parts: list[Any] = [getattr(matrix, name, None) for name in ("data", "indices", "indptr", "shape")]
    if any(part is None for part in parts) or getattr(matrix, "format", "csr") != "csr":
        raise TypeError(f"matrix: takes a CSR matrix (data, indices, indptr, shape), got {type(matrix).__name__}")
    data, indices, indptr, shape = parts
    n_users, n_items = (int(size) for size in shape)
    if len(indptr) != n_users + 1 or len(indices) != len(data) or int(indptr[-1]) != len(data):
        raise ValueError(
            f"matrix: shape {shape} takes {n_users + 1} row pointers up to {len(data)} entries, "
            f"got {len(indptr)} up to {int(indptr[-1])}"
        )
    users = np.repeat(np.arange(n_users, dtype=np.int64), np.diff(indptr))
    declared = replace(options, user_ids=np.arange(n_users), item_ids=np.arange(n_items))
    return from_arrays({"user": users, "item": indices, "rating": data}, declared, "the matrix")
