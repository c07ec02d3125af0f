"""``keras.utils``."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import runtime

__all__ = ["set_random_seed", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> NDArray[np.float32]:
    """Class numbers as one-hot rows.

    Args:
        x: Integers of any shape; a last axis of 1 is dropped.
        num_classes: Size of a row; None: the largest number and one.

    Returns:
        The shape of x plus [num_classes].

    Raises:
        ValueError: If a number is no class.
    """
    values = np.asarray(x)
    if values.dtype.kind not in "iufb" or (values != np.floor(values)).any():
        raise ValueError(f"to_categorical: x must hold integers, got {x!r}")
    numbers = values.astype(np.int64)
    if numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers[..., 0]
    classes = num_classes or int(numbers.max(initial=-1)) + 1
    outside = numbers[(numbers < 0) | (numbers >= classes)]
    if outside.size:
        raise ValueError(f"to_categorical: x must lie in 0..{classes - 1} for num_classes {classes}, got {outside[0]}")
    rows = np.zeros((*numbers.shape, classes), dtype=np.float32)
    np.put_along_axis(rows, numbers[..., None], 1, axis=-1)
    return rows


def set_random_seed(seed: int) -> None:
    """The seed of ``random``, of NumPy, and of initial values and dropout (``likewise.set_seed``), as in Keras."""
    random.seed(seed)
    np.random.seed(seed)
    runtime.set_seed(seed)
