"""Activations as layers."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn import activations
from likewise.nn.layer import Layer, LayerOptions


class Activation(Layer):
    """An activation by name or function."""

    supports_masking = True

    def __init__(self, activation: str | activations.Activation, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Tensor:
        return self.activation(inputs)


class ReLU(Layer):
    """x from ``threshold`` on, at most ``max_value``; ``negative_slope`` (x - threshold) below.

    Args:
        max_value: The largest output; None for no limit.
        negative_slope: 0 or more.
        threshold: 0 or more.
        **common: See :class:`Layer`.
    """

    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        settings = {"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold}
        for argument, value in settings.items():
            if value is None and argument == "max_value":
                continue
            if not isinstance(value, int | float | np.number) or not value >= 0:
                raise ValueError(f"ReLU: {argument} must be a number, 0 or more, got {value!r}")
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Any) -> Tensor:
        if self.threshold:
            below = F.multiply(F.subtract(inputs, self.threshold), self.negative_slope)
            outputs = F.where(F.less(inputs, self.threshold), below, inputs)
        else:
            outputs = F.leaky_relu(inputs, self.negative_slope) if self.negative_slope else F.relu(inputs)
        return outputs if self.max_value is None else F.minimum(outputs, self.max_value)


class Softmax(Layer):
    """exp(x) / sum exp(x) over an axis.

    Args:
        axis: The axis.
        **common: See :class:`Layer`.
    """

    supports_masking = True

    def __init__(self, axis: int = -1, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        if not isinstance(axis, int | np.integer):
            raise ValueError(f"Softmax: axis must be an integer, got {axis!r}")
        self.axis = int(axis)

    def call(self, inputs: Any) -> Tensor:
        return F.softmax(inputs, self.axis)
