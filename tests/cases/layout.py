"""The same elements in another arrangement."""

import numpy as np
from tests.cases import Error, Operation

from likewise import functional as F

SHAPES = [
    ((shape),)
    for shape in [
        (1, 1, 4),
        (2, 0, 4),
        (3, 5, 4),
        (15, 2, 4),
        (16, 3, 4),
        (17, 1, 4),
        (2, 31, 4),
        (2, 33, 4),
        (1, 7, 4),
        (6, 6, 4),
        (130, 70, 4),
    ]
]


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


OPERATIONS = [
    Operation(
        "reshape",
        lambda x: F.reshape(x, (4, x.shape[0] * x.shape[1])),
        lambda x: x.reshape(4, x.shape[0] * x.shape[1]),
        SHAPES,
        errors=[
            Error(
                lambda: F.reshape(zeros(2, 3), (4, 2)),
                ValueError,
                "reshape: cannot see (2, 3) with 6 elements as (4, 2)",
            ),
            Error(
                lambda: F.reshape(zeros(2, 3), (-1, 4)),
                ValueError,
                "reshape: cannot see (2, 3) with 6 elements as (1, 4)",
            ),
            Error(lambda: F.reshape(zeros(2, 3), (-1, -1)), ValueError, "reshape: only one size may be -1"),
        ],
    ),
    Operation(
        "transpose",
        F.transpose,
        np.transpose,
        SHAPES,
        errors=[
            Error(
                lambda: F.transpose(zeros(2, 3), (0,)),
                ValueError,
                "transpose: needs one axis for each of 2 dimensions, got 1",
            ),
            Error(lambda: F.transpose(zeros(2, 3), (0, -2)), ValueError, "transpose: axis 0 is named twice"),
            Error(
                lambda: F.transpose(zeros(2, 3), (0, 2)),
                ValueError,
                "shape: axis 2 is out of range for 2 dimensions",
            ),
        ],
    ),
    Operation("transpose of two axes", lambda x: F.transpose(x, (1, 0, 2)), lambda x: x.transpose(1, 0, 2), SHAPES),
    Operation("transpose in a circle", lambda x: F.transpose(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1), SHAPES),
    Operation(
        "concatenate",
        lambda *parts: F.concatenate(parts, axis=1),
        lambda *parts: np.concatenate(parts, axis=1),
        [
            ((a, b, c), (a, d, c), (a, 1, c))
            for a, b, c, d in np.random.default_rng(0).integers(0, 34, (11, 4)).tolist()
        ],
        errors=[
            Error(lambda: F.concatenate([]), ValueError, "concatenate: needs at least one tensor"),
            Error(
                lambda: F.concatenate([zeros(2, 3), zeros(3, 3)], axis=1),
                ValueError,
                "concatenate: all sizes but axis 1 must agree, got (3, 3) beside (2, 3)",
            ),
            Error(
                lambda: F.concatenate([zeros(2, 3), np.zeros((2, 3), dtype=np.int64)]),
                TypeError,
                "concatenate: all must be of one dtype, got int64 beside float32",
            ),
            Error(
                lambda: F.concatenate([zeros(2, 3), zeros(2)]),
                ValueError,
                "concatenate: all must have 2 dimensions, one has shape (2,)",
            ),
        ],
    ),
    Operation(
        "stack",
        lambda a, b: F.stack([a, b], axis=1),
        lambda a, b: np.stack([a, b], axis=1),
        [one * 2 for one in SHAPES],
        errors=[
            Error(
                lambda: F.expand_dims(zeros(2), 2), ValueError, "expand_dims: axis 2 is out of range for 2 dimensions"
            ),
            Error(
                lambda: F.squeeze(zeros(2, 1), 0), ValueError, "squeeze: axis 0 must have size 1, x has shape (2, 1)"
            ),
            Error(
                lambda: F.split(zeros(5), [2, 2]),
                ValueError,
                "split: sizes (2, 2) do not add up to 5, the size of axis 0",
            ),
        ],
    ),
    Operation("split", lambda x: F.split(x, [1, 3], axis=-1)[1], lambda x: np.split(x, [1], axis=-1)[1], SHAPES),
    Operation(
        "broadcast_to",
        lambda x: F.broadcast_to(F.expand_dims(x, 1), (x.shape[0], 3, *x.shape[1:])),
        lambda x: np.broadcast_to(x[:, None], (x.shape[0], 3, *x.shape[1:])),
        SHAPES,
        errors=[
            Error(
                lambda: F.broadcast_to(zeros(2, 3), (3,)),
                ValueError,
                "broadcast_to: shape (2, 3) does not broadcast to (3,)",
            ),
            Error(
                lambda: F.broadcast_to(zeros(2), (3,)),
                ValueError,
                "broadcast_to: shapes (2,) and (3,) do not broadcast",
            ),
            Error(lambda: F.broadcast_to(None, (3,)), TypeError, "broadcast_to: x must be an array, got None"),
        ],
    ),
]


def tensor(x):
    from likewise import Tensor

    return x if isinstance(x, Tensor) else Tensor(x)


INDICES = {
    "x[0]": lambda x: x[0],
    "x[-1, ..., 1]": lambda x: x[-1, ..., 1],
    "x[:, None, ::2]": lambda x: x[:, None, ::2],
    "x[::-1, 1:, ::-3]": lambda x: x[::-1, 1:, ::-3],
    "x[..., 1:-1]": lambda x: x[..., 1:-1],
}
OPERATIONS += [Operation(name, lambda x, f=f: f(tensor(x)), f, SHAPES) for name, f in INDICES.items()]
