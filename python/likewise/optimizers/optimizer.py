"""What all optimizers share: learning rates, clipping, penalties, state, configuration."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self, TypeAlias, TypedDict

import numpy as np

from likewise import _core
from likewise.functional import Tensor
from likewise.optimizers.schedules import LearningRateSchedule, expect, schedule_from

Parameters: TypeAlias = Mapping[str, Tensor] | Iterable[Tensor]
LearningRate: TypeAlias = float | Callable[[int], float]
Slots: TypeAlias = dict[str, Tensor]


class CommonOptions(TypedDict, total=False):
    """What every optimizer takes beside its own arguments; see :class:`Optimizer`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    l1: float
    l2: float
    exact: bool
    name: str | None


class Optimizer(ABC):
    """What all optimizers share.

    A gradient is first coalesced (rows of a table that came twice are added), then clipped, then used.

    Args:
        learning_rate: A number, or a function of the number of steps made, such as :class:`CosineDecay`.
        weight_decay: Each step first shrinks what it updates by this times the learning rate (decoupled, as in AdamW).
        clipnorm: Each parameter's gradient is scaled down to this norm.
        clipvalue: Each component of a gradient is cut to ``[-clipvalue, clipvalue]``.
        global_clipnorm: All gradients together are scaled down to this norm. One of the three at most.
        l1: Adds ``l1 * sign(parameter)`` to the gradient.
        l2: Adds ``l2 * parameter`` to the gradient. For lazily updated tables: for the rows in the batch, as papers do.
        exact: Update every row of a table at every step, as if its gradient were dense.
        name: For people; the class in lower case if None.

    Raises:
        ValueError: If an argument is out of its range, or two kinds of clipping are asked for.
    """

    _own_arguments: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        exact: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name or type(self).__name__.lower()
        self._schedule: Callable[[int], float] | None = None
        if callable(learning_rate):
            self._schedule = learning_rate
        else:
            self.learning_rate = learning_rate
        self.weight_decay, self.l1, self.l2, self.exact = weight_decay, l1, l2, exact
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        for name in ("weight_decay", "l1", "l2"):
            value = getattr(self, name)
            self._expect(name, value is None or value >= 0, "0 or more")
        clips = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, name) is not None]
        for name in clips:
            self._expect(name, getattr(self, name) > 0, "greater than 0")
        if len(clips) > 1:
            raise ValueError(f"{type(self).__name__}: only one kind of clipping can be used, got {' and '.join(clips)}")
        self.iterations = 0
        self._slots: dict[str, Slots] = {}

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return self._learning_rate if self._schedule is None else float(self._schedule(self.iterations))

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if self._schedule is not None:
            raise TypeError(f"{type(self).__name__}: learning_rate follows a schedule, so it cannot be set")
        self._learning_rate = float(value)
        self._expect("learning_rate", math.isfinite(value) and value >= 0, "a finite number, 0 or more")

    def step(self, parameters: Parameters) -> None:
        """Update parameters in place by the gradients that ``backward`` left, and clear these.

        Args:
            parameters: Tensors by path, or a list of them: then their place in it is what their state is kept under.
                Those without a gradient are left alone.
        """
        named = self._named(parameters)
        rate, decay = self.learning_rate, self.weight_decay or 0.0
        scale = self._scale(named.values(), self.global_clipnorm)
        limit = math.inf if self.clipvalue is None else self.clipvalue
        self.iterations += 1
        for path, parameter in named.items():
            if self.clipnorm is not None:
                scale = self._scale([parameter], self.clipnorm)
            options = _core.StepOptions(scale, limit, self.l1, self.l2, rate * decay, self.exact)
            self._update(parameter, options, self.slots_of(path, parameter), rate)

    def state_dict(self) -> dict[str, Any]:
        """What the next step depends on beside parameters: arrays by path and name, and the number of steps made."""
        slots = {path: {name: np.array(value) for name, value in named.items()} for path, named in self._slots.items()}
        rate = None if self._schedule is not None else self._learning_rate
        return {"class_name": type(self).__name__, "iterations": self.iterations, "learning_rate": rate, "slots": slots}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` of such an optimizer returned.

        Raises:
            ValueError: If the state is of another kind of optimizer; nothing is changed then.
        """
        self.check_state_dict(state)
        self.iterations = int(state["iterations"])
        if self._schedule is None and state["learning_rate"] is not None:
            self.learning_rate = state["learning_rate"]
        self._slots = {
            path: {name: Tensor(value) for name, value in named.items()} for path, named in state["slots"].items()
        }

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """Would :meth:`load_state_dict` take this?

        Raises:
            ValueError: If the state is of another kind of optimizer.
        """
        if state["class_name"] != type(self).__name__:
            raise ValueError(f"{type(self).__name__}: the state is of {state['class_name']}")
        expected = set(self._initial())
        for path, named in state["slots"].items():
            if set(named) != expected:
                raise ValueError(
                    f"{type(self).__name__}: state of {path} must hold {sorted(expected)}, got {sorted(named)}"
                )

    def get_config(self) -> dict[str, Any]:
        """The arguments this optimizer was made with, as plain values.

        Raises:
            ValueError: If the learning rate is a function of the user's own.
        """
        config: dict[str, Any] = {name: getattr(self, name) for name in self._own_arguments}
        if isinstance(self._schedule, LearningRateSchedule):
            schedule = {"class_name": type(self._schedule).__name__, "config": self._schedule.get_config()}
            config["learning_rate"] = schedule
        elif self._schedule is not None:
            raise ValueError(f"{type(self).__name__}: a learning rate that is a function has no configuration")
        return config | {name: getattr(self, name) for name in ("weight_decay", *CommonOptions.__annotations__)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Optimizer:
        """The optimizer that :meth:`get_config` describes."""
        arguments = dict(config)
        rate = arguments.get("learning_rate")
        if isinstance(rate, Mapping):
            arguments["learning_rate"] = schedule_from(rate)
        return cls(**arguments)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy with state of its own."""
        twin = copy.copy(self)
        memo[id(self)] = twin
        slots = {
            path: {name: Tensor(np.array(value)) for name, value in named.items()}
            for path, named in self._slots.items()
        }
        settings = {name: value for name, value in vars(self).items() if name != "_slots"}
        twin.__dict__.update(copy.deepcopy(settings, memo), _slots=slots)
        return twin

    @abstractmethod
    def _update(self, parameter: Tensor, options: _core.StepOptions, slots: Slots, rate: float) -> None:
        """One fused pass over the parameter and its slots."""

    @abstractmethod
    def _initial(self) -> dict[str, float]:
        """The names of the arrays kept for each parameter, and what they start with."""

    def slots_of(self, path: str, parameter: Tensor) -> Slots:
        """The arrays kept for a parameter, by name; made at the first call. For networks with a fused step."""
        slots = self._slots.get(path)
        if slots is None:
            shape = parameter.shape
            slots = {name: Tensor(np.full(shape, value, np.float32)) for name, value in self._initial().items()}
            self._slots[path] = slots
        return slots

    @staticmethod
    def _named(parameters: Parameters) -> dict[str, Tensor]:
        if isinstance(parameters, Tensor):
            raise TypeError("step: parameters must be a dict or a list of tensors, got one tensor")
        if not isinstance(parameters, Mapping):
            parameters = {str(index): parameter for index, parameter in enumerate(parameters)}
        return {path: parameter for path, parameter in parameters.items() if parameter.grad is not None}

    @staticmethod
    def _scale(parameters: Iterable[Tensor], most: float | None) -> float:
        if most is None:
            return 1.0
        norm = math.sqrt(math.fsum(_core.gradient_square_sum(parameter) for parameter in parameters))
        return most / max(norm, most)

    def _expect(self, name: str, holds: bool, required: str) -> None:
        expect(type(self).__name__, name, getattr(self, name), holds, required)
