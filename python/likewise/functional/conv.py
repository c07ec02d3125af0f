"""Convolutions over grids of places, channels last."""

from __future__ import annotations

from collections.abc import Sequence

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def conv1d(
    x: TensorLike,
    kernel: TensorLike,
    bias: TensorLike | None = None,
    *,
    strides: int = 1,
    padding: str = "valid",
    dilation_rate: int = 1,
    groups: int = 1,
    activation: str | None = None,
) -> Tensor:
    """``activation(x * kernel + bias)`` along a sequence.

    Args:
        x: Shape ``[batch, length, channels]``.
        kernel: Shape ``[taps, channels / groups, filters]``, as Keras keeps it.
        bias: Shape ``[filters]``.
        strides: Places from one output to the next.
        padding: ``"valid"``, no zeros around x; ``"same"``, as many as keep ``ceil(length / strides)`` places;
            ``"causal"``, all of them before the first place, so that an output sees nothing behind its own.
        dilation_rate: Places from tap to tap.
        groups: Parts of the channels; the filters of a part see its channels alone.
        activation: The name of an elementwise activation, such as ``"relu"``; None leaves the sum.

    Returns:
        Shape ``[batch, new_length, filters]``.

    Raises:
        ValueError: If shapes disagree, a size is below 1, or padding or activation are unknown.
    """
    return _core.conv(x, kernel, bias, (strides,), (dilation_rate,), padding, groups, activation)


def conv2d(
    x: TensorLike,
    kernel: TensorLike,
    bias: TensorLike | None = None,
    *,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    dilation_rate: int | Sequence[int] = 1,
    groups: int = 1,
    activation: str | None = None,
) -> Tensor:
    """``activation(x * kernel + bias)`` over images.

    Args:
        x: Shape ``[batch, height, width, channels]``.
        kernel: Shape ``[tap rows, tap columns, channels / groups, filters]``, as Keras keeps it.
        bias: Shape ``[filters]``.
        strides: Places from one output to the next, one number or (rows, columns).
        padding: ``"valid"``, no zeros around x; ``"same"``, as many as keep ``ceil(size / stride)`` places.
        dilation_rate: Places from tap to tap, one number or (rows, columns).
        groups: Parts of the channels; the filters of a part see its channels alone.
        activation: The name of an elementwise activation, such as ``"relu"``; None leaves the sum.

    Returns:
        Shape ``[batch, new_height, new_width, filters]``.

    Raises:
        ValueError: If shapes disagree, a size is below 1, or padding or activation are unknown.
    """
    return _core.conv(x, kernel, bias, pair(strides), pair(dilation_rate), padding, groups, activation)


def pair(sizes: int | Sequence[int]) -> Sequence[int]:
    """(rows, columns): what one number stands for in two directions."""
    return (sizes, sizes) if isinstance(sizes, int) else tuple(sizes)
