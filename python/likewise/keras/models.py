"""``keras.models``."""

from likewise.nn import Model, Sequential

__all__ = ["Model", "Sequential"]
