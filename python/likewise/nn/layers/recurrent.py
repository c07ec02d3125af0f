"""Recurrent layers: what they remember goes from step to step of a sequence."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn import activations, initializers
from likewise.nn.activations import Activation
from likewise.nn.initializers import Initializer
from likewise.nn.input import Input
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.regularizers import Regularizer


class RecurrentOptions(LayerOptions, total=False):
    """What every recurrent layer takes beside its own arguments; see :class:`SimpleRNN`."""

    use_bias: bool
    kernel_initializer: str | Initializer
    recurrent_initializer: str | Initializer
    bias_initializer: str | Initializer
    kernel_regularizer: str | Regularizer | None
    recurrent_regularizer: str | Regularizer | None
    bias_regularizer: str | Regularizer | None
    dropout: float
    recurrent_dropout: float
    seed: int | None
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool


class Recurrent(Layer):
    """What recurrent layers share: weights, masks and states. Subclasses say how many gates and states they have."""

    gates: int
    n_states = 1
    supports_masking = True

    def __init__(
        self,
        units: int,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        recurrent_initializer: str | Initializer = "orthogonal",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        recurrent_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        layer = type(self).__name__
        checks.integer(layer, "units", units, least=1)
        if not checks.is_number(dropout) or not 0 <= dropout < 1:
            raise ValueError(f"{layer}: dropout must lie in [0, 1), got {dropout!r}")
        if not checks.is_number(recurrent_dropout) or not 0 <= recurrent_dropout < 1:
            raise ValueError(f"{layer}: recurrent_dropout must lie in [0, 1), got {recurrent_dropout!r}")
        self.units, self.use_bias = int(units), use_bias
        self.dropout, self.recurrent_dropout = float(dropout), float(recurrent_dropout)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful = go_backwards, stateful
        self.kernel_initializer, self.recurrent_initializer = kernel_initializer, recurrent_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer, self.recurrent_regularizer = kernel_regularizer, recurrent_regularizer
        self.bias_regularizer = bias_regularizer
        self._own_seed = seed
        self._kept: tuple[NDArray[Any], ...] | None = None
        self.kernel: Tensor
        self.recurrent_kernel: Tensor
        self.bias: Tensor | None = None

    def build(self, input_shape: Any) -> None:
        width = self.gates * self.units
        whole = isinstance(input_shape, tuple) and input_shape[-1:] != (None,)
        if not whole or (len(input_shape) != 3 and input_shape[0] is None):  # a call's shape was looked at before
            raise ValueError(f"{type(self).__name__}: takes [batch, steps, inputs], got shape {input_shape}")
        self.kernel = self.add_weight(
            (input_shape[-1], width), self.kernel_initializer, regularizer=self.kernel_regularizer, name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            name="recurrent_kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(), self._first_bias(), regularizer=self.bias_regularizer, name="bias"
            )

    def __call__(self, *inputs: Any, training: bool | None = None, **options: Any) -> Any:
        """As of every layer, which makes no weights for inputs of a wrong shape."""
        if inputs and not isinstance(inputs[0], Input):
            shape, packed = np.shape(inputs[0]), options.get("offsets") is not None
            if len(shape) != (2 if packed else 3):
                takes = "[rows, inputs] with offsets" if packed else "[batch, steps, inputs]"
                raise ValueError(f"{type(self).__name__}: takes {takes}, got shape {shape}")
        return super().__call__(*inputs, training=training, **options)

    def call(
        self, inputs: Any, initial_state: Any = None, mask: Any = None, offsets: Any = None, training: bool = False
    ) -> Any:
        packed = offsets is not None
        if packed and self.go_backwards:
            raise ValueError(f"{type(self).__name__}: go_backwards takes [batch, steps, inputs], got offsets")
        batch = len(offsets) - 1 if packed else len(inputs)
        states = self._states_for(batch, initial_state)
        if mask is not None:
            mask = np.asarray(mask, dtype=bool)
        if self.go_backwards:
            inputs = (inputs if isinstance(inputs, Tensor) else np.asarray(inputs))[:, ::-1]
            mask = None if mask is None else mask[:, ::-1]
        state_scale = None
        if training and self.dropout > 0:  # of a sequence the same inputs are dropped at every step ...
            kept = self._kept_share(self.dropout, batch, inputs.shape[-1])
            inputs = F.multiply(inputs, np.repeat(kept, np.diff(offsets), axis=0) if packed else kept[:, None])
        if training and self.recurrent_dropout > 0:  # ... and the same parts of its state
            state_scale = self._kept_share(self.recurrent_dropout, batch, self.units)
        found = self._run(
            inputs,
            states,
            mask=mask,
            offsets=offsets,
            state_scale=state_scale,
            return_sequences=self.return_sequences,
            return_state=self.return_state or self.stateful,
        )
        if not (self.return_state or self.stateful):
            return found
        if self.stateful:
            self._kept = tuple(np.array(state) for state in found[1:])
        return list(found) if self.return_state else found[0]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs, of which outputs at every step keep it."""
        if mask is None or not self.return_sequences:
            return None
        return mask[:, ::-1] if self.go_backwards else mask

    def reset_states(self) -> None:
        """Forget what a stateful layer kept of the last call."""
        self._kept = None

    reset_state = reset_states

    def _states_for(self, batch: int, given: Any) -> tuple[Any, ...]:
        layer = type(self).__name__
        if given is None:
            if self.stateful and self._kept is not None:
                kept = len(self._kept[0])
                if kept != batch:
                    raise ValueError(
                        f"{layer}: the states kept are of {kept} sequences, the inputs have {batch}: reset_states first"
                    )
                return self._kept
            return (None,) * self.n_states
        states = tuple(given) if isinstance(given, list | tuple) else (given,)
        if len(states) != self.n_states:
            raise ValueError(f"{layer}: initial_state must hold {self.n_states} states, got {len(states)}")
        return states

    def _kept_share(self, dropout: float, batch: int, width: int) -> NDArray[np.float32]:
        """What values [batch, width] are multiplied with: 0 where they are dropped."""
        ones = np.ones((batch, width), dtype=np.float32)
        return np.asarray(F.dropout(ones, dropout, self._draw_key(self._own_seed)))

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self) -> str | Initializer:
        return self.bias_initializer

    def _run(self, inputs: Any, states: tuple[Any, ...], **options: Any) -> Any:
        raise NotImplementedError


