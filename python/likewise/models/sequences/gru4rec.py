"""Recurrent networks for sessions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likewise import checks, nn, optimizers
from likewise import functional as F
from likewise.data import Interactions
from likewise.functional import Tensor
from likewise.models.learning import learn
from likewise.models.recommender import Fitting
from likewise.models.sequences.batches import Sequences
from likewise.models.sequences.objectives import Objective, full_softmax
from likewise.models.sequences.sequential import SequenceNetwork, SequenceRecommender


@dataclass(kw_only=True, eq=False, repr=False)
class GRU4Rec(SequenceRecommender):
    """Gated recurrent units over a session or a history (Hidasi et al., ICLR 2016).

    The state after each item, times an item's vector, scores how likely that item comes next. The table of items is
    read at both ends (Hidasi and Karatzoglou, CIKM 2018). All positions of a sequence are learned from at once, by the
    softmax over the whole catalogue.

    Args:
        dim: Size of item vectors.
        units: Sizes of the recurrent layers; None: one of size dim. If the last is not dim, a linear layer follows.
        epochs: Passes over the log.
        batch_size: Sequences of a step. A run repeats bit for bit at its batch size.
        learning_rate: Of Adam.
        max_length: How many of a user's last items count.
        dropout: Share of the inputs, and of the states of each layer, dropped in training.
        seed: Key of initial values, shuffles and dropout.

    Attributes:
        network_: The trained network.
    """

    dim: int = 64
    units: Sequence[int] | None = None
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 0.001
    max_length: int = 200
    dropout: float = 0.1
    seed: int = 0

    def network(self, n_items: int) -> GRU4RecNetwork:
        """The network for so many items."""
        units = [int(size) for size in self.units] if self.units is not None else [int(self.dim)]
        network = GRU4RecNetwork(n_items, int(self.dim), units, float(self.dropout), full_softmax)
        network.seed = self.seed
        return network

    def _check(self) -> None:
        for name in ("dim", "batch_size", "max_length"):
            checks.integer("GRU4Rec", name, getattr(self, name), least=1)
        checks.integer("GRU4Rec", "epochs", self.epochs, least=0)
        if self.units is not None:
            if not isinstance(self.units, list | tuple) or not self.units:
                raise ValueError(f"GRU4Rec: units must be a list or tuple of sizes, or None, got {self.units!r}")
            for place, size in enumerate(self.units):
                checks.integer("GRU4Rec", f"units[{place}]", size, least=1)
        checks.number("GRU4Rec", "learning_rate", self.learning_rate, above=0)
        checks.share("GRU4Rec", "dropout", self.dropout)
        checks.seed("GRU4Rec", self.seed)

    def _longest(self) -> int:
        return int(self.max_length)

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        self.network_ = self._made(log.n_items)
        self.training_ = learn(
            self,
            self.network_,
            optimizers.Adam(self.learning_rate),
            self._epochs(log),
            fitting,
            self.epochs,
        )


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
        states = self.drop(F.multiply(self.items(sequences.grid(sequences.items, 0)), self.scale))
        for layer in self.recurrent:
            states = self.drop(layer(states, mask=counts))
        return states if self.projection is None else self.projection(states)
