"""The loop and its callbacks."""

import csv
import math

import numpy as np
import pytest

import likewise as lw
from likewise import nn
from likewise.training.callbacks import is_higher_better

generator = np.random.Generator(np.random.Philox(key=7))
X = generator.standard_normal((40, 3)).astype(np.float32)
Y = np.tanh(X @ np.array([1.0, -1.0, 0.5], dtype=np.float32))


def network(optimizer=None):
    model = nn.Sequential([nn.Dense(8, activation="tanh"), nn.Dropout(0.1), nn.Dense(1)])
    model.compile(optimizer=optimizer or lw.optimizers.Adam(0.01), loss="mse")
    return model


class Scripted(lw.callbacks.Callback):
    """Puts values of our choice into the logs, and keeps the weights of every epoch."""

    def __init__(self, name, values):
        self.name, self.values, self.weights, self.rates = name, values, [], []

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]
        self.weights.append(self.model.get_weights())
        self.rates.append(self.model.optimizer.learning_rate)


class Recorder(lw.callbacks.Callback):
    def __init__(self):
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_train_end(self, logs=None):
        self.calls.append("train end")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} end: {', '.join(logs)}")

    def on_batch_end(self, batch, logs=None):
        assert math.isfinite(logs["loss"])
        self.calls.append(f"batch {batch}")


def test_callbacks_are_called_in_keras_order():
    recorder = Recorder()
    network().fit(X, Y, batch_size=20, epochs=2, validation_split=0.5, callbacks=[recorder], verbose=0)
    epoch = ["epoch {} begin", "batch 0", "epoch {} end: loss, val_loss"]
    assert recorder.calls == [
        "train begin",
        *(each.format(number) for number in range(2) for each in epoch),
        "train end",
    ]


@pytest.mark.parametrize(
    ("name", "values", "options", "epochs", "best"),
    [
        ("val_loss", [3, 2, 1, 2, 2, 2], {"patience": 2}, 5, 2),
        ("val_loss", [3, 2, 1, 2, 0, 2], {"patience": 2}, 6, 4),
        ("val_loss", [3, 2.95, 2.9, 2.8], {"patience": 2, "min_delta": 0.06}, 4, 3),
        ("val_loss", [3, 2.95, 2.9, 2.8], {"patience": 2, "min_delta": 0.5}, 3, 0),
        ("val_loss", [1, 2, 3], {}, 2, 0),
        ("ndcg@10", [0.1, 0.3, 0.2, 0.2], {"patience": 1}, 3, 1),
        ("val_accuracy", [0.1, 0.3, 0.4, 0.2], {"patience": 3}, 4, 2),
        ("taste", [0.1, 0.3, 0.2, 0.2], {"patience": 1, "mode": "max"}, 3, 1),
        ("val_loss", [math.nan, math.nan, 1, 2], {"patience": 3}, 4, 2),
    ],
)
def test_early_stopping_stops_and_restores_the_best(name, values, options, epochs, best):
    model, script = network(), Scripted(name, values)
    stopping = lw.callbacks.EarlyStopping(name, **options)
    history = model.fit(X, Y, epochs=len(values), callbacks=[script, stopping], verbose=0)
    assert len(history) == epochs
    assert stopping.best_epoch == best
    assert stopping.stopped_epoch == (epochs - 1 if epochs < len(values) else stopping.stopped_epoch)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), script.weights[best], strict=True))


def test_early_stopping_leaves_the_last_weights_if_told_to():
    model, script = network(), Scripted("val_loss", [1, 2, 3])
    stopping = lw.callbacks.EarlyStopping(patience=1, restore_best_weights=False)
    model.fit(X, Y, epochs=3, callbacks=[script, stopping], verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), script.weights[-1], strict=True))


def test_early_stopping_says_what_there_is_to_monitor():
    with pytest.raises(KeyError, match="EarlyStopping: nothing is called 'val_loss' here; there is: loss"):
        network().fit(X, Y, callbacks=[lw.callbacks.EarlyStopping()], verbose=0)


@pytest.mark.parametrize(
    ("name", "up"),
    [
        ("loss", False),
        ("val_loss", False),
        ("val_mae", False),
        ("rmse", False),
        ("gini@10", False),
        ("ndcg@10", True),
        ("val_sparse_categorical_accuracy", True),
        ("acc", True),
        ("auc", True),
        ("mrr@20", True),
        ("coverage@10", True),
    ],
)
def test_metrics_know_which_way_is_better(name, up):
    assert is_higher_better(name) is up


def test_an_unknown_metric_must_say_which_way():
    with pytest.raises(ValueError, match="cannot tell whether 'taste' should grow or shrink: give mode='max'"):
        lw.callbacks.EarlyStopping("taste")
    with pytest.raises(ValueError, match="mode must be 'auto', 'min' or 'max', got 'up'"):
        lw.callbacks.EarlyStopping("loss", mode="up")


