"""The networks of likewise under Keras' module names, with Keras' defaults.

A listing that uses what is here runs after a change of its import alone:

>>> import likewise as tf
>>> model = tf.keras.Sequential([tf.keras.layers.Dense(1)])

These are the objects of ``likewise.nn``, ``likewise.optimizers`` and ``likewise.callbacks``. What has other defaults
than there is said where it is defined. Functional graphs, layers called on an ``Input``, are not supported and say so;
``Model(inputs=Input(...), outputs=network)`` of a whole network is.
"""

from likewise.keras import (
    activations,
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
)
from likewise.nn import Input, Layer, Model, Sequential
from likewise.nn.initializers import Initializer
from likewise.nn.losses import Loss
from likewise.nn.metrics import Metric
from likewise.nn.regularizers import Regularizer
from likewise.optimizers import Optimizer

__all__ = [
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "activations",
    "callbacks",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "utils",
]
