"""Layers around others that work on sequences."""

from __future__ import annotations

import copy
from typing import Any, Unpack

import numpy as np

from likewise import checks
from likewise import functional as F
from likewise.functional import Tensor
from likewise.nn.layer import Layer, LayerOptions
from likewise.nn.layers.recurrent import Recurrent


class Masking(Layer):
    """Tells the layers behind it not to count steps at which every feature has ``mask_value``; these become 0.

    Args:
        mask_value: What marks a step that does not count.
        **common: See :class:`Layer`.

    Shapes:
        [batch, steps, ...] to the same.
    """

    def __init__(self, mask_value: float = 0.0, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        checks.number("Masking", "mask_value", mask_value)
        self.mask_value = mask_value

    def call(self, inputs: Any) -> Tensor:
        return F.multiply(inputs, self.compute_mask(inputs)[..., None])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where some feature of a step differs from ``mask_value``."""
        return (np.asarray(inputs) != np.float32(self.mask_value)).any(-1)


class TimeDistributed(Layer):
    """A layer applied to every step of a sequence.

    Args:
        layer: Takes [batch, ...].
        **common: See :class:`Layer`.

    Shapes:
        [batch, steps, ...] to [batch, steps, *what the layer gives].
    """

    supports_masking = True

    def __init__(self, layer: Layer, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        if not isinstance(layer, Layer):
            raise TypeError(f"TimeDistributed: takes a layer, got {layer!r}")
        self.layer = layer

    def call(self, inputs: Any) -> Any:
        shape = tuple(np.shape(inputs))
        if len(shape) < 2:
            raise ValueError(f"TimeDistributed: takes [batch, steps, ...], got shape {shape}")
        outputs = self.layer(F.reshape(inputs, (shape[0] * shape[1], *shape[2:])))
        return F.reshape(outputs, (*shape[:2], *outputs.shape[1:]))


class Bidirectional(Layer):
    """A recurrent layer and another like it that takes the steps backwards (Schuster and Paliwal, 1997).

    Args:
        layer: A recurrent layer that was not called yet.
        merge_mode: How outputs are joined: "concat", "sum", "mul", "ave", or None for a list of the two.
        weights: Only None.
        backward_layer: The layer that goes backwards; None for one with the settings of ``layer``.
        **common: See :class:`Layer`.

    Call:
        layer(inputs, initial_state=None, mask=None): the states of the forward layer, then those of the other.

    Shapes:
        [batch, steps, inputs] to what the layer gives, twice as wide with "concat". With return_state the states of the
        forward layer follow, then those of the other.
    """

    supports_masking = True

    def __init__(
        self,
        layer: Recurrent,
        merge_mode: str | None = "concat",
        weights: None = None,
        backward_layer: Recurrent | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        if weights is not None:
            raise ValueError(f"Bidirectional: weights is not supported, got {weights!r}")
        for argument, each in (("layer", layer), ("backward_layer", backward_layer or layer)):
            if not isinstance(each, Recurrent):
                raise TypeError(f"Bidirectional: {argument} must be a recurrent layer, got {each!r}")
        checks.one_of("Bidirectional", "merge_mode", merge_mode, ("concat", "sum", "mul", "ave", None))
        if backward_layer is None:
            if layer.built:
                raise ValueError("Bidirectional: layer must not have weights yet, or backward_layer must be given")
            backward_layer = copy.deepcopy(layer)
            backward_layer.go_backwards = not layer.go_backwards
        for setting in ("return_sequences", "return_state", "stateful"):
            forward, backward = getattr(layer, setting), getattr(backward_layer, setting)
            if forward != backward:
                raise ValueError(f"Bidirectional: backward_layer must have {setting}={forward}, it has {backward}")
        if layer.go_backwards == backward_layer.go_backwards:
            raise ValueError(f"Bidirectional: one of the layers must go backwards, both have {layer.go_backwards}")
        self.merge_mode = merge_mode
        self.forward_layer, self.backward_layer = layer, backward_layer

    def call(self, inputs: Any, initial_state: Any = None, mask: Any = None) -> Any:
        ahead, back = self.forward_layer, self.backward_layer
        states: tuple[Any, Any] = (None, None)
        if initial_state is not None:
            if len(initial_state) != ahead.n_states + back.n_states:
                raise ValueError(
                    f"Bidirectional: initial_state must hold {ahead.n_states + back.n_states} states,"
                    f" got {len(initial_state)}"
                )
            states = initial_state[: ahead.n_states], initial_state[ahead.n_states :]
        first = ahead(inputs, initial_state=states[0], mask=mask)
        second = back(inputs, initial_state=states[1], mask=mask)
        last_states = []
        if ahead.return_state:
            last_states = [*first[1:], *second[1:]]
            first, second = first[0], second[0]
        if ahead.return_sequences:  # in the order of the inputs
            second = second[:, ::-1] if back.go_backwards else second
            first = first[:, ::-1] if ahead.go_backwards else first
        merged = self._merged(first, second)
        if not last_states:
            return merged
        return [*merged, *last_states] if self.merge_mode is None else [merged, *last_states]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs, if the outputs are of every step."""
        return mask if self.forward_layer.return_sequences and self.merge_mode is not None else None

    def reset_states(self) -> None:
        """Forget what stateful layers kept of the last call."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def _merged(self, first: Tensor, second: Tensor) -> Any:
        if self.merge_mode is None:
            return [first, second]
        if self.merge_mode == "concat":
            return F.concatenate([first, second], -1)
        if self.merge_mode == "mul":
            return F.multiply(first, second)
        total = F.add(first, second)
        return total if self.merge_mode == "sum" else F.multiply(total, 0.5)
