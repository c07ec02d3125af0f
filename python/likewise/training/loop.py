"""The one training loop: of ``nn.Model.fit`` and of every recommender's ``fit``."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from likewise import checks
from likewise.training.callbacks import Callback, Logs, ProgressBar, TerminateOnNaN
from likewise.training.checkpoint import Checkpoint
from likewise.training.history import History

if TYPE_CHECKING:
    from likewise.functional import Tensor
    from likewise.optimizers import Optimizer

# Losses stay where they were computed and are read together: after so many steps, or so many seconds.
_STEPS_BETWEEN_READS = 32
_SECONDS_BETWEEN_READS = 0.2


class Trainable(Protocol):
    """What the loop knows of a network."""

    optimizer: Optimizer
    stop_training: bool

    def parameters(self) -> dict[str, Tensor]:
        """Path to parameter."""

    def named_weights(self) -> dict[str, Tensor]:
        """The same with what is not trained: running means and the like."""

    def train_step(self, batch: Any, optimizer: Any) -> Tensor | float:
        """One update; returns the mean loss of the batch, which is not read here."""

    def counters(self) -> dict[str, int]:
        """What besides parameters decides how training goes on: the steps made, which key dropout and shuffles."""

    def restore_counters(self, counters: dict[str, int]) -> None:
        """Take over what :meth:`counters` returned."""

    def save_weights(self, path: str) -> None:
        """Write the parameters to a file."""


class Batches(Protocol):
    """The batches of one epoch. ``len`` of a batch is its number of rows: its weight in the loss of the epoch."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Sized]: ...


def train(
    model: Trainable,
    optimizer: Optimizer,
    batches: Callable[[int], Batches],
    *,
    epochs: int,
    results: Callable[[], Logs] | None = None,
    measure: Callable[[], Logs] | None = None,
    callbacks: Sequence[Callback] | Callback | None = (),
    time_limit: float | None = None,
    resume: str | os.PathLike[str] | None = None,
    origin: Mapping[str, Any] | None = None,
    verbose: int = 1,
    initial_epoch: int = 0,
) -> History:
    """Train for some epochs.

    Args:
        model: The network; its ``optimizer`` and ``stop_training`` are set here.
        optimizer: Updates the parameters.
        batches: The batches of an epoch, given its number from 0.
        epochs: How many, those before a resume included.
        results: What training itself measured in an epoch: it joins the loss in the logs.
        measure: Called after each epoch, to validate; what it returns joins the logs.
        callbacks: Called in this order.
        time_limit: Seconds after which training ends, in the middle of an epoch if need be; that epoch is measured
            and in the history, but not in the file of ``resume``.
        resume: A file that holds the state after every whole epoch. If it is there, training continues from it as
            if it had never stopped, bit for bit; if not, training starts, and writes it.
        origin: What besides the network and the callbacks decides how training goes, as plain values by name; a file
            of ``resume`` that was written with others is refused.
        verbose: 0 for silence, 1 for a progress bar on stderr.
        initial_epoch: The number of the first epoch, unless ``resume`` is further.

    Returns:
        One row an epoch.

    Raises:
        FloatingPointError: If the loss is not finite: it says in which epoch and step. The file of ``resume`` stays as
            it was after the last whole epoch.
        ValueError: If ``epochs`` is negative, or the file of ``resume`` is damaged, of another training (parameters
            of other names or shapes, callbacks of other types, another ``origin``), or of more than ``epochs``.
    """
    checks.integer("fit", "epochs", epochs, least=0)
    checks.integer("fit", "initial_epoch", initial_epoch, least=0)
    if time_limit is not None:
        checks.number("fit", "time_limit", time_limit, above=0)
    run = _Run(model, optimizer, as_callbacks(callbacks), ProgressBar() if verbose else None)
    checkpoint = (
        None if resume is None else Checkpoint(resume, model, optimizer, run.callbacks, run.history, origin or {})
    )
    run.announce({"epochs": epochs, "steps": None, "verbose": verbose})
    deadline = math.inf if time_limit is None else time.monotonic() + time_limit
    try:
        run.call("on_train_begin")
        first = 0 if checkpoint is None else checkpoint.load(epochs)
        for epoch in range(max(first, initial_epoch), epochs):
            if model.stop_training or time.monotonic() > deadline:
                break
            whole = run.epoch(epoch, batches(epoch), results, measure, deadline)
            if checkpoint is not None and whole:
                checkpoint.save(epoch + 1)
        run.call("on_train_end")
    finally:
        if run.bar is not None:
            run.bar.close()
    return run.history


