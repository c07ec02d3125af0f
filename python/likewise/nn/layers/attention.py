"""Attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.initializers import Initializer
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.regularizers import Regularizer

_UNSEEN = -1e9  # added to the score of a pair that a mask leaves out


class MultiHeadAttention(Layer):
    """Each query a mean of values, in each head by how it matches their keys (Vaswani et al., NeurIPS 2017, 3.2.2).

    ``call(query, value, key=value)`` projects query and key to ``key_dim`` and value to ``value_dim`` columns a head,
    and what the heads find to the columns of the query. Masks that come with value and key count, too.

    Args:
        num_heads: Number of heads.
        key_dim: Size of queries and keys in a head.
        value_dim: Size of values in a head; None: key_dim.
        dropout: In training, the share of the weights that is dropped.
        use_bias: Do the projections have biases?
        output_shape: Size of the output; None: that of the query.
        attention_axes: Only None: along time.
        kernel_initializer: First values of the kernels [inputs, num_heads, size] and [num_heads, value_dim, outputs].
        bias_initializer: First values of the biases.
        kernel_regularizer: A penalty on the kernels.
        bias_regularizer: A penalty on the biases.
        seed: A seed of its own for what is dropped; None takes the network's.
        **common: See :class:`Layer`.

    Shapes:
        query [batch, steps, inputs], value and key [batch, key_steps, inputs] to [batch, steps, outputs]; with
        ``return_attention_scores`` a pair of that and the weights [batch, num_heads, steps, key_steps].
    """

    supports_masking = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: None = None,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        seed: int | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        value_dim = key_dim if value_dim is None else value_dim
        for name, size in (("num_heads", num_heads), ("key_dim", key_dim), ("value_dim", value_dim)):
            checks.integer("MultiHeadAttention", name, size, least=1)
        checks.rate("MultiHeadAttention", "dropout", dropout)
        if attention_axes is not None:
            raise ValueError(f"MultiHeadAttention: attention_axes must be None, got {attention_axes!r}")
        if isinstance(output_shape, Sequence):
            if len(output_shape) != 1:
                raise ValueError(f"MultiHeadAttention: output_shape must be one size, got {output_shape!r}")
            output_shape = output_shape[0]
        if output_shape is not None:
            checks.integer("MultiHeadAttention", "output_shape", output_shape, least=1)
        self.num_heads, self.key_dim, self.value_dim = int(num_heads), int(key_dim), int(value_dim)
        self.dropout, self.use_bias, self.outputs = float(dropout), use_bias, output_shape
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self._own_seed = seed
        self._projections: dict[str, tuple[Tensor, Tensor | None]]

    def build(self, input_shape: Any) -> None:
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        if len(shapes) < 2 or any(not isinstance(shape, tuple) or len(shape) != 3 for shape in shapes):
            raise ValueError(f"MultiHeadAttention: takes query and value [batch, steps, inputs], got shapes {shapes}")
        query, value, key = shapes[0][-1], shapes[1][-1], shapes[-1][-1]
        outputs = query if self.outputs is None else int(self.outputs)
        heads = self.num_heads
        self._projections = {
            "query": self._projection("query", (query, heads, self.key_dim), (heads, self.key_dim)),
            "key": self._projection("key", (key, heads, self.key_dim), (heads, self.key_dim)),
            "value": self._projection("value", (value, heads, self.value_dim), (heads, self.value_dim)),
            "attention_output": self._projection("attention_output", (heads, self.value_dim, outputs), (outputs,)),
        }

    def _projection(self, name: str, kernel: tuple[int, ...], bias: tuple[int, ...]) -> tuple[Tensor, Tensor | None]:
        weight = self.add_weight(
            kernel, self.kernel_initializer, regularizer=self.kernel_regularizer, name=f"{name}/kernel"
        )
        if not self.use_bias:
            return weight, None
        return weight, self.add_weight(
            bias, self.bias_initializer, regularizer=self.bias_regularizer, name=f"{name}/bias"
        )

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """See the class; masks are bool, True where a step counts, ``attention_mask`` [batch, steps, key_steps]."""
        counts = self._keys_that_count(value, key, value_mask, key_mask)
        parts = [
            self._projected("query", query),
            self._projected("key", value if key is None else key),
            self._projected("value", value),
        ]
        rate = self.dropout if training else 0.0
        if attention_mask is None and not return_attention_scores:
            found = F.attention(
                *parts,
                num_heads=self.num_heads,
                key_mask=counts,
                causal=use_causal_mask,
                dropout=rate,
                dropout_key=self._draw_key(self._own_seed) if rate > 0 else 0,
            )
            return self._projected("attention_output", found)
        seen = None if attention_mask is None else np.asarray(attention_mask, dtype=bool)
        if counts is not None:
            seen = counts[:, None] if seen is None else seen & counts[:, None]
        if use_causal_mask:
            causal = np.tri(parts[0].shape[1], parts[1].shape[1], dtype=bool)
            seen = causal if seen is None else seen & causal
        found, weights = self._plain(parts, seen, rate)
        outputs = self._projected("attention_output", found)
        return (outputs, weights) if return_attention_scores else outputs

    def _keys_that_count(self, value: Any, key: Any, value_mask: Any, key_mask: Any) -> NDArray[np.bool_] | None:
        masks = [
            self._mask_of((value,), {}) if value_mask is None else value_mask,
            self._mask_of((key,), {}) if key_mask is None and key is not None else key_mask,
        ]
        found: NDArray[np.bool_] | None = None
        for mask in masks:
            if mask is not None:
                given = np.asarray(mask, dtype=bool)
                found = given if found is None else found & given
        return found

    def _projected(self, name: str, x: Any) -> Tensor:
        kernel, bias = self._projections[name]
        inputs = math.prod(kernel.shape[:2]) if name == "attention_output" else kernel.shape[0]
        flat = F.reshape(kernel, (inputs, -1))
        return F.linear(x, flat, None if bias is None else F.reshape(bias, (-1,)))

    def _plain(self, parts: list[Tensor], seen: NDArray[np.bool_] | None, rate: float) -> tuple[Tensor, Tensor]:
        """What is found and the weights, which are held here: for masks of pairs, and for those who ask for them."""
        batch, steps = parts[0].shape[:2]
        query, key, value = (
            F.transpose(F.reshape(part, (*part.shape[:2], self.num_heads, -1)), (0, 2, 1, 3)) for part in parts
        )
        scores = F.multiply(F.matmul(query, F.transpose(key, (0, 1, 3, 2))), 1 / math.sqrt(self.key_dim))
        if seen is not None:
            hidden = np.where(seen if seen.ndim == 2 else seen[:, None], 0, _UNSEEN).astype(np.float32)
            scores = F.add(scores, hidden)
        weights = F.softmax(scores)
        kept = F.dropout(weights, rate, self._draw_key(self._own_seed)) if rate > 0 else weights
        found = F.transpose(F.matmul(kept, value), (0, 2, 1, 3))
        return F.reshape(found, (batch, steps, -1)), weights
