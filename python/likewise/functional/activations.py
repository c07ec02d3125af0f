"""Keras' activations, by Keras' names and with Keras' defaults; shapes stay as they are."""

from __future__ import annotations

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def relu(x: TensorLike) -> Tensor:
    """``max(x, 0)``."""
    return _core.activation(x, "relu", 0.0)


def relu6(x: TensorLike) -> Tensor:
    """``min(max(x, 0), 6)``."""
    return _core.activation(x, "relu6", 0.0)


def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """``x`` above 0, ``negative_slope * x`` below.

    Raises:
        ValueError: If the slope is negative.
    """
    if negative_slope < 0:
        raise ValueError(f"leaky_relu: negative_slope must be >= 0, got {negative_slope}")
    return _core.activation(x, "leaky_relu", negative_slope)


def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """``x`` above 0, ``alpha (e^x - 1)`` below (Clevert et al., ICLR 2016).

    Raises:
        ValueError: If ``alpha`` is negative.
    """
    if alpha < 0:
        raise ValueError(f"elu: alpha must be >= 0, got {alpha}")
    return _core.activation(x, "elu", alpha)


def selu(x: TensorLike) -> Tensor:
    """``elu`` scaled so that mean 0 and variance 1 persist (Klambauer et al., NeurIPS 2017)."""
    return _core.activation(x, "selu", 0.0)


def sigmoid(x: TensorLike) -> Tensor:
    """``1 / (1 + e^-x)``."""
    return _core.activation(x, "sigmoid", 0.0)


def hard_sigmoid(x: TensorLike) -> Tensor:
    """``x / 6 + 1/2``, kept within [0, 1]."""
    return _core.activation(x, "hard_sigmoid", 0.0)


def tanh(x: TensorLike) -> Tensor:
    """The hyperbolic tangent."""
    return _core.activation(x, "tanh", 0.0)


def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """``x`` times the normal distribution function of ``x`` (Hendrycks and Gimpel, 2016), or its tanh approximation."""
    return _core.activation(x, "gelu_tanh" if approximate else "gelu", 0.0)


def silu(x: TensorLike) -> Tensor:
    """``x sigmoid(x)``, also called swish."""
    return _core.activation(x, "silu", 0.0)


def hard_silu(x: TensorLike) -> Tensor:
    """``x hard_sigmoid(x)``."""
    return _core.activation(x, "hard_silu", 0.0)


def softplus(x: TensorLike) -> Tensor:
    """``log(1 + e^x)``."""
    return _core.activation(x, "softplus", 0.0)


def softsign(x: TensorLike) -> Tensor:
    """``x / (1 + |x|)``."""
    return _core.activation(x, "softsign", 0.0)


def exponential(x: TensorLike) -> Tensor:
    """``e^x``."""
    return _core.activation(x, "exponential", 0.0)


def mish(x: TensorLike) -> Tensor:
    """``x tanh(softplus(x))`` (Misra, BMVC 2020)."""
    return _core.activation(x, "mish", 0.0)


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """``e^x`` divided by its sum along an axis.

    Raises:
        ValueError: If the axis is out of range.
    """
    return _core.softmax(x, axis)


def log_softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """The logarithm of :func:`softmax`, without its underflow.

    Raises:
        ValueError: If the axis is out of range.
    """
    return _core.log_softmax(x, axis)
