"""Activation functions by Keras' names: functions of a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from likewise import functional as F
from likewise.functional import Tensor

# The names of `functional.linear`: computed while the sums are still in registers or cache.
FUSED = (
    "relu",
    "sigmoid",
    "tanh",
    "leaky_relu",
    "relu6",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "softsign",
    "exponential",
    "hard_sigmoid",
    "hard_silu",
    "mish",
)
_SYNONYMS = {"swish": "silu", "hard_swish": "hard_silu"}

Activation = Callable[[Any], Tensor]


def linear(x: Tensor) -> Tensor:
    """The argument itself."""
    return x


def name_of(activation: str | Activation | None) -> str | None:
    """The name `functional.linear` knows the activation by; None if it is "linear" or has to be called.

    Raises:
        ValueError: If it is an unknown name.
    """
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", None)
    name = _SYNONYMS.get(name, name) if name is not None else None
    if name in FUSED and (isinstance(activation, str) or activation is getattr(F, name)):
        return name
    get(activation)
    return None


def get(activation: str | Activation | None) -> Activation:
    """An activation by name ("relu", "softmax", ...), itself, or :func:`linear` for None.

    Raises:
        ValueError: If the name is unknown.
        TypeError: If it is neither.
    """
    if activation is None or activation == "linear":
        return linear
    if isinstance(activation, str):
        name = _SYNONYMS.get(activation, activation)
        if name not in (*FUSED, "softmax", "log_softmax"):
            known = ", ".join(("linear", *FUSED, "softmax", "log_softmax"))
            raise ValueError(f"activation: must be one of {known}; got {activation!r}")
        function: Activation = getattr(F, name)
        return function
    if callable(activation):
        return activation
    raise TypeError(f"activation: must be a name or a function, got {activation!r}")


def __getattr__(name: str) -> Activation:
    """``nn.activations.relu`` and all others that have a name."""
    if name in (*FUSED, *_SYNONYMS, "softmax", "log_softmax"):
        return get(name)
    raise AttributeError(f"module 'likewise.nn.activations' has no attribute {name!r}")
