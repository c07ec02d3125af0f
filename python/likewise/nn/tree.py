"""Layers inside layers, and the weights found there."""

from __future__ import annotations

import copy
import re
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import is_
from types import FunctionType, MethodType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn import initializers, regularizers
from likewise.nn.input import Input
from likewise.runtime import get_seed, next_number

Shape = tuple[int, ...]

_structure = object()  # another one whenever a layer gains or loses a weight or a layer
_MAY_BE_REPLACED = {"build", "call", "train_step"}  # methods that a function may be assigned to


def structure_changed() -> None:
    """Whatever was collected about any network is out of date."""
    global _structure
    _structure = object()


class _Collected(NamedTuple):
    """The weights of a layer and of those inside, their penalties, and the lists and dicts they were found in."""

    structure: object
    everything: dict[str, Tensor]
    trained: dict[str, Tensor]
    penalties: Sequence[tuple[regularizers.Regularizer, Tensor]]
    containers: Sequence[tuple[Any, tuple[Any, ...]]]

    def is_current(self) -> bool:
        return self.structure is _structure and all(
            len(container) == len(elements) and all(map(is_, _elements(container), elements))
            for container, elements in self.containers
        )


@dataclass(slots=True)
class _Own:
    """What a layer knows of itself, apart from the attributes that subclasses choose."""

    name: str | None = None
    trainable: bool = True
    input: Input | None = None  # if it was told its input_shape
    parent: weakref.ref[Tree] | None = None
    key: str = ""
    number: int | None = None  # among the layers of its class outside networks
    seed: int | None = None
    output_shape: Shape | None = None
    drawn: tuple[int, int] = (-1, 0)
    weights: dict[str, Tensor] = field(default_factory=dict)
    listed: dict[str, Tensor] = field(default_factory=dict)  # the weights in lists and dicts
    frozen: set[str] = field(default_factory=set)
    regularizers: dict[str, regularizers.Regularizer] = field(default_factory=dict)
    collected: _Collected | None = None


