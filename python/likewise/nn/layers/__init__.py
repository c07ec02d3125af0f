"""Layers, a file per family."""

from likewise.nn.layers.activation import Activation, ReLU, Softmax
from likewise.nn.layers.dense import Dense
from likewise.nn.layers.dropout import Dropout
from likewise.nn.layers.embedding import Embedding
from likewise.nn.layers.normalization import LayerNormalization
from likewise.nn.layers.reshaping import Flatten, Reshape

__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNormalization",
    "ReLU",
    "Reshape",
    "Softmax",
]
