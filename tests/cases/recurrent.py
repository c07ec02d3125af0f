"""Recurrent layers."""

import numpy as np
from tests.cases import Error, Operation, normal

from likewise import functional as F


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FUNCTIONS = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "linear": lambda x: x,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
}


def simple_cell(x, states, kernel, recurrent, bias, f, s):
    return (f(x @ kernel + states[0] @ recurrent + bias),)


def gru_cell(x, states, kernel, recurrent, bias, f, s):
    (h,) = states
    units = h.shape[1]
    ours, theirs = x @ kernel + bias[0], h @ recurrent + bias[1]
    z, r = (s(ours[:, g * units : (g + 1) * units] + theirs[:, g * units : (g + 1) * units]) for g in (0, 1))
    n = f(ours[:, 2 * units :] + r * theirs[:, 2 * units :])
    return (z * h + (1 - z) * n,)


def gru_reset_first_cell(x, states, kernel, recurrent, bias, f, s):
    (h,) = states
    units = h.shape[1]
    ours = x @ kernel + bias
    z, r = (s(ours[:, g * units : (g + 1) * units] + h @ recurrent[:, g * units : (g + 1) * units]) for g in (0, 1))
    n = f(ours[:, 2 * units :] + (r * h) @ recurrent[:, 2 * units :])
    return (z * h + (1 - z) * n,)


def lstm_cell(x, states, kernel, recurrent, bias, f, s):
    h, c = states
    i, forget, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    c = s(forget) * c + s(i) * f(g)
    return s(o) * f(c), c


def reference(cell, x, kernel, recurrent, bias, *states, counts=None, scale=1.0, f=np.tanh, s=sigmoid):
    """Step by step, each from scale * h; outputs [batch, steps, units], and the last states."""
    batch, steps, _ = x.shape
    counts = np.ones((batch, steps), dtype=bool) if counts is None else counts
    output, outputs = np.zeros_like(states[0]), []
    for t in range(steps):
        before = states[0] * scale, *states[1:]
        new, now = cell(x[:, t], before, kernel, recurrent, bias, f, s), counts[:, t, None]
        output = np.where(now, new[0], output)
        states = tuple(np.where(now, one, old) for one, old in zip(new, states, strict=True))
        outputs.append(output)
    return np.stack(outputs, axis=1) if outputs else np.zeros((batch, 0, states[0].shape[1])), states


# Batch, steps, inputs, units: around blocks of 16 sequences, tiles of 6 rows and panels of 16 columns, products packed
# and not, and more steps than are collected for one product.
SIZES = [
    (0, 3, 2, 3),
    (2, 0, 3, 2),
    (1, 1, 1, 1),
    (3, 4, 5, 1),
    (1, 9, 3, 7),
    (5, 2, 4, 16),
    (2, 5, 17, 15),
    (6, 3, 8, 17),
    (16, 5, 3, 9),
    (17, 12, 6, 8),
    (33, 4, 7, 33),
    (150, 3, 5, 6),
]
KINDS = {
    "simple_rnn": (simple_cell, 1, 1),
    "gru": (gru_cell, 3, 1),
    "gru reset first": (gru_reset_first_cell, 3, 1),
    "lstm": (lstm_cell, 4, 2),
}


def scaled(rng, shape):
    """Weights and states that leave activations their slope."""
    return normal(rng, shape) * np.float32(0.4)


def lengths_of(batch, steps):
    return np.random.default_rng(batch).integers(0, steps + 1, size=batch)


def gaps_of(batch, steps):
    return np.random.default_rng(batch + 1).random((batch, steps)) < 0.6


def scale_of(batch, units):
    return np.random.default_rng(units).choice(np.float32([0, 0.5, 2]), size=(batch, units))


def ours(kind, x, kernel, recurrent, bias, *states, **options):
    if kind == "lstm":
        return F.lstm(x, kernel, recurrent, bias, states, **options)
    if kind == "simple_rnn":
        return F.simple_rnn(x, kernel, recurrent, bias, *states, **options)
    return F.gru(x, kernel, recurrent, bias, *states, reset_after=kind == "gru", **options)


