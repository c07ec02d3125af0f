"""The training loop, its callbacks and its files."""

from likewise.training.callbacks import Callback
from likewise.training.history import History
from likewise.training.loop import Batches, Trainable, train

__all__ = ["Batches", "Callback", "History", "Trainable", "train"]
