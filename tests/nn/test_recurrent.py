"""Recurrent layers and the layers around them, against the formulas of tests/cases/recurrent.py."""

import numpy as np
import pytest
from tests.cases import recurrent as cases

import likewise as lw
from likewise import functional as F
from likewise import nn

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 6, 3)).astype(np.float32)
MASK = np.array(
    [[1, 1, 1, 1, 1, 1], [1, 1, 0, 1, 0, 0], [0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]],
    dtype=bool,
)
KINDS = {
    "SimpleRNN": (nn.SimpleRNN, cases.simple_cell, 1),
    "GRU": (nn.GRU, cases.gru_cell, 1),
    "GRU, reset first": (lambda units, **options: nn.GRU(units, reset_after=False, **options), None, 1),
    "LSTM": (nn.LSTM, cases.lstm_cell, 2),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def formula(kind, layer, x, mask=None, initial=None, activation="tanh"):
    """Outputs [batch, steps, units] and last states in float64."""
    cell = KINDS[kind][1] or cases.gru_reset_first_cell
    weights = [weight.astype(np.float64) for weight in layer.get_weights()]
    states = initial or [np.zeros((len(x), layer.units))] * KINDS[kind][2]
    return cases.reference(cell, x.astype(np.float64), *weights, *states, counts=mask, f=cases.FUNCTIONS[activation])


@each_kind
@pytest.mark.parametrize("mask", [None, MASK], ids=["every step", "a mask"])
def test_outputs_and_states_are_those_of_the_formula(kind, mask):
    layer = KINDS[kind][0](5, return_sequences=True, return_state=True, bias_initializer="normal")
    outputs, *states = layer(X, mask=mask)
    want, want_states = formula(kind, layer, X, mask)
    np.testing.assert_allclose(outputs, want, atol=2e-6)
    for state, want_state in zip(states, want_states, strict=True):
        np.testing.assert_allclose(state, want_state, atol=2e-6)


@each_kind
def test_the_last_output_from_an_initial_state(kind):
    layer = KINDS[kind][0](5)
    initial = [RNG.normal(size=(4, 5)) for _ in range(KINDS[kind][2])]
    last = layer(X, initial_state=initial)
    np.testing.assert_allclose(last, formula(kind, layer, X, initial=initial)[1][0], atol=2e-6)


@each_kind
def test_backwards_is_the_reversed_sequence(kind):
    layer = KINDS[kind][0](5, return_sequences=True, go_backwards=True)
    outputs = layer(X, mask=MASK)
    want, _ = formula(kind, layer, X[:, ::-1], MASK[:, ::-1])
    np.testing.assert_allclose(outputs, want, atol=2e-6)


@each_kind
def test_stateful_layers_go_on_until_they_are_reset(kind):
    layer = KINDS[kind][0](5, stateful=True)
    layer(X[:, :2])
    in_parts = np.asarray(layer(X[:, 2:]))
    layer.reset_states()
    np.testing.assert_allclose(layer(X), in_parts, atol=1e-6)
    with pytest.raises(ValueError, match="the states kept are of 4 sequences, the inputs have 3: reset_states first"):
        layer(X[:3])


def test_weights_are_those_of_keras():
    for layer, shapes in (
        (nn.SimpleRNN(5), [(3, 5), (5, 5), (5,)]),
        (nn.GRU(5), [(3, 15), (5, 15), (2, 15)]),
        (nn.GRU(5, reset_after=False), [(3, 15), (5, 15), (15,)]),
        (nn.GRU(5, use_bias=False), [(3, 15), (5, 15)]),
        (nn.LSTM(5), [(3, 20), (5, 20), (20,)]),
    ):
        layer(X)
        assert [weight.shape for weight in layer.get_weights()] == shapes
    recurrent = layer.get_weights()[1]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(5), atol=1e-5)  # orthogonal
    np.testing.assert_array_equal(layer.get_weights()[2], [0] * 5 + [1] * 5 + [0] * 10)
    plain = nn.LSTM(5, unit_forget_bias=False)
    plain(X)
    assert not plain.get_weights()[2].any()