def operation(kind, what, select, counted=None, scaled_state=False, functions=None, torch=None, errors=(), **options):
    """One setting of a kind; ``select(outputs, states)`` is what the reference gives, ``select`` of ours the same."""
    cell, gates, states = KINDS[kind]
    functions = functions or {}

    def keywords(x, units):
        batch, steps = x.shape[0], x.shape[1]
        scale = {"state_scale": scale_of(batch, units)} if scaled_state else {}
        if counted == "lengths":
            return scale | {"lengths": lengths_of(batch, steps)}
        if counted == "offsets":
            return scale | {"offsets": np.concatenate([[0], np.cumsum(lengths_of(batch, steps))])}
        return scale | ({"mask": gaps_of(batch, steps)} if counted == "mask" else {})

    def counts(x):
        batch, steps = x.shape[0], x.shape[1]
        if counted in ("lengths", "offsets"):
            return np.arange(steps) < lengths_of(batch, steps)[:, None]
        return gaps_of(batch, steps) if counted == "mask" else None

    def call(x, kernel, recurrent, *rest):
        given = keywords(x, recurrent.shape[0])
        rows = F.embedding(F.reshape(x, (-1, x.shape[-1])), np.flatnonzero(counts(x))) if counted == "offsets" else x
        found = ours(kind, rows, kernel, recurrent, *rest, **given, **functions, **options)
        if select is all_packed:
            return F.concatenate(list(found), 0)
        return F.concatenate([F.reshape(part, (x.shape[0], -1)) for part in found], 1) if select is all_of else found

    def in_numpy(x, kernel, recurrent, *rest):
        f = FUNCTIONS[functions.get("activation", "tanh")]
        s = FUNCTIONS[functions.get("recurrent_activation", "sigmoid")]
        scale = scale_of(len(x), len(recurrent)) if scaled_state else 1.0
        outputs, last = reference(cell, x, kernel, recurrent, *rest, counts=counts(x), scale=scale, f=f, s=s)
        return select(outputs[counts(x)] if counted == "offsets" else outputs, last)

    def shapes(batch, steps, inputs, units):
        bias = (2, gates * units) if kind == "gru" else (gates * units,)
        return (batch, steps, inputs), (inputs, gates * units), (units, gates * units), bias, *[(batch, units)] * states

    return Operation(
        f"{kind}, {what}",
        call,
        in_numpy,
        [shapes(*size) for size in SIZES if not (select is all_of and size[0] == 0)],
        draws=(normal, *[scaled] * (3 + states)),
        torch=torch,
        errors=errors,
        tolerance=4e-6,
        flops=lambda x, kernel, recurrent, *rest: 2 * x[0] * x[1] * (x[2] + recurrent[0]) * recurrent[1],
    )


def outputs_of(outputs, states):
    return outputs


def last_of(outputs, states):
    return states[0]


def all_of(outputs, states):
    return np.concatenate([part.reshape(len(outputs), -1) for part in (outputs, *states)], axis=1)


def all_packed(outputs, states):
    """Outputs of packed sequences, and the states below."""
    return np.concatenate([outputs, *states])


