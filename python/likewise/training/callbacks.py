"""What may happen at the ends of epochs and batches: Keras' callbacks."""

from __future__ import annotations

import csv
import inspect
import math
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from likewise import checks

if TYPE_CHECKING:
    from likewise.training.loop import Trainable

Logs = dict[str, float]

_UP = {"ndcg", "recall", "precision", "hit", "mrr", "map", "auc", "acc", "coverage", "novelty"}
_DOWN = {"loss", "rmse", "mae", "mse", "gini", "error", "hinge", "crossentropy"}


def is_higher_better(name: str, mode: str = "auto") -> bool:
    """Which way a metric goes, from its name ("val_loss" down, "ndcg@10" up) unless ``mode`` says it.

    Raises:
        ValueError: If ``mode`` is not "auto", "min" or "max", or if it is "auto" and the name says nothing.
    """
    if mode not in ("auto", "min", "max"):
        raise ValueError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
    if mode != "auto":
        return mode == "max"
    word = name.removeprefix("val_").split("@")[0].split("_")[-1]
    if word in _UP or word.endswith("accuracy"):
        return True
    if word in _DOWN:
        return False
    raise ValueError(f"cannot tell whether {name!r} should grow or shrink: give mode='max' or mode='min'")


class Callback:
    """Override what you need. ``self.model`` is the network in training; set its ``stop_training`` to end it.

    ``logs`` holds what is known so far: "loss", and at the end of an epoch whatever was measured; what a callback
    writes into it at the end of an epoch is seen by those after it and kept in the history. Keras' hooks of single
    batches of validation, and of ``predict``, are not called.

    Attributes:
        model: The network in training.
        params: "epochs", "steps" of an epoch (None before the first) and "verbose" of the training.
    """

    model: Trainable
    params: dict[str, Any]

    def set_params(self, params: dict[str, Any]) -> None:
        """Called once before training."""
        self.params = params

    def set_model(self, model: Trainable) -> None:
        """Called once before training."""
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called after the last epoch, unless training ended by an error."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before each epoch; ``epoch`` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after each epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each step; here: calls :meth:`on_batch_begin`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each step; here: calls :meth:`on_batch_end`, and see there."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each step."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each step. Overriding it makes the loop wait for the loss of every step."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called before the validation of an epoch."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called after it, with what was measured."""

    def on_progress(self, steps: int, logs: Logs | None = None) -> None:
        """Called now and then, when the losses of the last ``steps`` steps were read."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must keep for a resumed run to equal an uninterrupted one: numbers, texts and arrays."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state` returned; called after :meth:`on_train_begin`."""


class _Spoken(Callback):
    """Says what it does, if asked to."""

    verbose: int

    def say(self, text: str) -> None:
        """Write a line on stderr, where the progress is, if ``verbose`` asks for it."""
        if self.verbose:
            tqdm.write(f"{type(self).__name__}: {text}", file=sys.stderr)


class _Monitor(_Spoken):
    """Follows one value of the logs and knows when it got better."""

    def __init__(self, monitor: str, mode: str, min_delta: float, verbose: int, patience: int = 0) -> None:
        checks.integer(type(self).__name__, "patience", patience, least=0)
        self.monitor = monitor
        self.min_delta = abs(min_delta)
        self.verbose, self.patience = verbose, patience
        self._sign = 1.0 if is_higher_better(monitor, mode) else -1.0
        self.best = -math.inf * self._sign
        self.wait = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = -math.inf * self._sign
        self.wait = 0

    def value(self, logs: Logs | None) -> float:
        if logs is None or self.monitor not in logs:
            known = ", ".join(logs or {}) or "nothing"
            raise KeyError(f"{type(self).__name__}: nothing is called {self.monitor!r} here; there is: {known}")
        return float(logs[self.monitor])

    def is_better(self, value: float) -> bool:
        return self._sign * (value - self.best) > self.min_delta

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "wait": self.wait}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.wait = state["best"], state["wait"]


