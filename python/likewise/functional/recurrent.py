"""Recurrent layers over whole sequences, and single steps for serving.

The simple cell (Elman, 1990), gated recurrent units (Cho et al., EMNLP 2014) and long short-term memory (Hochreiter and
Schmidhuber, 1997; forget gate: Gers et al., 2000), with weights as Keras keeps them.
"""

from __future__ import annotations

import numpy as np

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def simple_rnn(
    x: TensorLike,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike | None = None,
    initial_state: TensorLike | None = None,
    *,
    lengths: TensorLike | None = None,
    mask: TensorLike | None = None,
    offsets: TensorLike | None = None,
    state_scale: TensorLike | None = None,
    activation: str | None = "tanh",
    return_sequences: bool = False,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, ...]:
    """``h' = activation(x kernel + h recurrent_kernel + bias)`` from step to step.

    A step that does not count leaves the state as it is and repeats the output before it; outputs before the first
    step that counts are 0. Such steps cost no arithmetic.

    Args:
        x: Shape ``[batch, steps, inputs]``; or ``[batch, inputs]``, a single step.
        kernel: Shape ``[inputs, units]``.
        recurrent_kernel: Shape ``[units, units]``.
        bias: Shape ``[units]``.
        initial_state: Shape ``[batch, units]``; None is 0.
        lengths: Shape ``[batch]``: how many steps count, from the first on; None for all.
        mask: Shape ``[batch, steps]``, bool: which steps count; None for all.
        offsets: Shape ``[batch + 1]``: sequences lie one after the other in x ``[rows, inputs]``, each the rows
            ``offsets[s]`` to ``offsets[s + 1]``; None: they are padded.
        state_scale: Shape ``[batch, units]``: what the state is multiplied with before every step that counts, a
            constant, as dropout of the recurrence has it (Gal and Ghahramani, NIPS 2016); None is 1.
        activation: The name of an elementwise activation whose slope follows from its value.
        return_sequences: Return the outputs of all steps, not the last one.
        return_state: Return the last state too.

    Returns:
        Shape ``[batch, units]``, or ``[batch, steps, units]`` with return_sequences, of packed ones ``[rows, units]``;
        with return_state, a pair of that and the last state ``[batch, units]``.

    Raises:
        ValueError: If shapes disagree, a length is beyond the steps, offsets decrease or do not cover the rows,
            more than one of lengths, mask and offsets is given, or the activation is unknown or not supported.
        TypeError: If lengths or offsets are not integers or the mask is not of bool.
    """
    given = x, kernel, recurrent_kernel, bias, initial_state, state_scale, lengths, mask, offsets
    found = _core.simple_rnn(*given, activation, return_sequences, return_state)
    return _parts(found, 1, return_sequences, offsets) if return_state else found


def gru(
    x: TensorLike,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike | None = None,
    initial_state: TensorLike | None = None,
    *,
    lengths: TensorLike | None = None,
    mask: TensorLike | None = None,
    offsets: TensorLike | None = None,
    state_scale: TensorLike | None = None,
    activation: str | None = "tanh",
    recurrent_activation: str | None = "sigmoid",
    reset_after: bool = True,
    return_sequences: bool = False,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, ...]:
    """Gated recurrent units: ``h' = z h + (1 - z) n``.

    With s the recurrent activation and f the activation, ``z = s(x Wz + h Uz + bz)``, ``r = s(x Wr + h Ur + br)``, and
    ``n = f(x Wn + bn + r (h Un + cn))``, or ``n = f(x Wn + (r h) Un + bn)`` without reset_after. Steps that do not
    count are treated as by :func:`simple_rnn`.

    Args:
        x: Shape ``[batch, steps, inputs]``; or ``[batch, inputs]``, a single step.
        kernel: W of the gates z, r, n side by side, shape ``[inputs, 3 * units]``.
        recurrent_kernel: U of the gates, shape ``[units, 3 * units]``.
        bias: With reset_after the biases of x and of h, shape ``[2, 3 * units]``; otherwise ``[3 * units]``.
        initial_state: Shape ``[batch, units]``; None is 0.
        lengths: Shape ``[batch]``: how many steps count, from the first on; None for all.
        mask: Shape ``[batch, steps]``, bool: which steps count; None for all.
        offsets: Shape ``[batch + 1]``: sequences lie one after the other in x ``[rows, inputs]``, each the rows
            ``offsets[s]`` to ``offsets[s + 1]``; None: they are padded.
        state_scale: Shape ``[batch, units]``: what the state is multiplied with before every step that counts, a
            constant, as dropout of the recurrence has it (Gal and Ghahramani, NIPS 2016); None is 1.
        activation: The name of an elementwise activation whose slope follows from its value.
        recurrent_activation: The same, for the gates z and r.
        reset_after: Apply the reset gate after the product with U, as Keras and PyTorch do.
        return_sequences: Return the outputs of all steps, not the last one.
        return_state: Return the last state too.

    Returns:
        Shape ``[batch, units]``, or ``[batch, steps, units]`` with return_sequences, of packed ones ``[rows, units]``;
        with return_state, a pair of that and the last state ``[batch, units]``.

    Raises:
        ValueError: If shapes disagree, a length is beyond the steps, offsets decrease or do not cover the rows,
            more than one of lengths, mask and offsets is given, or an activation is unknown or not supported.
        TypeError: If lengths or offsets are not integers or the mask is not of bool.
    """
    given = x, kernel, recurrent_kernel, bias, initial_state, state_scale, lengths, mask, offsets
    options = activation, recurrent_activation, reset_after, return_sequences, return_state
    found = _core.gru(*given, *options)
    return _parts(found, 1, return_sequences, offsets) if return_state else found