def test_reduce_lr_on_plateau():
    script = Scripted("val_loss", [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5])
    reduce = lw.callbacks.ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.003)
    history = network().fit(X, Y, epochs=8, callbacks=[script, reduce], verbose=0)
    np.testing.assert_allclose(script.rates, [0.01, 0.01, 0.01, 0.005, 0.005, 0.003, 0.003, 0.003][: len(script.rates)])
    np.testing.assert_allclose(history.history["learning_rate"], script.rates)


@pytest.mark.parametrize("schedule", [lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: 0.1 / (epoch + 1)])
def test_a_schedule_sets_the_learning_rate(schedule):
    rates = network().fit(X, Y, epochs=3, callbacks=[lw.callbacks.LearningRateScheduler(schedule)], verbose=0)
    np.testing.assert_allclose(rates.history["learning_rate"], [0.1, 0.05, 0.1 / 3])


def test_model_checkpoint_keeps_every_epoch_or_the_best(tmp_path):
    model, script = network(), Scripted("val_loss", [3.0, 1.0, 2.0])
    each = lw.callbacks.ModelCheckpoint(tmp_path / "epoch-{epoch:02d}-{val_loss:.1f}.safetensors")
    best = lw.callbacks.ModelCheckpoint(tmp_path / "best.safetensors", save_best_only=True)
    model.fit(X, Y, epochs=3, callbacks=[script, each, best], verbose=0)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "best.safetensors",
        "epoch-01-3.0.safetensors",
        "epoch-02-1.0.safetensors",
        "epoch-03-2.0.safetensors",
    ]
    model.load_weights(tmp_path / "best.safetensors")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), script.weights[1], strict=True))


def test_csv_logger_writes_a_line_an_epoch(tmp_path):
    for append in (False, True):
        logger = lw.callbacks.CSVLogger(tmp_path / "log.csv", append=append)
        history = network().fit(X, Y, epochs=2, validation_split=0.2, callbacks=[logger], verbose=0)
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "0", "1"]
    assert [float(row["val_loss"]) for row in rows[2:]] == history.history["val_loss"]


