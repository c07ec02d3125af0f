"""Matrix products."""

import numpy as np
from tests.cases import Error, Operation, together
from tests.cases.activations import REFERENCES

from likewise import functional as F


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


def flops(x, kernel, *bias):
    return 2 * int(np.prod(x)) * kernel[-1]


LINEAR = [
    (((rows, inputs)), (inputs, outputs), (outputs,))
    for rows, inputs, outputs in [
        (0, 3, 4),
        (3, 0, 4),
        (1, 1, 1),
        (1, 16, 16),
        (2, 15, 17),
        (7, 31, 33),
        (13, 33, 15),
        (5, 64, 1),
        (64, 7, 96),
        (129, 40, 65),
        (513, 33, 47),
        (1024, 17, 7),  # from here gradients come from one pass over the rows
        (1537, 50, 50),
        (2100, 1, 64),
    ]
] + [((2, 3, 5), (5, 4), (4,)), ((5,), (5, 4), (4,))]

OPERATIONS = [
    Operation(
        "matmul",
        F.matmul,
        np.matmul,
        [
            ((0, 3), (3, 2)),
            ((1, 1), (1, 1)),
            ((15, 16), (16, 17)),
            ((17, 31), (31, 33)),
            ((33, 15), (15, 1)),
            ((4,), (4, 3)),
            ((3, 4), (4,)),
            ((5,), (5,)),
            ((2, 3, 4), (4, 5)),
            ((2, 3, 4), (2, 4, 5)),
            ((2, 1, 3, 4), (5, 4, 2)),
            ((4,), (3, 4, 2)),
            ((200, 64), (64, 100)),
        ],
        torch=lambda a, b: a @ b,
        flops=lambda a, b: 2 * int(np.prod(a)) * b[-1],
        errors=[
            Error(lambda: F.matmul(zeros(2, 3), zeros(4, 5)), ValueError, "matmul: b has 4 rows, a has 3 columns"),
            Error(
                lambda: F.matmul(1.0, zeros(4, 5)),
                ValueError,
                "matmul: needs at least one dimension each, a is (), b is (4, 5)",
            ),
            Error(
                lambda: F.matmul(zeros(2, 3, 4), zeros(3, 4, 5)),
                ValueError,
                "matmul: leading axes must broadcast, a is (2, 3, 4), b is (3, 4, 5)",
            ),
        ],
    ),
    Operation(
        "linear",
        F.linear,
        lambda x, kernel, bias: x @ kernel + bias,
        LINEAR,
        torch=lambda x, kernel, bias: x @ kernel + bias,
        flops=flops,
        errors=[
            Error(lambda: F.linear(zeros(2, 6), zeros(7, 3)), ValueError, "linear: kernel takes 7 features, x has 6"),
            Error(
                lambda: F.linear(zeros(2, 6), zeros(6)),
                ValueError,
                "linear: kernel must have shape (in, out), got (6,)",
            ),
            Error(
                lambda: F.linear(zeros(2, 6), zeros(6, 3), zeros(4)),
                ValueError,
                "linear: bias must have shape (3,), got (4,)",
            ),
            Error(lambda: F.linear(None, zeros(6, 3)), TypeError, "linear: x must be an array, got None"),
            Error(
                lambda: F.linear(zeros(2, 6), zeros(6, 3), activation="rleu"),
                ValueError,
                f"activation: must be one of {', '.join(REFERENCES)}; got rleu",
            ),
        ],
    ),
    Operation("linear without bias", F.linear, np.matmul, [shapes[:2] for shapes in LINEAR], flops=flops),
]

OPERATIONS += [
    Operation(
        f"linear with {name}",
        lambda x, kernel, bias, name=name: F.linear(x, kernel, bias, name),
        lambda x, kernel, bias, f=f: f(x @ kernel + bias),
        LINEAR,
        draws=(lambda rng, shape: (rng.normal(size=shape) / 8).astype(np.float32),) * 3,
        flops=flops,
        tolerance=4e-6,
    )
    for name, f in REFERENCES.items()
    # At a kink no difference quotient is a derivative: those are tested alone, in activations.py.
    if name in ("sigmoid", "tanh", "softplus", "gelu", "silu", "mish", "exponential")
]

# What follows a dense layer, in one go with it.
RATE, KEY = 0.3, 5


def kept(shape):
    """What dropout of ones leaves."""
    return np.asarray(F.dropout(np.ones(shape, dtype=np.float32), RATE, KEY)).astype(float)


def dropped(y):
    return y * kept(y.shape)


BEHIND = [(*shapes, (*shapes[0][:-1], shapes[1][1])) for shapes in LINEAR]
OPERATIONS += [
    Operation(
        "linear with relu and dropout",
        lambda x, kernel, bias: together(lambda: F.dropout(F.linear(x, kernel, bias, "relu"), RATE, KEY)),
        lambda x, kernel, bias: dropped(np.maximum(x @ kernel + bias, 0)),
        LINEAR,
        flops=flops,
        step=1e-8,
    ),
    Operation(
        "linear and a residual",
        lambda x, kernel, bias, residual: together(lambda: F.add(F.linear(x, kernel, bias), residual)),
        lambda x, kernel, bias, residual: residual + x @ kernel + bias,
        BEHIND,
        flops=flops,
    ),
    Operation(
        "linear with dropout, and a residual",
        lambda x, kernel, bias, residual: together(
            lambda: F.add(residual, F.dropout(F.linear(x, kernel, bias), RATE, KEY))
        ),
        lambda x, kernel, bias, residual: residual + dropped(x @ kernel + bias),
        BEHIND,
        flops=flops,
    ),
]
