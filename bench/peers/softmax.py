"""The full softmax loss over a catalogue, forward and backward, beside PyTorch's product and cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from bench.timing import Work

import likewise as lw

# Positions, items, dim; the first is a batch of 128 sequences of 50 over MovieLens-1M.
SHAPES = {(6400, 3707, 64): ">= 80 %, >= 4.2x", (6400, 3707, 128): "", (1024, 20_000, 64): "", (512, 43_097, 100): ""}


def works(threads: int) -> Iterator[Work]:
    """Both sides compute the loss and the gradients of states and table."""
    torch.manual_seed(0)
    for (positions, items, dim), target in SHAPES.items():
        yield loss_and_gradients(positions, items, dim, target)


def loss_and_gradients(positions: int, items: int, dim: int, target: str) -> Work:
    states, table = torch.randn(positions, dim, requires_grad=True), torch.randn(items, dim, requires_grad=True)
    targets = torch.randint(items, (positions,))
    ours_states, ours_table = (lw.Tensor(each.detach().numpy(), requires_grad=True) for each in (states, table))
    ours_targets = lw.Tensor(targets.numpy())

    def ours() -> None:
        ours_states.grad = ours_table.grad = None
        lw.functional.softmax_loss(ours_states, ours_table, ours_targets).backward()

    def peer() -> None:
        states.grad = table.grad = None
        torch.nn.functional.cross_entropy(states @ table.T, targets).backward()

    return Work(f"{positions} x {dim} over {items} items", ours, peer, 6.0 * positions * items * dim, target=target)
