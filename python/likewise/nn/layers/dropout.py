"""What is random in training alone: dropout and noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from likewise import checks
from likewise import functional as F
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.layers.convolution import expect_channels_last


class Dropout(Layer):
    """In training, zero each element with probability ``rate`` and scale the rest by 1 / (1 - rate).

    What is dropped is a function of the seed, the step, the path of the layer, and the place of the element.

    Args:
        rate: In [0, 1).
        noise_shape: The shape of what is drawn, which is broadcast; None for a size, or for all: that of
            the inputs.
        seed: A seed of its own; None takes the network's.
        **common: See :class:`Layer`.
    """

    supports_masking = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        if not isinstance(rate, int | float | np.number) or not 0 <= rate < 1:
            raise ValueError(f"{type(self).__name__}: rate must lie in [0, 1), got {rate!r}")
        if noise_shape is not None and not isinstance(noise_shape, list | tuple):
            raise ValueError(f"Dropout: noise_shape must hold the sizes of what is drawn, got {noise_shape!r}")
        self.rate, self.noise_shape = float(rate), noise_shape
        self._own_seed = seed

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        key = self._draw_key(self._own_seed)
        if self.noise_shape is None:
            return F.dropout(inputs, self.rate, key)
        shape, asked = tuple(inputs.shape), self.noise_shape
        if len(asked) != len(shape) or any(a not in (None, 1, size) for a, size in zip(asked, shape, strict=True)):
            raise ValueError(f"Dropout: noise_shape must be broadcast to {shape}, got {asked}")
        noise = np.ones([size if a is None else a for a, size in zip(asked, shape, strict=True)], dtype=np.float32)
        return F.multiply(inputs, F.dropout(noise, self.rate, key))


class _SpatialDropout(Dropout):
    """What dropout of whole channels shares."""

    directions: int

    def __init__(self, rate: float, seed: int | None = None, **common: Unpack[LayerOptions]) -> None:
        super().__init__(rate, (None, *[1] * self.directions, None), seed, **common)

    def call(self, inputs: Any, training: bool = False) -> Any:
        shape = tuple(np.shape(inputs))
        if len(shape) != self.directions + 2:
            grid = "length" if self.directions == 1 else "height, width"
            raise ValueError(f"{type(self).__name__}: takes [batch, {grid}, channels], got shape {shape}")
        return super().call(inputs, training)


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of a sequence [batch, length, channels] (Tompson et al., CVPR 2015).

    Neighbours are alike, so that one that is dropped alone is read from those beside it.

    Args:
        rate: In [0, 1).
        seed: A seed of its own; None takes the network's.
        **common: See :class:`Layer`.
    """

    directions = 1


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images [batch, height, width, channels] (Tompson et al., CVPR 2015).

    Args:
        rate: In [0, 1).
        data_format: Only channels last.
        seed: A seed of its own; None takes the network's.
        **common: See :class:`Layer`.
    """

    directions = 2

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, **common: Unpack[LayerOptions]
    ) -> None:
        super().__init__(rate, seed, **common)
        expect_channels_last("SpatialDropout2D", data_format)


class GaussianNoise(Layer):
    """In training, normal noise of mean 0 added to each element.

    What is added is a function of the seed, the step, the path of the layer, and the place of the element.

    Args:
        stddev: The noise's standard deviation, from 0 to 1.
        seed: A seed of its own; None takes the network's.
        **common: See :class:`Layer`.
    """

    def __init__(self, stddev: float, seed: int | None = None, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        checks.share("GaussianNoise", "stddev", stddev)
        self.stddev = float(stddev)
        self._own_seed = seed

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.stddev == 0:
            return inputs
        generator = np.random.Generator(np.random.Philox(key=self._draw_key(self._own_seed)))
        noise = generator.standard_normal(np.shape(inputs), dtype=np.float32)
        noise *= np.float32(self.stddev)
        return F.add(inputs, noise)
