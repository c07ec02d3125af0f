"""The softmax over a whole catalogue as a loss."""

from __future__ import annotations

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def softmax_loss(
    states: TensorLike,
    table: TensorLike,
    targets: TensorLike,
    bias: TensorLike | None = None,
    weights: TensorLike | None = None,
    ignore_index: int | None = -1,
) -> Tensor:
    """Cross-entropy of the softmax over all items, whose scores are never held.

    For a position with state ``h`` and target ``t`` the loss is ``log(sum_v exp(h . w_v + b_v)) - (h . w_t + b_t)``.
    Memory is that of the gradients and of a few tiles of scores, where ``[positions, items]`` would be many times that.
    The result is the same, bit for bit, at any number of threads.

    Args:
        states: Shape ``[.., dim]``: one vector for each position.
        table: Item vectors, shape ``[items, dim]``. Its gradient is dense: the softmax moves every item.
        targets: int32, int64 or uint8 of the positions' shape ``[..]``, in ``0..items - 1``.
        bias: Shape ``[items]``.
        weights: What each position counts, of the positions' shape; not negative. 1 if not given.
        ignore_index: Positions with this target are left out, as those of weight 0 are: they cost nothing.

    Returns:
        The mean over positions, weighted; 0 if none counts.

    Raises:
        ValueError: If shapes disagree, a target is not in the table, or a weight is negative or not finite.
        TypeError: If targets are not integers.
    """
    return _core.softmax_loss(states, table, targets, bias, weights, ignore_index)
