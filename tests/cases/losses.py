"""Losses, normalisation and dropout."""

import numpy as np
from tests.cases import ROWS, Error, Operation, apart, boolean, distribution, normal, positive, probability, wide
from tests.cases.activations import log_softmax

from likewise import functional as F

SAME = [
    (shape, shape) for shape in [(0,), (1,), (15,), (16,), (17,), (31,), (33,), (3, 5), (4, 1), (2, 3, 7), (150, 90)]
]
COLUMNS = [((n, 1), (n,)) for n in (0, 1, 2, 15, 16, 17, 31, 33, 64, 20_000)]
WEIGHTED = [
    ((n, k), (n, k), (n,))
    for n, k in [
        (1, 1),
        (3, 5),
        (15, 2),
        (16, 1),
        (17, 3),
        (4, 31),
        (2, 33),
        (9, 9),
        (6, 4),
        (2, 16),
        (5, 17),
        (1, 64),
        (300, 70),
    ]
]
TWICE = [one * 2 for one in ROWS]
# One class has probability 1, where the clipped loss has a kink.
CLASSES = [(shape, shape) for (shape,) in ROWS if shape[-1] > 1]
CLASSES_WEIGHTED = [case for case in WEIGHTED if case[0][-1] > 1]


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


def binary(p, t):
    return -(t * np.log(p) + (1 - t) * np.log1p(-p))


def logistic(x, t):
    return np.logaddexp(0, x) - x * t


def hinge(p, t):
    return np.maximum(1 - np.where(t == 0, -1, t) * p, 0)


def mean(values):
    return np.mean(values) if values.size else np.float64(np.nan)


def shape_errors(function, name):
    return [
        Error(lambda: function(zeros(3, 2), zeros(3)), ValueError, f"{name}: target must have shape (3, 2), got (3,)"),
        Error(
            lambda: function(zeros(3, 2), zeros(3, 2), weight=zeros(2)),
            ValueError,
            f"{name}: weight must have the leading sizes of (3, 2), got shape (2,)",
        ),
        Error(
            lambda: function(zeros(3, 2), zeros(3, 2), reduction="average"),
            ValueError,
            "reduction: must be mean, sum or none, got average",
        ),
    ]


def from_logits(prediction, target, **options):
    return F.binary_cross_entropy(prediction, target, from_logits=True, **options)


POINTWISE = {
    "mean_squared_error": (F.mean_squared_error, lambda p, t: (p - t) ** 2, (normal, normal)),
    "mean_absolute_error": (
        F.mean_absolute_error,
        lambda p, t: np.abs(p - t),
        (apart, lambda r, s: apart(r, s) + 0.025),
    ),
    "hinge": (F.hinge, hinge, (probability, boolean)),
    "binary_cross_entropy": (F.binary_cross_entropy, binary, (probability, boolean)),
    "binary_cross_entropy from logits": (from_logits, logistic, (wide, probability)),
}
OPERATIONS = []
for name, (call, values, draws) in POINTWISE.items():
    OPERATIONS += [
        Operation(
            name,
            lambda p, t, f=call: f(p, t, reduction="sum"),
            lambda p, t, f=values: np.sum(f(p, t)),
            SAME,
            draws=draws,
            gradients=(0,),
            errors=shape_errors(call, name.split()[0]),
            tolerance=4e-6,
        ),
        Operation(
            f"{name}, each",
            lambda p, t, f=call: f(p, t, reduction="none"),
            lambda p, t, f=values: f(p, t[:, None]),
            COLUMNS,
            draws=draws,
            gradients=(0,),
        ),
        Operation(
            f"{name}, weighted",
            lambda p, t, w, f=call: f(p, t, weight=w),
            lambda p, t, w, f=values: mean(w[:, None] * f(p, t)),
            WEIGHTED,
            draws=(*draws, positive),
            gradients=(0,),
        ),
    ]


def classes(rng, shape):
    return rng.integers(0, 2, size=shape)


