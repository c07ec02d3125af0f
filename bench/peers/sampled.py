"""Losses over a few sampled items, forward and backward, beside PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from bench.timing import Work
from torch.nn import functional

import likewise as lw

ITEMS = 3707
# Positions, dim, negatives of each position; batches of SASRec over MovieLens-1M.
OWN = {(128 * 200, 50, 1): "", (128 * 200, 50, 256): "", (128 * 200, 128, 1): "", (128 * 200, 128, 256): ""}


def works(threads: int) -> Iterator[Work]:
    """Both sides compute the loss and the gradients of states and table."""
    torch.manual_seed(0)
    yield shared_softmax(80, 37_483, 224, 2048)
    for (positions, dim, negatives), target in OWN.items():
        yield own_logistic(positions, ITEMS, dim, negatives, target)


def shared_softmax(positions: int, items: int, dim: int, negatives: int) -> Work:
    """As GRU4Rec's authors train it; PyTorch takes the rows it needs, and their gradient is sparse there as well."""
    states, table = torch.randn(positions, dim, requires_grad=True), torch.randn(items, dim, requires_grad=True)
    targets, drawn = torch.randint(items, (positions,)), torch.randint(items, (negatives,))
    ours_states, ours_table = (lw.Tensor(each.detach().numpy(), requires_grad=True) for each in (states, table))
    ours_targets, ours_drawn = targets.numpy(), drawn.numpy()
    wanted = torch.arange(positions)

    def ours() -> None:
        ours_states.grad = ours_table.grad = None
        lw.functional.sampled_softmax_loss(ours_states, ours_table, ours_targets, ours_drawn).backward()

    def peer() -> None:
        states.grad = table.grad = None
        rows = functional.embedding(torch.cat([targets, drawn]), table, sparse=True)
        own, others = (states * rows[:positions]).sum(1, keepdim=True), states @ rows[positions:].T
        others = others.masked_fill(targets[:, None] == drawn, -torch.inf)
        functional.cross_entropy(torch.cat([own, others], 1), torch.zeros_like(wanted)).backward()

    name = f"sampled softmax, {positions} x {dim}, {negatives:,} shared negatives of {items:,} items"
    return Work(name, ours, peer, 6.0 * positions * (negatives + 1) * dim)


def own_logistic(positions: int, items: int, dim: int, negatives: int, target: str) -> Work:
    """Each position has negatives of its own."""
    states, table = torch.randn(positions, dim, requires_grad=True), torch.randn(items, dim, requires_grad=True)
    ids = torch.randint(items, (positions, 1 + negatives))
    ours_states, ours_table = (lw.Tensor(each.detach().numpy(), requires_grad=True) for each in (states, table))
    ours_targets, ours_drawn = ids[:, 0].numpy().copy(), ids[:, 1:].numpy().copy()
    wanted = torch.zeros(positions, 1 + negatives)
    wanted[:, 0] = 1

    def ours() -> None:
        ours_states.grad = ours_table.grad = None
        lw.functional.gbce_loss(ours_states, ours_table, ours_targets, ours_drawn).backward()

    def peer_of(scores: Callable[[], torch.Tensor]) -> Callable[[], None]:
        def call() -> None:
            states.grad = table.grad = None
            functional.binary_cross_entropy_with_logits(scores(), wanted).backward()

        return call

    few = negatives <= 16  # beyond, a product with the whole table and a choice from it is the faster way
    peer = peer_of(
        (lambda: torch.bmm(functional.embedding(ids, table), states.unsqueeze(2)).squeeze(2))
        if few
        else (lambda: (states @ table.T).gather(1, ids))
    )
    name = f"gBCE, {positions:,} x {dim}, {negatives} own negatives of {items:,} items"
    return Work(name, ours, peer, 6.0 * positions * (1 + negatives) * dim, target=target)
