"""Scores of users against the catalogue, and the best of them, without ever holding users x items.

Every path (top-k, pairs, positions) takes a score from the same place with the same order of additions, so that it is
the same bits whatever the batch. Ties go to the smaller item index.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import _core
from likewise.data.histories import Histories
from likewise.models.people import Indices

Scores = NDArray[np.float32]


class Scorer(ABC):
    """What a fitted model ranks with. Queries are what the model makes of users; they have a length and slices.

    Attributes:
        n_items: Items in the vocabulary.
    """

    n_items: int

    @abstractmethod
    def top(self, queries: Any, k: int, *, allowed: NDArray[np.bool_], seen: Histories) -> tuple[Indices, Scores]:
        """The k best items of each query.

        Args:
            queries: n queries.
            k: Items wanted.
            allowed: Which items may appear [n_items].
            seen: Items that may not appear, for each query; distinct and ascending.

        Returns:
            Items [n, k], int32, best first, -1 where there are no more; scores [n, k], float32, -inf there.
        """

    @abstractmethod
    def pairs(self, queries: Any, rows: NDArray[np.int64], items: Indices) -> Scores:
        """Scores [m] of pairs: query ``rows[j]`` with item ``items[j]``."""

    @abstractmethod
    def positions(
        self, queries: Any, wanted: Histories, *, allowed: NDArray[np.bool_], seen: Histories
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Where wanted items stand among all that are allowed and not seen.

        Returns:
            For each wanted item [m]: candidates with a higher score; with the same score and a smaller index; with the
            same score, the item itself not counted.
        """


class FactorScorer(Scorer):
    """Scores ``query . item + item bias``: one packed item table, top-k fused with scoring.

    Queries are a float32 array [n, dim]. (A bias of the user is one more column, against ones in the item vectors.)

    Args:
        items: Item vectors [n_items, dim], float32.
        biases: Item biases [n_items], float32, if there are any.
    """

    def __init__(self, items: Scores, biases: Scores | None = None) -> None:
        self.n_items = len(items)
        self._table = _core.PackedItems(np.ascontiguousarray(items, dtype=np.float32), biases)

    def top(self, queries: Any, k: int, *, allowed: NDArray[np.bool_], seen: Histories) -> tuple[Indices, Scores]:
        """See `Scorer.top`."""
        return self._table.top(queries, k, allowed, seen.indptr, seen.items)

    def pairs(self, queries: Any, rows: NDArray[np.int64], items: Indices) -> Scores:
        """See `Scorer.pairs`."""
        return self._table.pairs(queries, rows, items)

    def positions(
        self, queries: Any, wanted: Histories, *, allowed: NDArray[np.bool_], seen: Histories
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """See `Scorer.positions`."""
        return self._table.positions(queries, wanted.indptr, wanted.items, allowed, seen.indptr, seen.items)


class TileScorer(Scorer):
    """Scores made in tiles of whole rows [queries, n_items] by `scores`, which subclasses define."""

    tile_bytes = 32 << 20

    @abstractmethod
    def scores(self, queries: Any) -> Scores:
        """Scores [n, n_items], float32, of n queries; a row does not depend on the others."""

    def _tiles(self, n: int) -> list[slice]:
        rows = max(1, self.tile_bytes // (4 * max(self.n_items, 1)))
        return [slice(begin, min(begin + rows, n)) for begin in range(0, n, rows)]

    def top(self, queries: Any, k: int, *, allowed: NDArray[np.bool_], seen: Histories) -> tuple[Indices, Scores]:
        """See `Scorer.top`."""
        items = np.empty((len(queries), k), dtype=np.int32)
        values = np.empty((len(queries), k), dtype=np.float32)
        for tile in self._tiles(len(queries)):
            part = seen[tile]
            items[tile], values[tile] = _core.top_of_scores(
                self.scores(queries[tile]), k, allowed, part.indptr, part.items
            )
        return items, values

    def pairs(self, queries: Any, rows: NDArray[np.int64], items: Indices) -> Scores:
        """See `Scorer.pairs`."""
        values = np.empty(len(rows), dtype=np.float32)
        for tile in self._tiles(len(queries)):
            inside = np.flatnonzero((rows >= tile.start) & (rows < tile.stop))
            if len(inside):
                values[inside] = self.scores(queries[tile])[rows[inside] - tile.start, items[inside]]
        return values

    def positions(
        self, queries: Any, wanted: Histories, *, allowed: NDArray[np.bool_], seen: Histories
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """See `Scorer.positions`."""
        parts = []
        for tile in self._tiles(len(queries)):
            mine, hidden = wanted[tile], seen[tile]
            parts.append(
                _core.positions_in_scores(
                    self.scores(queries[tile]), mine.indptr, mine.items, allowed, hidden.indptr, hidden.items
                )
            )
        if not parts:
            return (np.zeros(0, dtype=np.int64),) * 3
        higher, earlier, equal = (np.concatenate(column) for column in zip(*parts, strict=True))
        return higher, earlier, equal
