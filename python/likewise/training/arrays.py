"""Examples in arrays, cut into batches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(slots=True)
class Batch:
    """Some rows: inputs (an array, or a list or dict of arrays), targets, weights [rows]."""

    x: Any
    y: Array | None = None
    weight: Array | None = None
    rows: int = 0

    def __len__(self) -> int:
        return self.rows


class Examples:
    """Rows of inputs with their targets and weights.

    Args:
        x: An array, or a list or dict of arrays of as many rows.
        y: Targets [rows, ...]; None if there are none.
        weight: Weights [rows]; None if all are 1.

    Raises:
        ValueError: If numbers of rows differ, there are none, or an input is nan or infinite; it names the argument.
    """

    def __init__(self, x: Any, y: Any = None, weight: Any = None) -> None:
        self.x = _converted(x, "x")
        self.y = None if y is None else as_array(y, "y")
        self.weight = None if weight is None else as_array(weight, "sample_weight").astype(np.float32)
        self.rows = _rows(self.x)
        if self.rows == 0:
            raise ValueError("x: there are no rows")
        for name, array in (("y", self.y), ("sample_weight", self.weight)):
            if array is not None and len(array) != self.rows:
                raise ValueError(f"{name}: must have as many rows as x, {self.rows}, got {len(array)}")
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(f"sample_weight: must have shape [{self.rows}], got {self.weight.shape}")

    def __len__(self) -> int:
        return self.rows

    def split(self, share: float) -> tuple[Examples, Examples]:
        """The first rows and the last, of which there are ``share`` of all, in the order given (as Keras)."""
        first = int(self.rows * (1 - share))
        if not 0 < share < 1 or not 0 < first < self.rows:
            raise ValueError(f"validation_split: must leave rows on both sides of {self.rows}, got {share}")
        return self.taken(slice(None, first)), self.taken(slice(first, None))

    def taken(self, rows: slice) -> Examples:
        """Some rows."""
        return Examples(
            _taken(self.x, rows),
            None if self.y is None else self.y[rows],
            None if self.weight is None else self.weight[rows],
        )

    def batches(
        self, batch_size: int, order: Array | None = None, augment: Callable[[Any, Array], Any] | None = None
    ) -> ArrayBatches:
        """All rows in batches, in the order given or as they are; the last may be smaller.

        Args:
            batch_size: Rows of a batch.
            order: The numbers of all rows.
            augment: Takes the inputs of a batch and the numbers of its rows; what it returns is the inputs.
        """
        return ArrayBatches(self, batch_size, order, augment)


class ArrayBatches:
    """The batches of one pass over examples."""

    def __init__(
        self,
        examples: Examples,
        batch_size: int,
        order: Array | None,
        augment: Callable[[Any, Array], Any] | None,
    ) -> None:
        if not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise ValueError(f"batch_size: must be a positive integer, got {batch_size!r}")
        self.examples, self.batch_size, self.order, self.augment = examples, batch_size, order, augment

    def __len__(self) -> int:
        return math.ceil(self.examples.rows / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        x, y, weight, rows = self.examples.x, self.examples.y, self.examples.weight, self.examples.rows
        single = isinstance(x, np.ndarray)
        for begin in range(0, rows, self.batch_size):
            end = min(begin + self.batch_size, rows)
            at = slice(begin, end) if self.order is None else self.order[begin:end]
            inputs = x[at] if single else _taken(x, at)
            if self.augment is not None:
                inputs = self.augment(inputs, np.arange(begin, end) if self.order is None else self.order[begin:end])
            yield Batch(
                inputs,
                None if y is None else y[at],
                None if weight is None else weight[at],
                end - begin,
            )


def shuffled(rows: int, seed: int, *counters: int) -> Array:
    """The order of an epoch: a permutation keyed by the seed and counters (Philox), whatever was drawn before."""
    text = f"shuffle\0{seed}\0{counters}".encode()
    key = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key)).permutation(rows)


def with_class_weights(examples: Examples, class_weight: Mapping[int, float]) -> Examples:
    """The examples with each weight times that of its class; classes not named count 1, as in Keras.

    Raises:
        TypeError: If it is not a dict from class numbers.
        ValueError: If a weight is negative, or targets are neither class numbers nor one-hot rows.
    """
    if not isinstance(class_weight, Mapping) or not all(isinstance(each, int | np.integer) for each in class_weight):
        raise TypeError(f"class_weight: must be a dict from class numbers to weights, got {class_weight!r}")
    for label, weight in class_weight.items():
        if not isinstance(weight, int | float | np.number) or not 0 <= weight < math.inf:
            raise ValueError(f"class_weight: must hold numbers, 0 or more, got {weight!r} for class {label}")
    y = examples.y
    if y is None:
        raise ValueError("class_weight: needs y")
    classes = y.argmax(axis=-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    if len(classes) != examples.rows or (classes != np.floor(classes)).any():
        raise ValueError("class_weight: y must hold class numbers or one-hot rows")
    weights = np.ones(examples.rows, dtype=np.float32)
    for label, weight in class_weight.items():
        weights[classes == label] = weight
    return Examples(examples.x, y, weights if examples.weight is None else weights * examples.weight)


def as_array(values: Any, name: str) -> Array:
    """An array as networks take it: float32 for floats, integers and booleans as they are.

    Raises:
        TypeError: If values are not numbers.
        ValueError: If some are nan or infinite; it says where the first is.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: must hold numbers, got an array of type {array.dtype}")
    if array.ndim == 0:
        raise ValueError(f"{name}: must have rows, got the number {array}")
    if array.dtype.kind == "f":
        array = array.astype(np.float32, copy=False)
        if not np.isfinite(array).all():
            place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"{name}: must be finite, got {array[place]} at {list(place)}")
    return array


def _converted(x: Any, name: str) -> Any:
    if isinstance(x, dict):
        return {key: as_array(value, f"{name}[{key!r}]") for key, value in x.items()}
    if isinstance(x, list | tuple) and len(x) and all(hasattr(each, "__array__") and np.ndim(each) for each in x):
        return [as_array(value, f"{name}[{index}]") for index, value in enumerate(x)]
    return as_array(x, name)


def _taken(x: Any, rows: slice | Array) -> Any:
    if isinstance(x, dict):
        return {key: value[rows] for key, value in x.items()}
    return [value[rows] for value in x] if isinstance(x, list) else x[rows]


def _rows(x: Any) -> int:
    arrays = list(x.values()) if isinstance(x, dict) else x if isinstance(x, list) else [x]
    counts = {len(array) for array in arrays}
    if len(counts) != 1:
        raise ValueError(f"x: all inputs must have as many rows, got {sorted(counts)}")
    return counts.pop()
