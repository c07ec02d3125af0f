"""Normalisation."""

from __future__ import annotations

from typing import Any, Unpack

from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.initializers import Initializer
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.regularizers import Regularizer


class LayerNormalization(Layer):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta over the last axis (Ba et al., 2016).

    Args:
        axis: Only -1.
        epsilon: Added to the variance.
        center: Is there a beta?
        scale: Is there a gamma?
        beta_initializer: First values of beta.
        gamma_initializer: First values of gamma.
        beta_regularizer: A penalty on beta.
        gamma_regularizer: A penalty on gamma.
        **common: See :class:`Layer`.
    """

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        beta_regularizer: str | Regularizer | None = None,
        gamma_regularizer: str | Regularizer | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        if axis != -1:
            raise ValueError(f"LayerNormalization: only axis=-1 is supported, got {axis!r}")
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.gamma: Tensor | None = None
        self.beta: Tensor | None = None

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, tuple) or len(input_shape) < 2:
            raise ValueError(f"LayerNormalization: takes [batch, ..., features], got shape {input_shape}")
        shape = (input_shape[-1],)
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, regularizer=self.gamma_regularizer, name="gamma"
            )
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, regularizer=self.beta_regularizer, name="beta")

    def call(self, inputs: Any) -> Tensor:
        return F.layer_normalization(inputs, self.gamma, self.beta, epsilon=self.epsilon)
