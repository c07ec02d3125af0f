"""The DuckDB connection a source is read through: fresh for each read, closed at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass
class Database:
    """A connection of one read, and the folder its temporary files go to."""

    connection: DuckDBPyConnection
    folder: Path

    def run(self, sql: str, *values: Any) -> None:
        """Runs a statement."""
        self.connection.execute(sql, list(values))

    def row(self, sql: str, *values: Any) -> tuple[Any, ...]:
        """The first row of a result."""
        found = self.connection.execute(sql, list(values)).fetchone()
        return () if found is None else found

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a result."""
        return self.connection.execute(sql, list(values)).fetchall()

    def arrays(self, sql: str, *values: Any) -> dict[str, Any]:
        """A result as one array a column."""
        return self.connection.execute(sql, list(values)).fetchnumpy()


@contextmanager
def open_database(source: str, memory_limit: str | None) -> Iterator[Database]:
    """Opens a private in-memory database that spills to a temporary folder.

    It is never the default connection, whose threads die in a forked child, and loads no extension from outside.

    Args:
        source: What is read; errors name it.
        memory_limit: What DuckDB may hold in memory, such as "500MB"; None for LIKEWISE_MEMORY_LIMIT, else DuckDB's own
            limit of 80 % of the machine's memory.

    Raises:
        ValueError: If the limit is not an amount of memory, or DuckDB fails over the source.
    """
    import duckdb

    memory_limit = memory_limit or os.environ.get("LIKEWISE_MEMORY_LIMIT")
    with TemporaryDirectory(prefix="likewise-") as folder:
        config: dict[str, Any] = {
            "temp_directory": folder,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if memory_limit:
            config["memory_limit"] = memory_limit
        try:
            connection = duckdb.connect(config=config)
        except duckdb.Error as error:
            raise ValueError(f"memory_limit: takes an amount such as '500MB', got {memory_limit!r}") from error
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")
            yield Database(connection, Path(folder))
        except (duckdb.Error, UnicodeEncodeError) as error:  # the latter for text that is no valid Unicode
            raise ValueError(f"{source}: DuckDB cannot read it: {first_line(error)}") from error
        finally:
            connection.close()


def first_line(error: Exception) -> str:
    """What DuckDB says, without the query and the advice below."""
    return str(error).split("\n", 1)[0]


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
