"""Training of NeuMF: a step of likewise's model beside the same network in PyTorch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from bench.timing import Work

from likewise import optimizers
from likewise.models.behaviour.neumf import NeuMFNetwork, PairBatch

N_USERS, N_ITEMS = 6040, 3706  # MovieLens 1M
SHAPES = {"1,024 pairs": (256, 3), "1,024 positives x 5": (1024, 4)}
GMF, LAYERS = 16, (64, 32, 16, 8)


def works(threads: int) -> Iterator[Work]:
    """GMF 16, MLP 64-32-16-8; ours moves the rows of the batch (lazy Adam), PyTorch's fused Adam all rows."""
    for name, (positives, negatives) in SHAPES.items():
        users, items = batch(positives, negatives)
        yield Work(
            f"1 step, {name}: lazy / dense Adam", our_step(users, items), torch_step(users, items), target=">= 4x"
        )


def batch(positives: int, negatives: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    users = random.integers(0, N_USERS, positives, dtype=np.int32)
    return users, random.integers(0, N_ITEMS, (positives, 1 + negatives), dtype=np.int32)


def our_step(users: np.ndarray, items: np.ndarray) -> Callable[[], object]:
    network = NeuMFNetwork(N_USERS, N_ITEMS, GMF, LAYERS)
    network.build_weights()
    adam, pairs = optimizers.Adam(0.001), PairBatch(users, items)
    return lambda: network.train_step(pairs, adam)


class Peer(torch.nn.Module):
    """As the paper draws it: the two vectors of the perceptron are joined before its first layer."""

    def __init__(self) -> None:
        super().__init__()
        tables = [torch.nn.Embedding(rows, size) for size in (GMF, LAYERS[0] // 2) for rows in (N_USERS, N_ITEMS)]
        self.gmf_users, self.gmf_items, self.mlp_users, self.mlp_items = tables
        sizes = itertools.pairwise(LAYERS)
        self.mlp = torch.nn.Sequential(*(part for a, b in sizes for part in (torch.nn.Linear(a, b), torch.nn.ReLU())))
        self.out = torch.nn.Linear(GMF + LAYERS[-1], 1)

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        product = self.gmf_users(users) * self.gmf_items(items)
        hidden = self.mlp(torch.cat([self.mlp_users(users), self.mlp_items(items)], dim=1))
        return self.out(torch.cat([product, hidden], dim=1))[:, 0]


def torch_step(users: np.ndarray, items: np.ndarray) -> Callable[[], object]:
    torch.manual_seed(0)
    network = Peer()
    adam = torch.optim.Adam(network.parameters(), lr=0.001, fused=True)
    flat_users = torch.from_numpy(np.repeat(users, items.shape[1])).long()
    flat_items = torch.from_numpy(items.ravel()).long()
    targets = torch.zeros(items.shape)
    targets[:, 0] = 1
    flat_targets = targets.ravel()

    def call() -> None:
        adam.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(flat_users, flat_items), flat_targets)
        loss.backward()
        adam.step()

    return call
