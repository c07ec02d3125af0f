"""Items that the same users chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from likewise import _core, checks
from likewise.data import Interactions
from likewise.data.histories import Histories
from likewise.models.people import People
from likewise.models.recommender import Fitting, Recommender
from likewise.models.retrieval import Scorer, TileScorer


@dataclass(kw_only=True, eq=False, repr=False)
class ItemKNN(Recommender):
    """Item-based nearest neighbours (Sarwar et al., WWW 2001; Deshpande and Karypis, TOIS 2004).

    A user's score of item i is the sum of sim(i, j) over those of i's nearest neighbours j that are in the history, so
    new users need no refit. With c_ij users of both items and c_i of one, a repeated pair counted once:
    cosine is c_ij / (sqrt(c_i c_j) + shrinkage), jaccard c_ij / (c_i + c_j - c_ij + shrinkage).

    Args:
        neighbours: Nearest neighbours kept for each item.
        similarity: "cosine" or "jaccard".
        shrinkage: Pulls similarities that few users vouch for towards zero.

    Attributes:
        neighbours_: Each item's neighbours, the most alike first [n_items, neighbours], int32; -1 where there are no
            more.
        similarities_: Their similarities [n_items, neighbours], float32.

    Raises:
        ValueError: At `fit`, if a setting is out of its range.
    """

    from_histories: ClassVar[bool] = True

    neighbours: int = 100
    similarity: Literal["cosine", "jaccard"] = "cosine"
    shrinkage: float = 10.0

    def _check(self) -> None:
        checks.integer("ItemKNN", "neighbours", self.neighbours, least=1)
        checks.one_of("ItemKNN", "similarity", self.similarity, ("cosine", "jaccard"))
        checks.number("ItemKNN", "shrinkage", self.shrinkage, least=0)

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        histories = Histories.of_log(log, np.arange(log.n_users)).distinct()
        k = min(self.neighbours, max(log.n_items - 1, 1))
        self.neighbours_, self.similarities_ = _core.item_neighbours(
            histories.indptr, histories.items, log.n_items, self.similarity, self.shrinkage, k
        )

    def _make_scorer(self) -> Scorer:
        return _NeighbourSums(self.neighbours_, self.similarities_)

    def _queries(self, people: People) -> Histories:
        return people.histories.distinct()

    def _state(self) -> dict[str, NDArray[Any]]:
        return {"neighbours": self.neighbours_, "similarities": self.similarities_}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.neighbours_, self.similarities_ = state["neighbours"], state["similarities"]


class _NeighbourSums(TileScorer):
    """Scores of a history: for each item the similarities of its neighbours in it."""

    def __init__(self, neighbours: NDArray[np.int32], similarities: NDArray[np.float32]) -> None:
        self.n_items, k = neighbours.shape
        # By neighbour: row j lists the items that j is a neighbour of, ascending.
        known = neighbours.ravel() >= 0
        order = np.argsort(neighbours.ravel()[known], kind="stable")
        counts = np.bincount(neighbours.ravel()[known], minlength=self.n_items)
        self._indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._items = np.repeat(np.arange(self.n_items, dtype=np.int32), k)[known][order]
        self._weights = np.ascontiguousarray(similarities.ravel()[known][order])

    def scores(self, queries: Histories) -> NDArray[np.float32]:
        return _core.sparse_row_sums(self._indptr, self._items, self._weights, queries.indptr, queries.items)
