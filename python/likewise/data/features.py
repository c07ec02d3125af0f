"""What is known about users or items beside the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from likewise.data.arrays import is_missing
from likewise.data.files import find_files
from likewise.data.idkinds import IdKind
from likewise.data.layout import read_cells
from likewise.data.vocabulary import Ids, Indices, Vocabulary, normalized_ids


class Features:
    """Columns of facts about users or items, one row an id; immutable.

    Args:
        ids: Raw ids [rows], each once.
        columns: Values by name, [rows] each: numbers, text, or lists of text for a multi-valued column such as genres.
            A column `title` is shown with results and is text: numbers become text, a missing title None.

    Attributes:
        ids: Raw ids in ascending order [rows], int64 or str.
        columns: Values by name in the order of `ids`: float64 or int64 arrays, or object arrays of str or of tuples.

    Raises:
        ValueError: If an id is missing or comes twice, a column has another length, or a title is no valid Unicode.
        TypeError: If a title is neither text nor a number.

    Example:
        >>> films = Features([7, 9], {"title": ["Heat (1995)", "Alien (1979)"], "genres": [["Crime"], ["Horror"]]})
        >>> films.titles([9, 7]).tolist()
        ['Alien (1979)', 'Heat (1995)']
    """

    def __init__(self, ids: Any, columns: Mapping[str, Any]) -> None:
        raw = normalized_ids(ids, "ids")
        if raw.ndim != 1:
            raise ValueError("ids: takes one dimension, got a single id")
        order = np.argsort(raw, kind="stable")
        distinct = np.unique(raw)
        if len(distinct) < len(raw):
            ordered = raw[order]
            twice = ordered[1:][ordered[1:] == ordered[:-1]][0]
            raise ValueError(f"ids: {len(raw) - len(distinct):,} ids come more than once, such as {twice!r}")
        self._vocabulary = Vocabulary(distinct, "feature", declared=True)
        self.columns = {str(name): _column(name, values, len(raw))[order] for name, values in columns.items()}
        for column in self.columns.values():
            column.flags.writeable = False

    @property
    def ids(self) -> Ids:
        """Raw ids in ascending order [rows]."""
        return self._vocabulary.ids

    def __len__(self) -> int:
        return len(self._vocabulary)

    def __repr__(self) -> str:
        return f"Features({len(self):,} ids: {', '.join(self.columns)})"

    def find(self, ids: Any) -> Indices:
        """Rows [n] of raw ids, -1 where nothing is known about an id."""
        return self._vocabulary.find(ids)

    def column(self, name: str, ids: Any = None) -> NDArray[Any]:
        """A column's values for raw ids [n], or for all in ascending order; None where nothing is known about an id.

        Raises:
            KeyError: If there is no such column.
        """
        if name not in self.columns:
            raise KeyError(f"no column {name!r}; there are {', '.join(map(repr, self.columns))}")
        if ids is None:
            return self.columns[name]
        rows = self.find(ids)
        values = self.columns[name][np.maximum(rows, 0)] if len(self) else np.empty(len(rows), dtype=object)
        if (rows < 0).any():
            values = values.astype(object)
            values[rows < 0] = None
        return values

    def titles(self, ids: Any) -> NDArray[np.object_]:
        """What to show for raw ids [n]: the title, or the id itself where there is none."""
        shown = np.array([str(raw) for raw in np.atleast_1d(normalized_ids(ids, "ids")).tolist()], dtype=object)
        if "title" in self.columns:
            known = self.column("title", ids)
            there = np.array([title is not None for title in known], dtype=bool)
            shown[there] = known[there]
        return shown

    @classmethod
    def read(
        cls,
        path: str | PathLike[str],
        *,
        ids: str | int = 0,
        names: Sequence[str] | None = None,
        separator: str | None = None,
        encoding: str = "utf-8",
        multivalued: Mapping[str, str] | None = None,
    ) -> Self:
        """Reads delimited text, gzipped or not; columns of numbers become numbers, empty cells None.

        Args:
            path: The file.
            ids: The column of raw ids, by name or by place from 0.
            names: The columns, if the first line does not name them.
            separator: What stands between two cells; told from the first lines if not given.
            encoding: Of the text.
            multivalued: What divides the values of a column with several: {"genres": "|"}.

        Raises:
            FileNotFoundError: If there is no such file.
            KeyError: If a column is not there.
            ValueError: If a row has another number of columns, no id, or bytes that are not valid in the encoding
                (names file and line), or an id comes twice.
        """
        (file, *_) = find_files(path)
        (_, header), *numbered = read_cells(file, separator, encoding, names)
        for name in (ids, *(multivalued or {})):
            if name not in header and not (isinstance(name, int) and -len(header) <= name < len(header)):
                raise KeyError(f"no column {name!r} in {file}; there are {', '.join(map(repr, header))}")
        place = header.index(ids) if isinstance(ids, str) else ids
        for line, row in numbered:
            if not row[place].strip():
                raise ValueError(f"{file}, line {line}: no id in column {header[place]!r}: {row}")
        rows = [row for _, row in numbered]
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
        columns: dict[str, Any] = {
            name: _texts(column) if name == "title" else _typed(column)
            for name, column in zip(header, cells, strict=True)
        }
        for name, mark in (multivalued or {}).items():
            texts = [row[header.index(name)] for row in rows]
            columns[name] = [tuple(part for part in text.split(mark) if part) for text in texts]
        raw = columns.pop(header[place])
        try:
            return cls(raw, columns)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error


def _texts(cells: Sequence[str]) -> NDArray[np.object_]:
    """Texts, None where empty."""
    column = np.empty(len(cells), dtype=object)
    column[:] = [cell if cell.strip() else None for cell in cells]
    return column


def _typed(cells: Sequence[str]) -> NDArray[Any]:
    """Texts as integers or floats where all that are there are numbers, else as text; None where empty."""
    column = _texts(cells)
    if IdKind.of_sample(cells) in (IdKind.INT32, IdKind.INT64) and all(cell.strip() for cell in cells):
        return column.astype(np.int64)
    try:
        return np.array([float(cell) if cell.strip() else np.nan for cell in cells])
    except ValueError:
        return column


def _column(name: str, values: Any, rows: int) -> NDArray[Any]:
    """Values as an array of numbers, or of text or tuples as objects; titles are text."""
    if name == "title":
        values = [_title(value) for value in values]
    given = np.asarray(values) if hasattr(values, "__array__") else None
    if given is not None and given.dtype.kind in "iubf" and given.ndim == 1:
        column = given.copy()
    else:
        listed = list(values)
        if all(isinstance(value, (int, float, np.number)) for value in listed):
            column = np.array(listed)
        else:
            column = np.empty(len(listed), dtype=object)
            column[:] = [
                tuple(value) if isinstance(value, (list, tuple, set, np.ndarray)) else value for value in listed
            ]
    if len(column) != rows:
        raise ValueError(f"columns: {name!r} has {len(column):,} values for {rows:,} ids")
    return column


def _title(value: Any) -> str | None:
    """A title as text, numbers without a fraction of zero; None where it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, (float, np.floating)) and value == np.floor(value) and np.isfinite(value):
        value = int(value)
    if not isinstance(value, (str, int, float, np.number)):
        raise TypeError(f"columns: 'title' takes text, got {value!r}")
    try:
        str(value).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"columns: 'title' takes valid Unicode, got {value!r}") from error
    return str(value)
