"""What a layer computes: its weights made at the first call, then ``call``, in training or not."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypedDict

import numpy as np

from likewise.nn.input import Input
from likewise.nn.tree import Tree, is_method, structure_changed


class _Call(threading.local):
    """What layers inside a call know of it."""

    root: Tree | None = None  # the network called
    training = False
    step = 0


_call = _Call()
_building = threading.RLock()  # the first call of a network makes its weights, in one thread
NO_GRAPHS = (
    "functional graphs are not supported; subclass nn.Model with call(inputs), use nn.Sequential, or give "
    "nn.Model(inputs, outputs) a whole network as outputs"
)


class LayerOptions(TypedDict, total=False):
    """What every layer takes beside its own arguments; see :class:`Layer`."""

    name: str | None
    trainable: bool
    dtype: str | None
    input_shape: Sequence[int | None] | None


class Layer(Tree):
    """The base of layers and networks, as in Keras.

    A layer that has weights makes them in ``build(input_shape)``, called once before the first call, by
    :meth:`add_weight`; what it computes is ``call(inputs)``. Layers assigned to attributes, or in lists and dicts that
    are, belong to it. Subclasses may leave out ``super().__init__()``.

    A call is inference unless ``training=True``; a layer called inside another's call takes over what that one was
    told, and a ``call`` that has a ``training`` argument is given it. A tensor that requires a gradient is a weight too
    when it is assigned to an attribute, or is in a list or dict that is; one assigned in a weight's place replaces it.

    Args:
        name: Shown in summaries; in a ``Sequential`` it is part of the paths of the weights.
        trainable: Are the weights trained?
        dtype: Only "float32".
        input_shape: As the first layer of a ``Sequential``, what an ``Input`` before it would say.
        **unsupported: Keras' activity_regularizer and constraints, which must be None.

    Attributes:
        built: Were the weights made?
    """

    _takes_training = False

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: str | None = None,
        input_shape: Sequence[int | None] | None = None,
        **unsupported: None,
    ) -> None:
        kind = type(self).__name__
        for argument, value in unsupported.items():
            if argument != "activity_regularizer" and not argument.endswith("_constraint"):
                raise TypeError(f"{kind}: there is no argument {argument!r}")
            if value is not None:
                raise ValueError(f"{kind}: {argument} is not supported, got {value!r}")
        if dtype not in (None, "float32", np.float32):
            raise ValueError(f"{kind}: dtype must be 'float32', got {dtype!r}")
        self._own.name = name
        self._own.trainable = trainable
        self._own.input = None if input_shape is None else Input(input_shape)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._takes_training = "training" in inspect.signature(cls.call).parameters
        ours = [
            base for base in cls.__mro__ if base.__module__ in (Tree.__module__, Layer.__module__, "likewise.nn.model")
        ]
        cls._reserved = frozenset(name for base in ours for name, value in vars(base).items() if is_method(value))

    # What subclasses write.

    def build(self, input_shape: Any) -> None:
        """Make the weights. ``input_shape`` includes the batch; a list of shapes where there are several inputs."""

    def call(self, inputs: Any, *arguments: Any, **options: Any) -> Any:
        """Compute the output."""
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs)")

    # The call.

    def __call__(self, *inputs: Any, training: bool | None = None, **options: Any) -> Any:
        """Compute the output, making the weights first if this is the first call."""
        if _call.root is None or (training is not None and training != _call.training):
            with self._as_outermost(bool(training)):
                return self._called(inputs, options)
        return self._called(inputs, options)

    def _called(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if inputs and _holds_input(inputs[0]):
            raise TypeError(f"{type(self).__name__}: an Input cannot be called on: {NO_GRAPHS}")
        if not self.built:
            with _building:
                if not self.built:
                    self._build_for(inputs)
        if self._takes_training:
            options["training"] = _call.training
        outputs = self.call(*inputs, **options)
        if self._own.output_shape is None:
            self._own.output_shape = getattr(outputs, "shape", None)
        return outputs

    def _build_for(self, inputs: tuple[Any, ...]) -> None:
        assert _call.root is not None
        _call.root._adopt()  # layers may have been appended to a list since
        own = self._own
        before = dict(own.weights), set(own.frozen), dict(own.regularizers)
        try:
            self.build(_shape_of(inputs[0] if len(inputs) == 1 else inputs))
        except BaseException:  # the next call starts anew
            own.weights, own.frozen, own.regularizers = before
            structure_changed()
            raise
        self.built = True
        self._adopt()

    def _draw_key(self, seed: int | None = None) -> int:
        """The key of this layer's next random draw: of the seed, the step, the path, and the calls within the step."""
        own = self._own
        if own.drawn[0] != _call.step:
            own.drawn = (_call.step, 0)
        step, calls = own.drawn
        own.drawn = (step, calls + 1)
        text = f"{self.seed if seed is None else seed}\0{self._stream}\0{step}\0{calls}"
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


def _holds_input(value: Any) -> bool:
    return isinstance(value, Input) or (isinstance(value, list | tuple) and any(isinstance(x, Input) for x in value))


def _shape_of(inputs: Any) -> Any:
    if isinstance(inputs, list | tuple):
        return [_shape_of(each) for each in inputs]
    if isinstance(inputs, dict):
        return {name: _shape_of(each) for name, each in inputs.items()}
    shape = getattr(inputs, "shape", None)
    return None if shape is None else tuple(shape)
