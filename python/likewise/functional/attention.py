"""Attention: each position a mean of others, weighed by how they match."""

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
    dropout: float = 0.0,
    dropout_key: int = 0,
) -> Tensor:
    """``softmax(scale q k^T) v`` in each head (Vaswani et al., NeurIPS 2017, section 3.2), for sequences of any length.

    Sequences are packed, one behind the other with ``offsets``, or padded, with ``lengths``; rows that do not count
    cost nothing, and give 0. Scores are never held for more than 32 queries at a time, and made again for the gradient.
    The heads stand side by side in the columns. A query that sees no key gives 0.

    Args:
        query: Shape ``[batch, steps, dim]``; or packed ``[rows, dim]``.
        key: Shape ``[batch, key_steps, dim]``; or packed ``[key_rows, dim]``.
        value: Rows as ``key``, and columns of its own, ``[.., value_dim]``.
        num_heads: Heads; they divide dim and value_dim.
        offsets: Of packed queries: sequence s has rows ``offsets[s]`` to ``offsets[s + 1]``; shape ``[sequences + 1]``.
        key_offsets: The same for keys and values; None: as ``offsets``.
        lengths: Of padded sequences: how many queries count, from the first on; shape ``[batch]``. None: all.
        key_lengths: The same for keys; None: as ``lengths``.
        key_mask: Which keys may be seen: bool, of the shape of the keys' rows. None: all that count.
        causal: Does a query see keys up to its own place only?
        scale: Of the scores; None: ``1 / sqrt(dim / num_heads)``.
        dropout: Share of the weights that is dropped, in [0, 1); the others grow by ``1 / (1 - dropout)``.
        dropout_key: The stream of draws, 0 to 2**64 - 1, such as one for each seed, layer and step.

    Returns:
        Rows as ``query``, columns as ``value``.

    Raises:
        ValueError: If shapes disagree, heads do not divide the columns, offsets fall or do not cover the rows, or
            lengths are beyond the steps.
        TypeError: If offsets or lengths are not integers, or the mask is not of bool.
    """
    return _core.attention(
        query,
        key,
        value,
        num_heads,
        offsets,
        key_offsets,
        lengths,
        key_lengths,
        key_mask,
        causal,
        scale,
        dropout,
        dropout_key,
    )
