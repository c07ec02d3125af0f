"""Matrix products and the dense layer."""

from __future__ import annotations

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """The matrix product, by NumPy's rules.

    Args:
        a: Shape ``[.., m, k]``, or ``[k]``.
        b: Shape ``[.., k, n]``, or ``[k]``; leading axes of ``a`` and ``b`` broadcast.

    Returns:
        Shape ``[.., m, n]``, without ``m`` or ``n`` where an argument is a vector.

    Raises:
        ValueError: If inner sizes differ or leading axes do not broadcast.
    """
    return _core.matmul(a, b)


def linear(x: TensorLike, kernel: TensorLike, bias: TensorLike | None = None, activation: str | None = None) -> Tensor:
    """``activation(x kernel + bias)`` in one pass.

    Args:
        x: Shape ``[.., inputs]``.
        kernel: Shape ``[inputs, outputs]``, as Keras keeps it.
        bias: Shape ``[outputs]``.
        activation: The name of an elementwise activation, such as ``"relu"``; None leaves the sum.

    Returns:
        Shape ``[.., outputs]``.

    Raises:
        ValueError: If shapes disagree or the activation is unknown.
    """
    return _core.linear(x, kernel, bias, activation)