def picked(logarithms, target):
    return -np.take_along_axis(logarithms, target[..., None], -1)[..., 0]


CATEGORICAL = {
    "categorical_cross_entropy": (
        F.categorical_cross_entropy,
        lambda p, t: -np.sum(t * np.log(p / p.sum(-1, keepdims=True)), -1),
        (probability, distribution),
    ),
    "categorical_cross_entropy from logits": (
        lambda p, t, **options: F.categorical_cross_entropy(p, t, from_logits=True, **options),
        lambda p, t: -np.sum(t * log_softmax(p), -1),
        (wide, distribution),
    ),
}
for name, (call, values, draws) in CATEGORICAL.items():
    OPERATIONS += [
        Operation(
            name,
            lambda p, t, f=call: f(p, t, reduction="sum"),
            lambda p, t, f=values: np.sum(f(p, t)),
            CLASSES,
            draws=draws,
            gradients=(0,),
            tolerance=4e-6,
            errors=[
                Error(
                    lambda f=call: f(zeros(3, 2), zeros(3)),
                    ValueError,
                    "categorical_cross_entropy: target must have shape (3, 2), got (3,)",
                ),
                Error(
                    lambda f=call: f(zeros(3, 2), zeros(3, 2), weight=zeros(2)),
                    ValueError,
                    "categorical_cross_entropy: weight must have shape (3,), got (2,)",
                ),
                Error(
                    lambda f=call: f(zeros(3, 0), zeros(3, 0)),
                    ValueError,
                    "categorical_cross_entropy: prediction has no classes, its shape is (3, 0)",
                ),
            ],
        ),
        Operation(
            f"{name}, weighted",
            lambda p, t, w, f=call: f(p, t, weight=w),
            lambda p, t, w, f=values: mean(w * f(p, t)),
            CLASSES_WEIGHTED,
            draws=(*draws, positive),
            gradients=(0,),
        ),
    ]
LABELLED = [
    ((n, k), (n,))
    for n, k in [(0, 2), (1, 2), (3, 5), (15, 15), (16, 16), (17, 17), (4, 31), (2, 33), (100, 3), (300, 70)]
]
SPARSE = {
    "sparse_categorical_cross_entropy": (
        F.sparse_categorical_cross_entropy,
        lambda p: np.log(p / p.sum(-1, keepdims=True)),
        probability,
    ),
    "sparse_categorical_cross_entropy from logits": (
        lambda p, t, **options: F.sparse_categorical_cross_entropy(p, t, from_logits=True, **options),
        log_softmax,
        wide,
    ),
}
for name, (call, logarithm, draw) in SPARSE.items():
    OPERATIONS += [
        Operation(
            name,
            lambda p, t, f=call: f(p, t, reduction="none"),
            lambda p, t, f=logarithm: picked(f(p), t),
            LABELLED,
            draws=(draw, classes),
            tolerance=4e-6,
            errors=[
                Error(
                    lambda f=call: f(zeros(3, 2), [0, 1, 2]),
                    ValueError,
                    "sparse_categorical_cross_entropy: classes must be in 0..1, got 2 in row 2",
                ),
                Error(
                    lambda f=call: f(zeros(3, 2), [0.0, 1.0, 1.0]),
                    TypeError,
                    "sparse_categorical_cross_entropy: target must be integers, got float32",
                ),
                Error(
                    lambda f=call: f(zeros(3, 2), [[0, 1, 1]]),
                    ValueError,
                    "sparse_categorical_cross_entropy: target must have shape (3,), got (1, 3)",
                ),
            ],
        )
    ]
OPERATIONS += [
    Operation(
        "bpr",
        lambda p, n: F.bpr(p, n, reduction="none"),
        lambda p, n: np.logaddexp(0, n - p),
        [*SAME, ((3, 1), (3, 17)), ((300, 1), (300, 40))],
        draws=wide,
        errors=[
            Error(lambda: F.bpr(zeros(3), zeros(4)), ValueError, "bpr: shapes (3,) and (4,) do not broadcast"),
            Error(
                lambda: F.bpr(zeros(3), zeros(3), weight=zeros(2)),
                ValueError,
                "bpr: weight must have the leading sizes of (3,), got shape (2,)",
            ),
            Error(lambda: F.bpr(None, zeros(3)), TypeError, "bpr: positive must be an array, got None"),
        ],
    )
]


