"""The same numbers in another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.layer import Layer


class Flatten(Layer):
    """[batch, ...] to [batch, size]."""

    def call(self, inputs: Any) -> Tensor:
        return F.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))


class Reshape(Layer):
    """[batch, ...] to [batch, *target_shape].

    Args:
        target_shape: Without the batch; one size may be -1.
        name: See :class:`Layer`.
    """

    def __init__(self, target_shape: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.target_shape = tuple(target_shape)
        if sum(size == -1 for size in self.target_shape) > 1:
            raise ValueError(f"Reshape: only one size of target_shape may be -1, got {self.target_shape}")

    def call(self, inputs: Any) -> Tensor:
        size = math.prod(inputs.shape[1:])
        known = math.prod(abs(each) for each in self.target_shape)
        unknown = -1 in self.target_shape
        if size % known if unknown else size != known:
            raise ValueError(f"Reshape: {tuple(inputs.shape[1:])} does not fit target_shape {self.target_shape}")
        target = tuple(size // known if each == -1 else each for each in self.target_shape)
        return F.reshape(inputs, (inputs.shape[0], *target))
