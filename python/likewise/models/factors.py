"""The network of matrix factorization: two tables, biases, and a fused native step that trains them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import _core, nn
from likewise.functional import Tensor
from likewise.optimizers import Optimizer

_ENTRIES_AT_ONCE = 1 << 18  # (positive or negative) entries of the steps made in one call


def log_batches(
    indptr: NDArray[np.int64],
    items: NDArray[np.int32],
    ratings: NDArray[Any] | None,
    *,
    n_items: int,
    batch_size: int,
    negatives: int,
    seed: int,
    draw_seen: bool = False,
) -> _core.Batches:
    """The native batches of a log in CSR order by user."""
    given = None if ratings is None else np.ascontiguousarray(ratings, dtype=np.float32)
    return _core.Batches(
        indptr,
        items,
        given,
        n_items=n_items,
        batch_size=batch_size,
        negatives=negatives,
        seed=seed,
        draw_seen=draw_seen,
    )


@dataclass(frozen=True)
class Steps:
    """Steps [first, last) of an epoch, made in one call; its length is their number of positives."""

    epoch: int
    first: int
    last: int
    rows: int

    def __len__(self) -> int:
        return self.rows


class EpochSteps:
    """An epoch of native batches, several steps at a time."""

    def __init__(self, batches: _core.Batches, epoch: int, rows: int, batch_size: int, negatives: int) -> None:
        self._batches, self._epoch, self._rows, self._batch_size = batches, epoch, rows, batch_size
        self._together = max(1, _ENTRIES_AT_ONCE // (batch_size * (1 + negatives)))

    def __len__(self) -> int:
        return -(-self._batches.steps // self._together)

    def __iter__(self) -> Iterator[Steps]:
        for first in range(0, self._batches.steps, self._together):
            last = min(first + self._together, self._batches.steps)
            rows = min(last * self._batch_size, self._rows) - first * self._batch_size
            yield Steps(self._epoch, first, last, rows)


class FactorNetwork(nn.Model):
    """Score of user u and item i: p_u q_i + b_u + c_i + offset.

    Args:
        n_users: Rows of the user table.
        n_items: Rows of the item table.
        dim: Columns of both.
        user_biases: Whether users have biases.
        item_biases: Whether items have biases.
        seed: Key of the initial values.
        deviation: Of the initial values of both tables.
    """

    def __init__(
        self,
        n_users: int,
        n_items: int,
        dim: int,
        *,
        user_biases: bool = False,
        item_biases: bool = False,
        seed: int = 0,
        deviation: float = 0.1,
    ) -> None:
        self.seed = seed
        normal = nn.initializers.RandomNormal(stddev=deviation)
        self.users = self.add_weight((n_users, dim), normal, name="users")
        self.items = self.add_weight((n_items, dim), normal, name="items")
        self.user_biases = self.add_weight((n_users,), "zeros", name="user_biases") if user_biases else None
        self.item_biases = self.add_weight((n_items,), "zeros", name="item_biases") if item_biases else None
        self.built = True


class FusedFactorNetwork(FactorNetwork):
    """A `FactorNetwork` whose training steps are the fused native ones."""

    _native: _core.Factorization | None = None

    def learns(self, batches: _core.Batches, settings: _core.FactorizationSettings, epochs: int) -> None:
        """Chooses what the next epochs train on, and how; the rate falls to zero over them, by half a cosine."""
        self._batches, self._settings, self._last_step = batches, settings, max(epochs * batches.steps, 1)
        self._native = None

    def _table(self, name: str, optimizer: Optimizer) -> tuple[Tensor, Tensor | None, Tensor | None] | None:
        """A parameter with the first and second moments of its optimizer, None where there are none."""
        parameter = self.parameters().get(name)
        if parameter is None:
            return None
        slots = optimizer.slots_of(name, parameter)
        return parameter, slots.get("momentum"), slots.get("velocity", slots.get("accumulator"))

    def train_step(self, batch: Steps, optimizer: Optimizer) -> Tensor:
        """The steps of a batch of batches; returns their mean loss, without the l2 terms."""
        if self._native is None:  # made here, after a checkpoint may have brought other moments
            self._native = _core.Factorization(
                self._table("users", optimizer),
                self._table("items", optimizer),
                self._table("user_biases", optimizer),
                self._table("item_biases", optimizer),
                self._settings,
            )
        decay = 0.5 + 0.5 * math.cos(math.pi * min(self._steps / self._last_step, 1.0))
        loss = self._native.run(
            self._batches,
            batch.epoch,
            batch.first,
            batch.last,
            steps_before=self._steps,
            learning_rate=optimizer.learning_rate * decay,
        )
        self._steps += batch.last - batch.first
        optimizer.iterations = self._steps
        return Tensor(loss / batch.rows)
