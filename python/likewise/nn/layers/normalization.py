"""Normalisation."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

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


class BatchNormalization(Layer):
    """gamma (x - mean) / sqrt(variance + epsilon) + beta for each channel (Ioffe and Szegedy, ICML 2015).

    In training mean and variance are the batch's, and moving averages follow them; otherwise, and where the layer is
    not trainable, they are the moving averages.

    Args:
        axis: Only -1.
        momentum: How much of the moving averages stays at a step.
        epsilon: Added to the variance.
        center: Is there a beta?
        scale: Is there a gamma?
        beta_initializer: First values of beta.
        gamma_initializer: First values of gamma.
        moving_mean_initializer: First values of the moving mean.
        moving_variance_initializer: First values of the moving variance.
        beta_regularizer: A penalty on beta.
        gamma_regularizer: A penalty on gamma.
        name: See :class:`Layer`.
        trainable: See :class:`Layer`.

    Shapes:
        [batch, ..., channels] to the same.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: str | Initializer = "zeros",
        gamma_initializer: str | Initializer = "ones",
        moving_mean_initializer: str | Initializer = "zeros",
        moving_variance_initializer: str | Initializer = "ones",
        beta_regularizer: str | Regularizer | None = None,
        gamma_regularizer: str | Regularizer | None = None,
        *,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, trainable=trainable)
        if axis != -1:
            raise ValueError(f"BatchNormalization: only axis=-1 is supported, got {axis!r}")
        if not 0 <= momentum <= 1:
            raise ValueError(f"BatchNormalization: momentum must be a number from 0 to 1, got {momentum!r}")
        self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.gamma: Tensor | None = None
        self.beta: Tensor | None = None
        self.moving_mean: Tensor
        self.moving_variance: Tensor

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, tuple) or len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(f"BatchNormalization: takes [batch, ..., channels], got shape {input_shape}")
        shape = (input_shape[-1],)
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, regularizer=self.gamma_regularizer, name="gamma"
            )
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, regularizer=self.beta_regularizer, name="beta")
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if training and self.trainable:
            outputs, mean, variance = F.batch_normalization(inputs, self.gamma, self.beta, self.epsilon)
            for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(self.momentum * np.asarray(moving) + (1 - self.momentum) * np.asarray(now))
            return outputs
        slope = F.divide(1.0 if self.gamma is None else self.gamma, F.sqrt(F.add(self.moving_variance, self.epsilon)))
        outputs = F.multiply(F.subtract(inputs, self.moving_mean), slope)
        return outputs if self.beta is None else F.add(outputs, self.beta)
