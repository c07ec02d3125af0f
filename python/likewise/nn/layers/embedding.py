"""Rows of a table."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.initializers import Initializer
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.regularizers import Regularizer


class Embedding(Layer):
    """One vector for each id.

    Args:
        input_dim: Number of ids: 0 to input_dim - 1.
        output_dim: Size of a vector.
        embeddings_initializer: First values of the table [input_dim, output_dim].
        embeddings_regularizer: A penalty on the whole table; the gradient is then dense.
        embeddings_constraint: Only None.
        mask_zero: Say that id 0 marks a step that does not count, to the layers behind.
        **common: See :class:`Layer`.

    Shapes:
        Integers of any shape to that shape plus [output_dim].
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: str | Initializer = "uniform",
        embeddings_regularizer: str | Regularizer | None = None,
        embeddings_constraint: None = None,
        mask_zero: bool = False,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        if embeddings_constraint:
            raise ValueError(f"Embedding: embeddings_constraint is not supported, got {embeddings_constraint!r}")
        for argument, size in (("input_dim", input_dim), ("output_dim", output_dim)):
            checks.integer("Embedding", argument, size, least=1)
        self.input_dim, self.output_dim, self.mask_zero = int(input_dim), int(output_dim), mask_zero
        self.embeddings_initializer = embeddings_initializer
        self.embeddings_regularizer = embeddings_regularizer
        self.embeddings: Tensor

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            name="embeddings",
        )

    def call(self, inputs: Any) -> Tensor:
        ids = np.asarray(inputs)
        if ids.dtype.kind == "f":  # as Keras does: ids are often kept in a table of floats
            if (ids != np.floor(ids)).any():
                raise ValueError(f"Embedding: ids must be integers, got {ids[ids != np.floor(ids)][0]}")
            ids = ids.astype(np.int64)
        return F.embedding(self.embeddings, ids)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where an id is not 0, if ``mask_zero``."""
        return np.asarray(inputs) != 0 if self.mask_zero else None
