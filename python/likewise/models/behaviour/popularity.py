"""The most popular items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data import Interactions
from likewise.models.people import People
from likewise.models.recommender import Fitting, Recommender
from likewise.models.retrieval import Scorer


@dataclass(kw_only=True, eq=False, repr=False)
class Popularity(Recommender):
    """The items with the most rows in the log, the same for everybody: what any other model has to beat."""

    def _check(self) -> None:
        """There are no settings."""

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        """Nothing beyond the counts every model keeps."""

    def _make_scorer(self) -> Scorer:
        return self._popularity()

    def _queries(self, people: People) -> NDArray[np.float32]:
        return np.ones((len(people), 1), dtype=np.float32)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        pass
