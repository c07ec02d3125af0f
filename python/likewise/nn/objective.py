"""What a compiled network is trained for and measured by."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from likewise.functional import Tensor
from likewise.nn import metrics
from likewise.nn.losses import Loss
from likewise.nn.metrics import Metric

# Predictions are kept for so many batches and counted together, so that a step does not wait for them.
_BATCHES_TOGETHER = 16

MetricLike = str | Metric | Callable[..., Any]


class Objective:
    """A loss, and metrics that are told of predictions batch by batch.

    Args:
        loss: The loss; None if the network has its own.
        metrics: As given to ``compile``.
        weighted: Metrics that count the weights of rows.
    """

    def __init__(self, loss: Loss | None, metrics: Sequence[MetricLike], weighted: Sequence[MetricLike] = ()) -> None:
        for argument, value in (("metrics", metrics), ("weighted_metrics", weighted)):
            if not isinstance(value, list | tuple):
                raise TypeError(f"compile: {argument} must be a list, got {value!r}")
        self._loss, self._asked, self._weighted = loss, [*metrics, *weighted], len(weighted)
        self._metrics: list[Metric] | None = None  # "accuracy" is settled by the first predictions
        self._names: list[str] = []
        self._waiting: list[tuple[Any, Tensor, Any]] = []

    def loss(self, y: Any, prediction: Tensor, weight: Any) -> Tensor:
        """The mean loss of a batch."""
        if self._loss is None:
            raise ValueError("compile: no loss was given")
        if y is None:
            raise ValueError("y: must be given, for the loss")
        return self._loss(y, prediction, weight)

    def record(self, y: Any, prediction: Tensor, weight: Any) -> None:
        """Let the metrics know of a batch."""
        if self._asked:
            self._waiting.append((y, prediction.detach(), weight))
            if len(self._waiting) >= _BATCHES_TOGETHER:
                self._count()

    def results(self) -> dict[str, float]:
        """Every metric over what was recorded since :meth:`reset`."""
        self._count()
        return {name: metric.result() for name, metric in zip(self._names, self._metrics or [], strict=True)}

    def reset(self) -> None:
        """Forget what was recorded."""
        self._waiting.clear()
        for metric in self._metrics or []:
            metric.reset_state()

    def fresh(self) -> Objective:
        """The same with metrics of its own, of no rows yet."""
        asked = [copy.copy(metric) if isinstance(metric, Metric) else metric for metric in self._asked]
        objective = Objective(self._loss, asked[: len(asked) - self._weighted], asked[len(asked) - self._weighted :])
        for metric in asked:
            if isinstance(metric, Metric):
                metric.reset_state()
        return objective

    def __deepcopy__(self, memo: dict[int, Any]) -> Objective:
        """See :meth:`fresh`."""
        return self.fresh()

    def _count(self) -> None:
        if not self._waiting:
            return
        targets = np.concatenate([np.asarray(y) for y, _, _ in self._waiting])
        predictions = np.concatenate([np.asarray(prediction) for _, prediction, _ in self._waiting])
        weights = None if self._waiting[0][2] is None else np.concatenate([weight for _, _, weight in self._waiting])
        self._waiting.clear()
        if self._metrics is None:
            self._metrics = [metrics.get(metric, targets, predictions) for metric in self._asked]
            self._names = _distinct([metric.name for metric in self._metrics])
        for place, metric in enumerate(self._metrics):
            counts = place >= len(self._metrics) - self._weighted
            metric.update_state(targets, predictions, weights if counts else None)


def _distinct(names: list[str]) -> list[str]:
    """The names metrics have in logs: a second "auc" is "auc_1", as in Keras; "loss" is taken."""
    if "loss" in names:
        raise ValueError("compile: a metric cannot be called 'loss': give it another name")
    taken: list[str] = []
    for name in names:
        others = [name, *(f"{name}_{number}" for number in range(1, len(names)))]
        taken.append(next(each for each in others if each not in taken))
    return taken
