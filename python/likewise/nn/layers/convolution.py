"""Convolutional layers, channels last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn import activations
from likewise.nn.activations import Activation
from likewise.nn.initializers import Initializer
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.regularizers import Regularizer


def sizes(layer: str, name: str, value: int | Sequence[int], directions: int) -> tuple[int, ...]:
    """One positive size for each direction from one number or as many.

    Raises:
        ValueError: Naming the layer and the argument.
    """
    given: tuple[Any, ...] = tuple(value) if isinstance(value, list | tuple) else (value,) * directions
    if len(given) != directions or not all(checks.is_integer(size) and size > 0 for size in given):
        raise ValueError(f"{layer}: {name} must be {directions} positive integers or one, got {value!r}")
    return tuple(int(size) for size in given)


def expect_channels_last(layer: str, data_format: str | None) -> None:
    """Refuse other orders than Keras' default."""
    if data_format not in (None, "channels_last"):
        raise ValueError(f'{layer}: only data_format="channels_last" is supported, got {data_format!r}')


class Windowed(Layer):
    """What convolutions over one and two directions share: windows on the input, an activation, a bias."""

    directions: int

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int],
        padding: str,
        data_format: str | None,
        dilation_rate: int | Sequence[int],
        activation: str | Activation | None,
        use_bias: bool,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        layer = type(self).__name__
        known = ("valid", "same", "causal") if self.directions == 1 else ("valid", "same")
        if padding not in known:
            raise ValueError(f"{layer}: padding must be one of {', '.join(known)}; got {padding!r}")
        expect_channels_last(layer, data_format)
        self.padding = padding
        self.kernel_size = sizes(layer, "kernel_size", kernel_size, self.directions)
        self.strides = sizes(layer, "strides", strides, self.directions)
        self.dilation_rate = sizes(layer, "dilation_rate", dilation_rate, self.directions)
        self.activation = activations.get(activation)
        self._fused = activations.name_of(activation)
        self.use_bias = use_bias
        self.bias: Tensor | None = None

    def channels(self, input_shape: Any) -> int:
        """The channels of the input.

        Raises:
            ValueError: If it has none.
        """
        layer, rank = type(self).__name__, self.directions + 2
        if not isinstance(input_shape, tuple) or len(input_shape) != rank or input_shape[-1] is None:
            grid = "length" if self.directions == 1 else "height, width"
            raise ValueError(f"{layer}: takes [batch, {grid}, channels], got shape {input_shape}")
        return int(input_shape[-1])

    def convolved(
        self, inputs: Any, kernel: Tensor, bias: Tensor | None, groups: int, activation: str | None
    ) -> Tensor:
        """The convolution in the windows of this layer."""
        settings = {"padding": self.padding, "groups": groups, "activation": activation}
        if self.directions == 1:
            return F.conv1d(
                inputs,
                kernel,
                bias,
                strides=self.strides[0],
                dilation_rate=self.dilation_rate[0],
                **settings,  # type: ignore[arg-type]
            )
        return F.conv2d(
            inputs,
            kernel,
            bias,
            strides=self.strides,
            dilation_rate=self.dilation_rate,
            **settings,  # type: ignore[arg-type]
        )

    def activated(self, outputs: Tensor) -> Tensor:
        """The activation, if it was not fused with the convolution."""
        return outputs if self._fused is not None else self.activation(outputs)


class _Conv(Windowed):
    """What ordinary convolutions over one and two directions share."""

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: str | Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias, **common)
        for argument, size in (("filters", filters), ("groups", groups)):
            checks.integer(type(self).__name__, argument, size, least=1)
        self.filters, self.groups = int(filters), int(groups)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel: Tensor

    def build(self, input_shape: Any) -> None:
        channels = self.channels(input_shape)
        if channels % self.groups or self.filters % self.groups:
            raise ValueError(
                f"{type(self).__name__}: groups must divide {channels} channels and {self.filters} filters, "
                f"got {self.groups!r}"
            )
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,), self.bias_initializer, regularizer=self.bias_regularizer, name="bias"
            )

    def call(self, inputs: Any) -> Tensor:
        return self.activated(self.convolved(inputs, self.kernel, self.bias, self.groups, self._fused))


class Conv1D(_Conv):
    """activation(x * kernel + bias) along a sequence.

    Args:
        filters: Channels of the output.
        kernel_size: Taps.
        strides: Places from one output to the next.
        padding: "valid", "same", or "causal", where an output sees nothing behind its own place.
        data_format: Only channels last.
        dilation_rate: Places from tap to tap.
        groups: Parts of the channels; the filters of a part see its channels alone.
        activation: A name or a function; None for none. Names of elementwise functions are fused with the convolution.
        use_bias: Is there a bias?
        kernel_initializer: First values of the kernel [taps, channels / groups, filters].
        bias_initializer: First values of the bias [filters].
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        **common: See :class:`Layer`.

    Shapes:
        [batch, length, channels] to [batch, new length, filters].
    """

    directions = 1


class Conv2D(_Conv):
    """activation(x * kernel + bias) over images (LeCun et al., 1989).

    Args:
        filters: Channels of the output.
        kernel_size: Taps, one number or (rows, columns).
        strides: Places from one output to the next, one number or (rows, columns).
        padding: "valid" or "same".
        data_format: Only channels last.
        dilation_rate: Places from tap to tap, one number or (rows, columns).
        groups: Parts of the channels; the filters of a part see its channels alone.
        activation: A name or a function; None for none. Names of elementwise functions are fused with the convolution.
        use_bias: Is there a bias?
        kernel_initializer: First values of the kernel [tap rows, tap columns, channels / groups, filters].
        bias_initializer: First values of the bias [filters].
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        **common: See :class:`Layer`.

    Shapes:
        [batch, height, width, channels] to [batch, new height, new width, filters].
    """

    directions = 2
