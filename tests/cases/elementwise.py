"""Arithmetic, comparisons and elementary functions."""

import numpy as np
from tests.cases import EDGES, Error, Operation, apart, away_from, boolean, integers, normal, positive

from likewise import functional as F

PAIRS = [
    ((), ()),
    ((0,), (0,)),
    ((1,), (1,)),
    ((15,), (15,)),
    ((16,), ()),
    ((), (17,)),
    ((31,), (1,)),
    ((3, 5), (5,)),
    ((5,), (3, 5)),
    ((4, 1), (1, 6)),
    ((2, 1, 33), (3, 1)),
    ((2, 3, 4), (2, 3, 4)),
    ((0, 3), (1, 3)),
    ((130, 257), (257,)),
    ((130, 257), (130, 1)),
]


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


def pair_errors(name):
    function = getattr(F, name)
    return [
        Error(lambda: function(zeros(2, 3), zeros(4)), ValueError, f"{name}: shapes (2, 3) and (4,) do not broadcast"),
        Error(
            lambda: function(None, zeros(4)), TypeError, f"{name}: {first_argument(name)} must be an array, got None"
        ),
        Error(
            lambda: function(zeros(4), ["a"]),
            TypeError,
            "tensor: values must be numbers or booleans, got an array of dtype <U1",
        ),
    ]


def first_argument(name):
    return "base" if name == "power" else "a"


def beside(rng, shape):
    """Never within 0.01 of what ``apart`` draws."""
    return apart(rng, shape) + np.float32(0.025)


OPERATIONS = [
    Operation("add", F.add, np.add, PAIRS, errors=pair_errors("add"), torch=lambda a, b: a + b),
    Operation("subtract", F.subtract, np.subtract, PAIRS, errors=pair_errors("subtract")),
    Operation("multiply", F.multiply, np.multiply, PAIRS, errors=pair_errors("multiply"), torch=lambda a, b: a * b),
    Operation("divide", F.divide, np.divide, PAIRS, draws=(normal, positive), errors=pair_errors("divide")),
    Operation("power", F.power, np.power, PAIRS, draws=(positive, normal), errors=pair_errors("power"), tolerance=4e-6),
    Operation("maximum", F.maximum, np.maximum, PAIRS, draws=(apart, beside), errors=pair_errors("maximum")),
    Operation("minimum", F.minimum, np.minimum, PAIRS, draws=(apart, beside), errors=pair_errors("minimum")),
    Operation(
        "where",
        F.where,
        np.where,
        [(b, a, b) for a, b in PAIRS],
        draws=(boolean, normal, normal),
        errors=[
            Error(
                lambda: F.where(zeros(2), zeros(3), zeros(4)),
                ValueError,
                "where: shapes (3,) and (4,) do not broadcast",
            ),
            Error(
                lambda: F.where(zeros(2), zeros(3), zeros(3)),
                ValueError,
                "where: shapes (2,) and (3,) do not broadcast",
            ),
            Error(lambda: F.where(None, 1.0, 2.0), TypeError, "where: condition must be an array, got None"),
        ],
    ),
]
OPERATIONS += [
    Operation(
        name, getattr(F, name), getattr(np, name), PAIRS, draws=integers(3), gradients=(), errors=pair_errors(name)
    )
    for name in ("less", "less_equal", "equal", "not_equal")
]
OPERATIONS += [
    Operation("negate", F.negate, np.negative, EDGES),
    Operation("abs", F.abs, np.abs, EDGES, draws=away_from(0)),
    Operation("sign", F.sign, np.sign, EDGES, gradients=()),
    Operation("exp", F.exp, np.exp, EDGES),
    Operation("log", F.log, np.log, EDGES, draws=positive),
    Operation("log1p", F.log1p, np.log1p, EDGES, draws=positive),
    Operation("sqrt", F.sqrt, np.sqrt, EDGES, draws=positive),
    Operation("square", F.square, np.square, EDGES),
    Operation(
        "clip",
        lambda x: F.clip(x, -1, 0.5),
        lambda x: np.clip(x, -1, 0.5),
        EDGES,
        draws=away_from(-1, 0.5),
        errors=[
            Error(lambda: F.clip([1.0], 2, 1), ValueError, "clip: low must be <= high, got 2 and 1"),
            Error(
                lambda: F.equal([2**24 + 1], [1]),
                ValueError,
                "equal: integers must be within 2^24, got 16777217",
            ),
            Error(lambda: F.exp(None), TypeError, "exp: x must be an array, got None"),
        ],
    ),
]
