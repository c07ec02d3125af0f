"""Pooling."""

import numpy as np
from tests.cases import Error, Operation, apart, normal
from tests.cases.conv import sizes_of, zeros

from likewise import functional as F


def pools(x, pool, strides, padding):
    """The places of every pool [batch, pools.., channels, size], NaN where x has none."""
    directions = sizes_of(x.shape[1:-1], pool, strides, padding, (1,) * len(pool))
    pads = [(before, after) for _, before, after in directions]
    x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=np.nan)
    axes = tuple(range(1, 1 + len(pool)))
    windows = np.lib.stride_tricks.sliding_window_view(x, pool, axes)
    chosen = tuple(slice(0, (out - 1) * step + 1, step) for (out, _, _), step in zip(directions, strides, strict=True))
    windows = windows[(slice(None), *chosen)]
    return windows.reshape(*windows.shape[: -len(pool)], int(np.prod(pool)))


ONE = [
    ((shape),)
    for shape in [
        (0, 4, 3), (1, 3, 1), (2, 4, 15), (1, 5, 16), (3, 6, 17), (2, 7, 31), (1, 8, 33), (4, 9, 2), (2, 12, 5),
        (50, 30, 40),
    ]
]  # fmt: skip
TWO = [
    ((shape),)
    for shape in [
        (0, 4, 4, 3), (1, 3, 3, 1), (2, 4, 3, 15), (1, 5, 6, 16), (3, 6, 5, 17), (2, 7, 7, 31), (1, 8, 3, 33),
        (4, 9, 9, 2), (2, 12, 10, 5), (20, 14, 14, 20),
    ]
]  # fmt: skip


def operation(name, function, reduce, pool, strides, padding, draw, errors=()):
    sizes = (pool[0], strides[0]) if len(pool) == 1 else (pool, strides)
    return Operation(
        f"{name} {padding}, {pool} by {strides}",
        lambda x: function(x, *sizes, padding),
        lambda x: reduce(pools(x, pool, strides, padding), -1),
        ONE if len(pool) == 1 else TWO,
        draw,
        errors=errors,
    )


OPERATIONS = [
    operation(name, function, reduce, pool, strides, padding, draw)
    for name, functions, reduce, draw in [
        ("max pool", (F.max_pool1d, F.max_pool2d), np.nanmax, apart),
        ("average pool", (F.average_pool1d, F.average_pool2d), np.nanmean, normal),
    ]
    for pool, strides, padding in [
        ((2,), (2,), "valid"),
        ((3,), (2,), "same"),
        ((2, 2), (2, 2), "valid"),
        ((3, 2), (1, 2), "valid"),
        ((3, 3), (2, 2), "same"),
        ((2, 3), (3, 1), "same"),
    ]
    for function in [functions[len(pool) - 1]]
]
OPERATIONS.append(
    Operation(
        "max pool of equal values",
        F.max_pool2d,
        lambda x: np.nanmax(pools(x, (2, 2), (2, 2), "valid"), -1),
        TWO,
        lambda rng, shape: np.ones(shape, dtype=np.float32),
        gradients=(),
        errors=[
            Error(
                lambda: F.max_pool2d(zeros(2, 5, 5)),
                ValueError,
                "max_pool2d: x must have shape (batch, height, width, channels), got (2, 5, 5)",
            ),
            Error(
                lambda: F.max_pool1d(zeros(2, 5, 5), 7),
                ValueError,
                "max_pool1d: the pool reaches over 7 places, x has 5",
            ),
            Error(
                lambda: F.average_pool2d(zeros(2, 5, 5, 1), 2, 0),
                ValueError,
                "average_pool2d: strides must be at least 1, got (0, 0)",
            ),
            Error(
                lambda: F.average_pool1d(zeros(2, 5, 5), padding="causal"),
                ValueError,
                "average_pool1d: padding must be 'valid' or 'same', got 'causal'",
            ),
        ],
    )
)
