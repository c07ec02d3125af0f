"""Recurrent networks for sessions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from likewise import checks, nn
from likewise import functional as F
from likewise.functional import Tensor
from likewise.models.sequences.batches import Sequences
from likewise.models.sequences.objectives import Objective, objective_of
from likewise.models.sequences.sequential import SequenceNetwork, SequenceRecommender


@dataclass(kw_only=True, eq=False, repr=False)
class GRU4Rec(SequenceRecommender):
    """Gated recurrent units over a session or a history (Hidasi et al., ICLR 2016).

    The state after each item, times an item's vector, scores how likely that item comes next. The table of items is
    read at both ends (Hidasi and Karatzoglou, CIKM 2018). All positions of a sequence are learned from at once.

    Args:
        dim: Size of item vectors.
        units: Sizes of the recurrent layers; None: one of size dim. If the last is not dim, a linear layer follows.
        loss: "softmax", over the whole catalogue; "sampled_softmax", over the target and its negatives; "bpr_max", the
            target above its hardest negatives (the authors' of 2018).
        negatives: Drawn for each target, uniformly from all items, anew in every epoch; not used by "softmax".
        epochs: Passes over the log.
        batch_size: Sequences of a step. A run repeats bit for bit at its batch size.
        learning_rate: Of Adam.
        max_length: How many of a user's last items count.
        dropout: Share of the inputs, and of the states of each layer, dropped in training.
        seed: Key of initial values, shuffles, negatives and dropout.

    Attributes:
        network_: The trained network.
    """

    units: Sequence[int] | None = None
    loss: Literal["softmax", "sampled_softmax", "bpr_max"] = "softmax"
    negatives: int = 256

    def network(self, n_items: int) -> GRU4RecNetwork:
        """The network for so many items."""
        units = [int(size) for size in self.units] if self.units is not None else [int(self.dim)]
        objective = objective_of(self.loss, n_items, self._negatives())
        return GRU4RecNetwork(n_items, int(self.dim), units, float(self.dropout), objective)

    def _negatives(self) -> int:
        return 0 if self.loss == "softmax" else int(self.negatives)

    def _check(self) -> None:
        super()._check()
        checks.one_of("GRU4Rec", "loss", self.loss, ("softmax", "sampled_softmax", "bpr_max"))
        checks.integer("GRU4Rec", "negatives", self.negatives, least=1)
        if self.units is not None:
            if not isinstance(self.units, list | tuple) or not self.units:
                raise ValueError(f"GRU4Rec: units must be a list or tuple of sizes, or None, got {self.units!r}")
            for place, size in enumerate(self.units):
                checks.integer("GRU4Rec", f"units[{place}]", size, least=1)


class GRU4RecNetwork(SequenceNetwork):
    """Item vectors, recurrent layers over them, and the same vectors as outputs."""

    in_grid = True

    def __init__(self, n_items: int, dim: int, units: Sequence[int], dropout: float, objective: Objective) -> None:
        self.items = nn.Embedding(n_items, dim, nn.initializers.RandomNormal(stddev=0.02))
        self.recurrent = [nn.GRU(size, return_sequences=True) for size in units]
        self.projection = nn.Dense(dim) if units[-1] != dim else None
        self.drop = nn.Dropout(dropout)
        self.scale, self.objective = math.sqrt(dim), objective

    def states(self, sequences: Sequences) -> Tensor:
        """See `SequenceNetwork.states`."""
        counts = sequences.grid(np.ones(len(sequences.items), dtype=bool), False)
        states: Tensor = self.drop(F.multiply(self.items(sequences.grid(sequences.items, 0)), self.scale))
        for layer in self.recurrent:
            states = self.drop(layer(states, mask=counts))
        if self.projection is not None:
            states = self.projection(states)
        return states
