"""``keras.activations``: functions by their names, and ``get``."""

from likewise.nn import activations
from likewise.nn.activations import Activation, get, linear

__all__ = ["get", "linear"]


def __getattr__(name: str) -> Activation:
    """``activations.relu`` and all others that have a name."""
    return activations.__getattr__(name)
