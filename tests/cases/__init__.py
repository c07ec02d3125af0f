"""The case table: every operation, its inputs, and what must come out. Data, not code.

A module of this package is a family; its ``OPERATIONS`` is a list of :class:`Operation`. Each drives, with no further
test to write:

- tests/test_ops.py: the value against ``reference`` in float64; gradients against central differences of ``reference``;
  every input of ``errors`` raises that error with exactly that message; the same bits at 1, 2 and 4 threads;
- tests/test_parity.py: the same bits at instruction-set levels v3 and v4, close ones at v2; PyTorch, where ``torch`` is
  given and PyTorch is installed;
- benches: ``flops`` and ``bytes`` of a case.

A case of an operation is a tuple of shapes, one for each argument. Arguments are drawn by ``draws`` from a generator
seeded by the operation's name and the case's number, so every process sees the same. Give at least ten cases: empty,
one element, around the vectors of 16 (15, 16, 17, 31, 33), not square, repeated or broadcast where that has a meaning,
and one large enough to be shared among threads.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np

from likewise import _core

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]


# How arguments are drawn ----------------------------------------------------------------------------------------------
def normal(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.normal(size=shape).astype(np.float32)


def positive(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(0.2, 3, size=shape).astype(np.float32)


def probability(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(0.05, 0.95, size=shape).astype(np.float32)


def wide(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.normal(scale=4, size=shape).astype(np.float32)


def apart(rng: np.random.Generator, shape: Shape) -> Array:
    """No two elements within 0.02 of each other, so that an extreme stays one under a small step."""
    count = int(np.prod(shape, dtype=int))
    return (rng.permutation(count).reshape(shape) * 0.05 - 1).astype(np.float32)


def away_from(*points: float) -> Draw:
    """Normal, but not within 0.05 of ``points``, where the operation has a kink."""

    def draw(rng: np.random.Generator, shape: Shape) -> Array:
        x = rng.normal(scale=2, size=shape)
        for point in points:
            x = np.where(np.abs(x - point) < 0.05, point + 0.1, x)
        return x.astype(np.float32)

    return draw


def integers(below: int) -> Draw:
    return lambda rng, shape: rng.integers(0, below, size=shape)


def boolean(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.random(shape) < 0.5


def distribution(rng: np.random.Generator, shape: Shape) -> Array:
    """Rows of probabilities that sum to 1."""
    x = rng.uniform(0.1, 1, size=shape)
    return (x / x.sum(-1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class Error:
    """A call that must fail: ``call()`` raises ``kind`` with exactly ``message``."""

    call: Callable[[], Any]
    kind: type[Exception]
    message: str


def no_work(*shapes: Shape) -> int:
    """The count of an operation whose arithmetic does not matter."""
    return 0


@dataclass(frozen=True)
class Operation:
    """One operation and its cases.

    Args:
        name: What tests are called after; unique in the table.
        call: From tensors or arrays to a Tensor.
        reference: The same on float64 arrays, in NumPy.
        cases: Shapes of the arguments.
        draws: How each argument is drawn, or one for all.
        gradients: Which arguments get a gradient; all float ones if None.
        errors: Calls that must fail.
        tolerance: Largest error, relative to the largest value of the reference (at least 1).
        step: Of central differences; a small one where the largest of sums is taken, which a step may turn around.
        torch: The same on torch tensors, where it has one.
        flops: Floating-point operations of a case.
        bytes: Bytes a case must move.
    """

    name: str
    call: Callable[..., Any]
    reference: Callable[..., Array]
    cases: Sequence[tuple[Shape, ...]]
    draws: Draw | tuple[Draw, ...] = normal
    gradients: tuple[int, ...] | None = None
    errors: Sequence[Error] = ()
    tolerance: float = 2e-6
    step: float = 1e-5
    torch: Callable[..., Any] | None = None
    flops: Callable[..., int] = no_work
    bytes: Callable[..., int] = field(default=lambda *shapes: sum(4 * int(np.prod(shape)) for shape in shapes))

    def arguments(self, number: int) -> list[Array]:
        shapes = self.cases[number]
        draws = self.draws if isinstance(self.draws, tuple) else (self.draws,) * len(shapes)
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), number])
        return [draw(rng, shape) for draw, shape in zip(draws, shapes, strict=True)]

    def differentiable(self, arguments: Sequence[Array]) -> tuple[int, ...]:
        if self.gradients is not None:
            return self.gradients
        return tuple(i for i, argument in enumerate(arguments) if argument.dtype == np.float32)


# Shapes that reach every edge of a kernel over one array of any shape.
EDGES: list[tuple[Shape, ...]] = [
    ((shape),)
    for shape in [(), (0,), (1,), (15,), (16,), (17,), (31,), (33,), (3, 5), (4, 0, 2), (2, 3, 7), (150, 251)]
]
# And of kernels over rows.
ROWS: list[tuple[Shape, ...]] = [
    ((shape),)
    for shape in [(0, 3), (1, 1), (7,), (1, 15), (3, 16), (2, 17), (5, 31), (2, 33), (2, 3, 4), (100, 3), (300, 130)]
]


def together(call: Callable[[], Any]) -> Any:
    """What ``call`` returns, with work put off until what follows may do it in one go, as within models."""
    before = _core.set_deferring(True)
    try:
        return call()
    finally:
        _core.set_deferring(before)


def operations() -> list[Operation]:
    """All of the table, by family."""
    found = []
    for family in sorted(iter_modules(__path__), key=lambda one: one.name):
        found += getattr(import_module(f"{__name__}.{family.name}"), "OPERATIONS", [])
    names = Counter(operation.name for operation in found)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f"operations named twice: {twice}")
    return found
