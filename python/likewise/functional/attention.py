"""Softmax attention (Vaswani et al., NIPS 2017)."""

from __future__ import annotations

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    *,
    num_heads: int = 1,
    offsets: TensorLike | None = None,
    key_offsets: TensorLike | None = None,
    lengths: TensorLike | None = None,
    key_lengths: TensorLike | None = None,
    key_mask: TensorLike | None = None,
    causal: bool = False,
    scale: float | None = None,
    relative_bias: TensorLike | None = None,
    dropout: float = 0.0,
    dropout_key: int = 0,
) -> Tensor:
    """``softmax(scale query key^T + bias) value`` for every head of every sequence (Vaswani et al., NIPS 2017).

    Sequences lie one after the other, ``[rows, dim]`` with offsets, or padded, ``[batch, steps, dim]`` with lengths or
    a mask. Padding costs no arithmetic, and its rows of the result are 0. A query that sees no key gives 0.

    Args:
        query: Shape ``[rows, num_heads * key_dim]`` or ``[batch, steps, num_heads * key_dim]``, heads side by side.
        key: Shape ``[key_rows, num_heads * key_dim]`` or ``[batch, key_steps, num_heads * key_dim]``.
        value: Like key, of ``num_heads * value_dim`` columns.
        num_heads: How many heads a row holds.
        offsets: Shape ``[sequences + 1]``: sequence s is the rows ``offsets[s]`` to ``offsets[s + 1]``.
        key_offsets: The same for key and value; None is offsets.
        lengths: Shape ``[batch]``: how many steps count, from the first on; None for all.
        key_lengths: The same for key and value; None is lengths.
        key_mask: The shape of key without its last axis, bool: the keys that may be seen; None for all.
        causal: Query t of a sequence sees its keys 0 to t only (Vaswani et al., section 3.2.3).
        scale: What products are multiplied by; None is ``key_dim ** -0.5``.
        relative_bias: Shape ``[num_heads, 2 * distance + 1]``: what is added for a key j and a query t, at
            ``j - t`` clipped to ``-distance .. distance``, which is the middle column for j = t (Shaw et al., NAACL
            2018; a number for each head as in Raffel et al., JMLR 2020).
        dropout: The share of the probabilities that is dropped, in [0, 1); others grow by ``1 / (1 - dropout)``.
        dropout_key: The stream of draws, 0 to 2**64 - 1, such as one for each seed, layer and step. What is dropped
            depends on it, the sequence's number, the head, the query and the key alone.

    Returns:
        Shape ``[rows, num_heads * value_dim]`` or ``[batch, steps, num_heads * value_dim]``.

    Raises:
        ValueError: If shapes disagree, offsets decrease or leave the rows, a length is beyond the steps, offsets are
            missing for packed rows or given for padded ones, the scale is not above 0, or dropout is not in [0, 1).
        TypeError: If offsets or lengths are not integers, or the mask is not of bool.
    """
    rows = offsets, key_offsets, lengths, key_lengths, key_mask
    return _core.attention(query, key, value, num_heads, *rows, causal, scale, relative_bias, dropout, dropout_key)
