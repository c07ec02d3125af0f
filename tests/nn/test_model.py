"""Models: compile, fit, evaluate, predict, summary, weights in files."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn

generator = np.random.Generator(np.random.Philox(key=11))
X = generator.standard_normal((60, 4)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
CLASSES = np.argmax(X[:, :3], axis=1)
VALUES = X @ np.array([1.0, -2.0, 0.5, 0.0], dtype=np.float32)


def network(outputs=1, activation=None, **compiled):
    model = nn.Sequential([nn.Dense(16, activation="tanh"), nn.Dense(outputs, activation=activation)])
    model.compile(optimizer=lw.optimizers.Adam(0.03), **compiled)
    return model


@pytest.mark.parametrize(
    ("outputs", "activation", "loss", "y", "metric", "at_least"),
    [
        (1, "sigmoid", "binary_crossentropy", LABELS, "accuracy", 1.0),
        (1, None, nn.losses.BinaryCrossentropy(from_logits=True), LABELS[:, None], "auc", 1.0),
        (3, "softmax", "sparse_categorical_crossentropy", CLASSES, "accuracy", 1.0),
        (3, None, nn.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES[:, None], "accuracy", 1.0),
        (3, "softmax", "categorical_crossentropy", np.eye(3)[CLASSES], "accuracy", 1.0),
        (1, None, "mse", VALUES, "mae", None),
        (1, None, "mae", VALUES[:, None], "mse", None),
    ],
)
def test_a_small_network_learns_its_rows_by_heart(outputs, activation, loss, y, metric, at_least):
    model = network(outputs, activation, loss=loss, metrics=[metric])
    history = model.fit(X, y, epochs=120, batch_size=20, verbose=0)
    assert list(history.history) == ["loss", metric]
    assert len(history.history["loss"]) == 120
    values = model.evaluate(X, y, return_dict=True)
    assert model.evaluate(X, y) == [values["loss"], values[metric]]
    assert values[metric] >= at_least if at_least is not None else values[metric] < 0.2
    assert model.predict(X).shape == (60, outputs)


def test_the_loss_of_an_epoch_is_the_mean_over_rows_and_validation_is_apart():
    model = network(loss="mse", metrics=["mse", "mae"])
    history = model.fit(
        X[:50], VALUES[:50], epochs=2, batch_size=16, validation_data=(X[50:], VALUES[50:]), verbose=0
    ).history
    assert list(history) == ["loss", "mse", "mae", "val_loss", "val_mse", "val_mae"]
    np.testing.assert_allclose(history["loss"], history["mse"], rtol=1e-5)
    residual = model.predict(X[50:]).ravel() - VALUES[50:]
    assert history["val_loss"][-1] == pytest.approx(np.mean(residual**2), rel=1e-5)
    assert history["val_mae"][-1] == pytest.approx(np.mean(np.abs(residual)), rel=1e-5)


def test_validation_split_takes_the_last_rows():
    split, given = network(loss="mse"), network(loss="mse")
    a = split.fit(X, VALUES, epochs=2, validation_split=0.25, verbose=0).history
    b = given.fit(X[:45], VALUES[:45], epochs=2, validation_data=(X[45:], VALUES[45:]), verbose=0).history
    assert a == b


def test_a_sample_weight_of_two_is_the_row_twice():
    weighted, twice = network(loss="mse"), network(loss="mse")
    weights = np.where(LABELS == 1, 2.0, 1.0)
    rows = np.repeat(np.arange(60), 1 + LABELS)
    value = weighted.evaluate(X, VALUES, sample_weight=weights) * 60 / len(rows)
    assert value == pytest.approx(twice.evaluate(X[rows], VALUES[rows]), rel=1e-5)


def test_class_weights_move_a_network_toward_the_rare_class():
    rare = np.zeros(60, dtype=np.int64)
    rare[:6] = 1
    noise = generator.standard_normal((60, 2)).astype(np.float32) * 0.01
    plain, weighted = (
        network(1, "sigmoid", loss="binary_crossentropy"),
        network(1, "sigmoid", loss="binary_crossentropy"),
    )
    plain.fit(noise, rare, epochs=100, batch_size=60, verbose=0)
    weighted.fit(noise, rare, epochs=100, batch_size=60, class_weight={0: 1.0, 1: 9.0}, verbose=0)
    assert plain.predict(noise).mean() == pytest.approx(0.1, abs=0.06)
    assert weighted.predict(noise).mean() == pytest.approx(0.5, abs=0.1)


def test_class_weights_are_sample_weights_by_class():
    by_class, by_row = network(3, None, loss=nn.losses.SparseCategoricalCrossentropy(True)), None
    by_row = network(3, None, loss=nn.losses.SparseCategoricalCrossentropy(True))
    weights = np.array([1.0, 3.0, 0.5])
    by_class.fit(X, CLASSES, epochs=2, class_weight={1: 3.0, 2: 0.5}, verbose=0)
    by_row.fit(X, CLASSES, epochs=2, sample_weight=weights[CLASSES], verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(by_class.get_weights(), by_row.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("regularizer", "penalty"),
    [
        ("l2", lambda w: 0.01 * (w**2).sum()),
        ("l1", lambda w: 0.01 * np.abs(w).sum()),
        (nn.regularizers.L1L2(0.1, 0.2), lambda w: 0.1 * np.abs(w).sum() + 0.2 * (w**2).sum()),
        (nn.regularizers.L1L2(), lambda w: 0.0),
    ],
)
def test_regularizers_add_to_the_loss_and_to_the_gradient(regularizer, penalty):
    plain = nn.Sequential([nn.Dense(1)])
    regular = nn.Sequential([nn.Dense(1, kernel_regularizer=regularizer)])
    for model in (plain, regular):
        model.compile(optimizer=lw.optimizers.SGD(0.1), loss="mse")
    difference = regular.evaluate(X, VALUES) - plain.evaluate(X, VALUES)
    kernel = plain.get_weights()[0]
    assert difference == pytest.approx(penalty(kernel), abs=1e-5)
    for model in (plain, regular):
        model.fit(X, VALUES, epochs=1, batch_size=60, verbose=0)
    step = regular.get_weights()[0] - plain.get_weights()[0]
    slope = [(penalty(kernel + 1e-3 * e) - penalty(kernel - 1e-3 * e)) / 2e-3 for e in np.eye(4)[:, :, None]]
    np.testing.assert_allclose(step.ravel(), -0.1 * np.array(slope), atol=1e-4)


def test_a_network_with_a_loss_of_its_own_needs_no_targets():
    class Autoencoder(nn.Model):
        def __init__(self):
            self.code, self.out = nn.Dense(3, activation="tanh"), nn.Dense(4)

        def call(self, inputs):
            return self.out(self.code(inputs))

        def loss(self, batch):
            return lw.functional.mean_squared_error(self(batch.x), batch.x)

    model = Autoencoder()
    model.compile(optimizer=lw.optimizers.Adam(0.01))
    losses = model.fit(X, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0]


def test_several_inputs_come_as_a_list_or_a_dict():
    class Sum(nn.Model):
        def __init__(self):
            self.a, self.b = nn.Dense(1), nn.Dense(1)

        def call(self, inputs):
            first, second = inputs.values() if isinstance(inputs, dict) else inputs
            return self.a(first) + self.b(second)

    results = []
    for x in ([X, X[:, :2]], {"one": X, "two": X[:, :2]}):
        model = Sum()
        model.compile(optimizer="sgd", loss="mse")
        results.append(model.fit(x, VALUES, epochs=3, verbose=0).history["loss"])
        assert model.predict(x).shape == (60, 1)
    assert results[0] == results[1]


def test_a_function_serves_as_loss_and_as_metric():
    def squares(y_true, y_pred):
        return lw.functional.square(y_pred - y_true)

    def largest(y_true, y_pred):
        return np.abs(y_true - y_pred).max()

    own, known = network(loss=squares, metrics=[largest]), network(loss="mse")
    a = own.fit(X, VALUES[:, None], epochs=2, verbose=0).history
    assert a["loss"] == pytest.approx(known.fit(X, VALUES, epochs=2, verbose=0).history["loss"], rel=1e-5)
    assert list(a) == ["loss", "largest"]


def test_the_same_seed_gives_the_same_bits_at_any_number_of_threads():
    results = []
    before = lw.get_num_threads()
    try:
        for threads in (1, 2, 4):
            lw.set_num_threads(threads)
            model = nn.Sequential([nn.Dense(64, activation="relu"), nn.Dropout(0.3), nn.Dense(3)])
            model.seed = 5
            model.compile(optimizer="adam", loss=nn.losses.SparseCategoricalCrossentropy(from_logits=True))
            x = np.tile(X, (20, 20))
            model.fit(x, np.tile(CLASSES, 20), epochs=2, batch_size=256, verbose=0)
            results.append(model.get_weights())
    finally:
        lw.set_num_threads(before)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_second_fit_goes_on_with_new_shuffles():
    model = network(loss="mse")
    model.fit(X, VALUES, epochs=2, verbose=0)
    at_once = network(loss="mse")
    at_once.fit(X, VALUES, epochs=1, verbose=0)
    at_once.fit(X, VALUES, epochs=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), at_once.get_weights(), strict=True))


def test_summary_shows_layers_shapes_and_parameters():
    model = nn.Sequential([nn.Input(shape=(4,)), nn.Dense(16, name="hidden"), nn.Dropout(0.5), nn.Dense(2)])
    model.layers[0].trainable = False
    text = []
    model.summary(print_fn=text.append)
    assert "hidden (Dense)" in text[0]
    assert "(None, 16)" in text[0]
    assert "Parameters: 114 (trained 34, not trained 80)" in text[0]


def test_input_makes_the_weights_at_once():
    model = nn.Sequential([nn.Input(shape=(3,), dtype="int64"), nn.Embedding(5, 2), nn.Flatten(), nn.Dense(1)])
    assert [weight.shape for weight in model.get_weights()] == [(5, 2), (6, 1), (1,)]
    other = nn.Sequential([nn.Embedding(5, 2), nn.Flatten(), nn.Dense(1)])
    other.build((None, 3))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_weights_come_back_from_a_file(tmp_path):
    source = network(loss="mse")
    source.fit(X, VALUES, epochs=1, verbose=0)
    source.save_weights(tmp_path / "weights.safetensors")
    target = network(loss="mse")
    with pytest.raises(ValueError, match="has no weights yet"):
        target.load_weights(tmp_path / "weights.safetensors")
    target.build((None, 4))
    target.load_weights(tmp_path / "weights.safetensors")
    assert np.array_equal(source.predict(X), target.predict(X))


def test_weights_of_another_network_are_refused_by_name_and_change_nothing(tmp_path):
    source, target = network(2, loss="mse"), network(1, loss="mse")
    for model in (source, target):
        model.build((None, 4))
    source.save_weights(tmp_path / "weights.safetensors")
    before = target.get_weights()
    with pytest.raises(ValueError, match=r"'dense_1/kernel' has shape \(16, 2\) in .*, \(16, 1\) here"):
        target.load_weights(tmp_path / "weights.safetensors")
    assert all(np.array_equal(a, b) for a, b in zip(before, target.get_weights(), strict=True))


def test_predict_does_not_depend_on_the_batch_size():
    model = network(loss="mse")
    model.build((None, 4))
    whole = model.predict(X)
    for size in (1, 7, 60):
        np.testing.assert_allclose(model.predict(X, batch_size=size), whole, atol=1e-6)


def test_fit_leaves_the_arrays_alone():
    x, y = X.astype(np.float64), VALUES.astype(np.float64)
    before = x.copy(), y.copy()
    network(loss="mse").fit(x, y, epochs=1, verbose=0)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: nn.Sequential([nn.Dense(1)]).fit(X, VALUES),
            ValueError,
            r"fit: compile\(optimizer, loss\) comes first",
        ),
        (lambda m: m.fit(X, VALUES[:9], verbose=0), ValueError, "y: must have as many rows as x, 60, got 9"),
        (lambda m: m.fit(X, verbose=0), ValueError, "y: must be given"),
        (
            lambda m: m.fit(X, VALUES, sample_weight=np.ones(3), verbose=0),
            ValueError,
            "sample_weight: must have as many",
        ),
        (
            lambda m: m.fit(X, VALUES, batch_size=0, verbose=0),
            ValueError,
            "batch_size: must be a positive integer, got 0",
        ),
        (lambda m: m.fit(X, VALUES, epochs=-1, verbose=0), ValueError, "epochs must be an integer >= 0, got -1"),
        (lambda m: m.fit(X, VALUES, validation_split=1.0, verbose=0), ValueError, "validation_split: must leave rows"),
        (lambda m: m.fit(X, VALUES, validation_data=X, verbose=0), ValueError, r"validation_data must be \(x, y\)"),
        (
            lambda m: m.fit(X, VALUES, validation_split=0.1, validation_data=(X, VALUES), verbose=0),
            ValueError,
            "not both",
        ),
        (lambda m: m.fit(X, VALUES, callbacks=[print], verbose=0), TypeError, "callbacks must be callbacks"),
        (lambda m: m.fit(X, VALUES, callbacks=5, verbose=0), TypeError, "callbacks must be callbacks, got 5"),
        (lambda m: m.fit(X, VALUES, epochs=1.5, verbose=0), ValueError, "epochs must be an integer >= 0, got 1.5"),
        (lambda m: m.fit(X, VALUES, class_weight={0: 2.0}, verbose=0), ValueError, "class_weight: y must hold class"),
        (
            lambda m: m.fit(X, np.tile(VALUES, (3, 1)).T, verbose=0),
            ValueError,
            r"targets of shape \(.*, 1\), got \(.*, 3\)",
        ),
        (lambda m: m.fit(X[:0], VALUES[:0], verbose=0), ValueError, "x: there are no rows"),
        (lambda m: m.fit([X, X[:3]], VALUES, verbose=0), ValueError, r"as many rows, got \[3, 60\]"),
        (lambda m: m.fit(np.array(["a"]), [1], verbose=0), TypeError, "x: must hold numbers, got an array of type <U1"),
        (
            lambda m: m.fit(np.r_[X[:3], [[0, np.nan, 0, 0]]], np.ones(4)),
            ValueError,
            r"x: must be finite, got nan at \[3, 1\]",
        ),
        (lambda m: m.compile(loss="msee"), ValueError, "loss: must be one of binary_crossentropy,.*got 'msee'"),
        (lambda m: m.compile(loss=3), TypeError, "loss: must be a name, a Loss or a function, got 3"),
        (lambda m: m.compile(loss="mse", metrics="mae"), TypeError, "metrics must be a list, got 'mae'"),
        (
            lambda m: (m.compile(loss="mse", metrics=["maee"]), m.evaluate(X, VALUES)),
            ValueError,
            "metrics: must be among accuracy.*got 'maee'",
        ),
        (
            lambda m: nn.Sequential([nn.Dense(1, name="a"), nn.Dense(1, name="a")]),
            ValueError,
            "two layers are called 'a'",
        ),
        (lambda m: nn.Sequential([np.tanh]), TypeError, "Sequential: takes layers, got"),
        (lambda m: nn.Sequential([nn.Dense(1), nn.Input((3,))]), ValueError, "Input must come first"),
        (lambda m: m.fit(X, VALUES, batch_size=2.5, verbose=0), ValueError, "batch_size: must be a pos.*got 2.5"),
        (lambda m: m.fit(X, VALUES, batch_size="a", verbose=0), ValueError, "batch_size: must be a pos.*got 'a'"),
        (lambda m: m.predict(X, batch_size=0), ValueError, "batch_size: must be a positive integer, got 0"),
        (lambda m: m.evaluate(X, VALUES, batch_size=0), ValueError, "batch_size: must be a positive integer, got 0"),
        (lambda m: m.evaluate(X), ValueError, "y: must be given, for the loss"),
        (
            lambda m: m.fit(X, LABELS, class_weight={"0": 3.0}, verbose=0),
            TypeError,
            "class_weight: must be a dict from class numbers to weights, got {'0': 3.0}",
        ),
        (lambda m: m.fit(X, LABELS, class_weight="balanced"), TypeError, "class_weight: must be a dict.*'balanced'"),
        (
            lambda m: m.fit(X, LABELS, class_weight={1: -1.0}),
            ValueError,
            "class_weight: must hold numbers, 0 or more, got -1.0 for class 1",
        ),
        (lambda m: m.compile("sgd", "mse", [1.0]), ValueError, r"compile: loss_weights is not supported, got \[1.0\]"),
        (
            lambda m: (m.compile("sgd", "mse", metrics=[nn.metrics.AUC(name="loss")]), m.evaluate(X, LABELS)),
            ValueError,
            "compile: a metric cannot be called 'loss'",
        ),
        (
            lambda m: nn.Model(inputs=nn.Input((3,)), outputs=None),
            TypeError,
            "Model: outputs must be a network or a layer, got None: functional graphs are not supported",
        ),
        (lambda m: nn.Dense(3)(nn.Input((3,))), TypeError, "Dense: an Input cannot be called on: functional graphs"),
        (lambda m: nn.Input("a"), ValueError, "Input: shape must hold the sizes of one row, positive or None, got 'a'"),
        (lambda m: nn.Input((0, 2)), ValueError, r"Input: shape must hold .* got \(0, 2\)"),
        (lambda m: m.summary(positions=[1]), ValueError, r"summary: positions is not supported, got \[1\]"),
        (lambda m: nn.regularizers.L2(-1.0), ValueError, "L2: l2 must be 0 or more, got -1.0"),
        (lambda m: nn.losses.BinaryCrossentropy(label_smoothing=2), ValueError, "must lie between 0 and 1, got 2"),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call(network(loss="mse"))


@pytest.mark.parametrize(
    "regularizer",
    [
        nn.regularizers.l2(0.01),
        nn.regularizers.l1_l2(l1=0.0, l2=0.01),
        nn.regularizers.L2,
        "L2",
        lambda weight: 0.01 * lw.functional.sum(lw.functional.square(weight)),
    ],
)
def test_regularizers_are_spelled_in_many_ways(regularizer):
    layer = nn.Dense(3, kernel_regularizer=regularizer)
    layer(X)
    assert float(layer.penalty()) == pytest.approx(0.01 * float(np.square(layer.kernel).sum()), rel=1e-5)


def test_an_optimizer_may_be_a_class():
    model = nn.Sequential([nn.Dense(1)])
    model.compile(lw.optimizers.Adam, nn.losses.mean_squared_error)
    model.fit(X, VALUES, verbose=0)
    assert model.optimizer.iterations == 2


def test_a_frozen_network_is_measured_and_says_so(caplog):
    model = network(loss="mse", metrics=["mae"])
    model.trainable = False
    history = model.fit(X, VALUES, epochs=2, verbose=0).history
    assert list(history) == ["loss", "mae"]
    assert history["loss"][0] == pytest.approx(history["loss"][1], rel=1e-5)
    assert "fit: sequential has no weights that are trained" in caplog.text


def test_a_sequential_may_be_frozen_from_the_start():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(2)], trainable=False)
    assert model.trainable_weights == []
    assert len(model.weights) == 2


def test_a_loss_of_ones_own_must_be_a_tensor():
    class Numbers(nn.Model):
        def __init__(self):
            self.out = nn.Dense(1)

        def call(self, inputs):
            return self.out(inputs)

        def loss(self, batch):
            return float(np.mean(np.asarray(self(batch.x))))

    model = Numbers()
    model.compile("sgd")
    with pytest.raises(TypeError, match=r"Numbers\.loss: must return a tensor, got float"):
        model.fit(X, VALUES, verbose=0)


def test_predict_gives_what_the_network_gives():
    class Several(nn.Model):
        def __init__(self, kind):
            self.kind = kind

        def call(self, inputs):
            rows = lw.functional.relu(inputs)
            return {
                "dict": {"a": rows, "b": [rows, rows]},
                "tuple": (rows, rows),
                "number": lw.functional.mean(rows),
            }[self.kind]

    expected = np.maximum(X, 0)
    outputs = Several("dict").predict(X, batch_size=7)
    assert np.array_equal(outputs["a"], expected)
    assert np.array_equal(outputs["b"][1], expected)
    assert np.array_equal(Several("tuple").predict(X, batch_size=7)[1], expected)
    with pytest.raises(ValueError, match="predict: the network must give a value for each row, got the number"):
        Several("number").predict(X)


def test_validation_data_that_do_not_fit_are_noticed_before_training():
    model = network(loss="mse")
    with pytest.raises(ValueError, match=r"targets of shape \(32, 1\), got \(32, 3\)"):
        model.fit(X, VALUES, validation_data=(X, np.ones((60, 3))), verbose=0)
    assert model.optimizer.iterations == 0


def test_metrics_of_one_name_are_kept_apart():
    model = network(activation="sigmoid", loss="mse", metrics=["AUC", nn.metrics.AUC(), "mae"])
    assert list(model.evaluate(X, LABELS, return_dict=True)) == ["loss", "auc", "auc_1", "mae"]


def test_weighted_metrics_count_the_weights():
    model = network(loss="mse", metrics=["mse"], weighted_metrics=["mae"])
    weights = np.arange(60)
    values = model.evaluate(X, VALUES, sample_weight=weights, batch_size=7, return_dict=True)
    residual = model.predict(X).ravel() - VALUES
    assert values["mse"] == pytest.approx(np.mean(residual**2), rel=1e-5)
    assert values["mae"] == pytest.approx(np.average(np.abs(residual), weights=weights), rel=1e-5)
    model.compile("sgd", "mse", run_eagerly=True, jit_compile=False)
    assert list(model.evaluate(X, VALUES, return_dict=True)) == ["loss"]


@pytest.mark.parametrize(
    "first",
    [
        [nn.Input(4), nn.Dense(2)],
        [nn.Input((4,), batch_size=32), nn.Dense(2)],
        [nn.Dense(2, input_shape=(4,))],
    ],
)
def test_what_goes_in_is_said_in_many_ways(first):
    assert nn.Sequential(first).get_weights()[0].shape == (4, 2)


@pytest.mark.parametrize("shape", [(None,), (None, 4)])
def test_where_a_size_is_unknown_the_first_call_makes_the_weights(shape):
    model = nn.Sequential([nn.Input(shape), nn.Dense(2)])
    assert model.weights == []
    model(X if len(shape) == 1 else X[:, None])
    assert model.get_weights()[0].shape == (4, 2)


def test_lines_of_a_summary_have_the_length_asked_for():
    model, text = network(loss="mse"), []
    model.predict(X)
    model.summary(90, print_fn=text.append)
    assert {len(line) for line in text[0].splitlines()[1:4]} == {90}


def test_weights_that_are_missing_are_called_so(tmp_path):
    model, other = nn.Sequential([nn.Dense(2)]), nn.Sequential([nn.Dense(2, name="mine")])
    model(X)
    other(X)
    other.save_weights(tmp_path / "weights")
    with pytest.raises(ValueError, match=r"load_weights: 'dense/kernel' is missing in .*weights"):
        model.load_weights(tmp_path / "weights")
    small = nn.Sequential([nn.Dense(2, use_bias=False)])
    small(X)
    model.save_weights(tmp_path / "weights")
    with pytest.raises(ValueError, match=r"load_weights: .*weights has 'dense/bias', which is missing here"):
        small.load_weights(tmp_path / "weights")
