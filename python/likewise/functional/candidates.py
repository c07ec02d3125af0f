"""Losses over a few items instead of the whole catalogue."""

from __future__ import annotations

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def candidate_scores(states: TensorLike, table: TensorLike, ids: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """Scores of each position's own candidates: ``h . w_c + b_c``.

    The gradient of the table is made from the scores' gradients and the states, never from a row for each score:
    row-sparse, or dense once there are more ids than rows.

    Args:
        states: Shape ``[.., dim]``.
        table: Item vectors, shape ``[items, dim]``.
        ids: int32, int64 or uint8 of shape ``[.., count]``, in ``0..items - 1``.
        bias: Shape ``[items]``.

    Returns:
        Shape ``[.., count]``.

    Raises:
        ValueError: If shapes disagree, or an id is not in the table.
        TypeError: If ids are not integers.
    """
    return _core.candidate_scores(states, table, ids, bias)


def sampled_softmax_loss(
    states: TensorLike,
    table: TensorLike,
    targets: TensorLike,
    negatives: TensorLike,
    bias: TensorLike | None = None,
    *,
    log_q: TensorLike | None = None,
    weights: TensorLike | None = None,
    ignore_index: int | None = -1,
) -> Tensor:
    """Cross-entropy of the softmax over the target and its negatives (Jean et al., ACL 2015).

    As in all losses here scores are kept for a few positions at a time if negatives are shared, else one number for
    each; gradients are made with them. That of the table is row-sparse, or dense once there are more ids than rows. The
    result is the same, bit for bit, at any number of threads.

    A negative that is the position's target does not count. With ``log_q`` each score is lowered by the logarithm of
    how often its item is drawn, which makes the gradient that of the full softmax in the limit (Bengio and Senecal,
    2008).

    Args:
        states: Shape ``[.., dim]``: one vector for each position.
        table: Item vectors, shape ``[items, dim]``.
        targets: Integers of the positions' shape ``[..]``, in ``0..items - 1``.
        negatives: Integers of shape ``[.., m]``, or ``[m]``, which all positions share.
        bias: Shape ``[items]``.
        log_q: Logarithm of the expected number of times an item is among the negatives, shape ``[items]``; finite.
        weights: What each position counts, of the positions' shape; not negative. 1 if not given.
        ignore_index: Positions with this target are left out.

    Returns:
        The mean over positions, weighted; 0 if none counts.

    Raises:
        ValueError: If shapes disagree, an id is not in the table, a weight is negative or not finite, or ``log_q`` is
            not finite.
        TypeError: If ids are not integers.
    """
    return _core.sampled_softmax_loss(states, table, targets, negatives, bias, log_q, weights, ignore_index)


def gbce_loss(
    states: TensorLike,
    table: TensorLike,
    targets: TensorLike,
    negatives: TensorLike,
    bias: TensorLike | None = None,
    *,
    beta: float = 1.0,
    weights: TensorLike | None = None,
    ignore_index: int | None = -1,
) -> Tensor:
    """Generalised binary cross-entropy (Petrov and Macdonald, RecSys 2023, equation 11).

    ``-(beta log sigmoid(s+) + sum log sigmoid(-s-)) / (1 + m)``: with beta 1 the plain logistic loss of a target and
    its negatives. Negatives count as they are drawn.

    Args:
        states: Shape ``[.., dim]``.
        table: Item vectors, shape ``[items, dim]``.
        targets: Integers of the positions' shape ``[..]``.
        negatives: Integers of shape ``[.., m]``, or ``[m]``, which all positions share.
        bias: Shape ``[items]``.
        beta: What the target's loss counts; not negative.
        weights: What each position counts; 1 if not given.
        ignore_index: Positions with this target are left out.

    Returns:
        The mean over positions, weighted; 0 if none counts.

    Raises:
        ValueError: If shapes disagree, an id is not in the table, or a weight or beta is negative or not finite.
        TypeError: If ids are not integers.
    """
    return _core.gbce_loss(states, table, targets, negatives, bias, beta, weights, ignore_index)


def bpr_max_loss(
    states: TensorLike,
    table: TensorLike,
    targets: TensorLike,
    negatives: TensorLike,
    bias: TensorLike | None = None,
    *,
    regularization: float = 1.0,
    elu_alpha: float | None = None,
    weights: TensorLike | None = None,
    ignore_index: int | None = -1,
) -> Tensor:
    """BPR-max with score regularisation (Hidasi and Karatzoglou, CIKM 2018, equation 10).

    ``-log sum_j w_j sigmoid(s_i - s_j) + regularization sum_j w_j s_j^2`` over the negatives j of a target i, with
    ``w = softmax(s_j)``. A negative that is the position's target does not count; where none is left, the loss is 0.

    Args:
        states: Shape ``[.., dim]``.
        table: Item vectors, shape ``[items, dim]``.
        targets: Integers of the positions' shape ``[..]``.
        negatives: Integers of shape ``[.., m]``, or ``[m]``, which all positions share.
        bias: Shape ``[items]``.
        regularization: Weight of the squares.
        elu_alpha: Scores pass through ELU of this alpha first, as the authors' do; None: they do not.
        weights: What each position counts; 1 if not given.
        ignore_index: Positions with this target are left out.

    Returns:
        The mean over positions, weighted; 0 if none counts.

    Raises:
        ValueError: If shapes disagree, an id is not in the table, a weight or the regularization is negative or not
            finite, or ``elu_alpha`` is not positive.
        TypeError: If ids are not integers.
    """
    return _core.bpr_max_loss(states, table, targets, negatives, bias, regularization, elu_alpha, weights, ignore_index)


def in_batch_softmax_loss(
    queries: TensorLike, items: TensorLike, *, ids: TensorLike | None = None, log_q: TensorLike | None = None
) -> Tensor:
    """Cross-entropy over the items of a batch: each row's own is the target, the others are its negatives.

    Args:
        queries: Shape ``[n, dim]``.
        items: Shape ``[n, dim]``; row r belongs to query r.
        ids: Which item each row is, integers of shape ``[n]``: rows of the same item are no negatives of each other.
        log_q: Logarithm of how often each row's item comes in a batch, shape ``[n]``, by which scores are lowered (Yi
            et al., RecSys 2019).

    Returns:
        The mean over rows.

    Raises:
        ValueError: If shapes disagree, or ``log_q`` is not finite.
        TypeError: If ids are not integers.
    """
    return _core.in_batch_softmax_loss(queries, items, ids, log_q)
