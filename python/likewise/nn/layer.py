"""What a layer is: weights made at its first call, layers inside it, and a place in the tree of a network."""

from __future__ import annotations

import hashlib
import inspect
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn import initializers, regularizers
from likewise.runtime import get_seed

Shape = tuple[int, ...]


class _Call(threading.local):
    """What layers inside a call know of it."""

    root: Layer | None = None  # the network called
    training = False
    step = 0


_call = _Call()
# What every layer has before ``__init__``; not searched for layers.
_OWN = {
    "built": False,
    "_name": None,
    "_trainable": True,
    "_parent": None,
    "_key": "",
    "_seed": None,
    "_steps": 0,
    "_output_shape": None,
    "_drawn": (-1, 0),
}
_INTERNAL = {*_OWN, "_weights", "_frozen", "_regularizers", "_collected"}
_structure = 0  # grows whenever any layer gains a weight or a layer: what was collected before is then out of date


def structure_changed() -> None:
    """Whatever was collected about any network is out of date."""
    global _structure
    _structure += 1


class Layer:
    """The base of layers and networks, as in Keras.

    A layer that has weights makes them in ``build(input_shape)``, called once before the first call, by
    :meth:`add_weight`; what it computes is ``call(inputs)``. Layers assigned to attributes, or in lists and dicts that
    are, belong to it. Subclasses may leave out ``super().__init__()``.

    A call is inference unless ``training=True``; a layer called inside another's call takes over what that one was
    told, and a ``call`` that has a ``training`` argument is given it. A tensor that requires a gradient is a weight too
    when it is assigned to an attribute.

    Args:
        name: Shown in summaries; in a ``Sequential`` it is part of the paths of the weights.
        trainable: Are the weights trained?

    Attributes:
        built: Were the weights made?
    """

    built: bool
    _name: str | None
    _trainable: bool
    _parent: weakref.ref[Layer] | None
    _key: str
    _seed: int | None
    _steps: int
    _output_shape: Shape | None
    _drawn: tuple[int, int]
    _weights: dict[str, Tensor]
    _frozen: set[str]
    _regularizers: dict[str, regularizers.Regularizer]
    _collected: tuple[int, dict[str, Tensor], dict[str, Tensor]]
    _takes_training = False

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Everything a layer must have is there before ``__init__``, so a subclass may forget to call ours."""
        layer = super().__new__(cls)
        layer.__dict__.update(_OWN, _weights={}, _frozen=set(), _regularizers={}, _collected=(-1, {}, {}))
        return layer

    def __init__(self, *, name: str | None = None, trainable: bool = True) -> None:
        self._name = name
        self._trainable = trainable

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._takes_training = "training" in inspect.signature(cls.call).parameters

    # What subclasses write.

    def build(self, input_shape: Any) -> None:
        """Make the weights. ``input_shape`` includes the batch; a list of shapes where there are several inputs."""

    def call(self, inputs: Any, *arguments: Any, **options: Any) -> Any:
        """Compute the output."""
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs)")

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: str | initializers.Initializer | Callable[..., Any] = "glorot_uniform",
        trainable: bool = True,
        regularizer: str | regularizers.Regularizer | None = None,
        name: str | None = None,
    ) -> Tensor:
        """Make a weight of this layer.

        Args:
            shape: Its shape.
            initializer: Where its first values come from, keyed by the seed and its path.
            trainable: Is it trained?
            regularizer: A penalty on it, added to the loss.
            name: The last part of its path; "weight", "weight_1", ... if None.

        Raises:
            ValueError: If the layer has a weight of that name.
        """
        if name is None:
            name = f"weight_{len(self._weights)}" if self._weights else "weight"
        if name in self._weights:
            raise ValueError(f"add_weight: layer {self.name!r} already has a weight {name!r}")
        path = f"{self.path}/{name}" if self.path else name
        values = initializers.get(initializer)(tuple(shape), initializers.generator_for(self.seed, path))
        weight = Tensor(values, requires_grad=trainable and self._trainable)
        self._weights[name] = weight
        if not trainable:
            self._frozen.add(name)
        if (penalty := regularizers.get(regularizer)) is not None:
            self._regularizers[name] = penalty
        structure_changed()
        return weight

    # The call.

    def __call__(self, *inputs: Any, training: bool | None = None, **options: Any) -> Any:
        """Compute the output, making the weights first if this is the first call."""
        if _call.root is None or (training is not None and training != _call.training):
            with self._as_outermost(bool(training)):
                return self._inner(inputs, options)
        return self._inner(inputs, options)

    def _inner(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if not self.built:
            self._build_for(inputs)
        if self._takes_training:
            options["training"] = _call.training
        outputs = self.call(*inputs, **options)
        if self._output_shape is None:
            self._output_shape = getattr(outputs, "shape", None)
        return outputs

    def _build_for(self, inputs: tuple[Any, ...]) -> None:
        assert _call.root is not None
        _call.root._adopt()  # layers may have been appended to a list since
        self.build(_shape_of(inputs[0] if len(inputs) == 1 else inputs))
        self.built = True
        self._adopt()

    def _draw_key(self, seed: int | None = None) -> int:
        """The key of this layer's next random draw: of the seed, the step, the path, and the calls within the step."""
        if self._drawn[0] != _call.step:
            self._drawn = (_call.step, 0)
        step, calls = self._drawn
        self._drawn = (step, calls + 1)
        text = f"{self.seed if seed is None else seed}\0{self.path}\0{step}\0{calls}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

    def in_training(self) -> AbstractContextManager[None]:
        """Within it, calls of the layers of this network are one step of training: dropout drops."""
        return self._as_outermost(True)

    @property
    def is_training(self) -> bool:
        """Is the call in which this is asked one of training?"""
        return _call.training

    @contextmanager
    def _as_outermost(self, training: bool) -> Iterator[None]:
        before = _call.root, _call.training, _call.step
        _call.training = training
        if _call.root is None:
            root = _call.root = self.root
            _call.step = root._steps
            root._steps += training
        try:
            yield
        finally:
            _call.root, _call.training, _call.step = before

    # The tree.

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if isinstance(value, Layer | list | tuple | dict) and name not in _INTERNAL:
            self._adopt()
            structure_changed()
        elif isinstance(value, Tensor) and value.requires_grad and value.is_leaf:
            self._weights.setdefault(self._name_of(value) or name, value)
            structure_changed()

    def _name_of(self, weight: Tensor) -> str | None:
        return next((name for name, mine in self._weights.items() if mine is weight), None)

    def _children(self) -> Iterator[tuple[str, Layer]]:
        """The layers of this one and their keys: attributes, and elements of lists, tuples and dicts in them."""
        for name, value in self.__dict__.items():
            if name not in _INTERNAL:
                yield from _layers_in(name, value)

    def _adopt(self) -> None:
        for key, child in self._children():
            if child._parent is None or child._parent() is None:
                child._parent, child._key = weakref.ref(self), key
            if child._parent() is self:
                child._adopt()

    @property
    def _owner(self) -> Layer | None:
        return None if self._parent is None else self._parent()

    @property
    def root(self) -> Layer:
        """The network this layer belongs to: itself, if to none."""
        layer = self
        while (owner := layer._owner) is not None:
            layer = owner
        return layer

    @property
    def path(self) -> str:
        """Where this layer is in its network: "tower/0/hidden"; empty for the network itself."""
        owner = self._owner
        if owner is None:
            return ""
        return f"{owner.path}/{self._key}" if owner.path else self._key

    @property
    def name(self) -> str:
        """The name given, or the key in the network, or the class in snake case."""
        return self._name or self._key.split("/")[-1] or snake_case(type(self).__name__)

    @property
    def seed(self) -> int:
        """The seed of initial values and dropout: the network's, else that of ``lw.set_seed``."""
        seed = self.root._seed
        return get_seed() if seed is None else int(seed)

    @seed.setter
    def seed(self, seed: int) -> None:
        self._seed = int(seed)

    # Weights.

    @property
    def trainable(self) -> bool:
        """Are the weights in here trained? Setting it concerns all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        self._trainable = bool(trainable)
        for name, weight in self._weights.items():
            weight.requires_grad = self._trainable and name not in self._frozen
        for _, child in self._children():
            child.trainable = trainable
        structure_changed()

    def named_weights(self) -> dict[str, Tensor]:
        """All weights by path ("hidden/kernel"), in Keras' order: a layer's own, trained first, then its layers'."""
        return self._collect()[1]

    def parameters(self) -> dict[str, Tensor]:
        """The weights that are trained, by path: what an optimizer is given.

        Raises:
            ValueError: If no layer has weights yet, because the network was never called.
        """
        return self._collect()[2]

    @property
    def weights(self) -> list[Tensor]:
        """All weights, in Keras' order."""
        return list(self.named_weights().values()) if self._has_weights() else []

    @property
    def trainable_weights(self) -> list[Tensor]:
        """The weights that are trained."""
        return list(self.parameters().values()) if self._has_weights() else []

    @property
    def non_trainable_weights(self) -> list[Tensor]:
        """The weights that are not trained."""
        trained = {id(weight) for weight in self.trainable_weights}
        return [weight for weight in self.weights if id(weight) not in trained]

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        return sum(weight.size for weight in self.weights)

    def get_weights(self) -> list[NDArray[Any]]:
        """Copies of all weights, in Keras' order and orientation."""
        return [np.array(weight) for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Overwrite all weights, in the order of :meth:`get_weights`.

        Raises:
            ValueError: If their number or a shape differs.
        """
        mine = self.named_weights()
        if len(weights) != len(mine):
            raise ValueError(f"set_weights: layer {self.name!r} has {len(mine)} weights, got {len(weights)}")
        arrays = [np.asarray(values, dtype=np.float32) for values in weights]
        for (path, weight), values in zip(mine.items(), arrays, strict=True):
            if tuple(weight.shape) != values.shape:
                raise ValueError(f"set_weights: {path!r} has shape {tuple(weight.shape)}, got {values.shape}")
        for weight, values in zip(mine.values(), arrays, strict=True):
            weight.assign(values)

    def penalty(self) -> Tensor | None:
        """The sum of the regularizers of all trained weights; None if there are none."""
        total: Tensor | None = None
        for layer in self._flatten():
            if layer._regularizers and layer._trainable:
                for name, regularizer in layer._regularizers.items():
                    value = regularizer(layer._weights[name])
                    total = value if total is None else F.add(total, value)
        return total

    def _flatten(self) -> Iterator[Layer]:
        """This layer and all inside it, each once."""
        seen: set[int] = set()
        pending: list[Layer] = [self]
        while pending:
            layer = pending.pop(0)
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                pending[:0] = [child for _, child in layer._children()]

    def _has_weights(self) -> bool:
        return any(layer._weights for layer in self._flatten())

    def _collect(self) -> tuple[int, dict[str, Tensor], dict[str, Tensor]]:
        if self._collected[0] == _structure:
            return self._collected
        everything: dict[str, Tensor] = {}
        trained: dict[str, Tensor] = {}
        self._collect_into(everything, trained, "", set())
        if not everything and any(not layer.built for layer in self._flatten()):
            raise ValueError(f"{self.name!r} has no weights yet: call it once, or build(input_shape), to make them")
        self._collected = (_structure, everything, trained)
        return self._collected

    def _collect_into(
        self, everything: dict[str, Tensor], trained: dict[str, Tensor], prefix: str, seen: set[int]
    ) -> None:
        if id(self) in seen:
            return
        seen.add(id(self))
        for name in sorted(self._weights, key=lambda name: name in self._frozen):
            path = f"{prefix}{name}"
            everything[path] = self._weights[name]
            if self._trainable and name not in self._frozen:
                trained[path] = self._weights[name]
        for key, child in self._children():
            child._collect_into(everything, trained, f"{prefix}{key}/", seen)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path or self.name}>"


def snake_case(name: str) -> str:
    """LayerNormalization -> layer_normalization, as Keras names layers."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _layers_in(key: str, value: Any) -> Iterator[tuple[str, Layer]]:
    if isinstance(value, Layer):
        yield key, value
    elif isinstance(value, list | tuple):
        for index, element in enumerate(value):
            yield from _layers_in(f"{key}/{index}", element)
    elif isinstance(value, dict):
        for name, element in value.items():
            yield from _layers_in(f"{key}/{name}", element)


def _shape_of(inputs: Any) -> Any:
    if isinstance(inputs, list | tuple):
        return [_shape_of(each) for each in inputs]
    if isinstance(inputs, dict):
        return {name: _shape_of(each) for name, each in inputs.items()}
    shape = getattr(inputs, "shape", None)
    return None if shape is None else tuple(shape)
