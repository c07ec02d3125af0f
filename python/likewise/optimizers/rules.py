"""The optimizers: each is its formula's constants, the arrays it keeps, and one fused step."""

from __future__ import annotations

from typing import Unpack

from likewise import _core
from likewise.functional import Tensor
from likewise.optimizers.optimizer import CommonOptions, LearningRate, Optimizer, Slots


class SGD(Optimizer):
    """Gradient descent: ``p - lr g``; with momentum ``m = momentum m - lr g``, ``p + m``, or Nesterov's look ahead.

    Args:
        learning_rate: See :class:`Optimizer`, as for all that is not explained here.
        momentum: Share of the last step that is kept, in ``[0, 1]``.
        nesterov: Step by ``momentum m - lr g`` instead of ``m``.
        weight_decay: See :class:`Optimizer`.
        **common: See :class:`Optimizer`.
    """

    _own_arguments = ("learning_rate", "momentum", "nesterov")

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay, **common)
        self.momentum, self.nesterov = momentum, nesterov
        self._expect("momentum", 0 <= momentum <= 1, "in [0, 1]")

    def _initial(self) -> dict[str, float]:
        return {"momentum": 0.0} if self.momentum > 0 else {}

    def _update(self, parameter: Tensor, options: _core.StepOptions, slots: Slots, rate: float) -> None:
        _core.sgd_step(parameter, options, rate, self.momentum, self.nesterov, slots.get("momentum"))


class Adagrad(Optimizer):
    """Each component's rate falls with the squares it has seen (Duchi et al., JMLR 2011).

    Args:
        learning_rate: See :class:`Optimizer`.
        initial_accumulator_value: What the sum of squares starts with, 0 or more.
        epsilon: Added to it below the root.
        weight_decay: See :class:`Optimizer`.
        **common: See :class:`Optimizer`.
    """

    _own_arguments = ("learning_rate", "initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay, **common)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        self._expect("initial_accumulator_value", initial_accumulator_value >= 0, "0 or more")
        self._expect("epsilon", epsilon > 0, "greater than 0")

    def _initial(self) -> dict[str, float]:
        return {"accumulator": self.initial_accumulator_value}

    def _update(self, parameter: Tensor, options: _core.StepOptions, slots: Slots, rate: float) -> None:
        _core.adagrad_step(parameter, options, slots["accumulator"], rate, self.epsilon)


class RMSprop(Optimizer):
    """Divides by a running root mean square of the gradient (Hinton's lecture 6e, 2012).

    Args:
        learning_rate: See :class:`Optimizer`.
        rho: Share of the running mean that is kept at each step, in ``[0, 1)``.
        momentum: As for :class:`SGD`.
        epsilon: Added below the root.
        centered: Divide by the running standard deviation instead: subtracts the squared running mean.
        weight_decay: See :class:`Optimizer`.
        **common: See :class:`Optimizer`.
    """

    _own_arguments = ("learning_rate", "rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay, **common)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self._expect("rho", 0 <= rho < 1, "in [0, 1)")
        self._expect("momentum", 0 <= momentum <= 1, "in [0, 1]")
        self._expect("epsilon", epsilon > 0, "greater than 0")

    def _initial(self) -> dict[str, float]:
        used = {"velocity": True, "average": self.centered, "momentum": self.momentum > 0}
        return {name: 0.0 for name, wanted in used.items() if wanted}

    def _update(self, parameter: Tensor, options: _core.StepOptions, slots: Slots, rate: float) -> None:
        constants = (rate, self.rho, self.momentum, self.epsilon)
        _core.rmsprop_step(
            parameter, options, slots["velocity"], *constants, slots.get("average"), slots.get("momentum")
        )


class Adam(Optimizer):
    """Moments of the gradient and of its square, freed of their bias towards 0 (Kingma and Ba, ICLR 2015).

    Args:
        learning_rate: See :class:`Optimizer`.
        beta_1: Share of the first moment that is kept at each step, in ``[0, 1)``.
        beta_2: The same of the second.
        epsilon: Added to the root of the second moment ("epsilon hat" in the paper, as Keras has it).
        amsgrad: Divide by the largest second moment so far (Reddi et al., ICLR 2018).
        weight_decay: See :class:`Optimizer`.
        **common: See :class:`Optimizer`.
    """

    _own_arguments = ("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay, **common)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        self._expect("beta_1", 0 <= beta_1 < 1, "in [0, 1)")
        self._expect("beta_2", 0 <= beta_2 < 1, "in [0, 1)")
        self._expect("epsilon", epsilon > 0, "greater than 0")

    def _initial(self) -> dict[str, float]:
        return dict.fromkeys(["momentum", "velocity", *(["highest"] if self.amsgrad else [])], 0.0)

    def _update(self, parameter: Tensor, options: _core.StepOptions, slots: Slots, rate: float) -> None:
        moments, betas = (slots["momentum"], slots["velocity"]), (self.beta_1, self.beta_2)
        highest = slots.get("highest")
        _core.adam_step(parameter, options, *moments, rate, *betas, self.epsilon, self.iterations, highest)


class AdamW(Adam):
    """:class:`Adam` with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), as in Keras 0.004 by default."""

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, **common)
