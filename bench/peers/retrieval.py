"""Retrieval over whole catalogues, and evaluation: beside PyTorch's matmul and topk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from bench import limits
from bench.timing import Work
from numpy.typing import NDArray

from likewise import _core
from likewise.data.histories import Histories
from likewise.models.retrieval import FactorScorer

DIM = 64
CATALOGUE = 1_000_000
CHUNK = 50_000  # items scored at once by PyTorch: its best for 256 users
ML_1M = (6040, 3706, 165)  # users, items, rows of a user


def works(threads: int) -> Iterator[Work]:
    """Top 10 of a million items for many users and for one; full-catalogue evaluation of the size of MovieLens-1M."""
    torch.manual_seed(0)
    items = torch.randn(CATALOGUE, DIM)
    scorer = FactorScorer(items.numpy())
    bandwidth = limits.read_bandwidth(_core.isa_level(), threads, 4 * CATALOGUE * DIM // threads)
    yield top(items, scorer, 256, ">= 80 %, >= 5x")
    yield top(items, scorer, 1, ">= 1.5x", bandwidth)
    yield evaluation()


def top(items: torch.Tensor, scorer: FactorScorer, n: int, target: str, bandwidth: float = 0.0) -> Work:
    """The 10 best of all items for n users; for one, bound by reading the table."""
    users = torch.randn(n, DIM)
    queries, nothing, allowed = users.numpy(), Histories.empty(n), np.ones(CATALOGUE, dtype=bool)

    def peer() -> Any:
        if n == 1:
            return torch.topk(users @ items.T, 10)
        parts = [torch.topk(users @ items[at : at + CHUNK].T, 10) for at in range(0, CATALOGUE, CHUNK)]
        places = torch.cat([part.indices + CHUNK * chunk for chunk, part in enumerate(parts)], dim=1)
        best = torch.topk(torch.cat([part.values for part in parts], dim=1), 10)
        return best.values, places.gather(1, best.indices)

    return Work(
        f"top 10 of {CATALOGUE:,} x {DIM}, {n} users" + (" (bytes of the table)" if bandwidth else ""),
        lambda: scorer.top(queries, 10, allowed=allowed, seen=nothing),
        peer,
        flops=2.0 * n * CATALOGUE * DIM,
        traffic=4.0 * CATALOGUE * DIM if bandwidth else 0.0,
        bandwidth=bandwidth,
        target=target,
    )


def evaluation() -> Work:
    """Ranks one test item a user among all items but the history, and takes recall, ndcg and mrr at 10."""
    n_users, n_items, length = ML_1M
    draws = np.random.Generator(np.random.Philox(key=0))
    rows = np.array([draws.choice(n_items, length + 1, replace=False) for _ in range(n_users)], dtype=np.int32)
    tests, seen = rows[:, 0].copy(), np.sort(rows[:, 1:], axis=1)
    users, items = torch.randn(n_users, DIM), torch.randn(n_items, DIM)
    scorer, queries = FactorScorer(items.numpy()), users.numpy()
    pointers = np.arange(n_users + 1, dtype=np.int64)
    histories, wanted = Histories(pointers * length, seen.ravel()), Histories(pointers, tests)
    allowed = np.ones(n_items, dtype=bool)
    kinds = [("recall", 10), ("ndcg", 10), ("mrr", 10)]

    def ours() -> NDArray[np.float64]:
        above, earlier, _ = scorer.positions(queries, wanted, allowed=allowed, seen=histories)
        return _core.ranking_metrics(wanted.indptr, above + earlier, kinds).mean(axis=1)

    seen_there, tests_there = torch.from_numpy(seen).long(), torch.from_numpy(tests).long()
    discount = 1 / torch.log2(torch.arange(2, 12).float())

    def peer() -> torch.Tensor:
        totals = torch.zeros(3)
        for at in range(0, n_users, 1024):
            scores = users[at : at + 1024] @ items.T
            scores.scatter_(1, seen_there[at : at + 1024], -torch.inf)
            hits = (torch.topk(scores, 10).indices == tests_there[at : at + 1024, None]).float()
            totals += torch.stack([hits.sum(), (hits * discount).sum(), (hits / torch.arange(1, 11)).sum()])
        return totals / n_users

    assert np.allclose(ours(), peer().numpy(), atol=1e-3)
    return Work(
        f"evaluation of {n_users:,} users x {n_items:,} items x {DIM}",
        ours,
        peer,
        flops=2.0 * n_users * n_items * DIM,
        target="<= 60 ms, >= 5x",
    )
