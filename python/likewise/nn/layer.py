"""What a layer computes: its weights made at the first call, then ``call``, in training or not."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypedDict

import numpy as np

from likewise import _core
from likewise.nn.input import Input
from likewise.nn.tree import Tree, is_method, structure_changed


class _Call(threading.local):
    """What layers inside a call know of it."""

    root: Tree | None = None  # the network called
    training = False
    step = 0
    masks: dict[int, tuple[Any, Any]] | None = None  # by id of a tensor: the tensor, and its steps that count


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

    A layer may say which steps of its outputs count, as in Keras: its ``compute_mask(inputs, mask)`` returns [batch,
    steps] of bool, from its inputs and their mask. Within one outermost call the mask goes with the tensor: a layer
    whose ``call`` has a ``mask`` argument is given that of its inputs, unless it is told one; one with
    ``supports_masking`` hands it on. Losses and metrics do not look at masks.

    Args:
        name: Shown in summaries; in a ``Sequential`` it is part of the paths of the weights.
        trainable: Are the weights trained?
        dtype: Only "float32".
        input_shape: As the first layer of a ``Sequential``, what an ``Input`` before it would say.
        **unsupported: Keras' activity_regularizer and constraints, which must be None.

    Attributes:
        built: Were the weights made?
    """

    supports_masking = False
    _takes_training = False
    _takes_mask = False
    _makes_mask = False

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
        parameters = inspect.signature(cls.call).parameters
        cls._takes_training, cls._takes_mask = "training" in parameters, "mask" in parameters
        cls._makes_mask = cls.compute_mask is not Layer.compute_mask
        rooms = (Tree.__module__, Layer.__module__, "likewise.nn.model", "likewise.nn.sequential")
        ours = [base for base in cls.__mro__ if base.__module__ in rooms]
        cls._reserved = frozenset(name for base in ours for name, value in vars(base).items() if is_method(value))

    # What subclasses write.

    def build(self, input_shape: Any) -> None:
        """Make the weights. ``input_shape`` includes the batch; a list of shapes where there are several inputs."""

    def call(self, inputs: Any, *arguments: Any, **options: Any) -> Any:
        """Compute the output."""
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs)")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Which steps of the outputs count, [batch, steps] of bool; None where all do."""
        return mask if self.supports_masking else None

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
        mask = self._mask_of(inputs, options) if _call.masks or self._takes_mask else None
        outputs = self.call(*inputs, **options)
        if self._own.output_shape is None:
            self._own.output_shape = getattr(outputs, "shape", None)
        if mask is not None or self._makes_mask:
            self._hand_on(inputs, mask, outputs)
        return outputs

    def _mask_of(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The mask given, or the one that came with the inputs, which ``call`` is then given if it takes one."""
        mask = options.get("mask") if self._takes_mask else None
        if mask is None and inputs and _call.masks:
            _, mask = _call.masks.get(id(inputs[0]), (None, None))
            if self._takes_mask and mask is not None and len(inputs) == 1:
                options["mask"] = mask
        return mask

    def _mask_that_came_with(self, inputs: Any) -> Any:
        """The mask that a layer before handed on with these, or None."""
        return None if _call.masks is None else _call.masks.get(id(inputs), (None, None))[1]

    def _hand_on(self, inputs: tuple[Any, ...], mask: Any, outputs: Any) -> None:
        mask = self.compute_mask(inputs[0] if len(inputs) == 1 else inputs, mask)
        if mask is not None and _call.masks is not None:
            first = outputs[0] if isinstance(outputs, list | tuple) else outputs
            _call.masks[id(first)] = first, mask

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
        before = _call.root, _call.training, _call.step, _call.masks
        _call.training = training
        if _call.root is None:
            root = _call.root = self.root
            _call.masks = {}
            _call.step = root._steps
            root._steps += training
        deferring = _core.set_deferring(True)
        try:
            yield
        finally:
            _core.set_deferring(deferring)
            _call.root, _call.training, _call.step, _call.masks = before


def _holds_input(value: Any) -> bool:
    return isinstance(value, Input) or (isinstance(value, list | tuple) and any(isinstance(x, Input) for x in value))


def _shape_of(inputs: Any) -> Any:
    if isinstance(inputs, list | tuple):
        return [_shape_of(each) for each in inputs]
    if isinstance(inputs, dict):
        return {name: _shape_of(each) for name, each in inputs.items()}
    shape = getattr(inputs, "shape", None)
    return None if shape is None else tuple(shape)
