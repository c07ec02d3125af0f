"""The same elements in another arrangement. Indexing a tensor, ``x[1:, ..., None]``, is here too, with its gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from likewise import _core
from likewise.functional.tensor import Tensor, TensorLike


def reshape(x: TensorLike, shape: Sequence[int]) -> Tensor:
    """The elements of ``x`` in C order under another shape; one size may be -1.

    Raises:
        ValueError: If the number of elements differs.
    """
    return _core.reshape(x, shape)


def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """Axis ``i`` of the result is axis ``axes[i]`` of ``x``; None reverses all axes.

    Raises:
        ValueError: If ``axes`` is no permutation of the axes of ``x``.
    """
    return _core.transpose(x, axes)


def broadcast_to(x: TensorLike, shape: Sequence[int]) -> Tensor:
    """``x`` repeated to a shape, by NumPy's rules.

    Raises:
        ValueError: If ``x`` does not broadcast to ``shape``.
    """
    return _core.broadcast_to(x, shape)


def expand_dims(x: TensorLike, axis: int) -> Tensor:
    """A new axis of size 1 at position ``axis`` of the result."""
    shape = list(_shape(x))
    rank = len(shape) + 1
    if not -rank <= axis < rank:
        raise ValueError(f"expand_dims: axis {axis} is out of range for {rank} dimensions")
    shape.insert(axis % rank, 1)
    return _core.reshape(x, shape)


def squeeze(x: TensorLike, axis: int) -> Tensor:
    """Without an axis of size 1.

    Raises:
        ValueError: If the axis has another size.
    """
    shape = list(_shape(x))
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"squeeze: axis {axis} is out of range for shape {tuple(shape)}")
    if shape[axis] != 1:
        raise ValueError(f"squeeze: axis {axis} must have size 1, x has shape {tuple(shape)}")
    del shape[axis]
    return _core.reshape(x, shape)


def concatenate(tensors: Iterable[TensorLike], axis: int = 0) -> Tensor:
    """Tensors joined along an axis that is there.

    Raises:
        ValueError: If there are none, or sizes of other axes differ.
        TypeError: If dtypes differ.
    """
    return _core.concatenate(tensors, axis)


def stack(tensors: Iterable[TensorLike], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    Raises:
        ValueError: If there are none, or shapes differ.
    """
    return _core.concatenate([expand_dims(tensor, axis) for tensor in tensors], axis)


def split(x: TensorLike, sizes: Sequence[int], axis: int = 0) -> list[Tensor]:
    """Consecutive parts of ``x`` along an axis.

    Args:
        x: The tensor.
        sizes: The size of each part.
        axis: Along which.

    Raises:
        ValueError: If the sizes do not add up to that of the axis.
    """
    tensor = x if isinstance(x, Tensor) else Tensor(x)
    if not -tensor.ndim <= axis < tensor.ndim:
        raise ValueError(f"split: axis {axis} is out of range for shape {tensor.shape}")
    if sum(sizes) != tensor.shape[axis] or min(sizes, default=0) < 0:
        raise ValueError(f"split: sizes {tuple(sizes)} do not add up to {tensor.shape[axis]}, the size of axis {axis}")
    parts, begin = [], 0
    for size in sizes:
        index: list[slice] = [slice(None)] * tensor.ndim
        index[axis] = slice(begin, begin + size)
        parts.append(tensor[tuple(index)])
        begin += size
    return parts


def _shape(x: TensorLike) -> tuple[int, ...]:
    return x.shape if isinstance(x, Tensor) else Tensor(x).shape
