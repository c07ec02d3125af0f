"""Learning rates that follow the number of steps."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class LearningRateSchedule(ABC):
    """A learning rate that depends on the number of steps made. Any callable that takes the number serves as one."""

    @abstractmethod
    def __call__(self, step: int) -> float:
        """The learning rate of the step after ``step`` steps."""

    def get_config(self) -> dict[str, Any]:
        """The arguments this schedule was made with."""
        return dict(vars(self))


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: Steps after which the rate is ``decay_rate`` times what it was.
        decay_rate: The factor.
        staircase: Does the rate change every ``decay_steps`` steps only?
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False
    ) -> None:
        expect("ExponentialDecay", "decay_steps", decay_steps, decay_steps > 0, "greater than 0")
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.decay_rate, self.staircase = decay_rate, staircase

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` steps."""
        periods = step // self.decay_steps if self.staircase else step / self.decay_steps
        return float(self.initial_learning_rate * self.decay_rate**periods)


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the first rate to the last (Loshchilov and Hutter, ICLR 2017, without restarts).

    Args:
        initial_learning_rate: The rate at step 0; with ``warmup_target``, where the warm-up starts.
        decay_steps: Steps of the decay, after the warm-up.
        alpha: The last rate, as a share of the first (or of ``warmup_target``).
        warmup_target: The rate at the end of a linear warm-up.
        warmup_steps: Steps of the warm-up.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        expect("CosineDecay", "decay_steps", decay_steps, decay_steps > 0, "greater than 0")
        expect("CosineDecay", "warmup_steps", warmup_steps, warmup_steps >= 0, "0 or more")
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` steps."""
        highest = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                share = step / self.warmup_steps
                return highest + share * (self.warmup_target - highest)
            highest, step = self.warmup_target, step - self.warmup_steps
        share = min(step, self.decay_steps) / self.decay_steps
        return highest * ((1 - self.alpha) * 0.5 * (1 + math.cos(math.pi * share)) + self.alpha)


class PolynomialDecay(LearningRateSchedule):
    """From the first rate to the last along a power of the share of steps that are left.

    ``(initial - end) * (1 - min(step, decay_steps) / decay_steps) ** power + end``: a straight line at power 1.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: Steps of the decay.
        end_learning_rate: The rate from then on.
        power: The power.
        cycle: Does a new decay, a period longer, begin when one is over?
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        expect("PolynomialDecay", "decay_steps", decay_steps, decay_steps > 0, "greater than 0")
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle = end_learning_rate, power, cycle

    def __call__(self, step: int) -> float:
        """The learning rate after ``step`` steps."""
        periods = max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1
        share = min(step / (self.decay_steps * periods), 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        return float(span * (1 - share) ** self.power + self.end_learning_rate)


def expect(caller: str, name: str, value: Any, holds: bool, required: str) -> None:
    """Raise a ValueError that names the argument, what is required and what came."""
    if not holds:
        raise ValueError(f"{caller}: {name} must be {required}, got {value}")


_SCHEDULES: dict[str, type[LearningRateSchedule]] = {
    each.__name__: each for each in (ExponentialDecay, CosineDecay, PolynomialDecay)
}


def schedule_from(described: Mapping[str, Any]) -> LearningRateSchedule:
    """The schedule of ``{"class_name": .., "config": ..}``."""
    name = described["class_name"]
    if name not in _SCHEDULES:
        raise ValueError(f"learning_rate: a schedule must be one of {', '.join(sorted(_SCHEDULES))}, got {name!r}")
    return _SCHEDULES[name](**described["config"])
