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
    """

    def __init__(self, loss: Loss | None, metrics: Sequence[MetricLike]) -> None:
        if isinstance(metrics, str) or not isinstance(metrics, list | tuple):
            raise TypeError(f"compile: metrics must be a list, got {metrics!r}")
        self._loss, self._asked = loss, list(metrics)
        self._metrics: list[Metric] | None = None  # "accuracy" is settled by the first predictions
        self._waiting: list[tuple[Any, Tensor]] = []

    def loss(self, y: Any, prediction: Tensor, weight: Any) -> Tensor:
        """The mean loss of a batch."""
        if self._loss is None:
            raise ValueError("compile: no loss was given")
        if y is None:
            raise ValueError("fit: y must be given, for the loss")
        return self._loss(y, prediction, weight)

    def record(self, y: Any, prediction: Tensor) -> None:
        """Let the metrics know of a batch."""
        if self._asked:
            self._waiting.append((y, prediction.detach()))
            if len(self._waiting) >= _BATCHES_TOGETHER:
                self._count()

    def results(self) -> dict[str, float]:
        """Every metric over what was recorded since :meth:`reset`."""
        self._count()
        return {metric.name: metric.result() for metric in self._metrics or []}

    def reset(self) -> None:
        """Forget what was recorded."""
        self._waiting.clear()
        for metric in self._metrics or []:
            metric.reset_state()

    def fresh(self) -> Objective:
        """The same with metrics of its own, of no rows yet."""
        asked = [copy.copy(metric) if isinstance(metric, Metric) else metric for metric in self._asked]
        objective = Objective(self._loss, asked)
        for metric in asked:
            if isinstance(metric, Metric):
                metric.reset_state()
        return objective

    def _count(self) -> None:
        if not self._waiting:
            return
        targets = np.concatenate([np.asarray(y) for y, _ in self._waiting])
        predictions = np.concatenate([np.asarray(prediction) for _, prediction in self._waiting])
        self._waiting.clear()
        if self._metrics is None:
            self._metrics = [metrics.get(metric, targets, predictions) for metric in self._asked]
        for metric in self._metrics:
            metric.update_state(targets, predictions)
