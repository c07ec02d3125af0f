"""Arithmetic, comparisons and elementary functions, with NumPy's broadcasting.

Shapes of two arguments must broadcast, else a ``ValueError`` names both. Gradients of an argument that was repeated are
summed over the repeated axes.
"""

from __future__ import annotations

import math

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def add(a: TensorLike, b: TensorLike) -> Tensor:
    """``a + b``."""
    return _core.add(a, b)


def subtract(a: TensorLike, b: TensorLike) -> Tensor:
    """``a - b``."""
    return _core.subtract(a, b)


def multiply(a: TensorLike, b: TensorLike) -> Tensor:
    """``a * b``."""
    return _core.multiply(a, b)


def divide(a: TensorLike, b: TensorLike) -> Tensor:
    """``a / b``; division by zero gives infinity or NaN."""
    return _core.divide(a, b)


def power(base: TensorLike, exponent: TensorLike) -> Tensor:
    """``base ** exponent``; NaN for a negative base and a fractional exponent."""
    return _core.power(base, exponent)


def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """The larger of two elements; NaN if one is NaN. At a tie the gradient is ``a``'s."""
    return _core.maximum(a, b)


def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """The smaller of two elements; NaN if one is NaN. At a tie the gradient is ``a``'s."""
    return _core.minimum(a, b)


def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """``a`` where the condition is true (not zero), else ``b``. The condition gets no gradient."""
    return _core.where(condition, a, b)


def less(a: TensorLike, b: TensorLike) -> Tensor:
    """``a < b``, bool. Integers must be within 2**24."""
    return _core.less(a, b)


def less_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """``a <= b``, bool. Integers must be within 2**24."""
    return _core.less_equal(a, b)


def equal(a: TensorLike, b: TensorLike) -> Tensor:
    """``a == b``, bool. Integers must be within 2**24."""
    return _core.equal(a, b)


def not_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """``a != b``, bool. Integers must be within 2**24."""
    return _core.not_equal(a, b)


def negate(x: TensorLike) -> Tensor:
    """``-x``."""
    return _core.negate(x)


def abs(x: TensorLike) -> Tensor:
    """``|x|``; the gradient at 0 is 0."""
    return _core.abs(x)


def sign(x: TensorLike) -> Tensor:
    """-1, 0 or 1. No gradient."""
    return _core.sign(x)


def exp(x: TensorLike) -> Tensor:
    """``e ** x``."""
    return _core.exp(x)


def log(x: TensorLike) -> Tensor:
    """The natural logarithm; -inf at 0, NaN below."""
    return _core.log(x)


def log1p(x: TensorLike) -> Tensor:
    """``log(1 + x)``, exact for small ``x``."""
    return _core.log1p(x)


def sqrt(x: TensorLike) -> Tensor:
    """The square root; NaN below 0."""
    return _core.sqrt(x)


def square(x: TensorLike) -> Tensor:
    """``x * x``."""
    return _core.square(x)


def clip(x: TensorLike, low: float = -math.inf, high: float = math.inf) -> Tensor:
    """``x`` kept within ``[low, high]``; no gradient where it was cut.

    Raises:
        ValueError: If ``low > high``.
    """
    return _core.clip(x, low, high)