class _Run:
    """The state of one call of :func:`train`."""

    def __init__(
        self, model: Trainable, optimizer: Optimizer, callbacks: list[Callback], bar: ProgressBar | None
    ) -> None:
        for callback in callbacks:
            callback.set_model(model)
        self.model, self.optimizer, self.callbacks, self.bar = model, optimizer, callbacks, bar
        model.optimizer, model.stop_training = optimizer, False
        self.history = History()
        self.stops_on_nan = any(isinstance(callback, TerminateOnNaN) for callback in callbacks)
        self.before_step = [each for each in callbacks if _overrides(each, "on_train_batch_begin", "on_batch_begin")]
        self.after_step = [each for each in callbacks if _overrides(each, "on_train_batch_end", "on_batch_end")]
        self.params: dict[str, Any] = {}

    def call(self, name: str, *arguments: Any) -> None:
        for callback in (*self.callbacks, *([self.bar] if self.bar is not None else [])):
            getattr(callback, name)(*arguments)

    def announce(self, params: dict[str, Any]) -> None:
        """Let the callbacks know of the training."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def epoch(
        self,
        epoch: int,
        batches: Batches,
        results: Callable[[], Logs] | None,
        measure: Callable[[], Logs] | None,
        deadline: float,
    ) -> bool:
        """One epoch; returns whether it was a whole one."""
        self.params["steps"] = len(batches)
        if self.bar is not None and not self.bar.is_open:
            self.bar.begin(self.params["epochs"], epoch, steps=len(batches))
        self.call("on_epoch_begin", epoch, {})
        losses = _Losses(self.model, epoch, raises=not self.stops_on_nan)
        whole = self._steps(batches, losses, deadline)
        logs: Logs = {"loss": losses.mean()}
        if results is not None:
            logs.update(results())
        if measure is not None:
            self.call("on_test_begin", {})
            measured = measure()
            self.call("on_test_end", measured)
            logs.update(measured)
        self.call("on_epoch_end", epoch, logs)
        self.history.append(epoch, logs)
        return whole

    def _steps(self, batches: Batches, losses: _Losses, deadline: float) -> bool:
        model, optimizer = self.model, self.optimizer
        for step, batch in enumerate(batches):
            now = time.monotonic()
            if now > deadline and step > 0:
                self._read(losses)
                return False
            for callback in self.before_step:
                callback.on_train_batch_begin(step, {})
            losses.add(model.train_step(batch, optimizer), len(batch))
            if losses.is_time_to_read(now) or self.after_step:
                self._read(losses)
                for callback in self.after_step:
                    callback.on_train_batch_end(step, {"loss": losses.last})
                if model.stop_training:
                    return False
        self._read(losses)
        return True

    def _read(self, losses: _Losses) -> None:
        steps = losses.read()
        if steps:
            self.call("on_progress", steps, {"loss": losses.mean()})


class _Losses:
    """The losses of an epoch, read a few at a time so that no step waits for its own."""

    def __init__(self, model: Trainable, epoch: int, raises: bool) -> None:
        self.model, self.epoch, self.raises = model, epoch, raises
        self.last = math.nan
        self._waiting: list[tuple[Tensor | float, int]] = []
        self._read_at = time.monotonic()
        self._steps = self._rows = 0
        self._sum = 0.0

    def add(self, loss: Tensor | float, rows: int) -> None:
        self._waiting.append((loss, rows))

    def is_time_to_read(self, now: float) -> bool:
        return len(self._waiting) >= _STEPS_BETWEEN_READS or now - self._read_at > _SECONDS_BETWEEN_READS

    def read(self) -> int:
        steps = len(self._waiting)
        for loss, rows in self._waiting:
            self.last = float(loss)
            if self.raises and not math.isfinite(self.last):
                raise FloatingPointError(self._place())
            self._sum += self.last * rows
            self._rows += rows
            self._steps += 1
        self._waiting.clear()
        self._read_at = time.monotonic()
        return steps

    def mean(self) -> float:
        return self._sum / self._rows if self._rows else math.nan

    def _place(self) -> str:
        text = f"fit: the loss became {self.last} in epoch {self.epoch + 1}, step {self._steps + 1}"
        bad = [path for path, value in self.model.parameters().items() if not np.isfinite(np.asarray(value)).all()]
        if bad:
            text += f"; parameters that are not finite by now: {', '.join(bad[:5])}{', ...' if len(bad) > 5 else ''}"
        return f"{text}. A smaller learning rate, clipping (clipnorm) or a look at the data may help"


def _overrides(callback: Callback, *names: str) -> bool:
    return any(getattr(type(callback), name) is not getattr(Callback, name) for name in names)


def as_callbacks(callbacks: Sequence[Callback] | Callback | None) -> list[Callback]:
    """One, several or no callbacks as a list.

    Raises:
        TypeError: If one is something else.
    """
    if callbacks is None:
        return []
    if not isinstance(callbacks, Callback | Iterable):
        raise TypeError(f"fit: callbacks must be callbacks, got {callbacks!r}")
    listed = [callbacks] if isinstance(callbacks, Callback) else list(callbacks)
    for callback in listed:
        if not isinstance(callback, Callback):
            raise TypeError(f"fit: callbacks must be callbacks, got {callback!r}")
    return listed
