"""Convolutions, and the small networks made of them, beside PyTorch: as it comes, and with channels last."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from bench.timing import Work
from torch.nn import functional

import likewise as lw
from likewise import functional as F
from likewise import nn, optimizers

# Batch, rows and columns, channels, filters of the two convolutions, hidden units; the first is that of the targets.
NETWORKS = [(128, 28, 1, 32, 64, 128), (64, 32, 3, 32, 64, 128), (256, 28, 1, 16, 32, 64)]
# Batch, length, channels, width, dilations; the first is that of the targets.
SEQUENCES = [(128, 200, 64, 3, (1, 8)), (64, 200, 32, 5, (1,)), (256, 50, 128, 3, (1,))]
# Batch, window, dim, filters of each height; the first is that of the targets.
HEIGHTS = [(512, 50, 64, 16), (512, 5, 50, 16), (256, 20, 32, 8)]


def works(threads: int) -> Iterator[Work]:
    """Training rows compute every gradient that the network needs."""
    torch.manual_seed(0)
    for shape in NETWORKS:
        yield from network(*shape, is_target=shape == NETWORKS[0])
    for *shape, dilations in SEQUENCES:
        for dilation in dilations:
            yield from sequence(*shape, dilation, is_target=(*shape, dilations) == SEQUENCES[0])
    for shape in HEIGHTS:
        yield from heights(*shape, is_target=shape == HEIGHTS[0])


class CNN(nn.Model):
    """Two convolutions, each with a pool, and two dense layers: the article's."""

    def __init__(self, first: int, second: int, hidden: int) -> None:
        self.conv1, self.pool1 = nn.Conv2D(first, (3, 3), activation="relu"), nn.MaxPooling2D((2, 2))
        self.conv2, self.pool2 = nn.Conv2D(second, (3, 3), activation="relu"), nn.MaxPooling2D((2, 2))
        self.flatten = nn.Flatten()
        self.dense1, self.dense2 = nn.Dense(hidden, activation="relu"), nn.Dense(10)

    def call(self, inputs: lw.Tensor) -> lw.Tensor:
        x = self.pool2(self.conv2(self.pool1(self.conv1(inputs))))
        return self.dense2(self.dense1(self.flatten(x)))

    def loss(self, batch: tuple[lw.Tensor, np.ndarray]) -> lw.Tensor:
        images, labels = batch
        return F.sparse_categorical_cross_entropy(self(images), labels, from_logits=True)


