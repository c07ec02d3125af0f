"""Normalisation and dropout."""

from __future__ import annotations

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def dropout(x: TensorLike, rate: float, key: int, offset: int = 0) -> Tensor:
    """``x / (1 - rate)``, or 0 with probability ``rate`` (Srivastava et al., JMLR 2014).

    What is dropped depends on ``key``, ``offset`` and the position of an element alone: the same on every machine and
    at any number of threads. The gradient draws the mask again instead of keeping it.

    Args:
        x: Any shape.
        rate: In [0, 1).
        key: The stream of draws, 0 to 2**64 - 1; such as one for each seed and layer.
        offset: The place in the stream; such as the step.

    Raises:
        ValueError: If the rate is not in [0, 1).
    """
    return _core.dropout(x, rate, key, offset)


def layer_normalization(
    x: TensorLike, gamma: TensorLike | None = None, beta: TensorLike | None = None, epsilon: float = 1e-3
) -> Tensor:
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta`` along the last axis (Ba et al., 2016).

    Args:
        x: Shape ``[.., n]``.
        gamma: Shape ``[n]``; None is 1.
        beta: Shape ``[n]``; None is 0.
        epsilon: Keras' default.

    Raises:
        ValueError: If shapes disagree, or epsilon is not positive.
    """
    return _core.layer_normalization(x, gamma, beta, epsilon)


def batch_normalization(
    x: TensorLike, gamma: TensorLike | None = None, beta: TensorLike | None = None, epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """``gamma (x - mean) / sqrt(variance + epsilon) + beta`` over all axes but the last (Ioffe and Szegedy, ICML 2015).

    Args:
        x: Shape ``[batch, .., channels]``.
        gamma: Shape ``[channels]``; None is 1.
        beta: Shape ``[channels]``; None is 0.
        epsilon: Keras' default.

    Returns:
        The result, and the mean and the variance (divided by the count) of each channel, outside the graph.

    Raises:
        ValueError: If shapes disagree, x is empty, or epsilon is not positive.
    """
    return _core.batch_normalization(x, gamma, beta, epsilon)


def l2_normalize(x: TensorLike, epsilon: float = 1e-12) -> Tensor:
    """``x / sqrt(max(sum x^2, epsilon))`` along the last axis: rows of length 1."""
    return _core.l2_normalize(x, epsilon)


def cosine_similarity(a: TensorLike, b: TensorLike) -> Tensor:
    """The cosine of the angle between ``a`` and ``b`` along their last axis, which is dropped; other axes broadcast."""
    return _core.sum(_core.multiply(l2_normalize(a), l2_normalize(b)), (-1,), False)
