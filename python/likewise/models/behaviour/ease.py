"""Embarrassingly shallow autoencoder: a closed form that deep models have to beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likewise import _core, checks
from likewise.data import Interactions
from likewise.data.histories import Histories
from likewise.models.behaviour.memory import require_memory
from likewise.models.people import People
from likewise.models.recommender import Fitting, Recommender
from likewise.models.retrieval import Scorer, TileScorer


@dataclass(kw_only=True, eq=False, repr=False)
class EASE(Recommender):
    """Each item as a weighted sum of all others, by ridge regression with a zero diagonal (Steck, WWW 2019).

    With X users x items of ones and zeros, P = (X'X + l2 I)^-1 and B_ij = -P_ij / P_jj, B_jj = 0; a user's scores are
    the sum of the rows of B of the items in the history, so new users need no refit. A repeated pair counts once.

    X'X, its inverse and B share one buffer of n_items^2 float32: 40,981 items take 6.3 GiB and n_items^3 operations.

    Args:
        l2: Ridge penalty; more for denser logs.

    Attributes:
        weights_: B [n_items, n_items], float32.

    Raises:
        MemoryError: At `fit`, before anything is allocated, if the machine has less memory than needed.
        ValueError: At `fit`, if l2 is not a number > 0.
    """

    from_histories: ClassVar[bool] = True

    l2: float = 500.0

    def _check(self) -> None:
        checks.number("EASE", "l2", self.l2, above=0)

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        require_memory(4 * log.n_items**2 + (1 << 30), f"EASE: weights of {log.n_items:,} x {log.n_items:,} items")
        histories = Histories.of_log(log, np.arange(log.n_users)).distinct()
        self.weights_: NDArray[np.float32] = _core.ease(histories.indptr, histories.items, log.n_items, self.l2)

    def _make_scorer(self) -> Scorer:
        return _RowSums(self.weights_)

    def _queries(self, people: People) -> Histories:
        return people.histories.distinct()

    def _state(self) -> dict[str, NDArray[Any]]:
        return {"weights": self.weights_}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.weights_ = state["weights"]


class _RowSums(TileScorer):
    """Scores of a history: the sum of its items' rows of a matrix [n_items, n_items]."""

    def __init__(self, weights: NDArray[np.float32]) -> None:
        self.n_items = len(weights)
        self._weights = weights

    def scores(self, queries: Histories) -> NDArray[np.float32]:
        return _core.row_sums(self._weights, queries.indptr, queries.items)