def layer_normalization(x, gamma, beta):
    centred = x - x.mean(-1, keepdims=True)
    return gamma * centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3) + beta


def batch_normalization(x, gamma, beta):
    axes = tuple(range(x.ndim - 1))
    centred = x - x.mean(axes, keepdims=True)
    return gamma * centred / np.sqrt((centred**2).mean(axes, keepdims=True) + 1e-3) + beta


def normalized(x):
    return x / np.sqrt(np.maximum((x**2).sum(-1, keepdims=True), 1e-12))


OPERATIONS += [
    Operation(
        "layer_normalization",
        F.layer_normalization,
        layer_normalization,
        [(one[0], one[0][-1:], one[0][-1:]) for one in ROWS],
        tolerance=6e-6,
        errors=[
            Error(
                lambda: F.layer_normalization(zeros(3, 4), zeros(3)),
                ValueError,
                "layer_normalization: gamma must have shape (4,), got (3,)",
            ),
            Error(
                lambda: F.layer_normalization(zeros(3, 4), None, zeros(3, 4)),
                ValueError,
                "layer_normalization: beta must have shape (4,), got (3, 4)",
            ),
            Error(
                lambda: F.layer_normalization(zeros(3, 4), epsilon=0.0),
                ValueError,
                "layer_normalization: epsilon must be > 0, got 0",
            ),
            Error(
                lambda: F.layer_normalization(zeros(3, 0)),
                ValueError,
                "layer_normalization: x must have a last axis to normalise, got shape (3, 0)",
            ),
        ],
    ),
    Operation(
        "layer_normalization without parameters",
        F.layer_normalization,
        lambda x: layer_normalization(x, 1, 0),
        ROWS,
        tolerance=6e-6,
    ),
    Operation(
        "batch_normalization",
        lambda x, gamma, beta: F.batch_normalization(x, gamma, beta)[0],
        batch_normalization,
        [
            (shape, shape[-1:], shape[-1:])
            for shape in [
                (1, 1),
                (2, 1),
                (5, 15),
                (4, 16),
                (7, 17),
                (3, 31),
                (2, 33),
                (2, 3, 4),
                (3, 5, 4, 7),
                (700, 33),
                (3000, 8),
            ]
        ],
        tolerance=8e-6,
        errors=[
            Error(
                lambda: F.batch_normalization(zeros(3, 4), zeros(3)),
                ValueError,
                "batch_normalization: gamma must have shape (4,), got (3,)",
            ),
            Error(
                lambda: F.batch_normalization(zeros(3, 4), None, zeros(3, 4)),
                ValueError,
                "batch_normalization: beta must have shape (4,), got (3, 4)",
            ),
            Error(
                lambda: F.batch_normalization(zeros(0, 4)),
                ValueError,
                "batch_normalization: x must have shape (batch, .., channels), none 0, got (0, 4)",
            ),
        ],
    ),
    Operation(
        "batch_normalization without parameters",
        lambda x: F.batch_normalization(x)[0],
        lambda x: batch_normalization(x, 1, 0),
        [
            ((shape),)
            for shape in [(2, 1), (5, 15), (4, 16), (7, 17), (3, 31), (2, 33), (2, 3, 4), (9, 2), (6, 5), (700, 33)]
        ],
        tolerance=8e-6,
    ),
    Operation("l2_normalize", F.l2_normalize, normalized, ROWS, draws=positive),
    Operation(
        "cosine_similarity",
        F.cosine_similarity,
        lambda a, b: (normalized(a) * normalized(b)).sum(-1),
        TWICE,
        draws=positive,
    ),
]
