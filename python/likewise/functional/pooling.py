"""Pooling over grids of places, channels last."""

from __future__ import annotations

from collections.abc import Sequence

from likewise import _core
from likewise.functional.conv import pair
from likewise.functional.tensor import Tensor, TensorLike


def max_pool1d(x: TensorLike, pool_size: int = 2, strides: int | None = None, padding: str = "valid") -> Tensor:
    """The greatest value of each pool along a sequence; the first of equal ones takes the gradient.

    Args:
        x: Shape ``[batch, length, channels]``.
        pool_size: Places of a pool.
        strides: Places from one pool to the next; None: ``pool_size``.
        padding: ``"valid"``, whole pools only; ``"same"``, ``ceil(length / strides)`` pools, the outer ones cut.

    Returns:
        Shape ``[batch, pools, channels]``.

    Raises:
        ValueError: If shapes disagree, a size is below 1, or padding is unknown.
    """
    return _core.max_pool(x, (pool_size,), (pool_size if strides is None else strides,), padding)


def max_pool2d(
    x: TensorLike,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
) -> Tensor:
    """The greatest value of each pool of images; the first of equal ones takes the gradient.

    Args:
        x: Shape ``[batch, height, width, channels]``.
        pool_size: Places of a pool, one number or (rows, columns).
        strides: Places from one pool to the next; None: ``pool_size``.
        padding: ``"valid"``, whole pools only; ``"same"``, ``ceil(size / stride)`` pools, the outer ones cut.

    Returns:
        Shape ``[batch, pool rows, pool columns, channels]``.

    Raises:
        ValueError: If shapes disagree, a size is below 1, or padding is unknown.
    """
    return _core.max_pool(x, pair(pool_size), pair(pool_size if strides is None else strides), padding)


def average_pool1d(x: TensorLike, pool_size: int = 2, strides: int | None = None, padding: str = "valid") -> Tensor:
    """The mean of each pool along a sequence; of the places that x has, where padding cuts it.

    Arguments, result and errors are those of :func:`max_pool1d`.
    """
    return _core.average_pool(x, (pool_size,), (pool_size if strides is None else strides,), padding)


def average_pool2d(
    x: TensorLike,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
) -> Tensor:
    """The mean of each pool of images; of the places that x has, where padding cuts it.

    Arguments, result and errors are those of :func:`max_pool2d`.
    """
    return _core.average_pool(x, pair(pool_size), pair(pool_size if strides is None else strides), padding)