class Tree:
    """A layer as far as it holds weights and other layers: attributes, and elements of lists, tuples and dicts in them.

    A layer belongs to the one it was first assigned to. Paths of weights name the attributes that lead to them.

    Attributes:
        built: Were the weights made?
    """

    built: bool
    _own: _Own
    _steps: int  # of training made; a network with a fused step counts its own
    _is_network = False
    _reserved: frozenset[str] = frozenset()

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Everything a layer must have is there before ``__init__``, so a subclass may forget to call ours."""
        layer = super().__new__(cls)
        layer.__dict__.update(built=False, _own=_Own(), _steps=0)
        return layer

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
        own = self._own
        if name is None:
            name = f"weight_{len(own.weights)}" if own.weights else "weight"
        if name in own.weights:
            raise ValueError(f"add_weight: layer {self.name!r} already has a weight {name!r}")
        path = f"{self._stream}/{name}" if self._stream else name
        values = initializers.get(initializer)(tuple(shape), initializers.generator_for(self.seed, path))
        penalty = regularizers.get(regularizer)
        weight = Tensor(values, requires_grad=trainable and own.trainable)
        own.weights[name] = weight
        if not trainable:
            own.frozen.add(name)
        if penalty is not None:
            own.regularizers[name] = penalty
        structure_changed()
        return weight

    def __setattr__(self, name: str, value: Any) -> None:
        self._check_name(name, value)
        before = self.__dict__.get(name)
        object.__setattr__(self, name, value)
        if isinstance(value, Tensor) and value.is_leaf:
            self._take_weight(name, value, before)
        elif value is None and isinstance(before, Tensor):
            self._drop_weight(before)
        if isinstance(value, Tree | list | tuple | dict):
            self._adopt()
        if isinstance(value, _HOLDS_LAYERS) or isinstance(before, _HOLDS_LAYERS):
            structure_changed()

    def __delattr__(self, name: str) -> None:
        before = self.__dict__.get(name)
        object.__delattr__(self, name)
        if isinstance(before, Tensor):
            self._drop_weight(before)
        structure_changed()

    def _check_name(self, name: str, value: Any) -> None:
        replaces = name in _MAY_BE_REPLACED and isinstance(value, FunctionType | MethodType)
        internal = name == "_own" or (name == "_steps" and not isinstance(value, int))
        if internal or (name in self._reserved and not replaces):
            raise AttributeError(f"{type(self).__name__}: every layer has a {name!r}: give the attribute another name")

    def _take_weight(self, name: str, value: Tensor, before: Any) -> None:
        """An attribute became a tensor: a weight, if it requires a gradient or takes the place of one."""
        weights, frozen = self._own.weights, self._own.frozen
        if self._name_of(value) is None:
            replaced = self._name_of(before)
            if replaced is not None:
                value.requires_grad = self._own.trainable and replaced not in frozen
            if replaced is not None or value.requires_grad:
                weights[replaced or name] = value
                structure_changed()

    def _drop_weight(self, weight: Tensor) -> None:
        name = self._name_of(weight)
        if name is not None and not any(value is weight for value in self.__dict__.values()):
            del self._own.weights[name]
            self._own.frozen.discard(name)
            self._own.regularizers.pop(name, None)
            structure_changed()

    def _name_of(self, weight: Any) -> str | None:
        return next((name for name, mine in self._own.weights.items() if mine is weight), None)

    def _attributes(self) -> list[tuple[str, Any]]:
        """Where layers and weights are looked for."""
        return list(self.__dict__.items())

    def _children(self) -> Iterator[tuple[str, Tree]]:
        """The layers of this one and their keys: attributes, and elements of lists, tuples and dicts in them."""
        for name, value in self._attributes():
            for key, part in _parts_of(name, value):
                if isinstance(part, Tree):
                    yield key, part

    def _adopt(self) -> None:
        own, seen = self._own, {id(self)}
        known = {id(weight) for weight in own.weights.values()}
        before = {id(weight) for weight in own.listed.values()}
        listed = {}
        for name, value in self._attributes():
            for key, part in _parts_of(name, value):
                if isinstance(part, Tree):
                    if id(part) not in seen:
                        seen.add(id(part))
                        self._adopt_child(key, part)
                elif part is not value and id(part) not in known and (part.requires_grad or id(part) in before):
                    known.add(id(part))
                    listed[key] = part
        own.listed = listed

    def _adopt_child(self, key: str, child: Tree) -> None:
        owner = child._owner
        if owner is self or (owner is None and child is not self.root):
            child._own.parent, child._own.key = weakref.ref(self), key
            child._adopt()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A copy with weights of its own, outside any network."""
        parts = [part for name, value in self._attributes() for _, part in _parts_of(name, value)]
        for each in (*self._own.weights.values(), *parts):
            if isinstance(each, Tensor) and id(each) not in memo:
                memo[id(each)] = Tensor(np.array(each), requires_grad=each.requires_grad)
        self._own.collected = None
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        twin._own.parent = None
        twin._adopt()
        return twin

    @property
    def _owner(self) -> Tree | None:
        parent = self._own.parent
        return None if parent is None else parent()

    @property
    def root(self) -> Tree:
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
        return f"{owner.path}/{self._own.key}" if owner.path else self._own.key

    @property
    def _stream(self) -> str:
        """What the random numbers of this layer are drawn by, beside the seed: its path, if it is in a network.

        Outside one, the path within the outermost layer, and how many of that one's class came before it.
        """
        root = self.root
        if root._is_network:
            return self.path
        if root._own.number is None:
            root._own.number = next_number(type(root).__name__)
        number = root._own.number
        return f"{number}:{self.path}" if number else self.path

    @property
    def name(self) -> str:
        """The name given, or the key in the network, or the class in snake case."""
        return self._own.name or self._own.key.split("/")[-1] or snake_case(type(self).__name__)

    @property
    def seed(self) -> int:
        """The seed of initial values and dropout: the network's, else that of ``lw.set_seed``."""
        seed = self.root._own.seed
        return get_seed() if seed is None else int(seed)

    @seed.setter
    def seed(self, seed: int) -> None:
        self._own.seed = int(seed)

    # Weights.

    @property
    def trainable(self) -> bool:
        """Are the weights in here trained? Setting it concerns all layers inside."""
        return self._own.trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        own = self._own
        own.trainable = bool(trainable)
        for name, weight in own.weights.items():
            weight.requires_grad = own.trainable and name not in own.frozen
        for weight in own.listed.values():
            weight.requires_grad = own.trainable
        for _, child in self._children():
            child.trainable = trainable
        structure_changed()

    def named_weights(self) -> dict[str, Tensor]:
        """All weights by path ("hidden/kernel"), in Keras' order: a layer's own, trained first, then its layers'."""
        return self._known_weights().everything

    def parameters(self) -> dict[str, Tensor]:
        """The weights that are trained, by path: what an optimizer is given.

        Raises:
            ValueError: If no layer has weights yet, because the network was never called.
        """
        return self._known_weights().trained

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
        for regularizer, weight in self._collect().penalties:
            value = regularizer(weight)
            total = value if total is None else F.add(total, value)
        return total

    def _all(self) -> Iterator[Tree]:
        """This layer and all inside it, each once."""
        seen: set[int] = set()
        pending: list[Tree] = [self]
        while pending:
            layer = pending.pop(0)
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                pending[:0] = [child for _, child in layer._children()]

    def _has_weights(self) -> bool:
        return bool(self._collect().everything)

    def _known_weights(self) -> _Collected:
        collected = self._collect()
        if not collected.everything and any(not layer.built for layer in self._all()):
            raise ValueError(f"{self.name!r} has no weights yet: call it once, or build(input_shape), to make them")
        return collected

    def _collect(self) -> _Collected:
        if self._own.collected is not None and self._own.collected.is_current():
            return self._own.collected
        structure = _structure
        self._adopt()
        everything: dict[str, Tensor] = {}
        trained: dict[str, Tensor] = {}
        self._collect_into(everything, trained, "", set())
        layers = list(self._all())
        penalties = [
            (regularizer, layer._own.weights[name])
            for layer in layers
            if layer._own.trainable
            for name, regularizer in layer._own.regularizers.items()
        ]
        containers = [each for layer in layers for _, value in layer._attributes() for each in _containers(value)]
        self._own.collected = _Collected(structure, everything, trained, penalties, containers)
        return self._own.collected

    def _collect_into(
        self, everything: dict[str, Tensor], trained: dict[str, Tensor], prefix: str, seen: set[int]
    ) -> None:
        if id(self) in seen:
            return
        seen.add(id(self))
        own = self._own
        mine = {**own.weights, **own.listed}
        for name in sorted(mine, key=lambda name: name in own.frozen):
            path = f"{prefix}{name}"
            if path in everything:
                raise ValueError(f"{self.name!r}: two weights are called {path!r}: rename an attribute or a layer")
            everything[path] = mine[name]
            if own.trainable and name not in own.frozen:
                trained[path] = mine[name]
        for key, child in self._children():
            child._collect_into(everything, trained, f"{prefix}{key}/", seen)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path or self.name}>"