def torch_cnn(size: int, channels: int, first: int, second: int, hidden: int) -> torch.nn.Module:
    left = ((size - 2) // 2 - 2) // 2
    return torch.nn.Sequential(
        torch.nn.Conv2d(channels, first, 3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(first, second, 3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(left * left * second, hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden, 10),
    )


def network_flops(batch: int, size: int, channels: int, first: int, second: int, hidden: int) -> tuple[float, float]:
    """Forward, and a whole step: no gradient of the images, and the pools' valid parts alone."""
    pooled = (size - 2) // 2
    left = (pooled - 2) // 2
    one = 2.0 * batch * (2 * pooled) ** 2 * 9 * channels * first
    two = 2.0 * batch * (2 * left) ** 2 * 9 * first * second
    dense = 2.0 * batch * (left * left * second * hidden + hidden * 10)
    return one + two + dense, 2 * one + 3 * two + 3 * dense


def network(
    batch: int, size: int, channels: int, first: int, second: int, hidden: int, is_target: bool
) -> Iterator[Work]:
    images, labels = torch.randn(batch, size, size, channels), torch.randint(10, (batch,))
    ours_images, ours_labels = lw.Tensor(images.numpy()), labels.numpy()
    ours = CNN(first, second, hidden)
    with F.no_grad():
        ours(ours_images)
    adam = optimizers.Adam(0.001)

    def step() -> None:
        ours.train_step((ours_images, ours_labels), adam)

    def inference() -> None:
        with F.no_grad():
            ours(ours_images)

    forward, training = network_flops(batch, size, channels, first, second, hidden)
    shape = f"{batch} x {size} x {size} x {channels}, {first} and {second} filters"
    for layout in ("channels first", "channels last"):
        form = torch.contiguous_format if layout == "channels first" else torch.channels_last
        peer = torch_cnn(size, channels, first, second, hidden).to(memory_format=form)
        given = images.permute(0, 3, 1, 2).contiguous(memory_format=form)
        theirs = torch.optim.Adam(peer.parameters(), lr=0.001, fused=True)

        def peer_step(
            peer: torch.nn.Module = peer, given: torch.Tensor = given, theirs: torch.optim.Optimizer = theirs
        ) -> None:
            theirs.zero_grad()
            functional.cross_entropy(peer(given), labels).backward()
            theirs.step()

        def peer_inference(peer: torch.nn.Module = peer, given: torch.Tensor = given) -> None:
            with torch.inference_mode():
                peer(given)

        last = layout == "channels last"
        goal = ("<= 6.6 ms, >= 2.8x" if last else "<= 6.6 ms, >= 4x") if is_target else ""
        yield Work(f"step of a CNN, {shape}; {layout}", step, peer_step, training, target=goal)
        goal = (">= 85 %, >= 2x" if last else ">= 85 %, >= 5x") if is_target else ""
        yield Work(f"inference of a CNN, {shape}; {layout}", inference, peer_inference, forward, target=goal)


def sequence(batch: int, length: int, channels: int, width: int, dilation: int, is_target: bool) -> Iterator[Work]:
    """As many filters as channels, causal."""
    x, dy = torch.randn(batch, length, channels), torch.randn(batch, length, channels)
    kernel, bias = torch.randn(width, channels, channels) * 0.1, torch.zeros(channels)
    inputs = [lw.Tensor(each.numpy(), requires_grad=True) for each in (x, kernel, bias)]
    ours_dy = lw.Tensor(dy.numpy())

    def ours() -> None:
        for each in inputs:
            each.grad = None
        F.conv1d(*inputs, padding="causal", dilation_rate=dilation).backward(ours_dy)

    before = (width - 1) * dilation
    flops = 3.0 * 2 * batch * length * channels * channels * width
    name = f"conv1d {batch} x {length}, {channels} channels, width {width}, dilation {dilation}"
    peer_kernel = kernel.permute(2, 1, 0).contiguous()
    for layout in ("channels first", "channels last"):
        last = layout == "channels last"
        w, b = peer_kernel.clone(), bias.clone().requires_grad_()
        given, slope = x.transpose(1, 2).contiguous(), dy.transpose(1, 2).contiguous()
        if last:
            w, given, slope = (
                each.unsqueeze(2).contiguous(memory_format=torch.channels_last) for each in (w, given, slope)
            )
        w.requires_grad_()
        given.requires_grad_()

        def peer(
            given: torch.Tensor = given,
            w: torch.Tensor = w,
            b: torch.Tensor = b,
            slope: torch.Tensor = slope,
            last: bool = last,
        ) -> None:
            given.grad = w.grad = b.grad = None
            padded = functional.pad(given, (before, 0))
            if last:
                functional.conv2d(padded, w, b, dilation=(1, dilation)).backward(slope)
            else:
                functional.conv1d(padded, w, b, dilation=dilation).backward(slope)

        goal = ">= 82 %, " + (">= 1.0x" if last else ">= 1.4x" if dilation == 1 else ">= 1.6x")
        yield Work(f"{name}; {layout}", ours, peer, flops, target=goal if is_target else "")


class Heights(nn.Model):
    """Filters of every height, relu, and the maximum over time."""

    def __init__(self, window: int, filters: int) -> None:
        self.convolutions = [nn.Conv1D(filters, height, activation="relu") for height in range(1, window + 1)]
        self.pool = nn.GlobalMaxPooling1D()

    def call(self, inputs: lw.Tensor) -> lw.Tensor:
        return F.concatenate([self.pool(convolve(inputs)) for convolve in self.convolutions], axis=1)


def heights_flops(batch: int, window: int, dim: int, filters: int) -> float:
    """Every place forward; backward the winners only, once for each gradient."""
    return sum(2.0 * batch * (window - height + 1 + 2) * height * dim * filters for height in range(1, window + 1))


def heights(batch: int, window: int, dim: int, filters: int, is_target: bool) -> Iterator[Work]:
    """Caser's horizontal filters: of every height up to the window, relu, the maximum over time."""
    x, dy = torch.randn(batch, window, dim), torch.randn(batch, window * filters)
    kernels = [torch.randn(height, dim, filters) * 0.1 for height in range(1, window + 1)]
    ours_x, ours_dy = lw.Tensor(x.numpy(), requires_grad=True), lw.Tensor(dy.numpy())
    found = Heights(window, filters)
    found(ours_x)
    for layer, kernel in zip(found.convolutions, kernels, strict=True):
        layer.kernel.assign(kernel.numpy())

    def ours() -> None:
        ours_x.grad = None
        for layer in found.convolutions:
            layer.kernel.grad = layer.bias.grad = None
        found(ours_x).backward(ours_dy)

    biases = [torch.zeros(filters, requires_grad=True) for _ in kernels]
    as_images = [each.permute(2, 0, 1).unsqueeze(1).contiguous().requires_grad_() for each in kernels]
    as_sequences = [each.permute(2, 1, 0).contiguous().requires_grad_() for each in kernels]
    image, sequence = x.unsqueeze(1).requires_grad_(), x.transpose(1, 2).contiguous().requires_grad_()

    def peer_of(
        convolve: Callable[..., torch.Tensor], given: torch.Tensor, weights: list[torch.Tensor]
    ) -> Callable[[], None]:
        def call() -> None:
            for each in (given, *weights, *biases):
                each.grad = None
            found = [
                convolve(given, weight, bias).flatten(2).max(2).values
                for weight, bias in zip(weights, biases, strict=True)
            ]
            functional.relu(torch.cat(found, 1)).backward(dy)  # of the maxima: the same, and cheaper

        return call

    name = f"heights 1 to {window}, {batch} x {window} x {dim}, {filters} filters"
    goals = (">= 75 %, >= 15x", ">= 75 %, >= 8.5x") if is_target else ("", "")
    flops = heights_flops(batch, window, dim, filters)
    yield Work(f"{name}; as conv2d", ours, peer_of(functional.conv2d, image, as_images), flops, target=goals[0])
    yield Work(f"{name}; as conv1d", ours, peer_of(functional.conv1d, sequence, as_sequences), flops, target=goals[1])
