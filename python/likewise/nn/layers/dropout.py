"""Dropout."""

from __future__ import annotations

from typing import Any

from likewise import functional as F
from likewise.nn.layer import Layer


class Dropout(Layer):
    """In training, zero each element with probability ``rate`` and scale the rest by 1 / (1 - rate).

    What is dropped is a function of the seed, the step, the path of the layer, and the place of the element.

    Args:
        rate: In [0, 1).
        seed: A seed of its own; None takes the network's.
        name: See :class:`Layer`.
    """

    def __init__(self, rate: float, *, seed: int | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout: rate must lie in [0, 1), got {rate}")
        self.rate = rate
        self._own_seed = seed

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return F.dropout(inputs, self.rate, self._draw_key(self._own_seed))
