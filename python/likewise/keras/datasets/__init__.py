"""``keras.datasets``: what of them is at hand."""

from likewise.keras.datasets import mnist

__all__ = ["mnist"]
