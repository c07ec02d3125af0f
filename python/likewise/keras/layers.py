"""``keras.layers``: every layer of ``likewise.nn``, ``Input`` and ``Layer``."""

from likewise.nn import Input, Layer, layers
from likewise.nn.layers import *  # noqa: F403

__all__ = ["Input", "Layer"]
__all__ += layers.__all__
