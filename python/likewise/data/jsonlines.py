"""JSON lines, one object a line -> rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from likewise.data.columns import Named, Role, find_columns
from likewise.data.database import Database, open_database
from likewise.data.files import is_gzip, open_text, plainly_named, printable
from likewise.data.idkinds import IdKind, IdReading, text_readings, warn_of_mixed_ids
from likewise.data.loading import joined_name
from likewise.data.rows import ReadOptions, Rows
from likewise.data.typed import TypedRelation, read_typed

_NUMBERS = ("UBIGINT", "BIGINT", "HUGEINT", "UHUGEINT", "DOUBLE")
_LONGEST_LINE = 16_000_000  # bytes
_SEPARATOR = "\0"  # stands in no JSON text, so that a line is one cell
_READ_LINES = (
    "read_csv(?, auto_detect = false, header = false, delim = ?, quote = '', escape = '', compression = ?, "
    f"columns = {{'line': 'VARCHAR'}}, max_line_size = {_LONGEST_LINE})"
)


def read_json_lines(paths: Sequence[Path], named: Named, options: ReadOptions, encoding: str) -> Rows:
    """Rows of files of JSON objects.

    Raises:
        ValueError: If a line is malformed and is not to be skipped; names file, line and column.
    """
    source = joined_name(paths)
    with open_database(source, options.memory_limit) as database:
        for number, path in enumerate(paths):
            _load_lines(database, number, path, encoding)
        keys = _keys(database)
        places = find_columns(keys, named, source)
        columns: dict[Role, str] = {role: _member(keys[place]) for role, place in places.items()}
        files = ", ".join(f"'{str(path).replace(chr(39), chr(39) * 2)}'" for path in paths)
        relation = TypedRelation(
            source,
            "lines",
            [],
            columns,
            id_readings={role: _id_readings(database, source, role, keys[places[role]]) for role in ("user", "item")},
            origin=(f"[{files}][file + 1]", "number", "line"),
            unit="line",
            fault_of=_fault_of,
        )
        return read_typed(database, relation, options)


def _keys(database: Database) -> list[str]:
    """The members of all objects, in the order they come first."""
    members = "CASE WHEN json_valid(line) THEN json_keys(line) END"
    found = f"SELECT {members} AS members FROM lines GROUP BY members ORDER BY min(rowid)"
    return list({name: None for (names,) in database.rows(found) for name in names or ()})


def _fault_of(line: str) -> str | None:
    try:
        value = json.loads(line)
    except ValueError as error:
        return f"not JSON ({error})"
    return None if isinstance(value, dict) else "not a JSON object"


def _pointer(key: str) -> str:
    """A member as an SQL string with its JSON pointer."""
    pointer = "/" + key.replace("~", "~0").replace("/", "~1")
    return "'" + pointer.replace("'", "''") + "'"


def _member(key: str) -> str:
    """The SQL of a member; NULL for lists and objects. The kind is asked only where the text begins like theirs."""
    text, kind = f"json_extract_string(line, {_pointer(key)})", f"json_type(line, {_pointer(key)})"
    plain = f"CASE WHEN left({text}, 1) NOT IN ('[', '{{') THEN {text} WHEN {kind} = 'VARCHAR' THEN {text} END"
    return f"CASE WHEN json_valid(line) THEN {plain} END"


def _id_readings(database: Database, source: str, role: Role, key: str) -> list[IdReading]:
    """Integers where every id is a JSON number, text where one is a string."""
    kind = f"CASE WHEN json_valid(line) THEN json_type(line, {_pointer(key)}) END"
    counted = f"SELECT kind, any_value(line) FROM (SELECT {kind} AS kind, line FROM lines) GROUP BY kind"
    examples = {name: line for name, line in database.rows(counted) if name not in (None, "NULL", "ARRAY", "OBJECT")}
    texts = [json.loads(line)[key] for name, line in examples.items() if name not in _NUMBERS]
    if texts and len(texts) < len(examples):
        warn_of_mixed_ids(source, role, texts[0])
    return text_readings(_member(key), IdKind.TEXT if texts else IdKind.INT32)


def _load_lines(database: Database, number: int, path: Path, encoding: str) -> None:
    """Adds a file's lines that are not empty, with their numbers, to the table `lines`."""
    import duckdb

    database.run("CREATE TEMP TABLE IF NOT EXISTS lines (file INTEGER, number BIGINT, line VARCHAR)")
    numbered = f"SELECT {number} AS file, row_number() OVER () AS number, line FROM {_READ_LINES}"
    insert = f"INSERT INTO lines SELECT * FROM ({numbered}) WHERE trim(line) <> ''"
    try:
        if encoding.lower() not in ("utf-8", "utf8", "utf_8", "ascii"):
            raise duckdb.InvalidInputException(encoding)
        file, compression = plainly_named(path, database.folder), "gzip" if is_gzip(path) else "none"
        database.run(insert, [str(file)], _SEPARATOR, compression)
    except duckdb.Error:  # line ends of two kinds, bytes that are not UTF-8
        copy = database.folder / f"lines{number}"
        with open_text(path, encoding) as source, open(copy, "w", encoding="utf-8", newline="\n") as target:
            for line in source:
                text = line.rstrip("\r\n")
                is_text = text.isascii() or not any("\udc80" <= mark <= "\udcff" for mark in text)
                target.write(text if is_text else f"not valid in {encoding}: {printable(text)}")
                target.write("\n")
        try:
            database.run(insert, [str(copy)], _SEPARATOR, "none")
        except duckdb.Error as error:
            raise ValueError(f"{path}: not readable as lines of at most {_LONGEST_LINE:,} bytes: {error}") from error
