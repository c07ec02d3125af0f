"""Optimizers, with Keras' names, arguments and defaults.

>>> optimizer = Adam(learning_rate=1e-3, clipnorm=1.0)
>>> loss.backward()
>>> optimizer.step(network.parameters())

Row-sparse gradients of tables are updated lazily: only the rows that were used are touched, their moments included.
``exact=True`` updates every row at every step instead, in one pass; the result is that of dense gradients, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from likewise.optimizers import schedules
from likewise.optimizers.optimizer import Optimizer
from likewise.optimizers.rules import SGD, Adagrad, Adam, AdamW, RMSprop

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "get", "schedules"]

_BY_NAME: dict[str, type[Optimizer]] = {each.__name__.lower(): each for each in (SGD, Adagrad, RMSprop, Adam, AdamW)}


def get(identifier: str | Mapping[str, Any] | Optimizer | type[Optimizer]) -> Optimizer:
    """An optimizer from its name or class (defaults), from ``{"class_name": .., "config": ..}``, or from itself.

    Raises:
        ValueError: If there is no optimizer of that name.
        TypeError: If it is none of these.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier.from_config({})
    if isinstance(identifier, str):
        identifier = {"class_name": identifier, "config": {}}
    if not isinstance(identifier, Mapping):
        raise TypeError(f"optimizer must be a name, a configuration or an Optimizer, got {identifier!r}")
    name = str(identifier["class_name"])
    if name.lower() not in _BY_NAME:
        raise ValueError(f"optimizer must be one of {', '.join(sorted(_BY_NAME))}, got {name!r}")
    return _BY_NAME[name.lower()].from_config(identifier["config"])
