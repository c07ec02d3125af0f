"""Metrics of networks, by Keras' names: ``metric(y_true, y_pred)``, or fed batch by batch.

(Metrics of recommendations are in ``likewise.evaluation``.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.nn import losses

Array = NDArray[Any]


class Metric:
    """A number computed from targets and predictions.

    ``update_state`` adds rows, ``result`` is the value over all rows since ``reset_state``.

    Args:
        name: Under which the value is in logs.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name or self._default_name()
        self.reset_state()

    def _default_name(self) -> str:
        from likewise.nn.tree import snake_case

        return snake_case(type(self).__name__)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add rows.

        Args:
            y_true: Targets.
            y_pred: Predictions; y_true of shape [n] meets [n, 1].
            sample_weight: Weights [n].
        """
        raise NotImplementedError

    def result(self) -> float:
        """The value over the rows seen; nan if there were none."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget all rows."""
        raise NotImplementedError

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Add rows and return the value so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


class Mean(Metric):
    """The mean of a value of each row: override :meth:`values`, or give a function."""

    _compares = False  # each prediction with its own target

    def __init__(self, function: Callable[[Array, Array], Any] | None = None, name: str | None = None) -> None:
        self._function = function
        super().__init__(name or (getattr(function, "__name__", None) if function is not None else None))

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """One value a row, or several, which are averaged."""
        if self._function is None:
            raise NotImplementedError(f"{type(self).__name__} must define values(y_true, y_pred)")
        return np.asarray(self._function(y_true, y_pred))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = matched(np.asarray(y_true), np.asarray(y_pred))
        if self._compares:
            _check_shapes(self, y_true, y_pred)
        values = np.asarray(self.values(y_true, y_pred), dtype=np.float64)
        if values.ndim > 1:
            values = values.reshape(len(values), -1).mean(axis=1)
        if values.ndim == 0:
            values = np.full(len(y_pred), values)
        weights = np.ones(len(values)) if sample_weight is None else _weights(sample_weight, len(values))
        self._total += float(values @ weights)
        self._count += float(weights.sum())

    def result(self) -> float:
        return self._total / self._count if self._count else float("nan")

    def reset_state(self) -> None:
        self._total = self._count = 0.0


class BinaryAccuracy(Mean):
    """Share of predictions on the right side of ``threshold``."""

    _compares = True

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        self.threshold = threshold
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray((y_pred > self.threshold) == (y_true > 0.5))


class CategoricalAccuracy(Mean):
    """Share of rows whose largest prediction is the class of the one-hot target."""

    _compares = True

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(y_true.argmax(axis=-1) == y_pred.argmax(axis=-1))


class SparseCategoricalAccuracy(Mean):
    """Share of rows whose largest prediction is the class given by its number."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        if y_true.size != np.prod(y_pred.shape[:-1]):
            raise ValueError(f"{self.name}: predictions of {y_pred.shape} ask for one class a row, got {y_true.shape}")
        return np.asarray(y_true.reshape(y_pred.shape[:-1]) == y_pred.argmax(axis=-1))


class MeanSquaredError(Mean):
    """Mean of (y_pred - y_true)^2."""

    _compares = True

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.square(y_pred.astype(np.float64) - y_true)


class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean of (y_pred - y_true)^2."""

    def result(self) -> float:
        return float(np.sqrt(super().result()))


class MeanAbsoluteError(Mean):
    """Mean of |y_pred - y_true|."""

    _compares = True

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.abs(y_pred.astype(np.float64) - y_true)


class BinaryCrossentropy(Mean):
    """Mean of ``losses.BinaryCrossentropy``; see there for the arguments."""

    def __init__(self, name: str | None = None, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self._loss = losses.BinaryCrossentropy(from_logits, label_smoothing)
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self._loss.of_rows(y_true, y_pred))


class CategoricalCrossentropy(Mean):
    """Mean of ``losses.CategoricalCrossentropy``; see there for the arguments."""

    def __init__(self, name: str | None = None, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self._loss = losses.CategoricalCrossentropy(from_logits, label_smoothing)
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self._loss.of_rows(y_true, y_pred))


class SparseCategoricalCrossentropy(Mean):
    """Mean of ``losses.SparseCategoricalCrossentropy``; see there for the arguments."""

    def __init__(self, name: str | None = None, from_logits: bool = False) -> None:
        self._loss = losses.SparseCategoricalCrossentropy(from_logits)
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(self._loss.of_rows(y_true, y_pred))