def test_other_activations_by_name_or_function():
    layer = nn.SimpleRNN(4, activation=F.softsign, return_sequences=True)
    outputs = layer(X)
    np.testing.assert_allclose(outputs, formula("SimpleRNN", layer, X, activation="softsign")[0], atol=2e-6)
    linear = nn.SimpleRNN(4, activation=None, return_sequences=True)
    outputs = linear(X)
    np.testing.assert_allclose(outputs, formula("SimpleRNN", linear, X, activation="linear")[0], atol=2e-5)


def test_dropout_drops_the_same_inputs_at_every_step():
    layer = nn.SimpleRNN(
        3,
        activation="linear",
        kernel_initializer="identity",
        recurrent_initializer="zeros",
        dropout=0.5,
        seed=1,
        return_sequences=True,
    )
    ones = np.ones((50, 4, 3), dtype=np.float32)
    outputs = np.asarray(layer(ones, training=True))
    assert set(np.unique(outputs)) == {0.0, 2.0}
    assert (outputs == outputs[:, :1]).all()
    np.testing.assert_array_equal(layer(ones), ones)


def test_recurrent_dropout_drops_the_same_parts_of_the_state_at_every_step():
    layer = nn.SimpleRNN(
        3,
        activation="linear",
        kernel_initializer="ones",
        recurrent_initializer="identity",
        recurrent_dropout=0.5,
        seed=1,
        return_sequences=True,
    )
    ones = np.ones((50, 4, 1), dtype=np.float32)
    outputs = np.asarray(layer(ones, training=True))  # h' = 1 + m h
    factors = outputs[:, 1] - 1
    assert set(np.unique(factors)) == {0.0, 2.0}
    np.testing.assert_array_equal(outputs[:, 3], 1 + factors * (1 + factors * (1 + factors)))
    np.testing.assert_array_equal(layer(ones)[:, 3], np.full((50, 3), 4.0))


