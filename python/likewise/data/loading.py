"""A relation of any source -> the table `log` of users, items, ratings, times and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from likewise.data.columns import Role
from likewise.data.database import Database
from likewise.data.idkinds import IdReading

TABLE = "log"


@dataclass
class Loader:
    """Fills the table `log`, one column a role, NULL where a row has no value or a wrong one.

    Attributes:
        database: Where the table is made.
        source: What to call the source in messages.
        relation: The SQL of the source, what stands after FROM.
        parameters: The values of the question marks in it.
        values: The SQL of the rating, timestamp and event of a row.
        id_readings: The ways to read users and items, the chosen one first.
        raw: The SQL of each role as the source has it.
    """

    database: Database
    source: str
    relation: str
    parameters: list[Any]
    values: dict[Role, str]
    id_readings: dict[Role, list[IdReading]]
    raw: dict[Role, str] = field(default_factory=dict)

    @property
    def roles(self) -> tuple[Role, ...]:
        """The columns of the table."""
        return (*self.id_readings, *self.values)

    def scan(self) -> None:
        """Makes the table anew."""
        chosen = {role: readings[0].value for role, readings in self.id_readings.items()}
        selected = ", ".join(f'{value} AS "{role}"' for role, value in {**chosen, **self.values}.items())
        self.database.run(
            f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT {selected} FROM {self.relation}", *self.parameters
        )

    def rows(self) -> int:
        """The rows of the table."""
        return int(self.database.row(f"SELECT count(*) FROM {TABLE}")[0])

    def settle_ids(self) -> None:
        """Takes the next way to read ids until every id that is there has a value."""
        for role, readings in self.id_readings.items():
            while self.database.row(f'SELECT count(*) FROM {TABLE} WHERE "{role}" IS NULL') != (0,):
                chosen = readings[0]
                unread = (
                    f"SELECT 1 FROM {self.relation} WHERE NOT {chosen.missing} AND ({chosen.value}) IS NULL LIMIT 1"
                )
                if not self.database.row(unread, *self.parameters):
                    break
                readings.pop(0)
                self.scan()

    def _lacking(self) -> list[str]:
        """For each role the SQL that says that a row lacks it: a number must be finite."""
        described = self.database.rows(f"DESCRIBE {TABLE}")
        floats = {name for name, kind, *_ in described if kind in ("FLOAT", "DOUBLE")}
        return [
            f'coalesce(NOT isfinite("{role}"), true)' if role in floats else f'"{role}" IS NULL' for role in self.roles
        ]

    @property
    def _incomplete(self) -> str:
        return " OR ".join(self._lacking())

    def incomplete_rows(self) -> int:
        """How many rows lack a value."""
        return int(self.database.row(f"SELECT count(*) FROM {TABLE} WHERE {self._incomplete}")[0])

    def first_incomplete(self, limit: int) -> list[tuple[Any, ...]]:
        """The first rows that lack a value: place from 0, then whether each role lacks."""
        lacks = ", ".join(self._lacking())
        wanted = f"WHERE {self._incomplete} ORDER BY rowid LIMIT {limit}"
        return self.database.rows(f"SELECT rowid, {lacks} FROM {TABLE} {wanted}")

    def drop_incomplete(self) -> None:
        """Leaves out the rows that lack a value."""
        self.database.run(f"CREATE TEMP TABLE complete AS SELECT * FROM {TABLE} WHERE NOT ({self._incomplete})")
        self.database.run(f"DROP TABLE {TABLE}")
        self.database.run(f"ALTER TABLE complete RENAME TO {TABLE}")


def rating_value(number: str) -> str:
    """The SQL of a rating: NULL unless it is finite as float32."""
    return f"TRY_CAST({number} AS FLOAT)"


def without_timestamp(missing: int, rows: int, way_out: str = "") -> str:
    """What to do about rows without a timestamp."""
    return (
        f"{missing:,} of {rows:,} rows have no timestamp: "
        f'order="file"{way_out} takes the order of the rows instead, errors="skip" leaves them out'
    )


def joined_name(names: Sequence[object]) -> str:
    """One file's name, or the first and how many more."""
    return str(names[0]) if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
