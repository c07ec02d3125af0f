"""Users a model is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data.histories import Histories

Indices = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class People:
    """Users a model is asked about. Slices are users.

    Attributes:
        index: Their indices in the model's vocabulary [n], int32; -1 for a user the model was not trained on.
        histories: What they did, in the model's item indices: the rows of the fitted log, or what the caller gave.
    """

    index: Indices
    histories: Histories

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: slice) -> People:
        return People(self.index[rows], self.histories[rows])

    def take(self, rows: NDArray[Any]) -> People:
        """Some of them, by mask or number."""
        return People(self.index[rows], self.histories.take(rows))