class EarlyStopping(_Monitor):
    """Stop when a value has not improved for ``patience`` epochs, and go back to the best weights.

    Args:
        monitor: The value to follow: "val_loss", "ndcg@10", ...
        min_delta: The least change that counts as an improvement.
        patience: Epochs to wait for one.
        verbose: 1 to say on stderr where it stopped.
        mode: "min", "max", or "auto": by the name.
        baseline: Improvements that do not reach this value do not prolong the waiting.
        restore_best_weights: End with the weights of the best epoch, whether or not training stopped early.
        start_from_epoch: Epochs before this one do not count.

    Attributes:
        best: The best value. ``best_epoch``: its epoch. ``stopped_epoch``: where it stopped, 0 if it did not.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta, verbose, patience)
        self.baseline, self.restore_best_weights = baseline, restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._forget()

    def _forget(self) -> None:
        self.best_epoch = 0
        self.stopped_epoch = 0
        self._stopped = False
        self._best_weights: dict[str, np.ndarray[Any, Any]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        super().on_train_begin(logs)
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.value(logs)
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.is_better(value):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self._best_weights = {name: np.array(value) for name, value in self.model.named_weights().items()}
            if self.baseline is None or self._sign * (value - self.baseline) > self.min_delta:
                self.wait = 0
        elif self.wait >= max(self.patience, 1):
            self.stopped_epoch, self._stopped = epoch, True
            self.model.stop_training = True
            self.say(f"epoch {epoch + 1}: stopping, the best {self.monitor} was {self.best:.5g}")

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._best_weights:
            weights = self.model.named_weights()
            for name, value in self._best_weights.items():
                weights[name].assign(value)

    def state(self) -> dict[str, Any]:
        mine = {"best_epoch": self.best_epoch, "stopped_epoch": self.stopped_epoch, "weights": self._best_weights}
        return {**super().state(), **mine, "stopped": self._stopped}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.best_epoch, self.stopped_epoch = state["best_epoch"], state["stopped_epoch"]
        self._best_weights, self._stopped = state["weights"], state["stopped"]
        if self._stopped:
            self.model.stop_training = True


class ModelCheckpoint(_Monitor):
    """Save the weights after every epoch, or after those that are the best so far.

    Args:
        filepath: The file; ``{epoch:02d}`` (from 1) and names of the logs in it are filled in.
        monitor: The value to follow with ``save_best_only``.
        verbose: 1 to say on stderr what was saved.
        save_best_only: Only write when the value improved.
        save_weights_only: Only True is supported: a whole recommender is saved by its own ``save``.
        mode: "min", "max", or "auto": by the name.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = True,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor if save_best_only else "loss", mode, 0.0, verbose)
        if not save_weights_only:
            raise ValueError("ModelCheckpoint: save_weights_only=False is not supported: networks save their weights")
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_best_only:
            value = self.value(logs)
            if not self.is_better(value):
                return
            self.best = value
        try:
            path = self.filepath.format(epoch=epoch + 1, **(logs or {}))
        except KeyError as error:
            known = ", ".join(["epoch", *(logs or {})])
            raise KeyError(
                f"ModelCheckpoint: filepath asks for {error}, which is not known here; there is: {known}"
            ) from error
        self.model.save_weights(path)
        self.say(f"epoch {epoch + 1}: saved {path}")


