"""Keras' activations."""

import math

import numpy as np
from tests.cases import EDGES, ROWS, Error, Operation, away_from

from likewise import functional as F

erf = np.vectorize(math.erf, otypes=[np.float64])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis=-1):
    shifted = x - x.max(axis, keepdims=True, initial=-np.inf)
    return shifted - np.logaddexp.reduce(shifted, axis=axis, keepdims=True)


# In the order of the names in error messages.
REFERENCES = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "relu6": lambda x: np.clip(x, 0, 6),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "gelu_tanh": lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "exponential": np.exp,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * np.tanh(softplus(x)),
}
KINKS = {
    "relu": (0,),
    "leaky_relu": (0,),
    "relu6": (0, 6),
    "elu": (0,),
    "selu": (0,),
    "softsign": (0,),
    "hard_sigmoid": (-3, 3),
    "hard_silu": (-3, 3),
}

CALLS = {
    "relu": F.relu,
    "sigmoid": F.sigmoid,
    "tanh": F.tanh,
    "leaky_relu": F.leaky_relu,
    "relu6": F.relu6,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate=True),
    "silu": F.silu,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "exponential": F.exponential,
    "hard_sigmoid": F.hard_sigmoid,
    "hard_silu": F.hard_silu,
    "mish": F.mish,
}

OPERATIONS = [
    Operation(name, call, REFERENCES[name], EDGES, draws=away_from(*KINKS.get(name, ())), tolerance=2e-6)
    for name, call in CALLS.items()
]

AXES = [
    ((shape),)
    for shape in [
        (1, 1, 1),
        (2, 0, 3),
        (1, 15, 2),
        (3, 16, 1),
        (2, 17, 4),
        (5, 31, 3),
        (2, 33, 2),
        (4, 2, 16),
        (100, 3, 3),
        (9, 64, 2),
        (30, 13, 31),
    ]
]
OPERATIONS += [
    Operation("softmax", F.softmax, softmax, ROWS),
    Operation("softmax over the middle axis", lambda x: F.softmax(x, axis=1), lambda x: softmax(x, 1), AXES),
    Operation("log_softmax", F.log_softmax, log_softmax, ROWS),
    Operation("log_softmax over the middle axis", lambda x: F.log_softmax(x, 1), lambda x: log_softmax(x, 1), AXES),
]

OPERATIONS += [
    Operation(
        "leaky_relu of another slope",
        lambda x: F.leaky_relu(x, negative_slope=0.01),
        lambda x: np.where(x > 0, x, 0.01 * x),
        EDGES,
        draws=away_from(0),
        errors=[
            Error(
                lambda: F.leaky_relu([1.0], negative_slope=-1.0),
                ValueError,
                "leaky_relu: negative_slope must be >= 0, got -1.0",
            ),
            Error(lambda: F.elu([1.0], alpha=-1.0), ValueError, "elu: alpha must be >= 0, got -1.0"),
            Error(
                lambda: F.softmax(np.zeros((2, 3)), axis=2),
                ValueError,
                "softmax: axis 2 is out of range for shape (2, 3)",
            ),
            Error(
                lambda: F.log_softmax(np.zeros((2, 3)), axis=-3),
                ValueError,
                "log_softmax: axis -3 is out of range for shape (2, 3)",
            ),
            Error(
                lambda: F.relu("text"),
                TypeError,
                "tensor: values must be numbers or booleans, got an array of dtype <U4",
            ),
        ],
    )
]
