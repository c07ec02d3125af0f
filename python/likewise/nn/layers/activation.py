"""Activations as layers."""

from __future__ import annotations

from typing import Any

from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn import activations
from likewise.nn.layer import Layer


class Activation(Layer):
    """An activation by name or function."""

    def __init__(self, activation: str | activations.Activation, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Tensor:
        return self.activation(inputs)


class ReLU(Layer):
    """max(x, 0)."""

    def call(self, inputs: Any) -> Tensor:
        return F.relu(inputs)


class Softmax(Layer):
    """exp(x) / sum exp(x) over the last axis."""

    def call(self, inputs: Any) -> Tensor:
        return F.softmax(inputs)
