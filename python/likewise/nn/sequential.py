"""Networks that are a list of layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from likewise.functional import no_grad
from likewise.nn.input import Input
from likewise.nn.layer import Layer
from likewise.nn.model import Model
from likewise.nn.tree import snake_case, structure_changed


class Sequential(Model):
    """Layers one after another.

    The paths of weights begin with the names of the layers: "dense", "dense_1", ..., or those given.

    Args:
        layers: The layers; :class:`Input` may come first.
        trainable: See :class:`Layer`.
        name: See :class:`Layer`.
    """

    __stack: dict[str, Layer]
    __input: Input | None

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """See :class:`Layer`."""
        network = super().__new__(cls, *arguments, **options)
        network.__stack, network.__input = {}, None
        return network

    def __init__(
        self, layers: Iterable[Layer | Input] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        for layer in layers or ():
            self._append(layer)
        if not trainable:
            self.trainable = False
        self._build_early()

    def add(self, layer: Layer | Input) -> None:
        """Add a layer at the end.

        Raises:
            TypeError: If it is not a layer.
            ValueError: If another layer has its name.
        """
        self._append(layer)
        self._build_early()

    def call(self, inputs: Any) -> Any:
        """Call each layer on what the one before gave."""
        for layer in self.__stack.values():
            inputs = layer(inputs)
        return inputs

    @property
    def layers(self) -> list[Layer]:
        """The layers in order."""
        return list(self.__stack.values())

    def _append(self, layer: Layer | Input) -> None:
        if isinstance(layer, Input):
            if self.__stack:
                raise ValueError("Sequential: Input must come first")
            self.__input = layer
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential: takes layers, got {layer!r}")
        if not self.__stack and self.__input is None:
            self.__input = layer._own.input
        self.__stack[self._key_for(layer)] = layer
        structure_changed()

    def _key_for(self, layer: Layer) -> str:
        if layer._own.name is not None:
            if layer._own.name in self.__stack:
                raise ValueError(f"Sequential: two layers are called {layer._own.name!r}")
            return layer._own.name
        base = snake_case(type(layer).__name__)
        keys = [base, *(f"{base}_{number}" for number in range(1, len(self.__stack) + 1))]
        return next(key for key in keys if key not in self.__stack)

    def _attributes(self) -> list[tuple[str, Any]]:
        return [*self.__stack.items(), *(each for each in super()._attributes() if each[1] is not self.__stack)]

    def _build_early(self) -> None:
        zeros = None if self.__input is None else self.__input.zeros()
        if zeros is not None and self.__stack:
            with no_grad():
                self(zeros)
