"""Normalisation."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.initializers import Initializer
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.regularizers import Regularizer


class _Scaled(Layer):
    """What normalisations over the last axis share: gamma and beta."""

    supports_masking = True

    def __init__(
        self,
        axis: int,
        epsilon: float,
        gamma: tuple[bool, str | Initializer, str | Regularizer | None],
        beta: tuple[bool, str | Initializer, str | Regularizer | None],
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        layer = type(self).__name__
        if axis != -1:
            raise ValueError(f"{layer}: only axis=-1 is supported, got {axis!r}")
        checks.number(layer, "epsilon", epsilon, above=0)
        self.epsilon = epsilon
        self.scale, self.gamma_initializer, self.gamma_regularizer = gamma
        self.center, self.beta_initializer, self.beta_regularizer = beta
        self.gamma: Tensor | None = None
        self.beta: Tensor | None = None

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, tuple) or len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(f"{type(self).__name__}: takes [batch, ..., features], got shape {input_shape}")
        shape = (input_shape[-1],)
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, regularizer=self.gamma_regularizer, name="gamma"
            )
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, regularizer=self.beta_regularizer, name="beta")


class LayerNormalization(_Scaled):
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
        gamma = scale, gamma_initializer, gamma_regularizer
        super().__init__(axis, epsilon, gamma, (center, beta_initializer, beta_regularizer), **common)

    def call(self, inputs: Any) -> Tensor:
        return F.layer_normalization(inputs, self.gamma, self.beta, epsilon=self.epsilon)


class BatchNormalization(_Scaled):
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
        **common: See :class:`Layer`.

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
        **common: Unpack[LayerOptions],
    ) -> None:
        gamma = scale, gamma_initializer, gamma_regularizer
        super().__init__(axis, epsilon, gamma, (center, beta_initializer, beta_regularizer), **common)
        checks.share("BatchNormalization", "momentum", momentum)
        self.momentum = momentum
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.moving_mean: Tensor
        self.moving_variance: Tensor

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        for name, initializer in (
            ("moving_mean", self.moving_mean_initializer),
            ("moving_variance", self.moving_variance_initializer),
        ):
            setattr(self, name, self.add_weight((input_shape[-1],), initializer, trainable=False, name=name))

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if training and self.trainable:
            outputs, mean, variance = F.batch_normalization(inputs, self.gamma, self.beta, self.epsilon)
            for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(self.momentum * np.asarray(moving) + (1 - self.momentum) * np.asarray(now))
            return outputs
        slope = F.divide(1.0 if self.gamma is None else self.gamma, F.sqrt(F.add(self.moving_variance, self.epsilon)))
        outputs = F.multiply(F.subtract(inputs, self.moving_mean), slope)
        return outputs if self.beta is None else F.add(outputs, self.beta)
