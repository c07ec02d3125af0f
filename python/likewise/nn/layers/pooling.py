"""Pooling layers, channels last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.layers.convolution import expect_channels_last, sizes


class _Pooling(Layer):
    """What pooling layers over one and two directions share.

    Args:
        pool_size: Places of a pool; in two directions one number or (rows, columns).
        strides: Places from one pool to the next; None: `pool_size`.
        padding: "valid", whole pools only, or "same", where the outer pools are cut.
        data_format: Only channels last.
        **common: See :class:`Layer`.
    """

    directions: int
    operation: Callable[..., Tensor]

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        layer = type(self).__name__
        if padding not in ("valid", "same"):
            raise ValueError(f"{layer}: padding must be one of valid, same; got {padding!r}")
        expect_channels_last(layer, data_format)
        self.padding = padding
        self.pool_size = sizes(layer, "pool_size", pool_size, self.directions)
        self.strides = self.pool_size if strides is None else sizes(layer, "strides", strides, self.directions)

    def call(self, inputs: Any) -> Tensor:
        one = self.directions == 1
        pool, strides = (self.pool_size[0], self.strides[0]) if one else (self.pool_size, self.strides)
        return type(self).operation(inputs, pool, strides, self.padding)


class MaxPooling1D(_Pooling):
    """The greatest value of each pool: [batch, length, channels] to [batch, pools, channels]."""

    directions, operation = 1, staticmethod(F.max_pool1d)


class MaxPooling2D(_Pooling):
    """The greatest value of each pool: [batch, height, width, channels] to [batch, pools, pools, channels]."""

    directions, operation = 2, staticmethod(F.max_pool2d)


class AveragePooling1D(_Pooling):
    """The mean of each pool: [batch, length, channels] to [batch, pools, channels]."""

    directions, operation = 1, staticmethod(F.average_pool1d)


class AveragePooling2D(_Pooling):
    """The mean of each pool: [batch, height, width, channels] to [batch, pools, pools, channels]."""

    directions, operation = 2, staticmethod(F.average_pool2d)


class _GlobalPooling(Layer):
    """What layers that pool all places share.

    Args:
        data_format: Only channels last.
        keepdims: Keep the directions, as ones.
        **common: See :class:`Layer`.
    """

    directions: int
    operation: Callable[..., Tensor]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        expect_channels_last(type(self).__name__, data_format)
        self.keepdims = keepdims

    def call(self, inputs: Any) -> Tensor:
        if len(inputs.shape) != self.directions + 2:
            raise ValueError(
                f"{type(self).__name__}: takes {self.directions + 2} dimensions, got shape {tuple(inputs.shape)}"
            )
        axes = tuple(range(1, 1 + self.directions))
        return type(self).operation(inputs, axis=axes, keepdims=self.keepdims)


def _greatest(x: Any, axis: tuple[int, ...], keepdims: bool) -> Tensor:
    """As `F.max`, by one pool that holds all places: pooling may be done together with the convolution before it."""
    sizes = tuple(x.shape[each] for each in axis)
    y = F.max_pool1d(x, *sizes) if len(axis) == 1 else F.max_pool2d(x, sizes)
    return y if keepdims else F.reshape(y, (x.shape[0], x.shape[-1]))


class GlobalMaxPooling1D(_GlobalPooling):
    """The greatest value of each channel: [batch, length, channels] to [batch, channels]."""

    directions, operation = 1, staticmethod(_greatest)


class GlobalMaxPooling2D(_GlobalPooling):
    """The greatest value of each channel: [batch, height, width, channels] to [batch, channels]."""

    directions, operation = 2, staticmethod(_greatest)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel: [batch, length, channels] to [batch, channels]."""

    directions, operation = 1, staticmethod(F.mean)


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel: [batch, height, width, channels] to [batch, channels]."""

    directions, operation = 2, staticmethod(F.mean)
