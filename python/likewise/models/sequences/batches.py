"""What a sequence model is trained on: histories in packed form, each position with the item that came next."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likewise.data.histories import Histories
from likewise.training.arrays import shuffled

Indices = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences in packed form, one behind the other: sequence s is ``items[offsets[s]:offsets[s + 1]]``.

    Attributes:
        items: What was done, oldest first [total], int32.
        offsets: Where each sequence begins, and where the last one ends [n + 1], int64.
    """

    items: Indices
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Items of each sequence [n]."""
        return np.diff(self.offsets)

    @property
    def places(self) -> NDArray[np.int64]:
        """The place of each item in its own sequence, from 0 [total]."""
        return np.arange(len(self.items)) - np.repeat(self.offsets[:-1], self.lengths)

    @classmethod
    def last(cls, histories: Histories, count: int) -> Sequences:
        """The last `count` items of each history."""
        lengths = np.minimum(histories.lengths, count)
        offsets = np.zeros(len(histories) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        places = np.arange(offsets[-1]) + np.repeat(histories.indptr[1:] - lengths - offsets[:-1], lengths)
        return cls(histories.items[places], offsets)


@dataclass(frozen=True, eq=False)
class SequenceBatch:
    """Sequences, and behind each position the item that came next; its length is the number of positions.

    Attributes:
        inputs: The sequences without their last item.
        targets: What came next [total], int32.
        negatives: Items drawn for the targets, [total, count] or [count] for all of them together; None: none.
    """

    inputs: Sequences
    targets: Indices
    negatives: Indices | None = None

    def __len__(self) -> int:
        return len(self.targets)


class EpochSequences:
    """The batches of an epoch: all sequences in random order.

    Args:
        sequences: Sequences of two items or more.
        batch_size: Sequences of a step.
        seed: Key of the order.
        epoch: Number of the epoch.
        draw: Negatives for targets, given their places in ``sequences.items``; None: none.
    """

    def __init__(
        self,
        sequences: Sequences,
        batch_size: int,
        seed: int,
        epoch: int,
        draw: Callable[[NDArray[np.int64]], Indices] | None = None,
    ) -> None:
        self._sequences, self._batch_size, self._draw = sequences, batch_size, draw
        self._seed, self._epoch = seed, epoch

    def __len__(self) -> int:
        return math.ceil(len(self._sequences) / self._batch_size)

    def __iter__(self) -> Iterator[SequenceBatch]:
        order = shuffled(len(self._sequences), self._seed, self._epoch)
        for begin in range(0, len(order), self._batch_size):
            yield self._batch(order[begin : begin + self._batch_size])

    def _batch(self, chosen: NDArray[np.int64]) -> SequenceBatch:
        lengths = self._sequences.lengths[chosen] - 1
        offsets = np.zeros(len(chosen) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        places = np.arange(offsets[-1]) + np.repeat(self._sequences.offsets[chosen] - offsets[:-1], lengths)
        items = self._sequences.items
        negatives = None if self._draw is None else self._draw(places + 1)
        return SequenceBatch(Sequences(items[places], offsets), items[places + 1], negatives)
