"""Attention."""

from __future__ import annotations

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


class MultiHeadAttention(Layer):
    """Softmax attention of several heads between projections of the inputs (Vaswani et al., NIPS 2017).

    Args:
        num_heads: How many heads.
        key_dim: Columns of a head of the projected query and key.
        value_dim: Columns of a head of the projected value; None for key_dim.
        dropout: In training, the share of the probabilities that is dropped.
        use_bias: Do the projections have a bias?
        output_shape: Columns of the output; None for as many as the query has.
        attention_axes: Only None or the axis of steps, 1.
        flash_attention: Has no effect.
        kernel_initializer: First values of the kernels, [inputs, num_heads, columns of a head] of the query, the key
            and the value, and [num_heads, value_dim, outputs] of the output.
        bias_initializer: First values of the biases, [num_heads, columns of a head] and [outputs].
        kernel_regularizer: A penalty on the kernels.
        bias_regularizer: A penalty on the biases.
        seed: A seed of its own for what is dropped; None takes the network's.
        **common: See :class:`Layer`.

    Call:
        layer(query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
        return_attention_scores=False, use_causal_mask=False): key is value if it is None; value_mask and key_mask
        [batch, key_steps] and attention_mask [batch, steps, key_steps] or [steps, key_steps], bool, say what may be
        seen. With return_attention_scores a pair of the output and the probabilities [batch, num_heads, steps,
        key_steps] before dropout. Scores and an attention_mask take a slower way.

    Shapes:
        [batch, steps, inputs] and [batch, key_steps, inputs] to [batch, steps, outputs]. A query that sees no key
        attends to nothing.
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
        attention_axes: int | Sequence[int] | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        seed: int | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        value_dim = key_dim if value_dim is None else value_dim
        for argument, size in (("num_heads", num_heads), ("key_dim", key_dim), ("value_dim", value_dim)):
            checks.integer("MultiHeadAttention", argument, size, least=1)
        if not checks.is_number(dropout) or not 0 <= dropout < 1:
            raise ValueError(f"MultiHeadAttention: dropout must lie in [0, 1), got {dropout!r}")
        if attention_axes not in (None, 1, (1,), [1]):
            raise ValueError(f"MultiHeadAttention: attention_axes must be None or 1, got {attention_axes!r}")
        outputs: list[Any] = list(output_shape) if isinstance(output_shape, list | tuple) else [output_shape]
        if len(outputs) != 1:
            raise ValueError(f"MultiHeadAttention: output_shape must be one size, got {output_shape!r}")
        if outputs[0] is not None:
            checks.integer("MultiHeadAttention", "output_shape", outputs[0], least=1)
        self.num_heads, self.key_dim, self.value_dim = int(num_heads), int(key_dim), int(value_dim)
        self.dropout, self.use_bias = float(dropout), use_bias
        self.outputs: int | None = None if outputs[0] is None else int(outputs[0])
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self._own_seed = seed

    def build(self, input_shape: Any) -> None:
        shapes = list(input_shape[:3]) if isinstance(input_shape, list) else [input_shape]
        if len(shapes) < 2 or any(not isinstance(each, tuple) or len(each) != 3 for each in shapes):
            raise ValueError(f"MultiHeadAttention: takes a query and a value [batch, steps, inputs], got {input_shape}")
        query, value, key = shapes if len(shapes) == 3 else (*shapes, shapes[1])
        outputs = self.outputs or query[-1]
        self.query_kernel, self.query_bias = self._weights("query", (query[-1], self.num_heads, self.key_dim), 1)
        self.key_kernel, self.key_bias = self._weights("key", (key[-1], self.num_heads, self.key_dim), 1)
        self.value_kernel, self.value_bias = self._weights("value", (value[-1], self.num_heads, self.value_dim), 1)
        self.output_kernel, self.output_bias = self._weights("output", (self.num_heads, self.value_dim, outputs), 2)

    def _weights(self, name: str, shape: tuple[int, ...], inputs: int) -> tuple[Tensor, Tensor | None]:
        """A kernel whose first ``inputs`` axes are those of what it meets, and a bias of the others."""
        kernel = self.add_weight(
            shape, self.kernel_initializer, regularizer=self.kernel_regularizer, name=f"{name}_kernel"
        )
        if not self.use_bias:
            return kernel, None
        bias = self.add_weight(
            shape[inputs:], self.bias_initializer, regularizer=self.bias_regularizer, name=f"{name}_bias"
        )
        return kernel, bias

    def __call__(self, *inputs: Any, training: bool | None = None, **options: Any) -> Any:
        """Compute the output; value and key may be given by name."""
        for name in ("value", "key")[len(inputs) - 1 :]:
            if options.get(name) is not None:
                inputs += (options.pop(name),)
        return super().__call__(*inputs, training=training, **options)

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
        key = value if key is None else key
        q, k, v = (self._project(x, name) for x, name in ((query, "query"), (key, "key"), (value, "value")))
        seen = None
        value_mask = self._mask_that_came_with(value) if value_mask is None else value_mask
        if key is not value:
            key_mask = self._mask_that_came_with(key) if key_mask is None else key_mask
        for mask in (value_mask, key_mask):
            if mask is not None:
                seen = np.asarray(mask, dtype=bool) if seen is None else seen & np.asarray(mask, dtype=bool)
        rate, scores = self.dropout if training else 0.0, None
        draw_key = self._draw_key(self._own_seed) if rate > 0 else 0
        if attention_mask is None and not return_attention_scores:
            attended = F.attention(
                q,
                k,
                v,
                num_heads=self.num_heads,
                key_mask=seen,
                causal=use_causal_mask,
                dropout=rate,
                dropout_key=draw_key,
            )
        else:
            allowed = _allowed((q.shape[0], q.shape[1], k.shape[1]), seen, attention_mask, use_causal_mask)
            attended, scores = self._attend_in_steps(q, k, v, allowed, rate, draw_key)
        kernel = F.reshape(self.output_kernel, (self.num_heads * self.value_dim, self.output_kernel.shape[-1]))
        outputs = F.linear(attended, kernel, self.output_bias)
        return (outputs, scores) if return_attention_scores else outputs

    def _project(self, x: Any, name: str) -> Tensor:
        """[batch, steps, inputs] to [batch, steps, num_heads * columns of a head]."""
        kernel, bias = getattr(self, f"{name}_kernel"), getattr(self, f"{name}_bias")
        columns = self.num_heads * kernel.shape[-1]
        flat_bias = None if bias is None else F.reshape(bias, (columns,))
        return F.linear(x, F.reshape(kernel, (kernel.shape[0], columns)), flat_bias)

    def _attend_in_steps(
        self, q: Tensor, k: Tensor, v: Tensor, allowed: NDArray[Any], rate: float, draw_key: int
    ) -> tuple[Tensor, Tensor]:
        """The same by operations that hold all probabilities: what is attended to, and these before dropout."""
        q, k, v = (F.transpose(F.reshape(x, (*x.shape[:2], self.num_heads, -1)), (0, 2, 1, 3)) for x in (q, k, v))
        products = F.multiply(F.matmul(q, F.transpose(k, (0, 1, 3, 2))), np.float32(self.key_dim**-0.5))
        hidden = np.where(allowed, np.float32(0), np.float32(-1e9))[:, None]
        scores = F.multiply(F.softmax(F.add(products, hidden)), allowed[:, None].astype(np.float32))
        weights = F.dropout(scores, rate, draw_key) if rate > 0 else scores
        attended = F.transpose(F.matmul(weights, v), (0, 2, 1, 3))
        return F.reshape(attended, (*attended.shape[:2], self.num_heads * self.value_dim)), scores


def _allowed(shape: tuple[int, int, int], seen: Any, attention_mask: Any, causal: bool) -> NDArray[Any]:
    """What may be seen: [batch, steps, key_steps]."""
    allowed: NDArray[Any] = np.ones(shape, dtype=bool)
    if seen is not None:
        allowed &= seen[:, None]
    if causal:
        allowed &= np.tril(np.ones(shape[1:], dtype=bool))
    if attention_mask is None:
        return allowed
    mask = np.asarray(attention_mask, dtype=bool)
    if mask.shape not in (shape, (1, *shape[1:]), shape[1:]):
        raise ValueError(f"MultiHeadAttention: attention_mask must have shape {shape}, got {mask.shape}")
    allowed &= mask
    return allowed
