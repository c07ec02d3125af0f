"""Losses by Keras' names, of (y_true, y_pred); those of ``likewise.functional`` take (prediction, target)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from likewise import functional as F
from likewise.functional import Tensor


class Loss:
    """``loss(y_true, y_pred, sample_weight=None)`` is the mean over all values, each times the weight of its row.

    As in Keras, the sum is divided by the number of values, not by the sum of the weights. Override :meth:`call`.

    Args:
        name: For people.
        reduction: "sum_over_batch_size" (or "mean"); or "sum", of the mean over the last axis for each row.
    """

    def __init__(self, name: str | None = None, reduction: str = "sum_over_batch_size") -> None:
        if reduction not in ("sum_over_batch_size", "mean", "sum"):
            raise ValueError(
                f"{type(self).__name__}: reduction must be 'sum_over_batch_size' or 'sum', got {reduction!r}"
            )
        self.name, self.reduction = name, reduction

    def call(self, y_true: Any, y_pred: Tensor, weight: Any) -> Tensor:
        """The mean; ``y_true`` has the shape that fits ``y_pred``, ``weight`` is None or [rows]."""
        raise NotImplementedError

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The mean or sum, a scalar.

        Args:
            y_true: Targets; [rows] meets predictions of [rows, 1].
            y_pred: Predictions.
            sample_weight: Weights [rows].

        Raises:
            ValueError: If the shapes do not fit.
        """
        if sample_weight is not None:
            sample_weight = np.asarray(sample_weight, dtype=np.float32)
        shape = tuple(np.shape(y_pred))
        loss = self.call(self._fitted(y_true, shape), y_pred, sample_weight)
        return F.multiply(loss, float(math.prod(shape[:-1]))) if self.reduction == "sum" else loss

    def _fitted(self, y_true: Any, shape: tuple[int, ...]) -> Any:
        return _in_shape(y_true, shape, type(self).__name__)


class _FromFunction(Loss):
    """A user's function (y_true, y_pred) of one value a row or element, or of their mean."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__(getattr(function, "__name__", None))
        self.function = function

    def call(self, y_true: Any, y_pred: Tensor, weight: Any) -> Tensor:
        values = self.function(y_true, y_pred)
        if not isinstance(values, Tensor):
            raise TypeError(
                f"loss: {self.name or 'the function'} must return a tensor, computed by likewise.functional, "
                f"got {type(values).__name__}"
            )
        if weight is not None:
            if not values.shape:
                raise ValueError(f"{self.name}: with weights, a loss function must return a value for each row")
            values = values * weight.reshape(-1, *[1] * (len(values.shape) - 1))
        return F.mean(values) if values.shape else values

    def _fitted(self, y_true: Any, shape: tuple[int, ...]) -> Any:
        array = np.asarray(y_true)
        return _in_shape(array, shape, "loss") if array.size == np.prod(shape) else array


class _Known(Loss):
    """One of Keras' losses."""

    def call(self, y_true: Any, y_pred: Tensor, weight: Any) -> Tensor:
        return self.computed(y_true, y_pred, weight, "mean")

    def computed(self, y_true: Any, y_pred: Any, weight: Any, reduction: str) -> Tensor:
        """The loss as `functional` has it."""
        raise NotImplementedError

    def of_rows(self, y_true: Any, y_pred: Any) -> Tensor:
        """The mean over the last axis for each row, or the value of each row."""
        shape = tuple(np.shape(y_pred))
        values = self.computed(self._fitted(y_true, shape), y_pred, None, "none")
        return F.mean(values, axis=-1) if tuple(values.shape) == shape else values


class BinaryCrossentropy(_Known):
    """-(t log p + (1 - t) log(1 - p)).

    Args:
        from_logits: Are predictions before the sigmoid? That is the more exact way.
        label_smoothing: Targets become t (1 - s) + s / 2.
        axis: Only -1.
        reduction: See :class:`Loss`.
        name: For people.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(name, reduction)
        _check_axis(type(self).__name__, axis)
        self.from_logits, self.label_smoothing = from_logits, _smoothing(label_smoothing)

    def computed(self, y_true: Any, y_pred: Any, weight: Any, reduction: str) -> Tensor:
        if self.label_smoothing:
            y_true = y_true * (1 - self.label_smoothing) + self.label_smoothing / 2
        return F.binary_cross_entropy(y_pred, y_true, from_logits=self.from_logits, weight=weight, reduction=reduction)


class CategoricalCrossentropy(_Known):
    """-sum_c t_c log p_c, for targets that are one-hot or distributions.

    Args:
        from_logits: Are predictions before the softmax? That is the more exact way.
        label_smoothing: Targets become t (1 - s) + s / classes.
        axis: Only -1.
        reduction: See :class:`Loss`.
        name: For people.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(name, reduction)
        _check_axis(type(self).__name__, axis)
        self.from_logits, self.label_smoothing = from_logits, _smoothing(label_smoothing)

    def computed(self, y_true: Any, y_pred: Any, weight: Any, reduction: str) -> Tensor:
        if self.label_smoothing:
            y_true = y_true * (1 - self.label_smoothing) + self.label_smoothing / np.shape(y_pred)[-1]
        return F.categorical_cross_entropy(
            y_pred, y_true, from_logits=self.from_logits, weight=weight, reduction=reduction
        )


