"""``keras.callbacks``, with Keras' defaults."""

from __future__ import annotations

from likewise.training import callbacks
from likewise.training.callbacks import (
    Callback,
    CSVLogger,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from likewise.training.history import History

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]


class EarlyStopping(callbacks.EarlyStopping):
    """``likewise.callbacks.EarlyStopping``, which ends with the last weights unless it is told otherwise, as Keras'.

    Args:
        monitor: The value to follow.
        min_delta: The least change that counts as an improvement.
        patience: Epochs to wait for one.
        verbose: 1 to say on stderr where it stopped.
        mode: "min", "max", or "auto": by the name.
        baseline: Improvements that do not reach this value do not prolong the waiting.
        restore_best_weights: End with the weights of the best epoch; False here.
        start_from_epoch: Epochs before this one do not count.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, min_delta, patience, verbose, mode, baseline, restore_best_weights, start_from_epoch)