class Hinge(Mean):
    """Mean of ``losses.Hinge``."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return np.asarray(losses.hinge(y_true, y_pred))


class _Counts(Metric):
    """Counts of hits and misses of a binary decision."""

    def __init__(
        self,
        thresholds: float | None = None,
        top_k: None = None,
        class_id: None = None,
        name: str | None = None,
    ) -> None:
        for argument, value in (("top_k", top_k), ("class_id", class_id)):
            if value is not None:
                raise ValueError(f"{type(self).__name__}: {argument} is not supported, got {value!r}")
        if np.ndim(0.5 if thresholds is None else thresholds):
            raise ValueError(f"{type(self).__name__}: thresholds must be one number, got {thresholds!r}")
        self.threshold = 0.5 if thresholds is None else float(thresholds)
        super().__init__(name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = matched(np.asarray(y_true), np.asarray(y_pred))
        _check_shapes(self, y_true, y_pred)
        weights = np.ones(y_pred.shape)
        if sample_weight is not None:
            weights *= _weights(sample_weight, len(y_pred)).reshape(-1, *[1] * (y_pred.ndim - 1))
        positive, predicted = y_true > 0.5, y_pred > self.threshold
        self._true_positives += float(weights[positive & predicted].sum())
        self._predicted += float(weights[predicted].sum())
        self._positives += float(weights[positive].sum())

    def reset_state(self) -> None:
        self._true_positives = self._predicted = self._positives = 0.0


class Precision(_Counts):
    """Share of those predicted positive that are; 0 if none was predicted."""

    def result(self) -> float:
        return self._true_positives / self._predicted if self._predicted else 0.0


class Recall(_Counts):
    """Share of the positives that were predicted; 0 if there are none."""

    def result(self) -> float:
        return self._true_positives / self._positives if self._positives else 0.0


class AUC(Metric):
    """Area under the ROC curve, exact: the share of (positive, negative) pairs in the right order, ties one half.

    (Keras approximates it with 200 thresholds.) Keeps all predictions until ``reset_state``. nan if a prediction is.

    Args:
        num_thresholds: Has no effect, as it is exact.
        curve: Only "ROC".
        name: Under which the value is in logs.
    """

    def __init__(self, num_thresholds: int = 200, curve: str = "ROC", name: str | None = None) -> None:
        if curve != "ROC":
            raise ValueError(f"AUC: only curve='ROC' is supported, got {curve!r}")
        super().__init__(name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = matched(np.asarray(y_true), np.asarray(y_pred))
        _check_shapes(self, y_true, y_pred)
        if y_pred.size != len(y_pred):
            raise ValueError(f"AUC: takes one prediction a row, got shape {y_pred.shape}")
        weights = np.ones(len(y_pred)) if sample_weight is None else _weights(sample_weight, len(y_pred))
        self._labels.append(y_true.ravel() > 0.5)
        self._scores.append(np.array(y_pred.ravel()))
        self._weights.append(weights)

    def result(self) -> float:
        if not self._labels:
            return float("nan")
        labels, scores, weights = map(np.concatenate, (self._labels, self._scores, self._weights))
        if np.isnan(scores).any():
            return float("nan")
        _, group = np.unique(scores, return_inverse=True)
        positive = np.bincount(group, weights * labels)
        negative = np.bincount(group, weights * ~labels)
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative
        return float(positive @ (below + negative / 2) / pairs) if pairs else float("nan")

    def reset_state(self) -> None:
        self._labels: list[Array] = []
        self._scores: list[Array] = []
        self._weights: list[Array] = []

    def _default_name(self) -> str:
        return "auc"


_BY_NAME: dict[str, type[Metric]] = {
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
    "root_mean_squared_error": RootMeanSquaredError,
    "rmse": RootMeanSquaredError,
    "auc": AUC,
    "precision": Precision,
    "recall": Recall,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "hinge": Hinge,
}
_BY_CLASS = {each.__name__: each for each in _BY_NAME.values()}


def get(metric: str | Metric | Callable[..., Any], y_true: Array, y_pred: Array) -> Metric:
    """A metric by Keras' name or that of its class, itself, or from a function (y_true, y_pred) of values.

    "accuracy" and "acc" mean what fits the shapes: binary for one output, categorical where targets are as wide as
    predictions, sparse categorical otherwise.

    Raises:
        ValueError: If the name is unknown.
        TypeError: If it is none of these.
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if isinstance(metric, str):
        if metric in ("accuracy", "acc"):
            return _accuracy_for(y_true, y_pred)(name=metric)
        if metric in _BY_CLASS:
            return _BY_CLASS[metric]()
        if metric not in _BY_NAME:
            raise ValueError(f"metrics: must be among accuracy, acc, {', '.join(_BY_NAME)}; got {metric!r}")
        return _BY_NAME[metric](name=metric)
    if callable(metric):
        return Mean(metric)
    raise TypeError(f"metrics: must be names, Metrics or functions, got {metric!r}")


def _accuracy_for(y_true: Array, y_pred: Array) -> type[Mean]:
    if y_pred.ndim < 2 or y_pred.shape[-1] == 1:
        return BinaryAccuracy
    return CategoricalAccuracy if y_true.shape == y_pred.shape else SparseCategoricalAccuracy


def matched(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Targets of shape [n] beside predictions [n, 1], or the reverse, in one shape."""
    if y_true.ndim + 1 == y_pred.ndim and y_pred.shape[-1] == 1:
        return y_true[..., None], y_pred
    if y_pred.ndim + 1 == y_true.ndim and y_true.shape[-1] == 1:
        return y_true[..., 0], y_pred
    return y_true, y_pred


def _check_shapes(metric: Metric, y_true: Array, y_pred: Array) -> None:
    if y_true.shape != y_pred.shape:
        raise ValueError(f"{metric.name}: predictions of {y_pred.shape} ask for targets as many, got {y_true.shape}")


def _weights(sample_weight: Any, rows: int) -> Array:
    weights = np.asarray(sample_weight, dtype=np.float64).reshape(-1)
    if len(weights) != rows:
        raise ValueError(f"sample_weight: needs one weight a row, {rows} of them, got {len(weights)}")
    return weights
