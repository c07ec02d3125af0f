"""Training steps of dilated convolutions over histories (NextItNet; Yuan et al., WSDM 2019) beside PyTorch.

There is no such recommender here: the rows show what convolutions, normalisation and residuals cost together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from bench.peers.sequences import N_ITEMS, batch_of
from bench.timing import Work
from torch.nn import functional

import likewise as lw
from likewise import functional as F
from likewise import nn, optimizers
from likewise.models.sequences.batches import SequenceBatch, Sequences
from likewise.models.sequences.objectives import objective_of
from likewise.models.sequences.sequential import SequenceNetwork

WIDTH, DILATIONS = 3, (1, 2, 4, 8)
# Batch, steps, dim; the first is the shape of the targets.
SHAPES = [(512, 50, 64), (128, 200, 64), (256, 20, 100)]


def works(threads: int) -> Iterator[Work]:
    """Both layouts of PyTorch's convolutions; normalisation runs over channels, so that the last layout suits it."""
    torch.manual_seed(0)
    for batch, steps, dim in SHAPES:
        given = batch_of(batch, steps, 1)
        network, adam = Network(dim, steps), optimizers.Adam(0.001)
        network.build_weights()
        flops = 3.0 * 2 * batch * steps * dim * (2 * len(DILATIONS) * WIDTH * dim + 2)

        def step(network: Network = network, given: SequenceBatch = given, adam: optimizers.Adam = adam) -> None:
            network.train_step(given, adam)

        for layout in ("channels first", "channels last"):
            yield Work(
                f"step of NextItNet, {batch} x {steps}, dim {dim}, {len(DILATIONS)} blocks, 1 negative; {layout}",
                step,
                torch_step(given, batch, steps, dim, layout == "channels last"),
                flops,
                target=">= 65 %, >= 2.5x" if (batch, steps, dim) == SHAPES[0] else "",
            )


class Block(nn.Layer):
    """Two causal convolutions, the second twice as dilated, each normalised and rectified; the paper's figure 3b."""

    def __init__(self, dim: int, dilation: int) -> None:
        self.first = nn.Conv1D(dim, WIDTH, padding="causal", dilation_rate=dilation)
        self.second = nn.Conv1D(dim, WIDTH, padding="causal", dilation_rate=2 * dilation)
        self.first_normalization, self.second_normalization = nn.LayerNormalization(), nn.LayerNormalization()

    def call(self, x: lw.Tensor) -> lw.Tensor:
        y = F.relu(self.first_normalization(self.first(x)))
        return F.add(x, F.relu(self.second_normalization(self.second(y))))


class Network(SequenceNetwork):
    """Sequences of full length."""

    def __init__(self, dim: int, steps: int) -> None:
        self.items = nn.Embedding(N_ITEMS, dim, nn.initializers.RandomNormal(stddev=0.02))
        self.blocks = [Block(dim, dilation) for dilation in DILATIONS]
        self.objective, self.steps = objective_of("bce", N_ITEMS, 1), steps

    def states(self, sequences: Sequences) -> lw.Tensor:
        x = self.items(sequences.items)
        x = F.reshape(x, (-1, min(self.steps, len(sequences.items)), x.shape[-1]))
        for block in self.blocks:
            x = block(x)
        return F.reshape(x, (-1, x.shape[-1]))


class TorchBlock(torch.nn.Module):
    """As `Block`, over [batch, dim, 1, steps]."""

    def __init__(self, dim: int, dilation: int) -> None:
        super().__init__()
        dilations = (dilation, 2 * dilation)
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv2d(dim, dim, (1, WIDTH), dilation=(1, each)) for each in dilations
        )
        self.normalizations = torch.nn.ModuleList(torch.nn.LayerNorm(dim, eps=1e-3) for _ in dilations)
        self.befores = [(WIDTH - 1) * each for each in dilations]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for convolve, normalize, before in zip(self.convolutions, self.normalizations, self.befores, strict=True):
            y = convolve(functional.pad(y, (before, 0)))
            y = functional.relu(normalize(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return x + y


def torch_step(given: SequenceBatch, batch: int, steps: int, dim: int, last: bool) -> Callable[[], object]:
    form = torch.channels_last if last else torch.contiguous_format
    items, blocks = torch.nn.Embedding(N_ITEMS, dim), torch.nn.Sequential(*(TorchBlock(dim, d) for d in DILATIONS))
    blocks = blocks.to(memory_format=form)
    adam = torch.optim.Adam([*items.parameters(), *blocks.parameters()], lr=0.001, fused=True)
    inputs = torch.from_numpy(given.inputs.items).long().view(batch, 1, steps)
    targets = torch.from_numpy(given.targets).long().view(batch, steps)
    assert given.negatives is not None
    negatives = torch.from_numpy(given.negatives).long().view(batch, steps)
    wanted = torch.stack([torch.ones(batch, steps), torch.zeros(batch, steps)])

    def call() -> None:
        adam.zero_grad()
        x = blocks(items(inputs).permute(0, 3, 1, 2).contiguous(memory_format=form))
        states = x.permute(0, 2, 3, 1).reshape(batch, steps, dim)
        scores = torch.stack([(states * items(targets)).sum(-1), (states * items(negatives)).sum(-1)])
        functional.binary_cross_entropy_with_logits(scores, wanted).backward()
        adam.step()

    return call
