"""What goes into a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Input:
    """What goes into a ``Sequential``: its first element, to make the weights at once.

    Where a size in ``shape`` is None, the weights are made by the first call.

    Args:
        shape: Of one row; a number stands for one size.
        batch_size: Rows of a batch; has no effect, any number can come.
        dtype: "float32", or an integer type for ids.
        name: For people.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | int,
        batch_size: int | None = None,
        dtype: str | None = "float32",
        *,
        name: str | None = None,
    ) -> None:
        sizes = (shape,) if isinstance(shape, int | np.integer) else shape
        if not isinstance(sizes, list | tuple) or any(
            not isinstance(size, int | np.integer | None) or (size is not None and size < 1) for size in sizes
        ):
            raise ValueError(f"Input: shape must hold the sizes of one row, positive or None, got {shape!r}")
        self.shape, self.dtype = tuple(sizes), np.dtype(dtype or "float32")
        self.batch_size, self.name = batch_size, name

    def zeros(self) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None:
        """One row of zeros; None if a size is not known."""
        sizes = [size for size in self.shape if size is not None]
        return np.zeros((1, *sizes), dtype=self.dtype) if len(sizes) == len(self.shape) else None
