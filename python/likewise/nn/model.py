"""Networks: layers with a loss, an optimizer and Keras' fit, evaluate and predict."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from likewise import functional as F
from likewise import optimizers
from likewise.files import read_tensors, write_tensors
from likewise.functional import Tensor, no_grad
from likewise.nn import losses
from likewise.nn.input import Input
from likewise.nn.layer import NO_GRAPHS, Layer
from likewise.nn.metrics import Metric
from likewise.nn.objective import Objective
from likewise.optimizers import Optimizer
from likewise.training import arrays
from likewise.training.arrays import Examples
from likewise.training.callbacks import Callback
from likewise.training.history import History
from likewise.training.loop import as_callbacks, train

Array = NDArray[Any]
_INFERENCE_ROWS = 1024
_log = logging.getLogger("likewise")


class Model(Layer):
    """A network: subclass it with ``call(inputs)``, or use :class:`Sequential`.

    Trained either the Keras way, ``compile`` and ``fit``, or by hand: ``loss.backward()`` and
    ``optimizer.step(network.parameters())``. A network that learns from something other than ``compile``'s targets
    overrides ``loss(batch)``; one with a fused step of its own overrides ``train_step``.

    ``Model(inputs=Input(...), outputs=network)`` is that network, or layer, with its weights made for the input. Keras'
    graphs of layers called one on another's outputs are not supported.

    Args:
        inputs: An ``Input``, or a list where the network takes one; only with ``outputs``.
        outputs: A network or a layer; only with ``inputs``.
        name: See :class:`Layer`.
        trainable: See :class:`Layer`.
        **options: See :class:`Layer`.

    Attributes:
        optimizer: The one in use.
        stop_training: Set it in a callback to end training.
    """

    optimizer: Optimizer
    stop_training = False
    _is_network = True
    __objective: Objective | None = None
    __wrapped: Layer | None = None

    def __init__(
        self,
        inputs: Input | Sequence[Input] | None = None,
        outputs: Layer | None = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(name=name, trainable=trainable, **options)
        if inputs is not None or outputs is not None:
            self._wrap(inputs, outputs)

    def compile(
        self,
        optimizer: str | Optimizer | type[Optimizer] = "rmsprop",
        loss: str | losses.Loss | Callable[..., Any] | None = None,
        loss_weights: None = None,
        metrics: Sequence[str | Metric | Callable[..., Any]] | None = None,
        weighted_metrics: Sequence[str | Metric | Callable[..., Any]] | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
    ) -> None:
        """Choose how to train.

        Args:
            optimizer: A name, an optimizer or its class.
            loss: A name, a loss, or a function (y_true, y_pred) of values.
            loss_weights: Only None: there is one loss.
            metrics: Names, metrics, or functions (y_true, y_pred); "accuracy" is the one that fits the shapes.
            weighted_metrics: The same, of rows that count their weights.
            run_eagerly: Has no effect: there is no other way.
            steps_per_execution: Has no effect.
            jit_compile: Has no effect: the kernels are compiled.
        """
        if loss_weights is not None:
            raise ValueError(f"compile: loss_weights is not supported, got {loss_weights!r}; metrics come after it")
        self.optimizer = optimizers.get(optimizer)
        self.__objective = Objective(
            losses.get(loss), [] if metrics is None else metrics, [] if weighted_metrics is None else weighted_metrics
        )

    # Training.

    def loss(self, batch: Any) -> Tensor:
        """The mean loss of a batch, with the penalties of regularizers."""
        objective = self._compiled("loss")
        prediction = self(batch.x)
        value = objective.loss(batch.y, prediction, batch.weight)
        if self.is_training:
            objective.record(batch.y, prediction, batch.weight)
        penalty = self.penalty()
        return value if penalty is None else F.add(value, penalty)

    def train_step(self, batch: Any, optimizer: Optimizer) -> Tensor:
        """One update of the parameters, if there are any; returns the loss of the batch."""
        with self.in_training():
            loss = self.loss(batch)
        if not isinstance(loss, Tensor):
            raise TypeError(f"{type(self).__name__}.loss: must return a tensor, got {type(loss).__name__}")
        parameters = self.parameters()
        if parameters:
            loss.backward()
            optimizer.step(parameters)
        return loss

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = 1,
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: Sequence[Any] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        *,
        augment: Callable[..., Any] | None = None,
        time_limit: float | None = None,
        resume: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train on arrays.

        Args:
            x: Inputs [rows, ...], or a list or dict of them.
            y: Targets [rows, ...]; [rows] meets an output of [rows, 1].
            batch_size: Rows of a step; 32 if None.
            epochs: Passes over the rows.
            verbose: 0 for silence; otherwise a progress bar on stderr.
            callbacks: See ``likewise.callbacks``.
            validation_split: This share of the rows, the last ones, is not trained on but measured after each epoch.
            validation_data: (x, y) or (x, y, sample_weight) to measure after each epoch; its values are "val_...".
            shuffle: Permute the rows anew for every epoch (keyed by the seed and the steps made).
            class_weight: Weight of the loss by class number, for unbalanced data.
            sample_weight: Weight of the loss by row.
            initial_epoch: The number of the first epoch; ``epochs`` is that of the last, plus one.
            augment: Makes other views of the inputs that are trained on: ``likewise.data.augment``, or a function
                (inputs of a batch, epoch, numbers of its rows) of as many inputs. For ``epoch`` it is given the steps
                made before, which tell apart the epochs of all calls of ``fit``. Validation is of the inputs as they
                are.
            time_limit: Seconds after which training ends.
            resume: A file that keeps the state after every epoch, and from which training goes on if it is there. It
                is refused unless names and shapes of the weights, the types of optimizer and callbacks, ``batch_size``,
                ``shuffle`` and the seed are those it was written with, and if it holds more than ``epochs``; data,
                loss, augmentation and the optimizer's settings are not compared.

        Returns:
            The loss and metrics of every epoch.

        Raises:
            ValueError: If the arguments do not fit; it names the argument.
            FloatingPointError: If the loss is not finite; it says where.
        """
        objective = self._compiled("fit")
        if augment is not None and not callable(augment):
            raise TypeError(f"fit: augment must be a function (inputs, epoch, rows), got {augment!r}")
        examples = Examples(x, y, sample_weight)
        validation = self._validation(validation_data)
        if validation_split:
            if validation is not None:
                raise ValueError("fit: give validation_split or validation_data, not both")
            examples, validation = examples.split(validation_split)
        if class_weight:
            examples = arrays.with_class_weights(examples, class_weight)
        size = 32 if batch_size is None else batch_size
        self._build_from(examples)
        if not self.trainable_weights:
            _log.warning("fit: %s has no weights that are trained: it is only measured", self.name)
        if validation is not None:
            self._try(validation, size)  # what does not fit is said before the first epoch

        def batches(epoch: int) -> arrays.ArrayBatches:
            objective.reset()
            steps = self._steps
            order = arrays.shuffled(examples.rows, self.seed, steps) if shuffle else None
            views = None if augment is None else partial(_augmented, augment, steps)
            return examples.batches(size, order, views)

        def measure() -> dict[str, float]:
            assert validation is not None
            values = self._evaluate(validation, _INFERENCE_ROWS)
            return {f"val_{name}": value for name, value in values.items()}

        return train(
            self,
            self.optimizer,
            batches,
            epochs=epochs,
            results=objective.results,
            measure=None if validation is None else measure,
            callbacks=as_callbacks(callbacks),
            time_limit=time_limit,
            resume=resume,
            origin={
                "optimizer": type(self.optimizer).__name__,
                "batch_size": size,
                "shuffle": bool(shuffle),
                "seed": self.seed,
            },
            verbose=int(verbose != 0),
            initial_epoch=initial_epoch,
        )

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = 0,
        sample_weight: Any = None,
        *,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics over all rows.

        Args:
            x: Inputs.
            y: Targets.
            batch_size: Rows at a time; it changes speed and memory only.
            verbose: Has no effect: nothing is printed.
            sample_weight: Weight of the loss by row.
            return_dict: Give a dict by name.

        Returns:
            The loss, [loss, *metrics] if there are metrics, or the dict.
        """
        self._compiled("evaluate")
        values = self._evaluate(Examples(x, y, sample_weight), _INFERENCE_ROWS if batch_size is None else batch_size)
        if return_dict:
            return values
        return list(values.values()) if len(values) > 1 else values["loss"]

    def predict(self, x: Any, batch_size: int | None = None, verbose: int | str = 0) -> Any:
        """The outputs for all rows, as arrays.

        Args:
            x: Inputs.
            batch_size: Rows at a time.
            verbose: Has no effect: nothing is printed.

        Returns:
            An array, or a list or dict of arrays where the network gives a list, a tuple or a dict.
        """
        rows = _INFERENCE_ROWS if batch_size is None else batch_size
        with no_grad():
            return _joined([self(batch.x) for batch in Examples(x).batches(rows)])

    # Weights.

    def build(self, input_shape: Any) -> None:
        """Make all weights, by a call on zeros.

        Args:
            input_shape: With the batch first, which may be None; a list of shapes for several inputs.
        """
        self.built = True
        with no_grad():
            self(_zeros(input_shape))

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write all weights to a safetensors file, by their paths; a crash leaves the old file or the new one."""
        write_tensors(path, {name: np.asarray(weight) for name, weight in self.named_weights().items()}, {})

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Read the weights from a file of :meth:`save_weights`.

        Raises:
            ValueError: If the file is damaged, or a name or shape differs; nothing is changed then.
        """
        saved, _ = read_tensors(path)
        mine = self.named_weights()
        for name in [*mine, *saved]:
            if name not in saved:
                raise ValueError(f"load_weights: {name!r} is missing in {os.fspath(path)}")
            if name not in mine:
                raise ValueError(f"load_weights: {os.fspath(path)} has {name!r}, which is missing here")
            here, there = tuple(mine[name].shape), saved[name].shape
            if here != there:
                raise ValueError(f"load_weights: {name!r} has shape {there} in {os.fspath(path)}, {here} here")
        for name, weight in mine.items():
            weight.assign(saved[name])

    @property
    def layers(self) -> list[Layer]:
        """The layers right inside this network."""
        return list({id(child): cast(Layer, child) for _, child in self._children()}.values())

    def summary(
        self, line_length: int | None = None, positions: None = None, print_fn: Callable[[str], Any] | None = None
    ) -> None:
        """Print the layers, their output shapes and numbers of parameters.

        Args:
            line_length: Characters of a line, at least; as many as needed if None.
            positions: Only None.
            print_fn: Takes the text; ``print`` if None.
        """
        if positions is not None:
            raise ValueError(f"summary: positions is not supported, got {positions!r}")
        rows = [("Layer (type)", "Output shape", "Parameters")]
        for layer in self.layers:
            shape = layer._own.output_shape
            text = "?" if shape is None else str((None, *shape[1:]))
            rows.append((f"{layer.name} ({type(layer).__name__})", text, f"{layer.count_params():,}"))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        widths[0] += max(0, (line_length or 0) - sum(widths) - 4)
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        trained = sum(weight.size for weight in self.trainable_weights)
        total = self.count_params()
        rule = "-" * len(lines[0])
        counts = f"Parameters: {total:,} (trained {trained:,}, not trained {total - trained:,})"
        (print_fn or print)(
            "\n".join([f"{type(self).__name__} {self.name!r}", rule, lines[0], rule, *lines[1:], rule, counts])
        )

    # What the loop needs.

    def counters(self) -> dict[str, int]:
        """The steps made, which key dropout and shuffles."""
        return {"steps": self._steps}

    def restore_counters(self, counters: dict[str, int]) -> None:
        """Take over what :meth:`counters` returned."""
        self._steps = counters["steps"]

    # Inside.

    def call(self, inputs: Any, *arguments: Any, **options: Any) -> Any:
        """Compute the output: by the network given as ``outputs``, unless a subclass says how."""
        if self.__wrapped is None:
            return super().call(inputs, *arguments, **options)
        return self.__wrapped(inputs, *arguments, **options)

    def _wrap(self, inputs: Any, outputs: Any) -> None:
        kind = type(self).__name__
        listed = inputs if isinstance(inputs, list | tuple) else [inputs]
        if not listed or not all(isinstance(each, Input) for each in listed):
            raise TypeError(f"{kind}: inputs must be an Input, or a list of them, got {inputs!r}: {NO_GRAPHS}")
        if not isinstance(outputs, Layer):
            raise TypeError(f"{kind}: outputs must be a network or a layer, got {outputs!r}: {NO_GRAPHS}")
        self.__wrapped = outputs
        zeros = [each.zeros() for each in listed]
        if all(each is not None for each in zeros):
            with no_grad():
                self(zeros if isinstance(inputs, list | tuple) else zeros[0])

    def _attributes(self) -> list[tuple[str, Any]]:
        wrapped, own = self.__wrapped, super()._attributes()
        if wrapped is None:
            return own
        return [(wrapped.name, wrapped), *(each for each in own if each[1] is not wrapped)]

    def _build_for(self, inputs: tuple[Any, ...]) -> None:
        if type(self).build is not Model.build:
            super()._build_for(inputs)
        self.built = True
        self._adopt()

    def _build_from(self, examples: Examples) -> None:
        with no_grad():
            self(next(iter(examples.batches(1))).x)

    def _try(self, examples: Examples, size: int) -> None:
        batch = next(iter(examples.batches(size)))
        with no_grad():
            self._compiled("fit").loss(batch.y, self(batch.x), batch.weight)

    def _compiled(self, caller: str) -> Objective:
        if self.__objective is None:
            raise ValueError(f"{caller}: compile(optimizer, loss) comes first")
        return self.__objective

    def _validation(self, data: Sequence[Any] | None) -> Examples | None:
        if data is None:
            return None
        if not isinstance(data, list | tuple) or len(data) not in (2, 3):
            raise ValueError("fit: validation_data must be (x, y) or (x, y, sample_weight)")
        return Examples(*data)

    def _evaluate(self, examples: Examples, batch_size: int) -> dict[str, float]:
        objective = self._compiled("evaluate").fresh()
        total = 0.0
        with no_grad():
            for batch in examples.batches(batch_size):
                prediction = self(batch.x)
                total += float(objective.loss(batch.y, prediction, batch.weight)) * len(batch)
                objective.record(batch.y, prediction, batch.weight)
            penalty = self.penalty()
        loss = total / examples.rows + (0.0 if penalty is None else float(penalty))
        return {"loss": loss, **objective.results()}


def _augmented(augment: Callable[..., Any], epoch: int, inputs: Any, rows: Array) -> Any:
    """What ``augment`` makes of a batch, if it has as many rows."""
    views = augment(inputs, epoch, rows)
    if isinstance(inputs, np.ndarray) and (given := len(views)) != len(rows):
        raise ValueError(f"fit: augment must return {len(rows)} inputs, as many as it is given, got {given}")
    return views


def _joined(outputs: list[Any]) -> Any:
    """The outputs of batches as one array, or as a list or dict of them."""
    first = outputs[0]
    if isinstance(first, dict):
        return {name: _joined([output[name] for output in outputs]) for name in first}
    if isinstance(first, list | tuple):
        return [_joined(list(parts)) for parts in zip(*outputs, strict=True)]
    if not np.ndim(first):
        raise ValueError(f"predict: the network must give a value for each row, got the number {float(first)}")
    return np.concatenate([np.asarray(output) for output in outputs])


def _zeros(shape: Any) -> Any:
    if isinstance(shape, list):
        return [_zeros(each) for each in shape]
    if isinstance(shape, dict):
        return {name: _zeros(each) for name, each in shape.items()}
    return np.zeros([1 if size is None else size for size in shape], dtype=np.float32)