class SimpleRNN(Recurrent):
    """h' = activation(x kernel + h recurrent_kernel + bias) from step to step (Elman, 1990).

    Args:
        units: Size of the state.
        activation: Its name; one whose slope follows from its value ("tanh", "relu", "sigmoid", ..., None for none).
        use_bias: Is there a bias?
        kernel_initializer: First values of the kernel [inputs, gates * units].
        recurrent_initializer: First values of the recurrent kernel [units, gates * units].
        bias_initializer: First values of the bias.
        kernel_regularizer: A penalty on the kernel.
        recurrent_regularizer: A penalty on the recurrent kernel.
        bias_regularizer: A penalty on the bias.
        dropout: In training, the share of the inputs that is dropped, the same ones at every step of a sequence.
        recurrent_dropout: In training, the share of the state that is dropped before each step, the same parts of it
            at every step of a sequence (Gal and Ghahramani, NIPS 2016).
        seed: A seed of its own for what is dropped; None takes the network's.
        return_sequences: Return the outputs of all steps, not the last one.
        return_state: Return the last states too: a list of the outputs and each state.
        go_backwards: Take the steps from the last to the first, and return outputs in that order.
        stateful: Begin where the last call ended, sequence by sequence; see :meth:`reset_states`.
        unroll: Has no effect.
        **common: See :class:`Layer`.

    Call:
        layer(inputs, initial_state=None, mask=None, offsets=None): a list of states [batch, units] to begin with, 0 if
        None; [batch, steps], the steps that count: those that do not leave the state alone and repeat the output
        before; and [batch + 1], where sequences begin and the last one ends that lie one after the other.

    Shapes:
        [batch, steps, inputs] to [batch, units], or to [batch, steps, units] with return_sequences. With offsets
        [rows, inputs] to [batch, units], or to [rows, units].
    """

    gates = 1

    def __init__(
        self, units: int, activation: str | Activation | None = "tanh", **options: Unpack[RecurrentOptions]
    ) -> None:
        super().__init__(units, **options)
        self.activation = _name("SimpleRNN", "activation", activation)

    def _run(self, inputs: Any, states: tuple[Any, ...], **options: Any) -> Any:
        return F.simple_rnn(
            inputs, self.kernel, self.recurrent_kernel, self.bias, *states, activation=self.activation, **options
        )


