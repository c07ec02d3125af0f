"""Vectors of users who were not there at training: fitted to their histories, everything else frozen."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from likewise import functional as F
from likewise import optimizers
from likewise.data.histories import Histories
from likewise.functional import Tensor

# A fixed number of steps over the whole history, at a rate that falls to zero; so many rows of histories at a time.
_STEPS = 100
_RATE = 0.05
_ROWS_TOGETHER = 8192


class FrozenNetwork(Protocol):
    """What fitting needs of a network whose weights are not trained.

    Attributes:
        n_items: Items in its table.
    """

    n_items: int

    def user_rows(self) -> NDArray[np.float32]:
        """The trained users' vectors [n_users, size]."""

    def logits_of(self, queries: Any, items: Any) -> Tensor:
        """Logits [n, c] of vectors [n, size] and items [n, c]."""


def fit_user_rows(network: FrozenNetwork, histories: Histories, negatives: int, seed: int) -> NDArray[np.float32]:
    """Vectors that tell the items of each history from others, by logistic loss, as in training.

    A user's vector depends on nothing but the network, the history and the seed: draws are keyed by them, and every
    sum is over the user's own rows in their order.

    Args:
        network: What gives logits; its own weights stay as they are.
        histories: One history a user.
        negatives: Drawn for each row of a history, uniformly from all other items, anew in every step.
        seed: Key of the draws.

    Returns:
        Vectors [users, size].
    """
    start = network.user_rows().mean(axis=0)
    vectors = np.tile(start, (len(histories), 1)).astype(np.float32)
    lengths = histories.lengths
    groups = np.cumsum(lengths) // _ROWS_TOGETHER
    for group in np.unique(groups):
        users = np.flatnonzero((groups == group) & (lengths > 0))
        if len(users):
            vectors[users] = _fit(network, histories.take(users), vectors[users], negatives, seed)
    return vectors


def _fit(
    network: FrozenNetwork, histories: Histories, start: NDArray[np.float32], negatives: int, seed: int
) -> NDArray[np.float32]:
    users, rows = histories.row_index, len(histories.items)
    n_items = network.n_items
    items = np.empty((_STEPS, rows, 1 + negatives), dtype=np.int32)
    items[:, :, 0] = histories.items
    for user in range(len(histories)):
        mine = slice(int(histories.indptr[user]), int(histories.indptr[user + 1]))
        items[:, mine, 1:] = _draws(histories.items[mine], n_items, negatives, seed)
    targets = np.zeros((rows, 1 + negatives), dtype=np.float32)
    targets[:, 0] = 1.0
    # Each user's loss is the mean over the own rows, so that it does not matter who else is fitted.
    weights = np.repeat(1 / histories.lengths[users], 1 + negatives).reshape(targets.shape).astype(np.float32)
    vectors = Tensor(start, requires_grad=True)
    optimizer = optimizers.Adam(_RATE)
    for step in range(_STEPS):
        optimizer.learning_rate = _RATE * (1 - step / _STEPS)
        logits = network.logits_of(F.embedding(vectors, users), items[step])
        # Logistic loss of target t is softplus((1 - 2 t) logit).
        loss = F.sum(F.multiply(F.softplus(F.multiply(logits, 1 - 2 * targets)), weights))
        loss.backward()
        optimizer.step([vectors])
    return np.array(vectors)


def _draws(history: NDArray[np.int32], n_items: int, negatives: int, seed: int) -> NDArray[np.int64]:
    """Items outside a history [steps, rows, negatives], keyed by the seed and the history."""
    key = hashlib.blake2b(f"{seed}\0".encode() + history.tobytes(), digest_size=16).digest()
    generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
    others = np.setdiff1d(np.arange(n_items), history)
    if len(others) == 0:
        others = np.arange(n_items)
    return others[generator.integers(len(others), size=(_STEPS, len(history), negatives))]