class ReduceLROnPlateau(_Monitor):
    """Multiply the learning rate by ``factor`` when a value has not improved for ``patience`` epochs.

    Args:
        monitor: The value to follow.
        factor: In (0, 1).
        patience: Epochs to wait for an improvement.
        verbose: 1 to say on stderr when it does.
        mode: "min", "max", or "auto": by the name.
        min_delta: The least change that counts as an improvement.
        cooldown: Epochs after a reduction that are not counted.
        min_lr: The learning rate does not fall below it.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta, verbose, patience)
        if not 0.0 < factor < 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must lie between 0 and 1, got {factor}")
        self.factor, self.cooldown, self.min_lr = factor, cooldown, min_lr
        self._cooling = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        super().on_train_begin(logs)
        self._cooling = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.value(logs)
        optimizer = self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = optimizer.learning_rate
        if self._cooling > 0:
            self._cooling -= 1
            self.wait = 0
        if self.is_better(value):
            self.best, self.wait = value, 0
        elif self._cooling == 0:
            self.wait += 1
            if self.wait >= self.patience and optimizer.learning_rate > self.min_lr:
                optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
                self._cooling, self.wait = self.cooldown, 0
                self.say(f"epoch {epoch + 1}: learning rate {optimizer.learning_rate:.5g}")

    def state(self) -> dict[str, Any]:
        return {**super().state(), "cooling": self._cooling}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._cooling = state["cooling"]


class LearningRateScheduler(_Spoken):
    """Set the learning rate before every epoch.

    Args:
        schedule: ``schedule(epoch, learning_rate)`` or ``schedule(epoch)``, epochs from 0, returns the new one.
        verbose: 1 to say on stderr what it is.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = len(inspect.signature(schedule).parameters) > 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, optimizer.learning_rate) if self._takes_rate else self.schedule(epoch)
        if not isinstance(rate, (int, float, np.floating)):
            raise TypeError(f"LearningRateScheduler: schedule must return a number, got {rate!r}")
        optimizer.learning_rate = float(rate)
        self.say(f"epoch {epoch + 1}: learning rate {rate:.5g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class CSVLogger(Callback):
    """Write one line an epoch to a csv file; the columns are those of the first epoch.

    Args:
        filename: The file.
        separator: Between the columns.
        append: Go on with an existing file instead of starting anew.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = os.fspath(filename), separator, append
        self._columns: list[str] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._columns = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        append = self.append or bool(self._columns)
        goes_on = append and os.path.isfile(self.filename) and os.path.getsize(self.filename) > 0
        self._columns = self._columns or ["epoch", *logs]
        row = {"epoch": epoch, **logs}
        with open(self.filename, "a" if append else "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if not goes_on:
                writer.writerow(self._columns)
            writer.writerow([row.get(name, "") for name in self._columns])

    def state(self) -> dict[str, Any]:
        return {"columns": self._columns, "size": os.path.getsize(self.filename) if self._columns else 0}

    def restore(self, state: dict[str, Any]) -> None:
        self._columns = state["columns"]
        if self._columns and os.path.isfile(self.filename) and os.path.getsize(self.filename) > state["size"]:
            os.truncate(self.filename, state["size"])  # lines of epochs that will be trained again


class TerminateOnNaN(Callback):
    """End training quietly when the loss is not finite. Without it the loop raises and says where it happened."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if logs is not None and not math.isfinite(logs["loss"]):
            self.model.stop_training = True


class ProgressBar(Callback):
    """A tqdm bar on stderr over all steps, with the loss and what was measured last."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._epochs = 0
        self._measured: Logs = {}

    @property
    def is_open(self) -> bool:
        """Was the bar started and not closed yet?"""
        return self._bar is not None

    def begin(self, epochs: int, first_epoch: int, steps: int) -> None:
        """Start the bar: ``epochs`` of so many ``steps``, the first ones done before."""
        self._epochs = epochs
        self._bar = tqdm(total=epochs * steps, initial=first_epoch * steps, unit="step", file=sys.stderr, leave=True)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self._bar is not None:
            self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}", refresh=False)

    def on_progress(self, steps: int, logs: Logs | None = None) -> None:
        if self._bar is not None:
            self._bar.set_postfix({**self._measured, **(logs or {})}, refresh=False)
            self._bar.update(steps)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._measured = dict(logs or {})
        self.on_progress(0, logs)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
