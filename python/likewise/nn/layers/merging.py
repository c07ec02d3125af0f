"""Layers of several inputs, given as a list."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.layer import Layer, LayerOptions


class _Merge(Layer):
    """What the layers share that combine inputs element by element.

    Sizes of 1 are repeated; an input of fewer dimensions is repeated over those after the batch.
    """

    operation: Callable[[Any, Any], Tensor]

    def call(self, inputs: Any) -> Any:
        merged, *others = _equal_ranks(type(self).__name__, inputs)
        for each in others:
            merged = type(self).operation(merged, each)
        return merged


class Add(_Merge):
    """x_1 + x_2 + ..., of a list of inputs [batch, ...]."""

    operation = staticmethod(F.add)


class Subtract(_Merge):
    """x_1 - x_2, of a list of two inputs [batch, ...]."""

    operation = staticmethod(F.subtract)

    def call(self, inputs: Any) -> Any:
        if len(listed := _listed("Subtract", inputs)) != 2:
            raise ValueError(f"Subtract: takes a list of 2 inputs, got {len(listed)}")
        return super().call(listed)


class Multiply(_Merge):
    """x_1 x_2 ..., element by element, of a list of inputs [batch, ...]."""

    operation = staticmethod(F.multiply)


class Average(_Merge):
    """The mean of a list of inputs [batch, ...], element by element."""

    operation = staticmethod(F.add)

    def call(self, inputs: Any) -> Any:
        return F.multiply(super().call(inputs), 1 / len(inputs))


class Maximum(_Merge):
    """The greatest of a list of inputs [batch, ...], element by element."""

    operation = staticmethod(F.maximum)


class Minimum(_Merge):
    """The least of a list of inputs [batch, ...], element by element."""

    operation = staticmethod(F.minimum)


class Concatenate(Layer):
    """A list of inputs, joined along an axis; their other sizes are equal.

    Args:
        axis: Along which; 0 is the batch.
        **common: See :class:`Layer`.
    """

    def __init__(self, axis: int = -1, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        if not checks.is_integer(axis):
            raise ValueError(f"Concatenate: axis must be an integer, got {axis!r}")
        self.axis = int(axis)

    def call(self, inputs: Any) -> Tensor:
        listed = _listed("Concatenate", inputs)
        shapes = [tuple(np.shape(each)) for each in listed]
        rank = len(shapes[0])
        if not -rank <= self.axis < rank:
            raise ValueError(f"Concatenate: axis {self.axis} is out of range for inputs of shape {shapes[0]}")
        others = [shape[: self.axis % rank] + shape[self.axis % rank + 1 :] for shape in shapes]
        for shape, other in zip(shapes, others, strict=True):
            if len(shape) != rank or other != others[0]:
                raise ValueError(f"Concatenate: sizes but that of axis {self.axis} differ: {shapes[0]} and {shape}")
        return F.concatenate(listed, self.axis)


class Dot(Layer):
    """sum_k a[.., k, ..] b[.., k, ..], row by row, of a list of two inputs.

    Args:
        axes: The axis that is summed, one number or (that of a, that of b); not 0, the batch.
        normalize: Scale both to length 1 along their axes first: the result is a cosine.
        **common: See :class:`Layer`.

    Shapes:
        [batch, *a, k], [batch, *b, k] to [batch, *a, *b]; to [batch, 1] where there is neither a nor b.
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        both = tuple(axes) if isinstance(axes, list | tuple) else (axes, axes)
        if len(both) != 2 or not all(checks.is_integer(axis) and axis != 0 for axis in both):
            raise ValueError(f"Dot: axes must be one integer or two, but not 0, got {axes!r}")
        checks.truth("Dot", "normalize", normalize)
        self.axes, self.normalize = both, bool(normalize)

    def call(self, inputs: Any) -> Tensor:
        listed = _listed("Dot", inputs)
        if len(listed) != 2:
            raise ValueError(f"Dot: takes a list of 2 inputs, got {len(listed)}")
        shapes = [tuple(np.shape(each)) for each in listed]
        for shape, axis in zip(shapes, self.axes, strict=True):
            if len(shape) < 2 or not -len(shape) < axis < len(shape):
                raise ValueError(f"Dot: axis {axis} is out of range for an input of shape {shape}")
        if shapes[0][0] != shapes[1][0]:
            raise ValueError(f"Dot: inputs must have as many rows, got shapes {shapes[0]} and {shapes[1]}")
        (a, rest_a), (b, rest_b) = (
            _last(each, axis % len(shape)) for each, shape, axis in zip(listed, shapes, self.axes, strict=True)
        )
        if a.shape[-1] != b.shape[-1]:
            raise ValueError(f"Dot: sizes of axes {self.axes} differ: inputs of shapes {shapes[0]} and {shapes[1]}")
        if self.normalize:
            a, b = F.l2_normalize(a), F.l2_normalize(b)
        products = F.matmul(a, F.transpose(b, (0, 2, 1)))
        return F.reshape(products, (shapes[0][0], *(rest_a + rest_b or (1,))))


def _last(x: Any, axis: int) -> tuple[Tensor, tuple[int, ...]]:
    """[batch, rows, size of the axis], and the sizes that make the rows."""
    axes = [each for each in range(len(np.shape(x))) if each != axis]
    moved = F.transpose(x, (*axes, axis))
    rest = tuple(moved.shape[1:-1])
    return F.reshape(moved, (moved.shape[0], math.prod(rest), moved.shape[-1])), rest


def _listed(layer: str, inputs: Any) -> list[Any]:
    """Several inputs of as many rows.

    Raises:
        ValueError: If they are not.
    """
    if not isinstance(inputs, list | tuple) or not inputs:
        raise ValueError(f"{layer}: takes a list of inputs, got {type(inputs).__name__}")
    return list(inputs)


def _equal_ranks(layer: str, inputs: Any) -> list[Any]:
    """The inputs with axes of 1 after the batch, where they have fewer dimensions than others.

    Raises:
        ValueError: If two do not fit, naming their shapes.
    """
    listed = _listed(layer, inputs)
    shapes = [tuple(np.shape(each)) for each in listed]
    rank = max(map(len, shapes))
    widened = []
    for each, shape in zip(listed, shapes, strict=True):
        if not shape:
            raise ValueError(f"{layer}: takes inputs [batch, ...], got shape {shape}")
        wide = (shape[0], *[1] * (rank - len(shape)), *shape[1:])
        for first, here in zip((shapes[0][0], *[1] * (rank - len(shapes[0])), *shapes[0][1:]), wide, strict=True):
            if first != here and 1 not in (first, here):
                raise ValueError(f"{layer}: inputs of shapes {shapes[0]} and {shape} do not fit")
        widened.append(each if len(shape) == rank else F.reshape(each, wide))
    return widened
