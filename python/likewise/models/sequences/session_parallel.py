"""Session-parallel mini-batches: many sessions side by side, one item of each at a time (Hidasi et al., ICLR 2016)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likewise.models.sequences.batches import Indices, Sequences
from likewise.training.arrays import shuffled


@dataclass(frozen=True, eq=False)
class SessionStep:
    """One item of each of n sessions, and what came next.

    Attributes:
        inputs: The items [n], int32.
        targets: What came next [n], int32.
        lanes: Where each session's state was in the step before [n]; in the first step of an epoch there is none.
        begins: Which sessions begin here, with a state of zeros [n].
        negatives: Items that all targets share: the targets of the step, then those drawn [n + count], int32.
    """

    inputs: Indices
    targets: Indices
    lanes: NDArray[np.int64]
    begins: NDArray[np.bool_]
    negatives: Indices

    def __len__(self) -> int:
        return len(self.targets)


class SessionSteps:
    """The steps of an epoch. A session that ends makes room for the next; the last steps have fewer of them.

    Args:
        sequences: Sessions of two items or more.
        lanes: Sessions side by side.
        negatives: Items drawn for each step beside its targets.
        weights: How likely each item is drawn [n_items]; they need not add up to 1.
        seed: Key of the order and of the draws.
        epoch: Number of the epoch.
    """

    def __init__(
        self,
        sequences: Sequences,
        lanes: int,
        negatives: int,
        weights: NDArray[np.float64],
        seed: int,
        epoch: int,
    ) -> None:
        self._sequences, self._lanes, self._negatives = sequences, lanes, negatives
        self._below, self._seed, self._epoch = np.cumsum(weights), seed, epoch
        self._places = self._lane_places()

    def __len__(self) -> int:
        return len(self._places)

    def _lane_places(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]]:
        """For each step the places of its inputs in the sequences, the lanes they come from, and which begin."""
        starts, ends = self._sequences.offsets[:-1], self._sequences.offsets[1:]
        order = shuffled(len(starts), self._seed, self._epoch)
        n = min(self._lanes, len(order))
        place, end = starts[order[:n]].copy(), ends[order[:n]].copy()
        lanes, begins, waiting = np.arange(n), np.ones(n, dtype=bool), n
        steps = []
        while len(place):
            steps.append((place, lanes, begins))
            place = place + 1
            over = place + 1 >= end
            following = order[waiting : waiting + int(over.sum())]
            waiting += len(following)
            filled = np.flatnonzero(over)[: len(following)]
            end = end.copy()
            place[filled], end[filled] = starts[following], ends[following]
            begins = np.zeros(len(place), dtype=bool)
            begins[filled] = True
            goes_on = ~over
            goes_on[filled] = True
            lanes = np.flatnonzero(goes_on)
            place, end, begins = place[lanes], end[lanes], begins[lanes]
        return steps

    def __iter__(self) -> Iterator[SessionStep]:
        items = self._sequences.items
        for number, (places, lanes, begins) in enumerate(self._places):
            targets = items[places + 1]
            drawn = self._drawn(number)
            yield SessionStep(items[places], targets, lanes, begins, np.concatenate([targets, drawn]))

    def _drawn(self, step: int) -> Indices:
        text = f"session negatives\0{self._seed}\0{self._epoch}\0{step}".encode()
        key = int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")
        points = np.random.Generator(np.random.Philox(key=key)).random(self._negatives) * self._below[-1]
        places = np.searchsorted(self._below, points, side="right")
        drawn: Indices = np.minimum(places, len(self._below) - 1).astype(np.int32)
        return drawn
