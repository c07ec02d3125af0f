"""Delimited text (csv, tsv, "::", RecBole's .inter) -> rows."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from likewise.data.columns import Named, Role, logger
from likewise.data.database import Database, open_database
from likewise.data.encoding import TableContents, encoded_rows
from likewise.data.files import count_lines, is_gzip, plainly_named
from likewise.data.idkinds import IdKind, text_readings
from likewise.data.layout import Layout, read_layout
from likewise.data.loading import Loader, joined_name, rating_value, without_timestamp
from likewise.data.proofreading import CLEAN_SEPARATOR, LONGEST_LINE, NO_TIMESTAMP, Proofreader
from likewise.data.rows import MalformedRowError, ReadOptions, RejectedRows, Rows

_READ_CSV = (
    "read_csv(?, auto_detect = false, header = ?, delim = ?, columns = ?, compression = ?, "
    f"quote = '\"', escape = '\"', ignore_errors = true, max_line_size = {LONGEST_LINE})"
)


def read_delimited(
    paths: Sequence[Path],
    named: Named,
    options: ReadOptions,
    *,
    separator: str | None,
    header: bool | Literal["auto"],
    encoding: str,
) -> Rows:
    """Rows of delimited files of one layout.

    Raises:
        ValueError: If layouts differ, or a row is malformed and is not to be skipped; names file, line and column.
    """
    layout = read_layout(paths[0], named, separator=separator, header=header, encoding=encoding)
    places = {str(role): place for role, place in layout.places.items()}
    for path in paths[1:]:
        other = read_layout(
            path,
            places,
            separator=layout.separator,
            header=layout.has_header,
            encoding=encoding,
            sample_lines=100,
        )
        if other.names != layout.names:
            raise ValueError(f"{path}: columns {list(other.names)}, but {paths[0]} has {list(layout.names)}")
    with open_database(joined_name(paths), options.memory_limit) as database:
        reader = _DelimitedReader(database, paths, layout, options, encoding)
        reader.load()
        time_unit: Literal["us", "number"] = "us" if layout.time_kind == "date" else "number"
        return encoded_rows(
            database,
            TableContents(reader.loader.source, reader.loader.roles, ("user", "item"), time_unit),
            options,
            reader.rejected.finished(),
        )


class _DelimitedReader:
    """Loads files into the table `log`: fast, and by way of a clean copy where the fast way loses a row."""

    def __init__(
        self, database: Database, paths: Sequence[Path], layout: Layout, options: ReadOptions, encoding: str
    ) -> None:
        self._paths, self._layout, self._options, self._encoding = paths, layout, options, encoding
        self._files = [plainly_named(path, database.folder) for path in paths]
        self._folder = database.folder
        self._is_plain = encoding.lower() in ("utf-8", "utf8", "utf_8", "ascii") and len(layout.separator) == 1
        self._good_rows: int | None = None  # None: as many as lines, less the headers
        self.rejected = RejectedRows(options.errors)
        raw: dict[Role, str] = {role: f"c{place}" for role, place in layout.places.items()}
        if options.order == "file":
            raw.pop("timestamp", None)
        compression = "gzip" if is_gzip(paths[0]) else "none"
        self.loader = Loader(
            database=database,
            source=joined_name(paths),
            relation=_READ_CSV,
            parameters=_scan_parameters(self._files, layout.has_header, layout.separator, layout, raw, compression),
            values={role: _value(role, raw[role], layout) for role in raw if role not in ("user", "item")},
            id_readings={role: text_readings(raw[role], layout.id_kinds[role]) for role in ("user", "item")},
            raw=raw,
        )

    def load(self) -> None:
        """Fills the table with all good rows.

        Raises:
            ValueError: At the first malformed row, unless rows are to be skipped.
        """
        if not (self._is_plain and self._all_read()):
            self._proofread()
            self._read_clean_copy()
        else:
            self.loader.settle_ids()
        if self.loader.incomplete_rows():
            self._proofread()
            self._read_clean_copy()
            if self.loader.incomplete_rows():
                raise ValueError(self._disagreement())

    def _all_read(self) -> bool:
        """Scans the files, counting their lines beside; whether as many rows came out as there are good rows."""
        import duckdb

        with ThreadPoolExecutor(1) as beside:
            counting = beside.submit(lambda: [count_lines(path) for path in self._paths])
            try:
                self.loader.scan()
            except duckdb.Error:  # such as line ends of two kinds, which some versions refuse
                return False
        lines = counting.result()
        return self.loader.rows() == sum(lines) - self._layout.has_header * len(lines)

    def _read_clean_copy(self) -> None:
        """Scans the clean copy; malformed rows no longer have a say in what ids are."""
        for role, readings in self.loader.id_readings.items():
            readings[:] = text_readings(self.loader.raw[role])
        self.loader.scan()
        if self.loader.rows() != self._good_rows:
            raise ValueError(self._disagreement())
        self.loader.settle_ids()

    def _disagreement(self) -> str:
        return (
            f"{self.loader.source}: {self._good_rows:,} rows are well-formed, but DuckDB reads "
            f"{self.loader.rows():,} of them, "
            f"{self.loader.incomplete_rows():,} incomplete: please report this as a bug of likewise"
        )

    def _proofread(self) -> None:
        """Leaves the malformed rows out by a clean copy of the files, which is read from now on."""
        self.rejected = RejectedRows(self._options.errors)
        clean = self._folder / "clean.csv"
        try:
            self._good_rows = self._copy(clean, self.rejected)
        except MalformedRowError as error:
            if error.row.reason != NO_TIMESTAMP:
                raise
            everything = RejectedRows("skip")
            rows = self._copy(clean, everything)
            advice = without_timestamp(everything.reasons[NO_TIMESTAMP], rows + everything.finished().count)
            raise MalformedRowError(error.row, advice) from None
        rejected = self.rejected.finished()
        if rejected.count:
            message = "%s: %s malformed rows left out, the first: %s"
            logger.warning(message, self.loader.source, f"{rejected.count:,}", rejected.rows[0])
        separator = self._layout.separator if len(self._layout.separator) == 1 else CLEAN_SEPARATOR
        self.loader.parameters = _scan_parameters([clean], False, separator, self._layout, self.loader.raw, "none")

    def _copy(self, clean: Path, rejected: RejectedRows) -> int:
        is_text = {role: readings[0].is_text for role, readings in self.loader.id_readings.items()}
        proofreader = Proofreader(self._layout, self.loader.roles, is_text)
        with open(clean, "w", encoding="utf-8", newline="\n") as file:
            return sum(proofreader.copy(path, self._encoding, file, rejected) for path in self._paths)


def _scan_parameters(
    files: Sequence[Path], has_header: bool, separator: str, layout: Layout, raw: dict[Role, str], compression: str
) -> list[Any]:
    """The values of the question marks in `_READ_CSV`. Cells that are not numbers or dates stay text."""
    times = {"number": "DOUBLE", "integer": "BIGINT", "date": "TIMESTAMPTZ"}[layout.time_kind]
    types = {f"c{place}": "VARCHAR" for place in range(len(layout.names))}
    types |= {raw[role]: name for role, name in (("rating", "DOUBLE"), ("timestamp", times)) if role in raw}
    return [[str(file) for file in files], has_header, separator, types, compression]


def _value(role: Role, raw: str, layout: Layout) -> str:
    if role == "rating":
        return rating_value(raw)
    if role == "event":
        return IdKind.TEXT.reading(raw).value
    return f"epoch_us({raw})" if layout.time_kind == "date" else raw