def lstm(
    x: TensorLike,
    kernel: TensorLike,
    recurrent_kernel: TensorLike,
    bias: TensorLike | None = None,
    initial_state: tuple[TensorLike | None, TensorLike | None] = (None, None),
    *,
    lengths: TensorLike | None = None,
    mask: TensorLike | None = None,
    offsets: TensorLike | None = None,
    state_scale: TensorLike | None = None,
    activation: str | None = "tanh",
    recurrent_activation: str | None = "sigmoid",
    return_sequences: bool = False,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, ...]:
    """Long short-term memory: ``h' = o f(c')`` with ``c' = forget c + i g``.

    With s the recurrent activation and f the activation, the gates ``i, forget, o`` are ``s(x W + h U + b)``, and g is
    ``f(x Wg + h Ug + bg)``. Steps that do not count are treated as by :func:`simple_rnn`.

    Args:
        x: Shape ``[batch, steps, inputs]``; or ``[batch, inputs]``, a single step.
        kernel: W of i, forget, g, o side by side, shape ``[inputs, 4 * units]``.
        recurrent_kernel: U of them, shape ``[units, 4 * units]``.
        bias: Shape ``[4 * units]``.
        initial_state: h and c, shape ``[batch, units]`` each; None is 0.
        lengths: Shape ``[batch]``: how many steps count, from the first on; None for all.
        mask: Shape ``[batch, steps]``, bool: which steps count; None for all.
        offsets: Shape ``[batch + 1]``: sequences lie one after the other in x ``[rows, inputs]``, each the rows
            ``offsets[s]`` to ``offsets[s + 1]``; None: they are padded.
        state_scale: Shape ``[batch, units]``: what h is multiplied with before every step that counts, a
            constant, as dropout of the recurrence has it (Gal and Ghahramani, NIPS 2016); None is 1.
        activation: The name of an elementwise activation whose slope follows from its value.
        recurrent_activation: The same, for the gates i, forget and o.
        return_sequences: Return the outputs of all steps, not the last one.
        return_state: Return the last h and c too.

    Returns:
        Shape ``[batch, units]``, or ``[batch, steps, units]`` with return_sequences, of packed ones ``[rows, units]``;
        with return_state, a triple of that and the last h and c ``[batch, units]``.

    Raises:
        ValueError: If shapes disagree, a length is beyond the steps, offsets decrease or do not cover the rows,
            more than one of lengths, mask and offsets is given, or an activation is unknown or not supported.
        TypeError: If lengths or offsets are not integers or the mask is not of bool.
    """
    given = x, kernel, recurrent_kernel, bias, *initial_state, state_scale, lengths, mask, offsets
    found = _core.lstm(*given, activation, recurrent_activation, return_sequences, return_state)
    return _parts(found, 2, return_sequences, offsets) if return_state else found


def _parts(found: Tensor, states: int, return_sequences: bool, offsets: TensorLike | None = None) -> tuple[Tensor, ...]:
    """Outputs and states from what _core returns one below the other.

    That is [batch, steps + states, units], or [rows + states * batch, units] of packed sequences.
    """
    if return_sequences and offsets is not None:
        batch = np.shape(offsets)[0] - 1
        begins = [len(found) - (states - state) * batch for state in range(states)]
        return (found[: begins[0]], *(found[begin : begin + batch] for begin in begins))
    last = tuple(found[:, found.shape[1] - states + state] for state in range(states))
    return (found[:, : found.shape[1] - states] if return_sequences else last[0], *last)