class GRU(Recurrent):
    """Gated recurrent units (Cho et al., EMNLP 2014): see :func:`likewise.functional.gru`.

    Args:
        units: Size of the state.
        activation: Of the candidate; the name of one whose slope follows from its value.
        recurrent_activation: Of the gates, likewise.
        reset_after: Apply the reset gate after the product with the recurrent kernel; the bias is then [2, 3 * units].
        **options: See :class:`SimpleRNN`.

    Shapes:
        [batch, steps, inputs] to [batch, units], or to [batch, steps, units] with return_sequences. Weights hold the
        gates z, r and the candidate side by side.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: str | Activation | None = "tanh",
        recurrent_activation: str | Activation | None = "sigmoid",
        *,
        reset_after: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(units, **options)
        self.activation = _name("GRU", "activation", activation)
        self.recurrent_activation = _name("GRU", "recurrent_activation", recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _run(self, inputs: Any, states: tuple[Any, ...], **options: Any) -> Any:
        return F.gru(
            inputs,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            *states,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            reset_after=self.reset_after,
            **options,
        )


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997): see :func:`likewise.functional.lstm`.

    Args:
        units: Size of the state and of the cell.
        activation: Of the candidate and of the cell; the name of one whose slope follows from its value.
        recurrent_activation: Of the gates, likewise.
        unit_forget_bias: Let the bias of the forget gate begin at 1 (Jozefowicz et al., ICML 2015).
        **options: See :class:`SimpleRNN`.

    Shapes:
        [batch, steps, inputs] to [batch, units], or to [batch, steps, units] with return_sequences. Weights hold the
        input gate, the forget gate, the candidate and the output gate side by side. States are h and c.
    """

    gates = 4
    n_states = 2

    def __init__(
        self,
        units: int,
        activation: str | Activation | None = "tanh",
        recurrent_activation: str | Activation | None = "sigmoid",
        *,
        unit_forget_bias: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__(units, **options)
        self.activation = _name("LSTM", "activation", activation)
        self.recurrent_activation = _name("LSTM", "recurrent_activation", recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def _first_bias(self) -> str | Initializer:
        return _UnitForgetBias(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer

    def _run(self, inputs: Any, states: tuple[Any, ...], **options: Any) -> Any:
        return F.lstm(
            inputs,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            (states[0], states[1]),
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            **options,
        )


class _UnitForgetBias(Initializer):
    """Another initializer's values, but ones for the second gate of four."""

    def __init__(self, others: str | Initializer) -> None:
        self.others = initializers.get(others)

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        bias = self.others(shape, generator)
        bias[shape[0] // 4 : shape[0] // 2] = 1
        return bias


def _name(layer: str, argument: str, activation: str | Activation | None) -> str:
    """The name of an activation that kernels know; "linear" for none."""
    if activation is None or activation == "linear" or activation is activations.linear:
        return "linear"
    name = activations.name_of(activation)
    if name is None or name in ("gelu", "silu", "hard_silu", "mish"):
        raise ValueError(f"{layer}: {argument} must be one whose slope follows from its value, got {activation!r}")
    return name
