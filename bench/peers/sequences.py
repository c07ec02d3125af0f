"""Blocks and training steps of sequence models beside the same networks in PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from bench.peers.conv import heights_flops
from bench.timing import Work
from torch.nn import functional

import likewise as lw
from likewise import optimizers
from likewise.models import Caser, GRU4Rec, SASRec
from likewise.models.sequences.batches import SequenceBatch, Sequences
from likewise.models.sequences.caser import InstanceBatch
from likewise.models.sequences.sasrec import SASRecBlock
from likewise.models.sequences.session_parallel import SessionStep

N_ITEMS, DROPOUT = 3707, 0.2
# Batch, steps, columns, heads; the first is the shape of the targets.
BLOCKS = [(128, 200, 50, 1), (128, 50, 64, 2), (16, 512, 128, 4)]
# Batch, window, dim, horizontal filters of each height; the first is the shape of the targets, the second the paper's.
WINDOWS = [(512, 50, 64, 16), (512, 5, 50, 16), (256, 20, 32, 8)]


def works(threads: int) -> Iterator[Work]:
    """Sequences of full length, so that PyTorch has no padding to work on."""
    torch.manual_seed(0)
    for shape in BLOCKS:
        yield block(*shape)
    yield sasrec_step(128, 200, 50)
    yield gru4rec_step(128, 50, 64, 128)
    for batch, hidden, negatives in ((80, 224, 2048), (32, 100, 2048), (240, 96, 512)):
        yield session_parallel_step(batch, hidden, negatives)
    for window_shape in WINDOWS:
        yield caser_step(*window_shape)


def block_flops(batch: int, steps: int, dim: int) -> float:
    """Six products of all rows with a matrix [dim, dim], and two of the causal half of all pairs; thrice."""
    return 3.0 * batch * steps * (12 * dim * dim + 2 * (steps + 1) * dim)


def block(batch: int, steps: int, dim: int, heads: int) -> Work:
    """Projections, causal attention with dropout, and the network of two layers, forward and backward."""
    ours_block, peer_block = SASRecBlock(dim, heads, DROPOUT), Block(dim, heads)
    x, dy = torch.randn(batch, steps, dim, requires_grad=True), torch.randn(batch, steps, dim)
    ours_x = lw.Tensor(x.detach().numpy().reshape(-1, dim), requires_grad=True)
    ours_dy = lw.Tensor(dy.numpy().reshape(-1, dim))
    offsets = np.arange(batch + 1) * steps

    def ours() -> None:
        for each in (ours_x, *ours_block.weights):
            each.grad = None
        ours_block(ours_x, offsets=offsets, training=True).backward(ours_dy)

    def peer() -> None:
        x.grad = None
        peer_block.zero_grad(set_to_none=True)
        peer_block(x).backward(dy)

    target = ">= 57 %, >= 4.5x" if (batch, steps, dim, heads) == BLOCKS[0] else ""
    return Work(
        f"block of SASRec, {batch} x {steps}, dim {dim}, {heads} heads",
        ours,
        peer,
        block_flops(batch, steps, dim),
        target=target,
    )


class Block(torch.nn.Module):
    """As `SASRecBlock`."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = torch.nn.LayerNorm(dim, eps=1e-8), torch.nn.LayerNorm(dim, eps=1e-8)
        self.query, self.key_value = torch.nn.Linear(dim, dim), torch.nn.Linear(dim, 2 * dim)
        self.out, self.inner, self.outer = (torch.nn.Linear(dim, dim) for _ in range(3))
        self.drop = torch.nn.Dropout(DROPOUT)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normal = self.first(x)
        batch, steps, dim = x.shape
        key, value = self.key_value(x).chunk(2, dim=-1)
        parts = [each.view(batch, steps, self.heads, -1).transpose(1, 2) for each in (self.query(normal), key, value)]
        found = functional.scaled_dot_product_attention(*parts, is_causal=True, dropout_p=DROPOUT)
        normal = self.second(normal + self.out(found.transpose(1, 2).reshape(batch, steps, dim)))
        hidden = self.drop(functional.relu(self.inner(normal)))
        return normal + self.drop(self.outer(hidden))


def batch_of(batch: int, steps: int, negatives: int) -> SequenceBatch:
    random = np.random.default_rng(0)
    items = random.integers(0, N_ITEMS, (batch, steps + 1), dtype=np.int32)
    drawn = random.integers(0, N_ITEMS, (batch * steps, negatives), dtype=np.int32) if negatives else None
    inputs = Sequences(items[:, :-1].ravel(), np.arange(batch + 1) * steps)
    return SequenceBatch(inputs, items[:, 1:].ravel(), drawn)


