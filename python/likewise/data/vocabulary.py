"""The ids of users, items or events: a sorted table, and the way from a raw id to its index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data.arrays import as_texts, is_missing

Ids = NDArray[Any]
Indices = NDArray[np.int32]


class Vocabulary:
    """Distinct raw ids in ascending order; the index of an id is its place in that order.

    Args:
        ids: Sorted distinct ids [size], int64 or str (dtype object).
        kind: What the ids name ("user", "item", "event"); errors use it.
        declared: Whether the ids were given, rather than collected from rows; filters then keep those without rows.
    """

    def __init__(self, ids: Ids, kind: str, declared: bool = False) -> None:
        self.ids = ids
        self.ids.flags.writeable = False
        self.kind, self.declared = kind, declared

    @classmethod
    def of(cls, ids: Any, kind: str, declared: bool = False) -> Vocabulary:
        """The vocabulary of any iterable of ids, in any order and with repeats.

        Raises:
            ValueError: If `ids` is not one-dimensional, or an id is missing or NaN.
        """
        return cls(np.unique(normalized_ids(ids, f"{kind}_ids")), kind, declared)

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self is other or (
            self.kind == other.kind and self.ids.dtype == other.ids.dtype and np.array_equal(self.ids, other.ids)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def is_text(self) -> bool:
        """Whether ids are str rather than integers."""
        return self.ids.dtype == object

    @cached_property
    def _index_of(self) -> Mapping[str, int]:
        return {raw: index for index, raw in enumerate(self.ids)}

    def find(self, ids: Any) -> Indices:
        """Indices [n] of raw ids, -1 where an id is not in the vocabulary."""
        ids = _kept(ids)
        wanted = np.atleast_1d(normalized_ids(ids, f"{self.kind} ids"))
        is_text = wanted.dtype == object
        if len(wanted) == 0 or len(self) == 0 or (self.is_text and not is_text):
            return np.full(len(wanted), -1, dtype=np.int32)
        if self.is_text:
            return np.fromiter((self._index_of.get(raw, -1) for raw in wanted), dtype=np.int32, count=len(wanted))
        wanted, is_integer = _integers_among(ids) if is_text else (wanted, np.ones(len(wanted), dtype=bool))
        places = np.minimum(np.searchsorted(self.ids, wanted), len(self) - 1)
        return np.where(is_integer & (self.ids[places] == wanted), places, -1).astype(np.int32)

    def index(self, ids: Any) -> Indices:
        """Indices [n] of raw ids.

        Raises:
            KeyError: If an id is not in the vocabulary; names the first such id and counts the others.
        """
        ids = _kept(ids)
        places = self.find(ids)
        unknown = np.flatnonzero(places < 0)
        if len(unknown):
            wanted = np.atleast_1d(normalized_ids(ids, f"{self.kind} ids"))
            more = f" (and {len(unknown) - 1:,} more)" if len(unknown) > 1 else ""
            has = "text" if self.is_text else "integers"
            some = ", ".join(map(repr, self.ids[:3].tolist()))
            (first,) = wanted[unknown[:1]].tolist()
            raise KeyError(
                f"unknown {self.kind} id {first!r}{more}: the vocabulary has {len(self):,} ids ({has}, such as {some})"
            )
        return places

    def union(self, other: Vocabulary) -> Vocabulary:
        """All ids of both; `self` where `other` adds none.

        Raises:
            TypeError: If one has integers and the other text.
        """
        if self == other or len(other) == 0:
            return self
        if len(self) == 0:
            return other
        if self.is_text != other.is_text:
            names = ["text" if vocabulary.is_text else "integers" for vocabulary in (self, other)]
            raise TypeError(f"{self.kind} ids are {names[0]} in one log and {names[1]} in the other")
        ids = np.union1d(self.ids, other.ids)
        return self if len(ids) == len(self) else Vocabulary(ids, self.kind, self.declared or other.declared)


def normalized_ids(ids: Any, name: str) -> Ids:
    """Raw ids as an int64 array, or an object array of str; integral floats become integers, bytes text by UTF-8.

    Integers beyond int64 are text, and so are those beside them, as in a log.

    Args:
        ids: A scalar or a one-dimensional array, Series or iterable.
        name: What to call it in an error.

    Raises:
        ValueError: If it has more than one dimension or holds a missing or NaN id.
    """
    if isinstance(ids, (str, bytes)):
        return as_texts([ids], name).reshape(())
    if np.ma.is_masked(ids):
        raise ValueError(f"{name}: an id is missing (place {int(np.flatnonzero(np.ma.getmaskarray(ids))[0])})")
    if not isinstance(ids, np.ndarray):
        listed = isinstance(ids, Iterable) and not hasattr(ids, "__array__")
        ids = _as_array(list(ids)) if listed else np.asarray(ids)
    return _normalized_array(ids, name)


def _normalized_array(ids: Ids, name: str) -> Ids:
    if ids.ndim > 1:
        raise ValueError(f"{name}: takes one dimension, got shape {list(ids.shape)}")
    if ids.dtype == np.uint64 and ids.size and ids.max() >= 2**63:
        return ids.astype(str).astype(object)
    if ids.dtype.kind in "iub":
        return np.asarray(ids, dtype=np.int64)
    if ids.dtype.kind == "f":
        if not np.isfinite(ids).all():
            raise ValueError(f"{name}: an id is NaN or infinite (place {int(np.flatnonzero(~np.isfinite(ids))[0])})")
        if (ids == np.floor(ids)).all():
            return ids.astype(np.int64)
        return np.array([repr(value) for value in ids.tolist()], dtype=object)
    if ids.dtype.kind in "UT":
        return ids.astype(object)
    return _normalized_objects(ids, name)


def _as_array(values: list[Any]) -> Ids:
    """A list as an array that never turns integers beside text into text by itself."""
    if all(isinstance(value, (int, np.integer)) and _fits(value) for value in values):
        return np.array(values, dtype=np.int64)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _normalized_objects(ids: Ids, name: str) -> Ids:
    values = np.atleast_1d(ids).tolist()
    missing = next((place for place, value in enumerate(values) if is_missing(value)), None)
    if missing is not None:
        raise ValueError(f"{name}: an id is missing (place {missing})")
    is_number = all(isinstance(value, (int, float, np.integer, np.floating)) for value in values)
    if is_number and all(isinstance(value, (float, np.floating)) or _fits(value) for value in values):
        return _normalized_array(np.array(values), name).reshape(ids.shape)
    return as_texts(values, name).reshape(ids.shape)


def _fits(value: Any) -> bool:
    return -(2**63) <= int(value) < 2**63


def _kept(ids: Any) -> Any:
    """Ids that can be gone through twice."""
    return list(ids) if isinstance(ids, Iterator) else ids


def _integers_among(ids: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Those of raw ids of several kinds that are integers [n], 0 for the others; and which are [n]."""
    values = [ids] if isinstance(ids, (str, bytes)) else np.atleast_1d(np.asarray(ids, dtype=object)).tolist()
    is_integer = [
        isinstance(value, (int, float, np.integer, np.floating)) and -(2**63) <= value < 2**63 and value == int(value)
        for value in values
    ]
    numbers = [int(value) if is_one else 0 for value, is_one in zip(values, is_integer, strict=True)]
    return np.array(numbers, dtype=np.int64), np.array(is_integer, dtype=bool)
