"""Convolutions of each channel by itself, alone or with a mixing of the channels after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.activations import Activation
from likewise.nn.initializers import Initializer
from likewise.nn.layer import LayerOptions
from likewise.nn.layers.convolution import Windowed
from likewise.nn.regularizers import Regularizer


def _grouped(kernel: Tensor) -> Tensor:
    """[taps..., channels, multiplier] as the kernel [taps..., 1, channels * multiplier] of one group a channel."""
    *taps, channels, multiplier = kernel.shape
    return F.reshape(kernel, (*taps, 1, channels * multiplier))


class _Depthwise(Windowed):
    """What depthwise convolutions over one and two directions share."""

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: str | Activation | None = None,
        use_bias: bool = True,
        depthwise_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        depthwise_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **common)
        checks.integer(type(self).__name__, "depth_multiplier", depth_multiplier, least=1)
        self.depth_multiplier = int(depth_multiplier)
        self.depthwise_initializer, self.bias_initializer = depthwise_initializer, bias_initializer
        self.depthwise_regularizer, self.bias_regularizer = depthwise_regularizer, bias_regularizer
        self.kernel: Tensor

    def build(self, input_shape: Any) -> None:
        channels = self.channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (channels * self.depth_multiplier,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                name="bias",
            )

    def call(self, inputs: Any) -> Tensor:
        channels = self.kernel.shape[-2]
        return self.activated(self.convolved(inputs, _grouped(self.kernel), self.bias, channels, self._fused))


class DepthwiseConv1D(_Depthwise):
    """activation(x * kernel + bias) along a sequence, each channel by itself.

    Args:
        kernel_size: Taps.
        strides: Places from one output to the next.
        padding: "valid", "same", or "causal", where an output sees nothing behind its own place.
        depth_multiplier: Outputs of each channel; those of a channel are side by side.
        data_format: Only channels last.
        dilation_rate: Places from tap to tap.
        activation: A name or a function; None for none.
        use_bias: Is there a bias?
        depthwise_initializer: First values of the kernel [taps, channels, depth_multiplier].
        bias_initializer: First values of the bias [channels * depth_multiplier].
        depthwise_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        **common: See :class:`Layer`.

    Shapes:
        [batch, length, channels] to [batch, new length, channels * depth_multiplier].
    """

    directions = 1


class DepthwiseConv2D(_Depthwise):
    """activation(x * kernel + bias) over images, each channel by itself.

    Args:
        kernel_size: Taps, one number or (rows, columns).
        strides: Places from one output to the next, one number or (rows, columns).
        padding: "valid" or "same".
        depth_multiplier: Outputs of each channel; those of a channel are side by side.
        data_format: Only channels last.
        dilation_rate: Places from tap to tap, one number or (rows, columns).
        activation: A name or a function; None for none.
        use_bias: Is there a bias?
        depthwise_initializer: First values of the kernel [tap rows, tap columns, channels, depth_multiplier].
        bias_initializer: First values of the bias [channels * depth_multiplier].
        depthwise_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        **common: See :class:`Layer`.

    Shapes:
        [batch, height, width, channels] to [batch, new height, new width, channels * depth_multiplier].
    """

    directions = 2


class _Separable(Windowed):
    """What separable convolutions over one and two directions share."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: str | Activation | None = None,
        use_bias: bool = True,
        depthwise_initializer: str | Initializer = "glorot_uniform",
        pointwise_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        depthwise_regularizer: str | Regularizer | None = None,
        pointwise_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **common)
        for argument, size in (("filters", filters), ("depth_multiplier", depth_multiplier)):
            checks.integer(type(self).__name__, argument, size, least=1)
        self.filters, self.depth_multiplier = int(filters), int(depth_multiplier)
        self.depthwise_initializer, self.depthwise_regularizer = depthwise_initializer, depthwise_regularizer
        self.pointwise_initializer, self.pointwise_regularizer = pointwise_initializer, pointwise_regularizer
        self.bias_initializer, self.bias_regularizer = bias_initializer, bias_regularizer
        self.depthwise_kernel: Tensor
        self.pointwise_kernel: Tensor

    def build(self, input_shape: Any) -> None:
        channels = self.channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            name="depthwise_kernel",
        )
        self.pointwise_kernel = self.add_weight(
            (*[1] * self.directions, channels * self.depth_multiplier, self.filters),
            self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            name="pointwise_kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,), self.bias_initializer, regularizer=self.bias_regularizer, name="bias"
            )

    def call(self, inputs: Any) -> Tensor:
        channels = self.depthwise_kernel.shape[-2]
        each = self.convolved(inputs, _grouped(self.depthwise_kernel), None, channels, None)
        mixing = F.reshape(self.pointwise_kernel, self.pointwise_kernel.shape[-2:])
        return self.activated(F.linear(each, mixing, self.bias, self._fused))


class SeparableConv1D(_Separable):
    """activation((x * depthwise_kernel) pointwise_kernel + bias) along a sequence.

    Each channel is convolved by itself, then every place is mixed from all of them: fewer weights than a full
    convolution by about the number of taps.

    Args:
        filters: Channels of the output.
        kernel_size: Taps.
        strides: Places from one output to the next.
        padding: "valid", "same", or "causal", where an output sees nothing behind its own place.
        data_format: Only channels last.
        dilation_rate: Places from tap to tap.
        depth_multiplier: Outputs of each channel before the mixing.
        activation: A name or a function; None for none.
        use_bias: Is there a bias?
        depthwise_initializer: First values of the kernel [taps, channels, depth_multiplier].
        pointwise_initializer: First values of the mixing [1, channels * depth_multiplier, filters].
        bias_initializer: First values of the bias [filters].
        depthwise_regularizer: A penalty on the kernel.
        pointwise_regularizer: A penalty on the mixing.
        bias_regularizer: A penalty on the bias.
        **common: See :class:`Layer`.

    Shapes:
        [batch, length, channels] to [batch, new length, filters].
    """

    directions = 1


class SeparableConv2D(_Separable):
    """activation((x * depthwise_kernel) pointwise_kernel + bias) over images (Chollet, CVPR 2017).

    Args:
        filters: Channels of the output.
        kernel_size: Taps, one number or (rows, columns).
        strides: Places from one output to the next, one number or (rows, columns).
        padding: "valid" or "same".
        data_format: Only channels last.
        dilation_rate: Places from tap to tap, one number or (rows, columns).
        depth_multiplier: Outputs of each channel before the mixing.
        activation: A name or a function; None for none.
        use_bias: Is there a bias?
        depthwise_initializer: First values of the kernel [tap rows, tap columns, channels, depth_multiplier].
        pointwise_initializer: First values of the mixing [1, 1, channels * depth_multiplier, filters].
        bias_initializer: First values of the bias [filters].
        depthwise_regularizer: A penalty on the kernel.
        pointwise_regularizer: A penalty on the mixing.
        bias_regularizer: A penalty on the bias.
        **common: See :class:`Layer`.

    Shapes:
        [batch, height, width, channels] to [batch, new height, new width, filters].
    """

    directions = 2
