"""Sums, means and extremes."""

import numpy as np
from tests.cases import Error, Operation, apart, normal

from likewise import functional as F

AXES = {"": None, " over the last axis": -1, " over the first axis": 0, " over both ends": (0, 2)}
SHAPES = [
    ((shape),)
    for shape in [
        (1, 1, 1),
        (2, 3, 15),
        (2, 3, 16),
        (3, 1, 17),
        (4, 5, 31),
        (33, 2, 3),
        (2, 33, 1),
        (1, 7, 64),
        (3, 2, 260),
        (70, 2, 600),
        (700, 3, 40),
        (2, 0, 3),
    ]
]
FUNCTIONS = {"sum": np.sum, "mean": np.mean, "variance": np.var, "max": np.max, "min": np.min}


def keeping(name, axis):
    """Odd families keep reduced axes, so that both ways are seen."""
    return axis in (-1, (0, 2)) or name == "variance"


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


def errors(name):
    function = getattr(F, name)
    wrong = [
        Error(lambda: function(zeros(2, 3), 2), ValueError, f"{name}: axis 2 is out of range for shape (2, 3)"),
        Error(lambda: function(zeros(2, 3), -3), ValueError, f"{name}: axis -3 is out of range for shape (2, 3)"),
        Error(lambda: function(zeros(2, 3), (0, -2)), ValueError, f"{name}: an axis is named twice"),
    ]
    if name in ("max", "min"):
        wrong.append(Error(lambda: function(zeros(0, 3)), ValueError, f"{name}: of no elements, x has shape (0, 3)"))
    return wrong


def empty_allowed(name, axis):
    return name == "sum" or (axis in (-1, 0, (0, 2)) and name != "mean" and name != "variance")


OPERATIONS = [
    Operation(
        f"{name}{suffix}",
        lambda x, name=name, axis=axis: getattr(F, name)(x, axis, keepdims=keeping(name, axis)),
        lambda x, f=f, name=name, axis=axis: f(x, axis=axis, keepdims=keeping(name, axis)),
        SHAPES if empty_allowed(name, axis) else SHAPES[:-1],
        draws=apart if name in ("max", "min") else normal,
        errors=errors(name) if axis is None else (),
        tolerance=4e-6,
    )
    for name, f in FUNCTIONS.items()
    for suffix, axis in AXES.items()
]
OPERATIONS += [
    Operation(
        f"argmax of {'all' if axis is None else f'axis {axis}'}",
        lambda x, axis=axis: F.argmax(x, axis),
        lambda x, axis=axis: np.argmax(x, axis=axis),
        SHAPES[:-1],
        draws=apart,
        gradients=(),
        errors=[
            Error(lambda: F.argmax(zeros(2, 3), 2), ValueError, "argmax: axis 2 is out of range for shape (2, 3)"),
            Error(lambda: F.argmax(zeros(0)), ValueError, "argmax: of no elements, x has shape (0,)"),
            Error(lambda: F.argmax(None), TypeError, "argmax: x must be an array, got None"),
        ]
        if axis is None
        else (),
    )
    for axis in (None, 0, 1, -1)
]
