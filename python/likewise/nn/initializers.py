"""Initial values of weights, by Keras' names.

A layer's weight is drawn from Philox keyed by the seed and the path of the weight ("hidden/kernel"), so it does not
depend on what was built before it. An initializer given a seed of its own is keyed by that instead.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = Sequence[int]
Values = NDArray[np.float32]


def generator_for(seed: int, path: str) -> np.random.Generator:
    """The stream of random numbers that belongs to a seed and the path of a weight."""
    key = hashlib.blake2b(f"{seed}\0{path}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


class Initializer:
    """Makes the initial values of a weight: ``initializer(shape)``. Override :meth:`draw`."""

    seed: int | None = None

    def __call__(self, shape: Shape, generator: np.random.Generator | None = None) -> Values:
        """Values of this shape, float32.

        Args:
            shape: The shape.
            generator: Where to draw from, unless the initializer has a seed of its own.
        """
        if self.seed is not None or generator is None:
            generator = generator_for(self.seed or 0, "")
        return np.ascontiguousarray(self.draw(tuple(shape), generator), dtype=np.float32).reshape(shape)

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        """Values of this shape, drawn from ``generator``."""
        raise NotImplementedError


class Constant(Initializer):
    """One value everywhere."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        return np.full(shape, self.value, dtype=np.float32)


class Zeros(Constant):
    """Zeros."""

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Ones."""

    def __init__(self) -> None:
        super().__init__(1.0)


class RandomNormal(Initializer):
    """Normal with the given mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        return _normal(shape, generator, self.mean, self.stddev)


class RandomUniform(Initializer):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        return _uniform(shape, generator, self.minval, self.maxval)


class TruncatedNormal(Initializer):
    """Normal, drawn again where it is more than two ``stddev`` from the mean (the result spreads .88 ``stddev``)."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        return _truncated_normal(shape, generator, self.mean, self.stddev)


class VarianceScaling(Initializer):
    """Zero mean and variance scale / n, n the number of inputs, of outputs, or the mean of both.

    Args:
        scale: Of the variance.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "uniform" or "truncated_normal".
        seed: A seed of its own.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        if not scale > 0:
            raise ValueError(f"VarianceScaling: scale must be positive, got {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"VarianceScaling: mode must be 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}")
        if distribution not in ("uniform", "truncated_normal"):
            raise ValueError(
                f"VarianceScaling: distribution must be 'uniform' or 'truncated_normal', got {distribution!r}"
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return _uniform(shape, generator, -limit, limit)
        # A normal cut at two deviations has .87962566 of the deviation.
        return _truncated_normal(shape, generator, 0.0, math.sqrt(variance) / 0.87962566103423978)


class GlorotUniform(VarianceScaling):
    """Uniform, variance 2 / (inputs + outputs) (Glorot and Bengio, AISTATS 2010, eq. 16)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal, variance 2 / (inputs + outputs) (Glorot and Bengio, AISTATS 2010)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform, variance 2 / inputs (He et al., ICCV 2015, eq. 10)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Truncated normal, variance 2 / inputs (He et al., ICCV 2015, eq. 10)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Uniform, variance 1 / inputs (LeCun et al., Efficient BackProp, 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Truncated normal, variance 1 / inputs (LeCun et al., Efficient BackProp, 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class Orthogonal(Initializer):
    """A matrix with orthonormal rows or columns, whichever are fewer (Saxe et al., ICLR 2014), times ``gain``."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = gain, seed

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: needs two dimensions or more, got shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = generator.standard_normal((max(rows, columns), min(rows, columns)))
        orthonormal, triangle = np.linalg.qr(normal)
        orthonormal *= np.sign(np.diag(triangle))  # otherwise not uniform over orthogonal matrices
        return self.gain * (orthonormal if rows >= columns else orthonormal.T).reshape(shape)


class Identity(Initializer):
    """The identity matrix times ``gain``."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        if len(shape) != 2:
            raise ValueError(f"Identity: needs two dimensions, got shape {shape}")
        return self.gain * np.eye(*shape)


_BY_NAME: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "normal": RandomNormal,
    "random_normal": RandomNormal,
    "uniform": RandomUniform,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "identity": Identity,
}
_BY_CLASS = {each.__name__: each for each in _BY_NAME.values()}


def get(initializer: str | Initializer | Callable[..., Any]) -> Initializer:
    """An initializer by Keras' name ("glorot_uniform", "GlorotUniform"), itself, or from a function of the shape.

    Raises:
        ValueError: If the name is unknown.
        TypeError: If it is neither.
    """
    if isinstance(initializer, Initializer):
        return initializer
    if isinstance(initializer, str):
        if initializer not in _BY_NAME and initializer not in _BY_CLASS:
            raise ValueError(f"initializer: must be one of {', '.join(_BY_NAME)}; got {initializer!r}")
        return (_BY_NAME | _BY_CLASS)[initializer]()
    if isinstance(initializer, type) and issubclass(initializer, Initializer):
        return initializer()
    if callable(initializer):
        return _FromFunction(initializer)
    raise TypeError(f"initializer: must be a name, an Initializer or a function of the shape, got {initializer!r}")


def __getattr__(name: str) -> type[Initializer]:
    """``nn.initializers.he_normal()`` and all others that have a name: the classes, as Keras spells them too."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    raise AttributeError(f"module 'likewise.nn.initializers' has no attribute {name!r}")


class _FromFunction(Initializer):
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
        values = np.asarray(self.function(shape))
        if values.shape != shape:
            raise ValueError(f"initializer: {self.function!r} must return shape {shape}, got {values.shape}")
        return values


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Inputs and outputs of one unit: [in, out], or [taps..., in, out] of a convolution."""
    if len(shape) < 2:
        return float(math.prod(shape)), float(math.prod(shape))
    taps = math.prod(shape[:-2])
    return float(taps * shape[-2]), float(taps * shape[-1])


def _uniform(shape: tuple[int, ...], generator: np.random.Generator, low: float, high: float) -> Values:
    values = generator.random(shape, dtype=np.float32)
    values *= np.float32(high - low)
    values += np.float32(low)
    return values


def _normal(shape: tuple[int, ...], generator: np.random.Generator, mean: float, stddev: float) -> Values:
    values = generator.standard_normal(shape, dtype=np.float32)
    values *= np.float32(stddev)
    values += np.float32(mean)
    return values


def _truncated_normal(shape: tuple[int, ...], generator: np.random.Generator, mean: float, stddev: float) -> Values:
    values = generator.standard_normal(math.prod(shape), dtype=np.float32)
    while len(outside := np.flatnonzero(np.abs(values) > 2)):
        values[outside] = generator.standard_normal(len(outside), dtype=np.float32)
    values *= np.float32(stddev)
    values += np.float32(mean)
    return values.reshape(shape)
