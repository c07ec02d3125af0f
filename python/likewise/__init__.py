"""Deep-learning recommenders in one small compiled wheel.

>>> import likewise as lw
>>> log = lw.Interactions.read("ratings.csv")
>>> train, test = lw.split.leave_last(log)
>>> model = lw.models.MF(seed=7).fit(train)
>>> print(model.evaluate(test))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    import likewise.callbacks as callbacks
    import likewise.keras as keras
    import likewise.metrics as metrics
    import likewise.nn as nn
    import likewise.split as split
    from likewise import data, functional, models, optimizers
    from likewise.data import Features, Interactions
    from likewise.evaluation import Report, compare
    from likewise.functional import Tensor, no_grad
    from likewise.models import Recommendations, load
    from likewise.runtime import get_num_threads, set_num_threads, set_seed

# Public name -> where it lives. Names are imported when first used, which keeps `import likewise` quick.
_MODULES = ("callbacks", "data", "functional", "keras", "metrics", "models", "nn", "optimizers", "split")
_NAMES = {
    "Features": "likewise.data",
    "Interactions": "likewise.data",
    "Recommendations": "likewise.models",
    "Report": "likewise.evaluation",
    "Tensor": "likewise.functional",
    "compare": "likewise.evaluation",
    "get_num_threads": "likewise.runtime",
    "load": "likewise.models",
    "no_grad": "likewise.functional",
    "set_num_threads": "likewise.runtime",
    "set_seed": "likewise.runtime",
}

__all__ = [
    "Features",
    "Interactions",
    "Recommendations",
    "Report",
    "Tensor",
    "callbacks",
    "compare",
    "data",
    "functional",
    "get_num_threads",
    "keras",
    "load",
    "metrics",
    "models",
    "nn",
    "no_grad",
    "optimizers",
    "set_num_threads",
    "set_seed",
    "split",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"likewise.{name}")
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'likewise' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