class SparseCategoricalCrossentropy(_Known):
    """-log p of the class whose number is the target.

    Args:
        from_logits: Are predictions before the softmax? That is the more exact way.
        ignore_class: Only None.
        reduction: See :class:`Loss`.
        axis: Only -1.
        name: For people.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: None = None,
        reduction: str = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = None,
    ) -> None:
        super().__init__(name, reduction)
        _check_axis(type(self).__name__, axis)
        if ignore_class is not None:
            raise ValueError(f"SparseCategoricalCrossentropy: ignore_class is not supported, got {ignore_class!r}")
        self.from_logits = from_logits

    def computed(self, y_true: Any, y_pred: Any, weight: Any, reduction: str) -> Tensor:
        return F.sparse_categorical_cross_entropy(
            y_pred, y_true, from_logits=self.from_logits, weight=weight, reduction=reduction
        )

    def _fitted(self, y_true: Any, shape: tuple[int, ...]) -> Any:
        classes = _in_shape(y_true, shape[:-1], type(self).__name__)
        if classes.dtype.kind == "f":
            if (classes != np.floor(classes)).any():
                raise ValueError(f"{type(self).__name__}: y must hold class numbers, got {classes.reshape(-1)[0]}")
            classes = classes.astype(np.int64)
        return classes


class _Plain(_Known):
    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None:
        super().__init__(name, reduction)


class MeanSquaredError(_Plain):
    """(p - t)^2."""

    def computed(self, y_true: Any, y_pred: Any, weight: Any, reduction: str) -> Tensor:
        return F.mean_squared_error(y_pred, y_true, weight=weight, reduction=reduction)


class MeanAbsoluteError(_Plain):
    """|p - t|."""

    def computed(self, y_true: Any, y_pred: Any, weight: Any, reduction: str) -> Tensor:
        return F.mean_absolute_error(y_pred, y_true, weight=weight, reduction=reduction)


class Hinge(_Plain):
    """max(1 - t p, 0), targets -1 and 1 (0 counts as -1)."""

    def computed(self, y_true: Any, y_pred: Any, weight: Any, reduction: str) -> Tensor:
        return F.hinge(y_pred, y_true, weight=weight, reduction=reduction)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """:class:`BinaryCrossentropy` of each row: the mean over the last axis."""
    return BinaryCrossentropy(from_logits, label_smoothing, axis).of_rows(y_true, y_pred)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """:class:`CategoricalCrossentropy` of each row."""
    return CategoricalCrossentropy(from_logits, label_smoothing, axis).of_rows(y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: None = None, axis: int = -1
) -> Tensor:
    """:class:`SparseCategoricalCrossentropy` of each row."""
    return SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis).of_rows(y_true, y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """:class:`MeanSquaredError` of each row: the mean over the last axis."""
    return MeanSquaredError().of_rows(y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """:class:`MeanAbsoluteError` of each row: the mean over the last axis."""
    return MeanAbsoluteError().of_rows(y_true, y_pred)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """:class:`Hinge` of each row: the mean over the last axis."""
    return Hinge().of_rows(y_true, y_pred)


_BY_NAME: dict[str, type[Loss]] = {
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "hinge": Hinge,
}
_ALSO = {each.__name__: each for each in _BY_NAME.values()} | {"MSE": MeanSquaredError, "MAE": MeanAbsoluteError}
_FUNCTIONS = (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
    mean_squared_error,
    mean_absolute_error,
    hinge,
)


def get(loss: str | Loss | Callable[..., Any] | None) -> Loss | None:
    """A loss by Keras' name, itself, from a function (y_true, y_pred), or None.

    Raises:
        ValueError: If the name is unknown.
        TypeError: If it is none of these.
    """
    if loss is None or isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        if loss not in _BY_NAME and loss not in _ALSO:
            raise ValueError(f"loss: must be one of {', '.join(_BY_NAME)}; got {loss!r}")
        return (_BY_NAME | _ALSO)[loss]()
    if isinstance(loss, type) and issubclass(loss, Loss):
        return loss()
    if callable(loss):
        if any(loss is function for function in _FUNCTIONS):
            return _BY_NAME[loss.__name__]()
        return _FromFunction(loss)
    raise TypeError(f"loss: must be a name, a Loss or a function, got {loss!r}")


def _check_axis(caller: str, axis: int) -> None:
    if axis != -1:
        raise ValueError(f"{caller}: only axis=-1 is supported, got {axis!r}")


def _smoothing(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing: must lie between 0 and 1, got {value}")
    return value


def _in_shape(y_true: Any, shape: tuple[int, ...], name: str) -> Any:
    """Targets in the shape the predictions ask for: the same, or with or without a last axis of 1."""
    array = np.asarray(y_true)
    if array.shape == shape:
        return array
    for longer, shorter in ((shape, array.shape), (array.shape, shape)):
        if longer == (*shorter, 1):
            return array.reshape(shape)
    raise ValueError(f"{name}: predictions ask for targets of shape {shape}, got {array.shape}")
