"""A resumed training equals one that never stopped, bit for bit, wherever it was cut."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import likewise as lw
from likewise import nn
from likewise.files import read_state

generator = np.random.Generator(np.random.Philox(key=7))
X = generator.standard_normal((64, 3)).astype(np.float32)
Y = np.tanh(X @ np.array([1.0, -1.0, 0.5], dtype=np.float32))
EPOCHS = 6

OPTIMIZERS = {
    "SGD": lambda: lw.optimizers.SGD(0.05, momentum=0.9),
    "Adagrad": lambda: lw.optimizers.Adagrad(0.05),
    "RMSprop": lambda: lw.optimizers.RMSprop(0.01),
    "Adam": lambda: lw.optimizers.Adam(0.01),
    "AdamW": lambda: lw.optimizers.AdamW(0.01),
}


class Cut(lw.callbacks.Callback):
    """Raises in the middle of an epoch, after its first step."""

    def __init__(self, epoch=None):
        self.epoch, self.now = epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_batch_end(self, batch, logs=None):
        if self.now == self.epoch:
            raise KeyboardInterrupt


def fit(path, cut=None, optimizer=OPTIMIZERS["Adam"], epochs=EPOCHS, patience=4):
    model = nn.Sequential([nn.Dense(8, activation="tanh"), nn.Dropout(0.2), nn.Dense(1)])
    model.compile(optimizer=optimizer(), loss="mse", metrics=["mae"])
    callbacks = [
        lw.callbacks.EarlyStopping("val_loss", patience=patience),
        lw.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=1.0),
        Cut(cut),
    ]
    history = model.fit(
        X, Y, epochs=epochs, batch_size=8, validation_split=0.25, callbacks=callbacks, resume=path, verbose=0
    )
    return model, history


def assert_equal(ours, theirs):
    assert ours[1].history == theirs[1].history
    assert ours[0].counters() == theirs[0].counters()
    assert all(np.array_equal(a, b) for a, b in zip(ours[0].get_weights(), theirs[0].get_weights(), strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("cuts", [[0], [1], [3], [5], [1, 2, 4]], ids=str)
def test_a_cut_training_ends_as_if_it_had_not_been_cut(tmp_path, name, cuts, counted):
    whole = fit(None, optimizer=OPTIMIZERS[name])
    for cut in cuts:
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path / "state", cut, OPTIMIZERS[name])
    assert_equal(fit(tmp_path / "state", optimizer=OPTIMIZERS[name]), whole)
    counted("trainings cut and resumed bit for bit")


def test_a_finished_training_stays_as_it_is_and_can_go_on(tmp_path):
    first = fit(tmp_path / "state", patience=100)
    assert_equal(fit(tmp_path / "state", patience=100), first)
    assert_equal(fit(tmp_path / "state", epochs=9, patience=100), fit(None, epochs=9, patience=100))


def test_a_training_that_stopped_early_stays_stopped(tmp_path):
    path = tmp_path / "state"
    whole = fit(None, epochs=500, patience=1)
    assert len(whole[1]) < 500
    assert_equal(fit(path, epochs=500, patience=1), whole)
    assert_equal(fit(path, epochs=500, patience=1), whole)


def test_the_state_of_another_network_or_other_callbacks_is_refused(tmp_path):
    path = tmp_path / "state"
    fit(path, epochs=1)
    model = nn.Sequential([nn.Dense(9), nn.Dense(1)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"is of another network: 'dense/bias' has shape \(8,\) there and \(9,\) here"):
        model.fit(X, Y, resume=path, verbose=0)
    model = nn.Sequential([nn.Dense(8), nn.Dropout(0.2), nn.Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match=r"was written with callbacks \['EarlyStopping'.*, this training has \[\]"):
        model.fit(X, Y, resume=path, verbose=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 4}, "batch_size is 8 there, 4 here"),
        ({"shuffle": False}, "shuffle is True there, False here"),
        ({"optimizer": "sgd"}, "optimizer is 'Adam' there, 'SGD' here"),
        ({"seed": 3}, "seed is 0 there, 3 here"),
        ({"epochs": 1}, "holds 2 epochs, this training is of 1"),
    ],
)
def test_the_state_of_a_training_that_went_otherwise_is_refused(tmp_path, change, message):
    def train(optimizer="adam", seed=0, **settings):
        model = nn.Sequential([nn.Dense(1)])
        model.seed = seed
        model.compile(optimizer=optimizer, loss="mse")
        return model.fit(X, Y, resume=tmp_path / "state", verbose=0, **{"epochs": 2, "batch_size": 8} | settings)

    train()
    with pytest.raises(ValueError, match=message):
        train(**change)


def test_a_damaged_state_is_refused_by_name(tmp_path):
    path = tmp_path / "state"
    fit(path, epochs=1)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="state is damaged"):
        fit(path)


KILLS = 50
SCRIPT = """
import sys
import numpy as np
import likewise as lw
generator = np.random.Generator(np.random.Philox(key=7))
x = generator.standard_normal((512, 16)).astype(np.float32)
model = lw.nn.Sequential([lw.nn.Dense(64, activation="tanh"), lw.nn.Dropout(0.2), lw.nn.Dense(1)])
model.compile(optimizer="adam", loss="mse")