def in_torch(kind):
    """PyTorch's layer, its gates in Keras' order."""

    def call(x, kernel, recurrent, bias, *states):
        import torch

        units = recurrent.shape[0]
        order = {"simple_rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 1, 2, 3)}[kind]

        def turned(weight):
            return torch.cat([weight[..., g * units : (g + 1) * units] for g in order], -1).movedim(-1, 0)

        of_x, of_h = (bias[0], bias[1]) if kind == "gru" else (bias, torch.zeros_like(bias))
        layer = {"simple_rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind]
        layer = layer(x.shape[2], units, batch_first=True)
        weights = {
            "weight_ih_l0": turned(kernel),
            "weight_hh_l0": turned(recurrent),
            "bias_ih_l0": turned(of_x),
            "bias_hh_l0": turned(of_h),
        }
        if x.shape[0] == 0 or x.shape[1] == 0:  # which PyTorch refuses
            return sum(0 * torch.sum(each) for each in (x, kernel, recurrent, bias, *states)) + torch.zeros(
                (*x.shape[:2], units)
            )
        first = tuple(state[None] for state in states)
        return torch.func.functional_call(layer, weights, (x, first if kind == "lstm" else first[0]))[0]

    return call


def weights(inputs, units, gates, two_biases=False):
    bias = zeros(2, gates * units) if two_biases else zeros(gates * units)
    return zeros(inputs, gates * units), zeros(units, gates * units), bias


ERRORS = {
    "simple_rnn": [
        Error(
            lambda: F.simple_rnn(zeros(2), *weights(3, 4, 1)),
            ValueError,
            "simple_rnn: x must have shape (batch, steps, inputs), got (2,)",
        ),
        Error(
            lambda: F.simple_rnn(zeros(2, 5, 6), *weights(3, 4, 1)),
            ValueError,
            "simple_rnn: kernel takes 3 features, x has 6",
        ),
        Error(
            lambda: F.simple_rnn(zeros(2, 5, 3), *weights(3, 4, 1), activation="silu"),
            ValueError,
            "simple_rnn: activation silu is not supported here: its slope does not follow from its value",
        ),
        Error(
            lambda: F.simple_rnn(zeros(2, 5, 3), *weights(3, 4, 1), offsets=[0, 2]),
            ValueError,
            "simple_rnn: offsets are of (rows, inputs), x has shape (2, 5, 3)",
        ),
        Error(
            lambda: F.simple_rnn(zeros(5, 3), *weights(3, 4, 1), offsets=[0, 2, 4]),
            ValueError,
            "simple_rnn: offsets must go from 0 to 5, the rows of x, got 0 to 4",
        ),
        Error(
            lambda: F.simple_rnn(zeros(5, 3), *weights(3, 4, 1), offsets=[0, 4, 3, 5]),
            ValueError,
            "simple_rnn: offsets must not decrease, got 3 after 4",
        ),
        Error(
            lambda: F.simple_rnn(zeros(5, 3), *weights(3, 4, 1), offsets=[0, 5], lengths=[3]),
            ValueError,
            "simple_rnn: lengths and mask are of (batch, steps, inputs), x has offsets and shape (5, 3)",
        ),
        Error(
            lambda: F.simple_rnn(zeros(2, 5, 3), *weights(3, 4, 1), state_scale=zeros(2, 3)),
            ValueError,
            "simple_rnn: state_scale must have shape (2, 4), got (2, 3)",
        ),
        Error(
            lambda: F.simple_rnn(zeros(2, 5, 3), *weights(3, 4, 1), lengths=[1.5, 2]),
            TypeError,
            "simple_rnn: lengths must be integers, got float32",
        ),
    ],
    "gru": [
        Error(
            lambda: F.gru(zeros(2, 5, 3), zeros(3, 10), zeros(3, 10)),
            ValueError,
            "gru: kernel must have shape (inputs, 3 * units), got (3, 10)",
        ),
        Error(
            lambda: F.gru(zeros(2, 5, 3), zeros(3, 12), zeros(5, 12)),
            ValueError,
            "gru: recurrent_kernel must have shape (4, 12), got (5, 12)",
        ),
        Error(
            lambda: F.gru(zeros(2, 5, 3), *weights(3, 4, 3)),
            ValueError,
            "gru: bias must have shape (2, 12), got (12,)",
        ),
        Error(
            lambda: F.gru(zeros(2, 5, 3), *weights(3, 4, 3, True), mask=np.ones((2, 4), dtype=bool)),
            ValueError,
            "gru: mask must have shape (2, 5), got (2, 4)",
        ),
        Error(
            lambda: F.gru(zeros(2, 5, 3), *weights(3, 4, 3, True), mask=np.ones((2, 5), dtype=bool), lengths=[1, 2]),
            ValueError,
            "gru: lengths and mask say the same: give one of them",
        ),
    ],
    "gru reset first": [
        Error(
            lambda: F.gru(zeros(2, 5, 3), *weights(3, 4, 3, True), reset_after=False),
            ValueError,
            "gru: bias must have shape (12,), got (2, 12)",
        ),
    ],
    "lstm": [
        Error(
            lambda: F.lstm(zeros(2, 5, 3), *weights(3, 4, 4), (zeros(2, 4), zeros(2, 3))),
            ValueError,
            "lstm: initial_state must have shape (2, 4), got (2, 3)",
        ),
        Error(
            lambda: F.lstm(zeros(2, 5, 3), *weights(3, 4, 4), lengths=[1, 2, 3]),
            ValueError,
            "lstm: lengths must have shape (2,), got (3,)",
        ),
        Error(
            lambda: F.lstm(zeros(2, 5, 3), *weights(3, 4, 4), lengths=[1, 6]),
            ValueError,
            "lstm: lengths must lie in 0 to 5, the steps of x, got 6",
        ),
        Error(
            lambda: F.lstm(zeros(2, 5, 3), *weights(3, 4, 4), mask=zeros(2, 5)),
            TypeError,
            "lstm: mask must be of bool, got float32",
        ),
    ],
}

OPERATIONS = [
    one
    for kind in KINDS
    for one in (
        operation(
            kind,
            "all steps",
            outputs_of,
            torch=None if kind == "gru reset first" else in_torch(kind),
            errors=ERRORS[kind],
            return_sequences=True,
        ),
        operation(kind, "the last step", last_of),
        operation(kind, "lengths", outputs_of, "lengths", return_sequences=True),
        operation(kind, "the last step of lengths", last_of, "lengths"),
        operation(kind, "gaps, outputs and states", all_of, "mask", return_sequences=True, return_state=True),
        operation(kind, "packed, outputs and states", all_packed, "offsets", return_sequences=True, return_state=True),
        operation(kind, "the last step of packed ones", last_of, "offsets"),
        operation(kind, "a state scaled", outputs_of, "mask", scaled_state=True, return_sequences=True),
        operation(
            kind,
            "other activations",
            outputs_of,
            functions={"activation": "softsign"}
            | ({} if kind == "simple_rnn" else {"recurrent_activation": "hard_sigmoid"}),
            return_sequences=True,
        ),
    )
]