def sasrec_step(batch: int, steps: int, dim: int) -> Work:
    given = batch_of(batch, steps, 1)
    network = SASRec(dim=dim, loss="bce", max_length=steps, dropout=DROPOUT)._made(N_ITEMS)
    adam = optimizers.Adam(0.001)
    return Work(
        f"step of SASRec, {batch} x {steps}, dim {dim}, 2 blocks, 1 negative",
        lambda: network.train_step(given, adam),
        torch_sasrec_step(given, batch, steps, dim),
        2 * block_flops(batch, steps, dim) + 3.0 * 2 * 2 * batch * steps * dim,
        target=">= 55 %, >= 4.5x",
    )


def torch_sasrec_step(given: SequenceBatch, batch: int, steps: int, dim: int) -> Callable[[], object]:
    items, positions = torch.nn.Embedding(N_ITEMS, dim), torch.nn.Embedding(steps, dim)
    blocks, last = torch.nn.ModuleList([Block(dim, 1), Block(dim, 1)]), torch.nn.LayerNorm(dim, eps=1e-8)
    network = torch.nn.ModuleList([items, positions, blocks, last])
    adam = torch.optim.Adam(network.parameters(), lr=0.001, fused=True)
    inputs = torch.from_numpy(given.inputs.items).long().view(batch, steps)
    targets = torch.from_numpy(given.targets).long().view(batch, steps)
    assert given.negatives is not None
    negatives = torch.from_numpy(given.negatives).long().view(batch, steps)
    logistic = functional.binary_cross_entropy_with_logits

    def call() -> None:
        adam.zero_grad()
        x = functional.dropout(items(inputs) * math.sqrt(dim) + positions.weight, DROPOUT)
        for each in blocks:
            x = each(x)
        x = last(x)
        scores = torch.stack([(x * items(targets)).sum(-1), (x * items(negatives)).sum(-1)])
        wanted = torch.stack([torch.ones(batch, steps), torch.zeros(batch, steps)])
        logistic(scores, wanted).backward()
        adam.step()

    return call


def gru4rec_step(batch: int, steps: int, dim: int, hidden: int) -> Work:
    given = batch_of(batch, steps, 0)
    network = GRU4Rec(dim=dim, units=[hidden], dropout=0.0)._made(N_ITEMS)
    adam = optimizers.Adam(0.001)
    rows = batch * steps
    flops = 3.0 * 2 * rows * (3 * hidden * (dim + hidden) + hidden * dim + dim * N_ITEMS)
    return Work(
        f"step of GRU4Rec, {batch} x {steps}, dim {dim}, hidden {hidden}, full softmax over {N_ITEMS:,} items",
        lambda: network.train_step(given, adam),
        torch_gru4rec_step(given, batch, steps, dim, hidden),
        flops,
        target=">= 75 %, >= 3.3x",
    )


def torch_gru4rec_step(given: SequenceBatch, batch: int, steps: int, dim: int, hidden: int) -> Callable[[], object]:
    items, gru = torch.nn.Embedding(N_ITEMS, dim), torch.nn.GRU(dim, hidden, batch_first=True)
    projection = torch.nn.Linear(hidden, dim)
    network = torch.nn.ModuleList([items, gru, projection])
    adam = torch.optim.Adam(network.parameters(), lr=0.001, fused=True)
    inputs = torch.from_numpy(given.inputs.items).long().view(batch, steps)
    targets = torch.from_numpy(given.targets).long()

    def call() -> None:
        adam.zero_grad()
        states = projection(gru(items(inputs) * math.sqrt(dim))[0])
        scores = states.view(-1, dim) @ items.weight.T
        functional.cross_entropy(scores, targets).backward()
        adam.step()

    return call


def session_parallel_step(batch: int, hidden: int, negatives: int) -> Work:
    """GRU4Rec as its authors train it, but by Adam: one item of each session, targets of the others as negatives too.

    A step is as many events as sessions.
    """
    random, n_items = np.random.default_rng(0), 37_483
    inputs, targets = (random.integers(0, n_items, batch, dtype=np.int32) for _ in range(2))
    others = np.concatenate([targets, random.integers(0, n_items, negatives, dtype=np.int32)])
    step = SessionStep(inputs, targets, np.arange(batch), np.zeros(batch, dtype=bool), others)
    first = SessionStep(inputs, targets, np.arange(batch), np.ones(batch, dtype=bool), others)
    model = GRU4Rec(
        dim=hidden, units=[hidden], loss="bpr_max", batching="session_parallel", negatives=negatives, dropout=0.0
    )
    network, adam = model._made(n_items), optimizers.Adam(0.001)
    network.train_step(first, adam)
    flops = 3.0 * 2 * batch * hidden * (6 * hidden + batch + negatives)
    is_target = (batch, hidden, negatives) == (80, 224, 2048)
    return Work(
        f"step of GRU4Rec, {batch} sessions, hidden {hidden}, {negatives:,} negatives, BPR-max",
        lambda: network.train_step(step, adam),
        torch_session_parallel_step(step, n_items, hidden),
        flops,
        target=">= 20,000 events/s: <= 4,000 us" if is_target else "",
    )