@pytest.mark.parametrize("kind", [nn.SimpleRNN, nn.GRU, nn.LSTM])
def test_packed_sequences_are_padded_ones_without_padding(kind):
    lengths = np.array([7, 0, 3, 5])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    there = np.arange(7) < lengths[:, None]
    x = np.random.default_rng(3).normal(size=(4, 7, 3)).astype(np.float32)

    class Network(nn.Model):  # so that both layers stand at the same place, and draw alike
        def __init__(self):
            self.layer = kind(5, return_sequences=True, return_state=True, dropout=0.4, recurrent_dropout=0.4)

        def call(self, x, **options):
            return self.layer(x, **options)

    padded, packed = Network(), Network()
    for training in (False, True):
        outputs, *states = padded(x, mask=there, training=training)
        if not packed.built:
            packed(x[there], offsets=offsets)
            packed.set_weights(padded.get_weights())
        found, *found_states = packed(x[there], offsets=offsets, training=training)
        np.testing.assert_array_equal(found, np.asarray(outputs)[there])
        for ours, theirs in zip(found_states, states, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_single_steps_are_bits_of_the_sequence():
    layer = nn.GRU(16, return_sequences=True)
    outputs = np.asarray(layer(X))
    state = np.zeros((4, 16), dtype=np.float32)
    for t in range(X.shape[1]):
        state = F.gru(X[:, t], layer.kernel, layer.recurrent_kernel, layer.bias, state)
        np.testing.assert_array_equal(state, outputs[:, t])


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("sequences", [True, False])
def test_bidirectional_merges_both_directions(mode, sequences):
    layer = nn.Bidirectional(nn.GRU(5, return_sequences=sequences), merge_mode=mode)
    outputs = layer(X, mask=MASK)
    ahead, _ = formula("GRU", layer.forward_layer, X, MASK)
    back, _ = formula("GRU", layer.backward_layer, X[:, ::-1], MASK[:, ::-1])
    ahead, back = (ahead, back[:, ::-1]) if sequences else (ahead[:, -1], back[:, -1])
    if mode is None:
        np.testing.assert_allclose(outputs[0], ahead, atol=2e-6)
        np.testing.assert_allclose(outputs[1], back, atol=2e-6)
        return
    merged = {
        "concat": np.concatenate([ahead, back], -1),
        "sum": ahead + back,
        "mul": ahead * back,
        "ave": (ahead + back) / 2,
    }
    np.testing.assert_allclose(outputs, merged[mode], atol=2e-6)


def test_bidirectional_returns_the_states_of_both():
    layer = nn.Bidirectional(nn.LSTM(5, return_state=True))
    outputs, *states = layer(X)
    assert [state.shape for state in states] == [(4, 5)] * 4
    np.testing.assert_array_equal(outputs, np.concatenate([states[0], states[2]], 1))
    again = layer(X, initial_state=states)[0]
    want, _ = formula("LSTM", layer.forward_layer, X, initial=[np.asarray(state) for state in states[:2]])
    np.testing.assert_allclose(np.asarray(again)[:, :5], want[:, -1], atol=2e-6)


def test_directions_begin_with_weights_of_their_own():
    layer = nn.Bidirectional(nn.GRU(5))
    layer(X)
    kernels = [weight for path, weight in layer.named_weights().items() if path.endswith("/kernel")]
    assert len(kernels) == 2
    assert not np.array_equal(kernels[0], kernels[1])


def test_time_distributed_applies_the_layer_to_every_step():
    layer = nn.TimeDistributed(nn.Dense(2))
    outputs = layer(X)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(outputs, X @ kernel + bias, atol=1e-6)
    images = nn.TimeDistributed(nn.Flatten())(np.zeros((2, 3, 4, 5), dtype=np.float32))
    assert images.shape == (2, 3, 20)


def test_masking_marks_steps_and_the_layers_behind_leave_them_out():
    x = np.where(MASK[..., None], X, np.float32(7))
    network = nn.Sequential(
        [nn.Masking(mask_value=7), nn.Dropout(0.5), nn.Dense(3, activation="tanh"), nn.GRU(5, return_sequences=True)]
    )
    outputs = network(x)
    _, _, dense, gru = network.layers
    kernel, bias = dense.get_weights()
    want, _ = formula("GRU", gru, np.tanh(np.where(MASK[..., None], x, 0) @ kernel + bias), MASK)
    np.testing.assert_allclose(outputs, want, atol=2e-6)


def test_masks_pass_through_layers_in_a_row_and_around_others():
    ids = np.array([[3, 1, 2, 0, 0], [1, 0, 0, 0, 0]])
    network = nn.Sequential(
        [
            nn.Embedding(5, 3, mask_zero=True),
            nn.Bidirectional(nn.GRU(4, return_sequences=True)),
            nn.TimeDistributed(nn.Dense(3)),
            nn.LSTM(4),
        ]
    )
    whole = np.asarray(network(ids))
    np.testing.assert_allclose(whole[:1], network(ids[:1, :3]), atol=1e-6)
    np.testing.assert_allclose(whole[1:], network(ids[1:, :1]), atol=1e-6)


def test_a_mask_does_not_outlive_its_call():
    embedding, layer = nn.Embedding(5, 3, mask_zero=True), nn.GRU(4)
    rows = embedding(np.array([[1, 0]]))
    np.testing.assert_array_equal(layer(rows), layer(rows, mask=np.ones((1, 2), dtype=bool)))


def test_layers_of_users_may_take_and_make_masks():
    class Counting(nn.Layer):
        def call(self, inputs, mask=None):
            return F.sum(np.zeros_like(inputs) if mask is None else np.asarray(mask, dtype=np.float32), 1)

    counts = nn.Sequential([nn.Embedding(9, 2, mask_zero=True), Counting()])(np.array([[1, 2, 0], [3, 0, 0]]))
    np.testing.assert_array_equal(counts, [2, 1])


@each_kind
def test_a_network_learns_saves_and_loads(kind, tmp_path):
    # Was the first number of the sequence positive?
    x = np.random.default_rng(5).normal(size=(256, 8, 1)).astype(np.float32)
    y = (x[:, 0, 0] > 0).astype(np.float32)

    def network():
        network = nn.Sequential([nn.Input((8, 1)), KINDS[kind][0](16), nn.Dense(1, activation="sigmoid")])
        network.compile(lw.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
        return network

    trained = network()
    trained.fit(x, y, epochs=40, verbose=0)
    assert trained.evaluate(x, y, return_dict=True)["accuracy"] > 0.9
    trained.save_weights(tmp_path / "weights.safetensors")
    other = network()
    other.load_weights(tmp_path / "weights.safetensors")
    np.testing.assert_array_equal(trained.predict(x), other.predict(x))


def test_summary_shows_shapes_and_counts():
    network = nn.Sequential(
        [nn.Input((6, 3)), nn.Bidirectional(nn.LSTM(4, return_sequences=True)), nn.GRU(5), nn.Dense(1)]
    )
    lines = []
    network.summary(print_fn=lines.append)
    assert "(None, 6, 8)" in lines[0]
    assert f"{2 * 4 * 4 * (3 + 4 + 1):,}" in lines[0]
    assert f"{3 * 5 * (8 + 5 + 2):,}" in lines[0]


def test_training_repeats_at_any_number_of_threads(same_bits):
    x = np.random.default_rng(6).normal(size=(40, 7, 3)).astype(np.float32)
    y = np.arange(40) % 2

    def run():
        network = nn.Sequential([nn.Input((7, 3)), nn.GRU(9, dropout=0.2), nn.Dense(2)])
        network.seed = 4
        network.compile("adam", nn.losses.SparseCategoricalCrossentropy(from_logits=True))
        network.fit(x, y, epochs=2, verbose=0)
        return network.predict(x)

    same_bits(run)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.GRU(0), ValueError, "GRU: units must be a positive integer, got 0"),
        (
            lambda: nn.GRU(3)(np.zeros((5, 2)), offsets=[0, 6]),
            ValueError,
            r"gru: offsets must go from 0 to 5, the rows of x, got 0 to 6",
        ),
        (
            lambda: nn.GRU(3, go_backwards=True)(np.zeros((5, 2)), offsets=[0, 5]),
            ValueError,
            r"GRU: go_backwards takes \[batch, steps, inputs\], got offsets",
        ),
        (lambda: nn.GRU(3, dropout=1), ValueError, r"GRU: dropout must lie in \[0, 1\), got 1"),
        (
            lambda: nn.LSTM(3, recurrent_dropout=1.2),
            ValueError,
            r"LSTM: recurrent_dropout must lie in \[0, 1\), got 1.2",
        ),
        (
            lambda: nn.GRU(3, activation="gelu"),
            ValueError,
            "GRU: activation must be one whose slope follows from its value, got 'gelu'",
        ),
        (lambda: nn.LSTM(3, recurrent_activation=np.tanh), ValueError, "LSTM: recurrent_activation must be one whose"),
        (lambda: nn.SimpleRNN(3, activation="tan"), ValueError, "activation: must be one of linear, relu,.*got 'tan'"),
        (lambda: nn.GRU(3)(X[0]), ValueError, r"GRU: takes \[batch, steps, inputs\], got shape \(6, 3\)"),
        (lambda: nn.LSTM(3)(X, initial_state=X[:, 0]), ValueError, "LSTM: initial_state must hold 2 states, got 1"),
        (
            lambda: nn.GRU(3)(X, mask=MASK[:, :5]),
            ValueError,
            r"gru: mask must have shape \(4, 6\), got \(4, 5\)",
        ),
        (lambda: nn.GRU(3, kernel_constraint=abs), ValueError, "GRU: kernel_constraint is not supported"),
        (
            lambda: nn.Bidirectional(nn.Dense(3)),
            TypeError,
            "Bidirectional: layer must be a recurrent layer, got <Dense",
        ),
        (
            lambda: nn.Bidirectional(nn.GRU(3), merge_mode="max"),
            ValueError,
            "Bidirectional: merge_mode must be one of concat, sum, mul, ave, None; got 'max'",
        ),
        (
            lambda: nn.Bidirectional(nn.GRU(3), backward_layer=nn.GRU(3)),
            ValueError,
            "Bidirectional: one of the layers must go backwards, both have False",
        ),
        (
            lambda: nn.Bidirectional(nn.LSTM(3))(X, initial_state=[X[:, 0]]),
            ValueError,
            "Bidirectional: initial_state must hold 4 states, got 1",
        ),
        (lambda: nn.TimeDistributed(3), TypeError, "TimeDistributed: takes a layer, got 3"),
        (
            lambda: nn.TimeDistributed(nn.Dense(3))(X[0, 0]),
            ValueError,
            r"TimeDistributed: takes \[batch, steps, ...\], got shape \(3,\)",
        ),
        (lambda: nn.Masking("a"), ValueError, "Masking: mask_value must be a number, got 'a'"),
    ],
)
def test_errors_name_the_argument(make, error, message):
    with pytest.raises(error, match=message):
        make()
