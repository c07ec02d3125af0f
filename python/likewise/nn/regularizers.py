"""Penalties on weights, by Keras' names: what they return is added to the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from likewise import functional as F

if TYPE_CHECKING:
    from likewise.functional import Tensor


class Regularizer:
    """A penalty on a weight: ``regularizer(weight)`` is a scalar of the graph."""

    def __call__(self, weight: Tensor) -> Tensor:
        """The penalty."""
        raise NotImplementedError


class L1L2(Regularizer):
    """l1 * sum |w| + l2 * sum w^2."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        for name, factor in (("l1", l1), ("l2", l2)):
            if not factor >= 0:
                raise ValueError(f"{type(self).__name__}: {name} must be 0 or more, got {factor}")
        self.l1, self.l2 = float(l1), float(l2)

    def __call__(self, weight: Tensor) -> Tensor:
        """The penalty."""
        if self.l1 == 0:
            return F.multiply(F.sum(F.square(weight)), self.l2)
        absolute = F.multiply(F.sum(F.abs(weight)), self.l1)
        return absolute if self.l2 == 0 else F.add(absolute, F.multiply(F.sum(F.square(weight)), self.l2))


class L1(L1L2):
    """l1 * sum |w|: drives weights to exactly zero."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    """l2 * sum w^2: keeps weights small."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


class _FromFunction(Regularizer):
    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        self.function = function

    def __call__(self, weight: Tensor) -> Tensor:
        penalty: Tensor = self.function(weight)
        return penalty


# As Keras spells them: ``l2(1e-4)``.
l1, l2, l1_l2 = L1, L2, L1L2

_BY_NAME: dict[str, type[L1L2]] = {"l1": L1, "l2": L2, "l1_l2": L1L2, "L1": L1, "L2": L2, "L1L2": L1L2}


def get(regularizer: str | Regularizer | Callable[[Tensor], Any] | None) -> Regularizer | None:
    """A regularizer by name ("l1", "l2" with .01, as Keras), itself, from a function of the weight, or None.

    Raises:
        ValueError: If the name is unknown.
        TypeError: If it is something else.
    """
    if regularizer is None or isinstance(regularizer, Regularizer):
        return regularizer
    if isinstance(regularizer, str):
        if regularizer not in _BY_NAME:
            raise ValueError(f"regularizer: must be one of {', '.join(_BY_NAME)}; got {regularizer!r}")
        return _BY_NAME[regularizer]()
    if isinstance(regularizer, type) and issubclass(regularizer, Regularizer):
        return regularizer()
    if callable(regularizer):
        return _FromFunction(regularizer)
    raise TypeError(f"regularizer: must be a name, a Regularizer, a function or None, got {regularizer!r}")
