"""Recurrent networks for sessions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from likewise import checks, nn
from likewise import functional as F
from likewise.data import Interactions
from likewise.functional import Tensor
from likewise.models.sequences.batches import SequenceBatch, Sequences
from likewise.models.sequences.objectives import Objective, objective_of
from likewise.models.sequences.sequential import SequenceNetwork, SequenceRecommender
from likewise.models.sequences.session_parallel import SessionStep, SessionSteps


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
        batching: "sequences", all positions of a sequence in one step, through which gradients flow back;
            "session_parallel", the authors': one item of each of ``batch_size`` sessions in a step, whose states go on
            to the next step.
        negatives: Drawn for each target, uniformly from all items, anew in every epoch; not used by "softmax". With
            "session_parallel" drawn for each step, beside the targets of the other sessions.
        popularity: With "session_parallel" items are drawn by their number of rows to this power: 0 uniformly.
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
    batching: Literal["sequences", "session_parallel"] = "sequences"
    negatives: int = 256
    popularity: float = 0.0

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
        checks.one_of("GRU4Rec", "batching", self.batching, ("sequences", "session_parallel"))
        checks.integer("GRU4Rec", "negatives", self.negatives, least=1)
        checks.number("GRU4Rec", "popularity", self.popularity)
        if self.units is not None:
            if not isinstance(self.units, list | tuple) or not self.units:
                raise ValueError(f"GRU4Rec: units must be a list or tuple of sizes, or None, got {self.units!r}")
            for place, size in enumerate(self.units):
                checks.integer("GRU4Rec", f"units[{place}]", size, least=1)

    def _epochs(self, log: Interactions, negatives: int) -> Callable[[int], Any]:
        if self.batching == "sequences":
            return super()._epochs(log, negatives)
        sequences, _ = self._training_sequences(log)
        rows = np.bincount(log.item_index, minlength=log.n_items)
        weights = np.where(rows > 0, np.maximum(rows, 1.0) ** self.popularity, 0.0)
        return lambda epoch: SessionSteps(sequences, self.batch_size, negatives, weights, self.seed, epoch)


class GRU4RecNetwork(SequenceNetwork):
    """Item vectors, recurrent layers over them, and the same vectors as outputs."""

    def __init__(self, n_items: int, dim: int, units: Sequence[int], dropout: float, objective: Objective) -> None:
        self.items = nn.Embedding(n_items, dim, nn.initializers.RandomNormal(stddev=0.02))
        self.recurrent = [nn.GRU(size, return_sequences=True) for size in units]
        self.projection = nn.Dense(dim) if units[-1] != dim else None
        self.drop = nn.Dropout(dropout)
        self.scale, self.objective = math.sqrt(dim), objective
        self.kept: list[NDArray[np.float32]] = []  # states of the sessions side by side, of each layer

    def states(self, sequences: Sequences) -> Tensor:
        """See `SequenceNetwork.states`."""
        states: Tensor = self.drop(F.multiply(self.items(sequences.items), self.scale))
        for layer in self.recurrent:
            states = self.drop(layer(states, offsets=sequences.offsets))
        if self.projection is not None:
            states = self.projection(states)
        return states

    def loss(self, batch: SequenceBatch | SessionStep) -> Tensor:
        """See `SequenceNetwork.loss`; of a step of sessions side by side the mean over them."""
        if isinstance(batch, SequenceBatch):
            return super().loss(batch)
        return self.objective(self.next_states(batch), self.items.embeddings, batch.targets, batch.negatives)

    def next_states(self, step: SessionStep) -> Tensor:
        """States [n, dim] of sessions after one more item of each; gradients end at the step before."""
        states: Tensor = self.drop(F.multiply(self.items(step.inputs), self.scale))
        after = []
        for place, layer in enumerate(self.recurrent):
            before = np.zeros((len(step), layer.units), dtype=np.float32)
            goes_on = ~step.begins
            if goes_on.any():
                before[goes_on] = self.kept[place][step.lanes[goes_on]]
            found = cast(Tensor, F.gru(states, layer.kernel, layer.recurrent_kernel, layer.bias, before))
            after.append(np.array(found))
            states = self.drop(found)
        self.kept = after
        if self.projection is not None:
            states = self.projection(states)
        return states
