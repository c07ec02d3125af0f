"""Grids made larger: by zeros around them, or by repeating their places. Channels last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.layers.convolution import expect_channels_last, sizes


class _ZeroPadding(Layer):
    """What padding along one and two directions shares: ``padding``, (before, after) for each direction."""

    padding: tuple[tuple[int, int], ...]

    def call(self, inputs: Any) -> Tensor:
        outputs = _grid(type(self).__name__, inputs, len(self.padding))
        for axis, counts in enumerate(self.padding, start=1):
            if any(counts):
                before, after = (
                    np.zeros((*outputs.shape[:axis], count, *outputs.shape[axis + 1 :]), dtype=np.float32)
                    for count in counts
                )
                outputs = F.concatenate([before, outputs, after], axis)
        return outputs


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after a sequence.

    Args:
        padding: How many, one number or (before, after).
        data_format: Only channels last.
        **common: See :class:`Layer`.

    Shapes:
        [batch, length, channels] to [batch, before + length + after, channels].
    """

    def __init__(
        self, padding: int | Sequence[int] = 1, data_format: str | None = None, **common: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**common)
        expect_channels_last("ZeroPadding1D", data_format)
        self.padding = (_around("ZeroPadding1D", padding, padding),)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images.

    Args:
        padding: How many: one number, (rows, columns), or ((above, below), (left, right)).
        data_format: Only channels last.
        **common: See :class:`Layer`.

    Shapes:
        [batch, height, width, channels] to [batch, above + height + below, left + width + right, channels].
    """

    def __init__(
        self,
        padding: int | Sequence[int | Sequence[int]] = (1, 1),
        data_format: str | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        expect_channels_last("ZeroPadding2D", data_format)
        rows, columns = padding if isinstance(padding, list | tuple) and len(padding) == 2 else (padding, padding)
        self.padding = _around("ZeroPadding2D", padding, rows), _around("ZeroPadding2D", padding, columns)


class _UpSampling(Layer):
    """What repeating along one and two directions shares: ``size``, how often for each direction."""

    size: tuple[int, ...]

    def call(self, inputs: Any) -> Tensor:
        x = _grid(type(self).__name__, inputs, len(self.size))
        batch, *grid, channels = x.shape
        apart = [one for size in grid for one in (size, 1)]
        repeated = [one for size, times in zip(grid, self.size, strict=True) for one in (size, times)]
        joined = [size * times for size, times in zip(grid, self.size, strict=True)]
        outputs = F.broadcast_to(F.reshape(x, (batch, *apart, channels)), (batch, *repeated, channels))
        return F.reshape(outputs, (batch, *joined, channels))


class UpSampling1D(_UpSampling):
    """Every place ``size`` times: [batch, length, channels] to [batch, size * length, channels].

    Args:
        size: How often.
        **common: See :class:`Layer`.
    """

    def __init__(self, size: int = 2, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.size = sizes("UpSampling1D", "size", size, 1)


class UpSampling2D(_UpSampling):
    """Every row and column several times: [batch, height, width, channels] to [batch, rows, columns, channels].

    Args:
        size: How often, one number or (of rows, of columns).
        data_format: Only channels last.
        interpolation: Only "nearest".
        **common: See :class:`Layer`.
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        expect_channels_last("UpSampling2D", data_format)
        if interpolation != "nearest":
            raise ValueError(f"UpSampling2D: only interpolation='nearest' is supported, got {interpolation!r}")
        self.size = sizes("UpSampling2D", "size", size, 2)


def _around(layer: str, given: Any, counts: Any) -> tuple[int, int]:
    """(before, after) from one number or two; ``given`` is what the user wrote."""
    both = tuple(counts) if isinstance(counts, list | tuple) else (counts, counts)
    if len(both) != 2 or not all(checks.is_integer(count) and count >= 0 for count in both):
        each = (
            "one integer, 0 or more, or two" if layer.endswith("1D") else "integers, 0 or more: one, two, or two pairs"
        )
        raise ValueError(f"{layer}: padding must be {each}, got {given!r}")
    return int(both[0]), int(both[1])


def _grid(layer: str, inputs: Any, directions: int) -> Tensor:
    """The inputs as a tensor of a grid of places with channels.

    Raises:
        ValueError: If they have other dimensions.
    """
    x = inputs if isinstance(inputs, Tensor) else Tensor(np.asarray(inputs, dtype=np.float32))
    if x.ndim != directions + 2:
        grid = "length" if directions == 1 else "height, width"
        raise ValueError(f"{layer}: takes [batch, {grid}, channels], got shape {tuple(x.shape)}")
    return x
