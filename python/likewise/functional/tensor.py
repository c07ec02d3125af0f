"""What operations take and give."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import TypeAlias

from numpy.typing import ArrayLike

from likewise import _core
from likewise._core import RowSparse, Tensor

__all__ = ["RowSparse", "Tensor", "TensorLike", "no_grad"]

TensorLike: TypeAlias = Tensor | ArrayLike


class no_grad(ContextDecorator):  # noqa: N801 - lower case, as it reads like a statement
    """Within this context, or in a function so decorated, operations of this thread are not recorded.

    >>> with lw.no_grad():
    ...     scores = lw.functional.matmul(users, items)
    """

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> no_grad:
        self._before.append(_core.set_grad_enabled(False))
        return self

    def __exit__(self, *error: object) -> None:
        _core.set_grad_enabled(self._before.pop())
