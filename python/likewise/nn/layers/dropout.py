"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from likewise import functional as F
from likewise.nn.layer import Layer, LayerOptions


class Dropout(Layer):
    """In training, zero each element with probability ``rate`` and scale the rest by 1 / (1 - rate).

    What is dropped is a function of the seed, the step, the path of the layer, and the place of the element.

    Args:
        rate: In [0, 1).
        noise_shape: The shape of what is drawn, which is broadcast; None for a size, or for all: that of
            the inputs.
        seed: A seed of its own; None takes the network's.
        **common: See :class:`Layer`.
    """

    supports_masking = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        if not isinstance(rate, int | float | np.number) or not 0 <= rate < 1:
            raise ValueError(f"Dropout: rate must lie in [0, 1), got {rate!r}")
        if noise_shape is not None and not isinstance(noise_shape, list | tuple):
            raise ValueError(f"Dropout: noise_shape must hold the sizes of what is drawn, got {noise_shape!r}")
        self.rate, self.noise_shape = float(rate), noise_shape
        self._own_seed = seed

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        key = self._draw_key(self._own_seed)
        if self.noise_shape is None:
            return F.dropout(inputs, self.rate, key)
        shape, asked = tuple(inputs.shape), self.noise_shape
        if len(asked) != len(shape) or any(a not in (None, 1, size) for a, size in zip(asked, shape, strict=True)):
            raise ValueError(f"Dropout: noise_shape must be broadcast to {shape}, got {asked}")
        noise = np.ones([size if a is None else a for a, size in zip(asked, shape, strict=True)], dtype=np.float32)
        return F.multiply(inputs, F.dropout(noise, self.rate, key))
