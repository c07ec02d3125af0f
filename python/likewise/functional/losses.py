"""Losses of (prediction, target), in one pass with their gradient.

``weight`` holds a factor for each row: its shape is the leading sizes of the prediction. ``reduction`` is "mean" (over
all values, whatever their weights, as Keras has it), "sum", or "none". A target of shape ``[n]`` meets a prediction of
shape ``[n, 1]``. Other shapes, or another reduction, are a ``ValueError``. The target gets no gradient.
"""

from __future__ import annotations

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def mean_squared_error(
    prediction: TensorLike, target: TensorLike, *, weight: TensorLike | None = None, reduction: str = "mean"
) -> Tensor:
    """``(p - t)^2``; "none" leaves the prediction's shape."""
    return _core.mean_squared_error(prediction, target, weight, reduction)


def mean_absolute_error(
    prediction: TensorLike, target: TensorLike, *, weight: TensorLike | None = None, reduction: str = "mean"
) -> Tensor:
    """``|p - t|``; "none" leaves the prediction's shape."""
    return _core.mean_absolute_error(prediction, target, weight, reduction)


def hinge(
    prediction: TensorLike, target: TensorLike, *, weight: TensorLike | None = None, reduction: str = "mean"
) -> Tensor:
    """``max(1 - t p, 0)`` for targets -1 and 1, where 0 counts as -1; "none" leaves the prediction's shape."""
    return _core.hinge(prediction, target, weight, reduction)


def binary_cross_entropy(
    prediction: TensorLike,
    target: TensorLike,
    *,
    from_logits: bool = False,
    weight: TensorLike | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-(t log p + (1 - t) log(1 - p))``, with ``p = sigmoid(prediction)`` from logits, which is the more exact way.

    Args:
        prediction: Probabilities, kept within 1e-7 of 0 and 1; or logits.
        target: Probabilities, such as 0 and 1.
        from_logits: Which of the two.
        weight: A factor for each row.
        reduction: "none" leaves the prediction's shape.
    """
    if from_logits:
        return _core.binary_cross_entropy_of_logits(prediction, target, weight, reduction)
    return _core.binary_cross_entropy(prediction, target, weight, reduction)


def categorical_cross_entropy(
    prediction: TensorLike,
    target: TensorLike,
    *,
    from_logits: bool = False,
    weight: TensorLike | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-sum_c t_c log p_c``, with ``p = softmax(prediction)`` from logits, which is the more exact way.

    Args:
        prediction: Probabilities that sum to 1, kept within 1e-7 of 0 and 1; or logits. Shape ``[.., classes]``.
        target: One-hot or a distribution, shape ``[.., classes]``.
        from_logits: Which of the two.
        weight: A factor for each row, shape ``[..]``.
        reduction: "none" leaves shape ``[..]``.
    """
    return _core.categorical_cross_entropy(prediction, target, weight, from_logits, reduction)


def sparse_categorical_cross_entropy(
    prediction: TensorLike,
    target: TensorLike,
    *,
    from_logits: bool = False,
    weight: TensorLike | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-log p_t``: :func:`categorical_cross_entropy` for targets that are numbers of classes.

    Args:
        prediction: As there, shape ``[.., classes]``.
        target: Integers in 0..classes - 1, shape ``[..]``.
        from_logits: As there.
        weight: A factor for each row, shape ``[..]``.
        reduction: "none" leaves shape ``[..]``.

    Raises:
        ValueError: If a target is not the number of a class.
        TypeError: If targets are not integers.
    """
    return _core.sparse_categorical_cross_entropy(prediction, target, weight, from_logits, reduction)


def bpr(
    positive_scores: TensorLike,
    negative_scores: TensorLike,
    *,
    weight: TensorLike | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-log sigmoid(positive - negative)``: Bayesian personalised ranking (Rendle et al., UAI 2009).

    Args:
        positive_scores: Scores of items that were chosen, such as ``[n, 1]``.
        negative_scores: Scores of items that were not, such as ``[n, draws]``; the two broadcast.
        weight: A factor for each row of the difference.
        reduction: "none" leaves the shape of the difference.
    """
    return _core.bpr(positive_scores, negative_scores, weight, reduction)
