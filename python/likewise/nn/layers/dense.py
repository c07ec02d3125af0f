"""The fully connected layer."""

from __future__ import annotations

from typing import Any, Unpack

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn import activations
from likewise.nn.activations import Activation
from likewise.nn.initializers import Initializer
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.regularizers import Regularizer


class Dense(Layer):
    """activation(x kernel + bias).

    Args:
        units: Size of the output.
        activation: A name or a function; None for none. Names of elementwise functions are fused with the product.
        use_bias: Is there a bias?
        kernel_initializer: First values of the kernel [inputs, units].
        bias_initializer: First values of the bias [units].
        kernel_regularizer: A penalty on the kernel.
        bias_regularizer: A penalty on the bias.
        **common: See :class:`Layer`.

    Shapes:
        [batch, ..., inputs] to [batch, ..., units].
    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: str | Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        checks.integer("Dense", "units", units, least=1)
        self.units = int(units)
        self.activation = activations.get(activation)
        self._fused = activations.name_of(activation)
        self.use_bias = use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel: Tensor
        self.bias: Tensor | None = None

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, tuple) or len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(f"Dense: takes [batch, ..., inputs], got shape {input_shape}")
        self.kernel = self.add_weight(
            (input_shape[-1], self.units), self.kernel_initializer, regularizer=self.kernel_regularizer, name="kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,), self.bias_initializer, regularizer=self.bias_regularizer, name="bias"
            )

    def call(self, inputs: Any) -> Tensor:
        outputs = F.linear(inputs, self.kernel, self.bias, self._fused)
        return outputs if self._fused is not None else self.activation(outputs)
