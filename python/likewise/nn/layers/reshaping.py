"""The same numbers in another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.layer import Layer, LayerOptions


class Flatten(Layer):
    """[batch, ...] to [batch, size]."""

    def call(self, inputs: Any) -> Tensor:
        shape = _shape_of_rows("Flatten", inputs)
        return F.reshape(inputs, (shape[0], math.prod(shape[1:])))


class Reshape(Layer):
    """[batch, ...] to [batch, *target_shape].

    Args:
        target_shape: Without the batch; one size may be -1.
        **common: See :class:`Layer`.
    """

    def __init__(self, target_shape: Sequence[int], **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.target_shape = tuple(target_shape)
        if any(not isinstance(size, int | np.integer) or size < -1 for size in self.target_shape):
            raise ValueError(f"Reshape: target_shape must hold sizes, got {target_shape!r}")
        if sum(size == -1 for size in self.target_shape) > 1:
            raise ValueError(f"Reshape: only one size of target_shape may be -1, got {self.target_shape}")

    def call(self, inputs: Any) -> Tensor:
        shape = _shape_of_rows("Reshape", inputs)
        size = math.prod(shape[1:])
        known = math.prod(abs(each) for each in self.target_shape)
        unknown = -1 in self.target_shape
        if (known == 0 or size % known) if unknown else size != known:
            raise ValueError(f"Reshape: {shape[1:]} does not fit target_shape {self.target_shape}")
        target = tuple(size // known if each == -1 else each for each in self.target_shape)
        return F.reshape(inputs, (shape[0], *target))


class Permute(Layer):
    """The axes of [batch, ...] in another order.

    Args:
        dims: The axes in their new order, counted from 1: (2, 1) makes [batch, b, a] of [batch, a, b].
        **common: See :class:`Layer`.
    """

    def __init__(self, dims: Sequence[int], **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        if not isinstance(dims, list | tuple) or sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(f"Permute: dims must hold each axis from 1 on once, got {dims!r}")
        self.dims = tuple(int(axis) for axis in dims)

    def call(self, inputs: Any) -> Tensor:
        shape = _shape_of_rows("Permute", inputs)
        if len(shape) != len(self.dims) + 1:
            raise ValueError(f"Permute: dims {self.dims} do not fit inputs of shape {shape}")
        return F.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Each row n times: [batch, features] to [batch, n, features].

    Args:
        n: How often.
        **common: See :class:`Layer`.
    """

    def __init__(self, n: int, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        checks.integer("RepeatVector", "n", n, least=1)
        self.n = int(n)

    def call(self, inputs: Any) -> Tensor:
        shape = _shape_of_rows("RepeatVector", inputs)
        if len(shape) != 2:
            raise ValueError(f"RepeatVector: takes [batch, features], got shape {shape}")
        return F.broadcast_to(F.reshape(inputs, (shape[0], 1, shape[1])), (shape[0], self.n, shape[1]))


def _shape_of_rows(caller: str, inputs: Any) -> tuple[int, ...]:
    shape = tuple(np.shape(inputs))
    if not shape:
        raise ValueError(f"{caller}: takes [batch, ...], got shape {shape}")
    return shape
