"""One-dimensional arrays, Series and lists as columns DuckDB takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data.columns import Role


def as_column(values: Any, role: Role) -> NDArray[Any]:
    """A column as an array of integers, floats, datetime64, or an object array of str and None.

    Where a value is missing, integers are a masked array; floats have NaN, dates NaT, text None.

    Args:
        values: A one-dimensional array, Series or list [rows].
        role: What it holds; errors name it.

    Raises:
        ValueError: If it is not one-dimensional.
        TypeError: If it cannot be told apart into rows, or mixes dates with something else.
    """
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"{role}: takes a one-dimensional array, Series or list, got {type(values).__name__}")
    array: NDArray[Any]
    if isinstance(values, np.ma.MaskedArray):
        array = _unmasked(values)
    elif hasattr(values, "__array__"):
        array = np.asarray(values)
    else:
        return _from_objects(list(values), role)
    if array.ndim != 1:
        raise ValueError(f"{role}: takes one dimension, got shape {list(array.shape)}")
    if array.dtype.kind == "O":
        return _from_objects(array.tolist(), role)
    if array.dtype.kind == "S":
        return as_texts(array.tolist(), role)
    if array.dtype.kind in "UT":
        return array.astype(str).astype(object)
    if array.dtype.kind == "M":
        unit = np.datetime_data(array.dtype)[0]
        return array.astype("datetime64[us]") if unit not in ("us", "ns") else array
    if array.dtype.kind not in "iubf":
        raise TypeError(f"{role}: takes numbers, text or dates, got dtype {array.dtype}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def joined_columns(parts: Sequence[NDArray[Any]], role: Role) -> NDArray[Any]:
    """The parts of one column as one array: text if any part is."""
    if not parts:
        return np.empty(0, dtype=np.int64)
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) == 1 or kinds <= set("iub"):
        has_missing = any(np.ma.is_masked(part) for part in parts)
        return np.ma.concatenate(parts) if has_missing else np.concatenate(parts)  # type: ignore[no-untyped-call]
    return _from_objects([value for part in parts for value in part.tolist()], role)


def _unmasked(values: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """A masked array as a plain one; integers stay masked, which DuckDB takes."""
    if not np.ma.is_masked(values):
        return values.data
    kind = values.dtype.kind
    if kind in "iub":
        return values
    if kind in "fM":
        return values.filled(np.nan if kind == "f" else np.datetime64("NaT"))
    objects = values.data.astype(object)
    objects[np.ma.getmaskarray(values)] = None
    return objects


def _from_objects(values: list[Any], role: Role) -> NDArray[Any]:
    """A list of Python values as the narrowest array that holds them all, None where one is missing."""
    there = [value for value in values if not is_missing(value)]
    if all(isinstance(value, (bool, int, np.integer)) for value in there):
        if not all(-(2**63) <= value < 2**63 for value in there):
            return as_texts(values, role)
        if len(there) == len(values):
            return np.array(values, dtype=np.int64)
        if there:
            missing = [is_missing(value) for value in values]
            numbers = [0 if lacks else value for value, lacks in zip(values, missing, strict=True)]
            return np.ma.array(numbers, mask=missing, dtype=np.int64)
    if all(isinstance(value, (bool, int, float, np.number)) or _is_decimal(value) for value in there):
        return np.array([np.nan if is_missing(value) else float(value) for value in values], dtype=np.float64)
    if all(isinstance(value, (date, np.datetime64)) for value in there):
        return np.array([None if is_missing(value) else _naive(value) for value in values], dtype="datetime64[us]")
    return as_texts(values, role)


def as_texts(values: list[Any], name: str) -> NDArray[np.object_]:
    """Values as text, bytes as UTF-8; None where one is missing.

    Args:
        values: One-dimensional.
        name: What to call them in an error.

    Raises:
        ValueError: If a value holds several, or bytes that are not UTF-8.
    """
    array = np.empty(len(values), dtype=object)
    array[:] = [None if is_missing(value) else _text(value, name) for value in values]
    return array


def _text(value: Any, name: str) -> str:
    if isinstance(value, (list, tuple, set, dict, np.ndarray)):
        raise ValueError(f"{name}: takes one dimension, got {value!r} among its values")
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{name}: takes bytes only if they are UTF-8, got {value!r}") from error
    return str(value)


def _naive(value: Any) -> Any:
    """A date in UTC without a time zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _is_decimal(value: Any) -> bool:
    return type(value).__name__ == "Decimal"


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return bool(isinstance(value, (float, np.floating, np.datetime64)) and value != value)
