"""The state of a training in one file, from which it continues bit for bit."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.files import read_state, write_state
from likewise.training.callbacks import Callback
from likewise.training.history import History

if TYPE_CHECKING:
    from likewise.optimizers import Optimizer
    from likewise.training.loop import Trainable


class Checkpoint:
    """Weights, optimizer, counters, callbacks and history after a number of whole epochs.

    All randomness is drawn by counters (seed, step, place), so that nothing else has to be kept.

    Args:
        path: The file.
        model: What is trained.
        optimizer: Its optimizer.
        callbacks: The callbacks of this training.
        history: Its history.
        origin: What made this training what it is: plain values by name, which those of the file must equal.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        model: Trainable,
        optimizer: Optimizer,
        callbacks: Sequence[Callback],
        history: History,
        origin: Mapping[str, Any],
    ) -> None:
        self.path = os.fspath(path)
        self.model, self.optimizer, self.callbacks, self.history = model, optimizer, callbacks, history
        self.origin: dict[str, Any] = json.loads(json.dumps(origin, default=lambda value: value.item()))

    def save(self, epochs: int) -> None:
        """Write the state after ``epochs`` epochs, by write, fsync and rename."""
        state = {
            "epochs": epochs,
            "origin": self.origin,
            "parameters": {path: np.asarray(value) for path, value in self.model.named_weights().items()},
            "optimizer": self.optimizer.state_dict(),
            "counters": self.model.counters(),
            "callbacks": [{"type": type(each).__name__, "state": each.state()} for each in self.callbacks],
            "history": self.history.state(),
        }
        write_state(self.path, state)

    def load(self, epochs: int) -> int:
        """Restore the state if the file is there.

        Args:
            epochs: How many are wanted in all.

        Returns:
            The number of epochs already done.

        Raises:
            ValueError: If the file is damaged, of another training, or of more epochs than are wanted; nothing is
                changed then.
        """
        if not os.path.exists(self.path):
            return 0
        state = read_state(self.path)
        self._check(state, epochs)
        weights = self.model.named_weights()
        for path, value in state["parameters"].items():
            weights[path].assign(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.model.restore_counters(state["counters"])
        self.history.restore(state["history"])
        for callback, saved in zip(self.callbacks, state["callbacks"], strict=True):
            callback.restore(saved["state"])
        return int(state["epochs"])

    def _check(self, state: dict[str, Any], epochs: int) -> None:
        known = {"epochs", "origin", "parameters", "optimizer", "counters", "callbacks", "history"}
        if state.keys() != known:
            raise ValueError(f"{self.path} is not a state of training")
        ours = {path: tuple(value.shape) for path, value in self.model.named_weights().items()}
        theirs = {path: tuple(value.shape) for path, value in state["parameters"].items()}
        if ours != theirs:
            differing = sorted(path for path in ours.keys() | theirs if ours.get(path) != theirs.get(path))
            raise ValueError(
                f"resume: {self.path} is of another network: {differing[0]!r} has shape {theirs.get(differing[0])} "
                f"there and {ours.get(differing[0])} here"
            )
        mine = [type(each).__name__ for each in self.callbacks]
        saved = [each["type"] for each in state["callbacks"]]
        if mine != saved:
            raise ValueError(f"resume: {self.path} was written with callbacks {saved}, this training has {mine}")
        for name in dict.fromkeys([*self.origin, *state["origin"]]):
            here, there = self.origin.get(name), state["origin"].get(name)
            if here != there:
                raise ValueError(
                    f"resume: {self.path} is of another training: {name} is {there!r} there, {here!r} here"
                )
        if state["epochs"] > epochs:
            raise ValueError(f"resume: {self.path} holds {state['epochs']} epochs, this training is of {epochs}")
        try:
            self.optimizer.check_state_dict(state["optimizer"])
        except ValueError as error:
            raise ValueError(f"resume: {self.path} does not fit: {error}") from error