def snake_case(name: str) -> str:
    """LayerNormalization -> layer_normalization, Conv2D -> conv2d, as Keras names layers."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])", "_", name).lower()


_HOLDS_LAYERS = (Tree, list, tuple, dict)
_HOLDS = (*_HOLDS_LAYERS, Tensor)


def _parts_of(key: str, value: Any) -> Iterator[tuple[str, Tree | Tensor]]:
    """The layers and leaf tensors that a value is, or holds in lists, tuples and dicts, by their places."""
    if isinstance(value, Tree) or (isinstance(value, Tensor) and value.is_leaf):
        yield key, value
    elif isinstance(value, list | tuple):
        for index, element in enumerate(value):
            yield from _parts_of(f"{key}/{index}", element)
    elif isinstance(value, dict):
        for name, element in value.items():
            yield from _parts_of(f"{key}/{name}", element)


def _containers(value: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The lists and dicts that hold, or may come to hold, layers and tensors, with what they hold now."""
    if isinstance(value, list | tuple | dict):
        elements = tuple(_elements(value))
        if not isinstance(value, tuple) and (not elements or any(isinstance(each, _HOLDS) for each in elements)):
            yield value, elements
        for element in elements:
            yield from _containers(element)


def _elements(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def is_method(value: Any) -> bool:
    """Whether a class attribute is a method, or a property that cannot be set."""
    return isinstance(value, FunctionType) or (isinstance(value, property) and value.fset is None)
