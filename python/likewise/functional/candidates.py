"""Losses over a few items instead of the whole catalogue."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import _core
from likewise.functional.activations import elu, sigmoid, softmax, softplus
from likewise.functional.elementwise import add, log, multiply, negate, square, subtract
from likewise.functional.embedding import embedding
from likewise.functional.layout import concatenate, reshape, transpose
from likewise.functional.linear import matmul
from likewise.functional.losses import sparse_categorical_cross_entropy
from likewise.functional.reductions import sum as sum_of
from likewise.functional.tensor import Tensor, TensorLike

_NO_CANDIDATE = -1e9  # added to the score of an item that is not to count
_TINY = 1e-24  # keeps a logarithm finite


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

    A negative that is the position's target does not count. With ``log_q`` each score is lowered by the logarithm of
    how often its item is drawn, which makes the gradient that of the full softmax in the limit (Bengio and Senecal,
    2008).

    Args:
        states: Shape ``[.., dim]``: one vector for each position.
        table: Item vectors, shape ``[items, dim]``.
        targets: Integers of the positions' shape ``[..]``, in ``0..items - 1``.
        negatives: Integers of shape ``[.., m]``, or ``[m]``, which all positions share.
        bias: Shape ``[items]``.
        log_q: Logarithm of the expected number of times an item is among the negatives, shape ``[items]``.
        weights: What each position counts, of the positions' shape; not negative. 1 if not given.
        ignore_index: Positions with this target are left out.

    Returns:
        The mean over positions, weighted; 0 if none counts.

    Raises:
        ValueError: If shapes disagree, an id is not in the table, or a weight is negative or not finite.
        TypeError: If ids are not integers.
    """
    at = _Positions("sampled_softmax_loss", states, targets, negatives, weights, ignore_index)
    positive, negative = at.scores(table, bias)
    corrections = _NO_CANDIDATE * at.hits()
    if log_q is not None:
        expected = np.asarray(log_q, dtype=np.float32)
        if expected.shape != (np.shape(table)[0],):
            raise ValueError(
                f"sampled_softmax_loss: log_q must have shape ({np.shape(table)[0]},), got {expected.shape}"
            )
        positive = subtract(positive, expected[at.targets][:, None])
        corrections = corrections - expected[at.negatives]
    scores = concatenate([positive, add(negative, corrections)], axis=1)
    first = np.zeros(len(at.targets), dtype=np.int64)
    return at.mean(sparse_categorical_cross_entropy(scores, first, from_logits=True, reduction="none"))


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
        beta: What the target's loss counts.
        weights: What each position counts; 1 if not given.
        ignore_index: Positions with this target are left out.

    Returns:
        The mean over positions, weighted; 0 if none counts.

    Raises:
        ValueError: If shapes disagree, an id is not in the table, or a weight is negative or not finite.
        TypeError: If ids are not integers.
    """
    at = _Positions("gbce_loss", states, targets, negatives, weights, ignore_index)
    positive, negative = at.scores(table, bias)
    of_target = multiply(softplus(negate(reshape(positive, (-1,)))), beta)
    total = add(of_target, sum_of(softplus(negative), axis=1))
    return multiply(at.mean(total), 1 / (1 + at.negatives.shape[-1]))


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
    ``w = softmax(s_j)``. A negative that is the position's target does not count.

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
        ValueError: If shapes disagree, an id is not in the table, or a weight is negative or not finite.
        TypeError: If ids are not integers.
    """
    at = _Positions("bpr_max_loss", states, targets, negatives, weights, ignore_index)
    positive, negative = at.scores(table, bias)
    if elu_alpha is not None:
        positive, negative = elu(positive, elu_alpha), elu(negative, elu_alpha)
    shares = softmax(add(negative, _NO_CANDIDATE * at.hits()))
    above = sum_of(multiply(shares, sigmoid(subtract(positive, negative))), axis=1)
    penalty = sum_of(multiply(shares, square(negative)), axis=1)
    return at.mean(add(negate(log(add(above, _TINY))), multiply(penalty, regularization)))


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
        ValueError: If shapes disagree.
    """
    n = np.shape(queries)[0]
    if len(np.shape(queries)) != 2 or np.shape(items) != np.shape(queries):
        raise ValueError(
            "in_batch_softmax_loss: queries and items must have the same shape (n, dim), got "
            f"{np.shape(queries)} and {np.shape(items)}"
        )
    corrections = np.zeros((n, n), dtype=np.float32)
    for name, given in (("ids", ids), ("log_q", log_q)):
        if given is not None and np.shape(given) != (n,):
            raise ValueError(f"in_batch_softmax_loss: {name} must have shape ({n},), got {np.shape(given)}")
    if ids is not None:
        same = np.asarray(ids)[:, None] == np.asarray(ids)
        corrections += _NO_CANDIDATE * (same & ~np.eye(n, dtype=bool))
    if log_q is not None:
        corrections -= np.asarray(log_q, dtype=np.float32)
    scores = add(matmul(queries, transpose(items)), corrections)
    return sparse_categorical_cross_entropy(scores, np.arange(n), from_logits=True)


class _Positions:
    """The positions that count: their states [n, dim], targets [n], negatives [n, m] or [m], shares of the mean [n]."""

    def __init__(
        self,
        name: str,
        states: TensorLike,
        targets: TensorLike,
        negatives: TensorLike,
        weights: TensorLike | None,
        ignored: int | None,
    ) -> None:
        leading, dim = np.shape(states)[:-1], np.shape(states)[-1]
        ids, drawn = _integers(name, "targets", targets), _integers(name, "negatives", negatives)
        if ids.shape != leading:
            raise ValueError(f"{name}: targets must have shape {leading}, got {ids.shape}")
        self.shared = drawn.ndim == 1 and len(leading) != 0
        if drawn.ndim == 0 or (not self.shared and drawn.shape[:-1] != leading):
            raise ValueError(f"{name}: negatives must have shape (m,) or {(*leading, 'm')}, got {drawn.shape}")
        counts = np.ones(leading, dtype=np.float32) if weights is None else np.asarray(weights, dtype=np.float32)
        if counts.shape != leading:
            raise ValueError(f"{name}: weights must have shape {leading}, got {counts.shape}")
        if not (np.isfinite(counts) & (counts >= 0)).all():
            raise ValueError(f"{name}: weights must be finite and not negative, got {counts[~(counts >= 0)][:1]}")
        kept = (ids != ignored).reshape(-1) & (counts > 0).reshape(-1)
        self.states = reshape(states, (-1, dim))
        if not kept.all():
            self.states = embedding(self.states, np.flatnonzero(kept))
        self.targets = ids.reshape(-1)[kept]
        self.negatives = drawn if self.shared else drawn.reshape(-1, drawn.shape[-1])[kept]
        shares = counts.reshape(-1)[kept].astype(np.float64)
        self.shares = (shares / shares.sum()).astype(np.float32) if len(shares) else shares.astype(np.float32)

    def hits(self) -> NDArray[np.float32]:
        """Which negatives are the position's target, as 1 and 0 [n, m]."""
        same: NDArray[np.bool_] = self.negatives == self.targets[:, None]
        return same.astype(np.float32)

    def scores(self, table: TensorLike, bias: TensorLike | None) -> tuple[Tensor, Tensor]:
        """Scores of targets [n, 1] and of negatives [n, m]."""
        positive = candidate_scores(self.states, table, self.targets[:, None], bias)
        if not self.shared:
            return positive, candidate_scores(self.states, table, self.negatives, bias)
        negative = matmul(self.states, transpose(embedding(table, self.negatives)))
        if bias is not None:
            column = reshape(embedding(reshape(bias, (-1, 1)), self.negatives), (1, -1))
            negative = add(negative, column)
        return positive, negative

    def mean(self, losses: Tensor) -> Tensor:
        """The weighted mean of losses [n]."""
        return sum_of(multiply(losses, self.shares))


def _integers(name: str, argument: str, given: TensorLike) -> NDArray[Any]:
    ids: NDArray[Any] = np.asarray(given)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"{name}: {argument} must be integers, got {ids.dtype}")
    return ids
