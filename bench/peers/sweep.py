"""Shapes that nobody tuned for: drawn once by a seed, forward and backward, against the limit alone.

The limit of a row is the slower of its multiply-adds at their rate and its bytes at that of a copy: what is read of
inputs forward and backward, written of results and gradients, each once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from bench import limits
from bench.timing import Work

import likewise as lw
from likewise import _core, nn
from likewise import functional as F

DRAWS = 8  # of each operation
FLOPS = 4e8  # of a call, about: the batch is chosen for it


def works(threads: int) -> Iterator[Work]:
    """Convolutions over one and two directions, by channel, and recurrent layers over sequences of many lengths."""
    random = np.random.default_rng(11)
    for _ in range(DRAWS):
        yield conv2d(random)
    for _ in range(DRAWS):
        yield conv1d(random)
    for _ in range(DRAWS // 2):
        yield depthwise(random)
    for _ in range(DRAWS):
        yield recurrent(random)


def channels(random: np.random.Generator) -> int:
    """From 3 to 200, as many small ones as large ones."""
    return int(np.exp(random.uniform(np.log(3), np.log(200))))


def gradients(name: str, call: Callable[[], lw.Tensor], inputs: list[lw.Tensor], flops: float) -> Work:
    """A call with the gradients of all inputs; `flops` are those of its value."""
    isa, threads = _core.isa_level(), _core.num_threads()
    copy = limits.copy_bandwidth(isa, threads, (64 << 20) // threads)
    traffic = 4.0 * (3 * sum(each.size for each in inputs) + 2 * int(np.prod(call().shape)))
    slope = lw.Tensor(np.random.default_rng(0).normal(size=call().shape).astype(np.float32))

    def ours() -> None:
        for each in inputs:
            each.grad = None
        call().backward(slope)

    if traffic / copy > 3 * flops / limits.flops(isa, threads):
        return Work(name, ours, traffic=traffic, bandwidth=copy)
    return Work(name, ours, flops=3 * flops)


def drawn(random: np.random.Generator, *shape: int) -> lw.Tensor:
    return lw.Tensor(random.normal(size=shape).astype(np.float32) / 8, requires_grad=True)


def conv2d(random: np.random.Generator) -> Work:
    groups = int(random.choice([1, 1, 1, 2, 4]))
    inside, filters = (max(1, channels(random) // groups) * groups for _ in range(2))
    size, taps, stride = int(random.integers(7, 40)), int(random.integers(1, 6)), int(random.integers(1, 4))
    padding = str(random.choice(["valid", "same"]))
    kernel, bias = drawn(random, taps, taps, inside // groups, filters), drawn(random, filters)
    return convolution(
        F.conv2d, (size, size), inside, kernel, bias, {"strides": stride, "padding": padding, "groups": groups}, random
    )


def conv1d(random: np.random.Generator) -> Work:
    groups = int(random.choice([1, 1, 1, 2, 4]))
    inside, filters = (max(1, channels(random) // groups) * groups for _ in range(2))
    length, taps = int(random.integers(10, 300)), int(random.integers(1, 8))
    more = {"padding": "causal", "groups": groups, "dilation_rate": int(random.choice([1, 2, 4]))}
    return convolution(
        F.conv1d,
        (length,),
        inside,
        drawn(random, taps, inside // groups, filters),
        drawn(random, filters),
        more,
        random,
    )


def depthwise(random: np.random.Generator) -> Work:
    inside, size, taps = channels(random), int(random.integers(7, 40)), int(random.integers(2, 6))
    more = {"padding": "same", "groups": inside}
    kernel, bias = drawn(random, taps, taps, 1, inside), drawn(random, inside)
    return convolution(F.conv2d, (size, size), inside, kernel, bias, more, random, flops=FLOPS / 10)


def convolution(
    function: Callable[..., lw.Tensor],
    places: tuple[int, ...],
    inside: int,
    kernel: lw.Tensor,
    bias: lw.Tensor,
    more: dict[str, object],
    random: np.random.Generator,
    flops: float = FLOPS,
) -> Work:
    one = function(np.zeros((1, *places, inside), dtype=np.float32), kernel, bias, **more)
    each = 2.0 * int(np.prod(one.shape)) * int(np.prod(kernel.shape[:-1]))
    batch = max(1, min(512, int(flops / each)))
    x = drawn(random, batch, *places, inside)
    settings = ", ".join(f"{name} {value}" for name, value in more.items() if value != 1)
    taps = " x ".join(map(str, kernel.shape[:-2]))
    name = f"{function.__name__} {' x '.join(map(str, x.shape))}, {taps} taps, {kernel.shape[-1]} filters, {settings}"
    return gradients(name, lambda: function(x, kernel, bias, **more), [x, kernel, bias], batch * each)


def recurrent(random: np.random.Generator) -> Work:
    kind = [nn.GRU, nn.LSTM, nn.SimpleRNN][int(random.integers(3))]
    inside, units, longest = channels(random), channels(random), int(random.integers(10, 120))
    gates = {nn.GRU: 3, nn.LSTM: 4, nn.SimpleRNN: 1}[kind]
    each = 2.0 * gates * units * (inside + units)
    batch = max(1, min(256, int(FLOPS / each / longest * 1.5)))
    lengths = random.integers(1, longest + 1, batch)
    mask = np.arange(longest) < lengths[:, None]
    x, layer = drawn(random, batch, longest, inside), kind(units, return_sequences=True)
    layer(x, mask=mask)
    name = f"{kind.__name__} {batch} x {longest} x {inside}, {units} units, {lengths.sum():,} steps"
    return gradients(name, lambda: layer(x, mask=mask), [x, *layer.weights], each * float(lengths.sum()))
