"""Networks: layers, models, losses and metrics by Keras' names and habits."""

from likewise.nn import activations, initializers, losses, metrics, regularizers
from likewise.nn.input import Input
from likewise.nn.layer import Layer
from likewise.nn.layers import (
    Activation,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNormalization,
    ReLU,
    Reshape,
    Softmax,
)
from likewise.nn.model import Model, Sequential

__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "Input",
    "Layer",
    "LayerNormalization",
    "Model",
    "ReLU",
    "Reshape",
    "Sequential",
    "Softmax",
    "activations",
    "initializers",
    "losses",
    "metrics",
    "regularizers",
]