class Explosive(lw.callbacks.Callback):
    """Breaks a weight before the given epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            kernel = self.model.layers[0].kernel
            kernel.assign(np.full(kernel.shape, np.nan, dtype=np.float32))


def test_a_loss_that_is_not_finite_stops_says_where_and_leaves_the_checkpoint_whole(tmp_path):
    path = tmp_path / "state"
    model = network()
    with pytest.raises(FloatingPointError, match=r"loss became nan in epoch 3, step 1; .*dense/kernel"):
        model.fit(X, Y, epochs=5, callbacks=[Explosive(2)], resume=path, verbose=0)
    whole = network()
    whole.fit(X, Y, epochs=2, verbose=0)
    again = network()
    history = again.fit(X, Y, epochs=2, callbacks=[Explosive(2)], resume=path, verbose=0)
    assert len(history) == 2
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), whole.get_weights(), strict=True))


def test_terminate_on_nan_ends_quietly():
    callbacks = [Explosive(1), lw.callbacks.TerminateOnNaN()]
    history = network().fit(X, Y, epochs=5, callbacks=callbacks, verbose=0)
    assert len(history) == 2
    assert math.isnan(history.history["loss"][-1])


def test_a_time_limit_ends_training_and_keeps_the_epoch():
    history = network().fit(X, Y, epochs=10**6, time_limit=0.2, verbose=0)
    assert 1 <= len(history) < 10**6
    with pytest.raises(ValueError, match="time_limit must be a number > 0, got 0"):
        network().fit(X, Y, time_limit=0, verbose=0)


def test_progress_is_on_stderr_only(capsys):
    network().fit(X, Y, epochs=2, validation_split=0.5)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "epoch 2/2" in printed.err
    assert "val_loss" in printed.err
    network().fit(X, Y, epochs=2, verbose=0)
    assert capsys.readouterr().err == ""


def test_a_history_has_rows_and_draws_itself(tmp_path):
    history = network().fit(X, Y, epochs=3, validation_split=0.2, verbose=0)
    assert [row["epoch"] for row in history] == [0, 1, 2]
    assert history.rows[1]["val_loss"] == history.history["val_loss"][1]
    pytest.importorskip("matplotlib")
    history.plot(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_drawing_without_matplotlib_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    history = network().fit(X, Y, verbose=0)
    with pytest.raises(ImportError, match=r"pip install 'likewise\[plot\]'"):
        history.plot("curve.png")


def test_an_empty_history_cannot_be_drawn():
    with pytest.raises(ValueError, match="no epoch to draw"):
        lw.training.History().plot("curve.png")


def test_csv_logger_starts_anew_after_a_fit_that_failed(tmp_path):
    logger = lw.callbacks.CSVLogger(tmp_path / "log.csv")
    with pytest.raises(FloatingPointError):
        network().fit(X, Y, epochs=5, callbacks=[logger, Explosive(2)], verbose=0)
    network().fit(X, Y, epochs=2, callbacks=[logger], verbose=0)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "0", "1"]


def test_the_hooks_of_batches_and_of_validation_are_called_too():
    class Hooks(lw.callbacks.Callback):
        def __init__(self):
            self.calls = []

        def on_train_begin(self, logs=None):
            self.calls.append(dict(self.params))

        def on_train_batch_begin(self, batch, logs=None):
            self.calls.append(f"train batch {batch} begin")

        def on_train_batch_end(self, batch, logs=None):
            self.calls.append(f"train batch {batch} end: {', '.join(logs)}")

        def on_test_begin(self, logs=None):
            self.calls.append("test begin")

        def on_test_end(self, logs=None):
            self.calls.append(f"test end: {', '.join(logs)}")

    class Older(lw.callbacks.Callback):
        begun = 0

        def on_batch_begin(self, batch, logs=None):
            self.begun += 1

    hooks, older = Hooks(), Older()
    network().fit(X, Y, batch_size=20, validation_split=0.5, callbacks=[hooks, older], verbose=0)
    assert hooks.params == {"epochs": 1, "steps": 1, "verbose": 0}
    assert hooks.calls == [
        {"epochs": 1, "steps": None, "verbose": 0},
        "train batch 0 begin",
        "train batch 0 end: loss",
        "test begin",
        "test end: val_loss",
    ]
    assert older.begun == 1
    network().fit(X, Y, callbacks=[hooks], verbose=0)
    assert "test begin" not in hooks.calls[5:]


def test_the_first_epoch_may_have_another_number():
    assert network().fit(X, Y, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({"baseline": 0.5, "patience": 2}, [3.0, 2.0, 1.0, 1.5, 0.9, 0.8], 4),
        ({"baseline": 2.5, "patience": 2}, [3.0, 2.0, 1.0, 1.5, 1.2, 0.8], 5),
        ({"start_from_epoch": 3, "patience": 1}, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 5),
    ],
)
def test_early_stopping_with_a_baseline_or_a_late_start(options, values, epochs):
    callbacks = [Scripted("val_loss", values), lw.callbacks.EarlyStopping(**options)]
    assert len(network().fit(X, Y, epochs=6, callbacks=callbacks, verbose=0)) == epochs


def test_callbacks_say_what_they_do_if_asked_to(tmp_path, capsys):
    def run(verbose):
        callbacks = [
            Scripted("val_loss", [1.0, 2.0, 3.0]),
            lw.callbacks.EarlyStopping("val_loss", 0, 2, verbose),
            lw.callbacks.ModelCheckpoint(tmp_path / "{epoch}", "val_loss", verbose),
            lw.callbacks.ReduceLROnPlateau("val_loss", 0.1, 1, verbose),
        ]
        network().fit(X, Y, epochs=3, callbacks=callbacks, verbose=0)
        schedule = lw.callbacks.LearningRateScheduler(lambda epoch: 0.25, verbose)
        network().fit(X, Y, callbacks=[schedule], verbose=0)
        return capsys.readouterr()

    assert run(0).err == ""
    said = run(1)
    assert said.out == ""
    for text in (
        "EarlyStopping: epoch 3: stopping, the best val_loss was 1",
        "ModelCheckpoint: epoch 1: saved ",
        "ReduceLROnPlateau: epoch 2: learning rate 0.001",
        "LearningRateScheduler: epoch 1: learning rate 0.25",
    ):
        assert text in said.err


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lw.callbacks.EarlyStopping(patience=-5), ValueError, "EarlyStopping: patience must be .* got -5"),
        (lambda: lw.callbacks.ReduceLROnPlateau(patience="a"), ValueError, "ReduceLROnPlateau: patience .* got 'a'"),
        (
            lambda: network().fit(X, Y, callbacks=[lw.callbacks.ModelCheckpoint("{val_loss}")], verbose=0),
            KeyError,
            "ModelCheckpoint: filepath asks for 'val_loss', which is not known here; there is: epoch, loss",
        ),
        (lambda: network().fit(X, Y, epochs=1.5), ValueError, "fit: epochs must be an integer >= 0, got 1.5"),
        (lambda: network().fit(X, Y, initial_epoch=-1), ValueError, "fit: initial_epoch must be an integer"),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_checkpoint_of_every_epoch_does_not_care_which_way_a_value_goes(tmp_path):
    checkpoint = lw.callbacks.ModelCheckpoint(tmp_path / "weights", monitor="val_taste")
    network().fit(X, Y, callbacks=[checkpoint], verbose=0)
    assert (tmp_path / "weights").is_file()
