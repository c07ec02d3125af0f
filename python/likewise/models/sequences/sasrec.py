"""Self-attention over histories."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likewise import checks, nn
from likewise import functional as F
from likewise.data import Interactions
from likewise.functional import Tensor
from likewise.models.sequences.batches import Sequences
from likewise.models.sequences.objectives import Objective, objective_of
from likewise.models.sequences.sequential import SequenceNetwork, SequenceRecommender


@dataclass(kw_only=True, eq=False, repr=False)
class SASRec(SequenceRecommender):
    """Self-attentive sequential recommendation (Kang and McAuley, ICDM 2018).

    Blocks of causal self-attention and a network of two layers read a history; the state after each item, times an
    item's vector, scores how likely that item comes next. The paper learns with one negative ("bce"); more of them
    ("gbce") or the whole catalogue ("softmax", the default) rank far better (Petrov and Macdonald, RecSys 2023;
    Klenitskiy and Vasilev, RecSys 2023).

    Args:
        dim: Size of item vectors and states.
        blocks: Blocks of attention and network.
        heads: Heads of attention; they divide dim.
        loss: "softmax", over the whole catalogue; "sampled_softmax", over the target and its negatives; "bce",
            logistic; "gbce", logistic with the positive's share lowered to undo the sampling, by `calibration`.
        negatives: Drawn for each target, uniformly from the items the user has not seen, anew in every epoch; None: 1
            with "bce", 256 else.
        draw_seen: Draw negatives from all items instead, those the user has seen among them.
        calibration: t of "gbce": 0 is "bce", 1 makes scores those of the softmax.
        epochs: Passes over the log.
        batch_size: Sequences of a step. A run repeats bit for bit at its batch size.
        learning_rate: Of Adam.
        max_length: How many of a user's last items count.
        dropout: Share of inputs, attention weights and outputs dropped in training.
        seed: Key of initial values, shuffles, negatives and dropout.

    Attributes:
        network_: The trained network.
    """

    blocks: int = 2
    heads: int = 1
    loss: Literal["softmax", "sampled_softmax", "bce", "gbce"] = "softmax"
    negatives: int | None = None
    draw_seen: bool = False
    calibration: float = 0.75

    def network(self, n_items: int) -> SASRecNetwork:
        """The network for so many items."""
        objective = objective_of(self.loss, n_items, self._negatives(), self.calibration)
        sizes = int(self.dim), int(self.blocks), int(self.heads), int(self.max_length)
        return SASRecNetwork(n_items, *sizes, float(self.dropout), objective)

    def _check(self) -> None:
        super()._check()
        for name in ("blocks", "heads"):
            checks.integer("SASRec", name, getattr(self, name), least=1)
        if self.dim % self.heads:
            raise ValueError(f"SASRec: heads must divide dim, got {self.heads} heads and dim {self.dim}")
        checks.one_of("SASRec", "loss", self.loss, ("softmax", "sampled_softmax", "bce", "gbce"))
        if self.negatives is not None:
            checks.integer("SASRec", "negatives", self.negatives, least=1)
        checks.truth("SASRec", "draw_seen", self.draw_seen)
        checks.share("SASRec", "calibration", self.calibration)

    def _epochs(self, log: Interactions, negatives: int) -> Callable[[int], Any]:
        return self._sequence_epochs(log, negatives, draw_seen=bool(self.draw_seen))

    def _negatives(self) -> int:
        if self.loss == "softmax":
            return 0
        return int(self.negatives) if self.negatives is not None else 1 if self.loss == "bce" else 256


class SASRecNetwork(SequenceNetwork):
    """Item and place vectors, blocks, and the same item vectors as outputs."""

    def __init__(
        self,
        n_items: int,
        dim: int,
        blocks: int,
        heads: int,
        longest: int,
        dropout: float,
        objective: Objective,
    ) -> None:
        normal = nn.initializers.RandomNormal(stddev=0.02)
        self.items = nn.Embedding(n_items, dim, normal)
        self.positions = nn.Embedding(longest, dim, normal)
        self.drop = nn.Dropout(dropout)
        self.blocks = [SASRecBlock(dim, heads, dropout) for _ in range(blocks)]
        self.normalization = nn.LayerNormalization(epsilon=1e-8)
        self.scale, self.objective = math.sqrt(dim), objective

    def states(self, sequences: Sequences) -> Tensor:
        """See `SequenceNetwork.states`."""
        x = F.multiply(self.items(sequences.items), self.scale)  # section 3.1: E = items + places
        x = self.drop(F.add(x, self.positions(sequences.places)))
        for block in self.blocks:
            x = block(x, offsets=sequences.offsets)
        normal: Tensor = self.normalization(x)
        return normal


class SASRecBlock(nn.Layer):
    """Causal attention, then a network of two layers, each added to its normalised input (as in the authors' code).

    q = normalize(x)    x' = q + attention(q, x, x)    y = normalize(x')    x'' = y + network(y)

    What is added begins small, next to the input it is added to; projections begin as one Glorot matrix [dim, 3 dim],
    as in Klenitskiy and Vasilev's code.
    """

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        small = nn.initializers.RandomNormal(stddev=0.02)
        projection = nn.initializers.VarianceScaling(0.5, "fan_avg", "uniform")
        self.attention_normalization = nn.LayerNormalization(epsilon=1e-8)
        self.query = nn.Dense(dim, kernel_initializer=projection)
        self.key = nn.Dense(dim, kernel_initializer=projection)
        self.value = nn.Dense(dim, kernel_initializer=projection)
        self.out = nn.Dense(dim, kernel_initializer=small)
        self.network_normalization = nn.LayerNormalization(epsilon=1e-8)
        self.inner = nn.Dense(dim, activation="relu", kernel_initializer=small)
        self.outer = nn.Dense(dim, kernel_initializer=small)
        self.drop = nn.Dropout(dropout)
        self.heads, self.dropout = heads, dropout

    def call(self, x: Tensor, offsets: NDArray[np.int64], training: bool = False) -> Tensor:
        """States [total, dim] of packed sequences, from those of the block before."""
        normal = self.attention_normalization(x)
        attended = F.attention(
            self.query(normal),
            self.key(x),
            self.value(x),
            num_heads=self.heads,
            offsets=offsets,
            causal=True,
            dropout=self.dropout if training else 0.0,
            dropout_key=self._draw_key() if training else 0,
        )
        normal = self.network_normalization(F.add(normal, self.out(attended)))
        hidden = self.drop(self.inner(normal))
        return F.add(normal, self.drop(self.outer(hidden)))
