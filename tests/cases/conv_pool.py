"""Convolutions and the max-pools behind them, done in one go."""

import numpy as np
from tests.cases import Operation, conv, together
from tests.cases.activations import REFERENCES
from tests.cases.pooling import pools

from likewise import functional as F


def operation(
    name,
    cases,
    activation,
    pool,
    padding="valid",
    strides=None,
    pool_strides=None,
    pool_padding="valid",
    tolerance=4e-6,
):
    """One setting; a case is (batch, places.., channels), (taps.., filters). A pool of None holds all places."""
    directions = len(cases[0][1]) - 1
    one = directions == 1
    strides = strides or (1,) * directions
    pool_strides = pool_strides or pool
    convolve, pooled = (F.conv1d, F.max_pool1d) if one else (F.conv2d, F.max_pool2d)

    def ours(x, kernel, bias):
        def call():
            y = convolve(
                x, kernel, bias, strides=strides[0] if one else strides, padding=padding, activation=activation
            )
            sizes = (y.shape[1:-1],) * 2 if pool is None else (pool, pool_strides)
            return pooled(y, *(size[0] if one else size for size in sizes), pool_padding)

        return together(call)

    def expected(x, kernel, bias):
        y = REFERENCES[activation or "linear"](conv.reference(x, kernel, bias, strides, padding, (1,) * directions, 1))
        return np.nanmax(pools(y, pool or y.shape[1:-1], pool_strides or y.shape[1:-1], pool_padding), -1)

    return Operation(
        name,
        ours,
        expected,
        [(x, (*kernel[:-1], x[-1], kernel[-1]), (kernel[-1],)) for x, kernel in cases],
        flops=lambda x, kernel, bias: 2 * int(np.prod(x[:-1])) * int(np.prod(kernel)),
        tolerance=tolerance,
        step=1e-8,
    )


# As alone, and: few places, which images share tiles for; one channel, all that a place reads at once.
ONE = [*conv.ONE[:8], ((9, 12, 4), (9, 8)), ((60, 40, 12), (33, 20)), *conv.ONE[-4:]]
TWO = [*conv.TWO, ((2, 7, 9, 1), (3, 2, 5)), ((1, 11, 13, 1), (4, 4, 17))]

OPERATIONS = [
    operation("conv1d and max pool over all", ONE, None, None),
    operation("conv1d with tanh and max pool over all", ONE, "tanh", None, strides=(2,), tolerance=1e-5),
    operation("conv1d and max pool", ONE, None, (2,)),
    operation("conv1d causal and max pool, 3 by 2", ONE, None, (3,), "causal", pool_strides=(2,), pool_padding="same"),
    operation("conv2d and max pool", TWO, None, (2, 2)),
    operation("conv2d with sigmoid and max pool", TWO, "sigmoid", (2, 2)),
    operation("conv2d same and max pool, 3 by 2", TWO, None, (3, 3), "same", (2, 1), (2, 2), "same"),
    operation("conv2d and max pool over all", TWO, None, None),
]
