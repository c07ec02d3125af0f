"""Recurrent layers, forward and backward, and single steps, beside PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from bench.timing import Work

import likewise as lw
from likewise import functional as F

# Batch, steps, inputs, units; the first is the shape of the targets, the second that of sessions, the third of a wide
# layer whose weights do not fit in the second-level cache.
SHAPES = [(128, 50, 64, 128), (256, 20, 100, 100), (64, 50, 256, 256)]
KINDS: dict[str, tuple[type[torch.nn.RNNBase], Callable[..., object], int, str]] = {
    "gru": (torch.nn.GRU, F.gru, 3, ">= 75 %, >= 2x"),
    "lstm": (torch.nn.LSTM, F.lstm, 4, ">= 75 %, >= 1.8x"),
    "simple rnn": (torch.nn.RNN, F.simple_rnn, 1, ">= 75 %, >= 2x"),
}


def works(threads: int) -> Iterator[Work]:
    """Both sides compute all outputs, and the gradients of inputs and weights."""
    torch.manual_seed(0)
    for kind in KINDS:
        for shape in SHAPES:
            yield forward_and_backward(kind, *shape)
    yield half_of_it_padding("gru", *SHAPES[0])
    yield one_step("gru", 1, 64, 128, "<= 10 us")
    yield one_step("lstm", 1, 64, 128)
    yield one_step("gru", 32, 64, 128)


def pair(kind: str, inputs: int, units: int) -> tuple[torch.nn.RNNBase, list[lw.Tensor]]:
    """PyTorch's layer, and weights of ours of the same shapes."""
    layer, _, gates, _ = KINDS[kind]
    bias = (2, 3 * units) if kind == "gru" else (gates * units,)
    shapes = (inputs, gates * units), (units, gates * units), bias
    weights = [lw.Tensor((torch.randn(shape) * 0.1).numpy(), requires_grad=True) for shape in shapes]
    return layer(inputs, units, batch_first=True), weights


def products(kind: str, inputs: int, units: int) -> float:
    """Floating-point operations of a step of one sequence, forward."""
    return 2.0 * (inputs + units) * KINDS[kind][2] * units


def forward_and_backward(kind: str, batch: int, steps: int, inputs: int, units: int) -> Work:
    layer, weights = pair(kind, inputs, units)
    _, function, _, target = KINDS[kind]
    x, dy = torch.randn(batch, steps, inputs, requires_grad=True), torch.randn(batch, steps, units)
    ours_x, ours_dy = lw.Tensor(x.detach().numpy(), requires_grad=True), lw.Tensor(dy.numpy())

    def ours() -> None:
        for each in (ours_x, *weights):
            each.grad = None
        function(ours_x, *weights, return_sequences=True).backward(ours_dy)  # type: ignore[attr-defined]

    def peer() -> None:
        x.grad = None
        layer.zero_grad(set_to_none=True)
        layer(x)[0].backward(dy)

    flops = 3 * batch * steps * products(kind, inputs, units)
    is_target = (batch, steps, inputs, units) == SHAPES[0]
    return Work(f"{kind} {batch} x {steps}, {inputs} -> {units}", ours, peer, flops, target=target if is_target else "")


def half_of_it_padding(kind: str, batch: int, steps: int, inputs: int, units: int) -> Work:
    """Lengths spread evenly from 1 to all steps; PyTorch's packed sequences are made beforehand."""
    layer, weights = pair(kind, inputs, units)
    lengths = torch.linspace(1, steps, batch).round().long()
    x = torch.randn(batch, steps, inputs)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    dy = torch.randn(int(lengths.sum()), units)
    ours_x, ours_dy, ours_lengths = (lw.Tensor(each.numpy()) for each in (x, torch.randn(batch, steps, units), lengths))
    function = KINDS[kind][1]

    def ours() -> None:
        for each in weights:
            each.grad = None
        function(ours_x, *weights, lengths=ours_lengths, return_sequences=True).backward(ours_dy)  # type: ignore[attr-defined]

    def peer() -> None:
        layer.zero_grad(set_to_none=True)
        layer(packed)[0].data.backward(dy)

    of_x = 2.0 * inputs * KINDS[kind][2] * units  # whose gradient nobody asks for
    flops = int(lengths.sum()) * (3 * products(kind, inputs, units) - of_x)
    return Work(f"{kind} {batch} x 1..{steps}, {inputs} -> {units}", ours, peer, flops)


def one_step(kind: str, batch: int, inputs: int, units: int, target: str = "") -> Work:
    """What serving does with an event: the state of a user, or of a few, moves on."""
    _, weights = pair(kind, inputs, units)
    function = KINDS[kind][1]
    cells = {"gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}
    cell = cells[kind](inputs, units)
    x, h = torch.randn(batch, inputs), torch.randn(batch, units)
    ours_x, ours_h, *ours_weights = (lw.Tensor(each) for each in (x.numpy(), h.numpy(), *weights))
    state = (ours_h, ours_h) if kind == "lstm" else ours_h
    peer_state = (h, h) if kind == "lstm" else h

    def ours() -> object:
        return function(ours_x, *ours_weights, state)

    def peer() -> object:
        with torch.inference_mode():
            return cell(x, peer_state)

    return Work(f"{kind} one step, batch {batch}, {inputs} -> {units}", ours, peer, target=target)
