"""Sums, means and extremes over axes.

``axis`` is one axis, several, or None for all; negative axes count from the end. With ``keepdims`` reduced axes stay
with size 1. An axis out of range, or named twice, is a ``ValueError``. Sums are made in an order that depends on the
shape alone, so they are the same bits at any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike

Axis: TypeAlias = int | Sequence[int] | None


def _axes(axis: Axis) -> Sequence[int] | None:
    return (axis,) if isinstance(axis, int) else axis


def sum(x: TensorLike, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The sum; 0 of no elements."""
    return _core.sum(x, _axes(axis), keepdims)


def mean(x: TensorLike, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The mean; NaN of no elements."""
    return _core.mean(x, _axes(axis), keepdims)


def variance(x: TensorLike, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The mean squared distance from the mean (divided by n, not n - 1)."""
    return _core.variance(x, _axes(axis), keepdims)


def max(x: TensorLike, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The largest; NaN if one is NaN. Elements that tie share the gradient equally.

    Raises:
        ValueError: Of no elements.
    """
    return _core.max(x, _axes(axis), keepdims)


def min(x: TensorLike, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The smallest; NaN if one is NaN. Elements that tie share the gradient equally.

    Raises:
        ValueError: Of no elements.
    """
    return _core.min(x, _axes(axis), keepdims)


def argmax(x: TensorLike, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The first index of the largest element along an axis, or in C order of all; int64, no gradient.

    Raises:
        ValueError: Of no elements.
    """
    return _core.argmax(x, axis, keepdims)