class Announce(lw.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        print(epoch, flush=True)

model.fit(x, x[:, 0], epochs=100_000, callbacks=[Announce()], resume=sys.argv[1], verbose=0)
"""


def test_kill_9_at_random_moments_loses_nothing_past_the_last_checkpoint(tmp_path, counted):
    path, chance = tmp_path / "state", random.Random(1)
    done = between = 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE, text=True, env={**os.environ}
        )
        with process:
            first = process.stdout.readline()
            assert int(first) == done  # it goes on after the last whole epoch that was written
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            announced = [int(first), *map(int, process.stdout.read().split())]
        if path.exists():
            done = read_state(path)["epochs"]
        # An epoch begins when the state of the one before is on the disk.
        assert announced[-1] <= done <= announced[-1] + 1
        between += done == announced[-1] + 1
    counted("trainings killed with -9, nothing lost", KILLS)
    counted("trainings of them killed between a checkpoint and the next epoch", between)
    assert done > 0


class Counting(nn.Model):
    """Counts its steps in a weight that is not trained, and predicts with it."""

    def __init__(self):
        self.out = nn.Dense(1)
        self.count = self.add_weight((), "zeros", trainable=False, name="count")

    def call(self, inputs, training=False):
        if training:
            self.count.assign(np.asarray(self.count) + 1)
        return self.out(inputs) * (1 + np.asarray(self.count) / 100)


def test_weights_that_are_not_trained_are_resumed_and_restored(tmp_path):
    def counting(epochs, path=None, callbacks=()):
        model = Counting()
        model.compile("adam", "mse")
        return model, model.fit(X, Y, batch_size=8, epochs=epochs, resume=path, callbacks=list(callbacks), verbose=0)

    counting(2, tmp_path / "state")
    assert_equal(counting(4, tmp_path / "state"), counting(4))

    class Worse(lw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = float(epoch)

    model, _ = counting(3, callbacks=[Worse(), lw.callbacks.EarlyStopping(patience=5)])
    assert float(model.count) == 8  # the steps of the first epoch


def test_the_state_of_another_optimizer_is_refused_and_changes_nothing(tmp_path):
    path = tmp_path / "state"
    model = nn.Sequential([nn.Input((3,)), nn.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(X, Y, resume=path, verbose=0)
    model.compile(optimizer="sgd", loss="mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"resume: .*state .*Adam"):
        model.fit(X, Y, resume=path, epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_csv_logger_has_every_epoch_once_wherever_the_training_was_cut(tmp_path):
    class CutAfterTheLine(lw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1 and not os.path.exists(tmp_path / "cut"):
                (tmp_path / "cut").touch()
                raise KeyboardInterrupt

    def run(**options):
        model = nn.Sequential([nn.Dense(1)])
        model.compile("sgd", "mse")
        callbacks = [lw.callbacks.CSVLogger(tmp_path / "log.csv"), CutAfterTheLine()]
        model.fit(X, Y, epochs=3, callbacks=callbacks, verbose=0, **options)

    with pytest.raises(KeyboardInterrupt):
        run(resume=tmp_path / "state")
    run(resume=tmp_path / "state")
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "0", "1", "2"]