def torch_session_parallel_step(step: SessionStep, n_items: int, hidden: int) -> Callable[[], object]:
    """Row-sparse gradients of the table, as PyTorch has them, and its sparse Adam."""
    items, gru = torch.nn.Embedding(n_items, hidden, sparse=True), torch.nn.GRUCell(hidden, hidden)
    adams = [torch.optim.SparseAdam(items.parameters()), torch.optim.Adam(gru.parameters(), fused=True)]
    inputs, targets, others = (torch.from_numpy(each).long() for each in (step.inputs, step.targets, step.negatives))
    before, same, ids = torch.zeros(len(step), hidden), targets[:, None] == others, torch.cat([inputs, others])

    def call() -> None:
        for adam in adams:
            adam.zero_grad()
        own, rows = items(ids).split([len(inputs), len(others)])  # the first others are the targets
        states = gru(own * math.sqrt(hidden), before)
        wanted = (states * rows[: len(inputs)]).sum(1, keepdim=True)
        scores = states @ rows.T
        wanted, scores = functional.elu(wanted), functional.elu(scores)
        share = scores.masked_fill(same, -torch.inf).softmax(1)
        above = (share * torch.sigmoid(wanted - scores)).sum(1)
        (-(above + 1e-24).log() + (share * scores.square()).sum(1)).mean().backward()
        for adam in adams:
            adam.step()

    return call


def caser_step(batch: int, window: int, dim: int, horizontal: int) -> Work:
    """Three targets and three negatives, 4 vertical filters; Adam with a penalty, lazy here and dense in PyTorch."""
    random, n_users, vertical, dropout = np.random.default_rng(0), 6040, 4, 0.5
    drawn = [random.integers(0, N_ITEMS, (batch, count), dtype=np.int32) for count in (window, 3, 3)]
    given = InstanceBatch(random.integers(0, n_users, batch), *drawn)
    model = Caser(dim=dim, window=window, horizontal=horizontal, vertical=vertical, dropout=dropout)
    network, adam = model.network(n_users, N_ITEMS), optimizers.Adam(0.001, l2=1e-6)
    found = window * horizontal + dim * vertical
    products = dim * window * vertical + found * dim + 6 * 2 * dim  # of an instance
    return Work(
        f"step of Caser, {batch} x {window} x {dim}, {horizontal} filters of every height",
        lambda: network.train_step(given, adam),
        torch_caser_step(given, n_users, dim, horizontal, vertical, dropout),
        heights_flops(batch, window, dim, horizontal) + 3.0 * 2 * batch * products,
        target=">= 8x" if (batch, window, dim, horizontal) == WINDOWS[0] else "",
    )


def torch_caser_step(
    given: InstanceBatch, n_users: int, dim: int, horizontal: int, vertical: int, dropout: float
) -> Callable[[], object]:
    """Its convolutions over [batch, dim, window], the quickest of the forms they have in PyTorch."""
    window = given.windows.shape[1]
    items, users = torch.nn.Embedding(N_ITEMS, dim), torch.nn.Embedding(n_users, dim)
    outputs, output_biases = torch.nn.Embedding(N_ITEMS, 2 * dim), torch.nn.Embedding(N_ITEMS, 1)
    heights = torch.nn.ModuleList([torch.nn.Conv1d(dim, horizontal, height) for height in range(1, window + 1)])
    weigh, dense = torch.nn.Linear(window, vertical), torch.nn.Linear(window * horizontal + dim * vertical, dim)
    network = torch.nn.ModuleList([items, users, outputs, output_biases, heights, weigh, dense])
    adam = torch.optim.Adam(network.parameters(), lr=0.001, weight_decay=1e-6, fused=True)
    windows, people = torch.from_numpy(given.windows).long(), torch.from_numpy(given.users)
    asked = torch.from_numpy(np.concatenate([given.targets, given.negatives], axis=1)).long()
    wanted = torch.cat([torch.ones(given.targets.shape), torch.zeros(given.negatives.shape)], dim=1)

    def call() -> None:
        adam.zero_grad()
        image = items(windows).transpose(1, 2).contiguous()
        found = [functional.relu(convolve(image).amax(2)) for convolve in heights]
        found.append(weigh(image).flatten(1))
        z = functional.relu(dense(functional.dropout(torch.cat(found, dim=1), dropout)))
        states = torch.cat([z, users(people)], dim=1)
        scores = (outputs(asked) @ states[:, :, None] + output_biases(asked)).squeeze(2)
        (2 * functional.binary_cross_entropy_with_logits(scores, wanted)).backward()
        adam.step()

    return call
