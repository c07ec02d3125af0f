"""Steps of optimizers on a table of a million rows and on a dense layer, beside PyTorch's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from bench import limits
from bench.timing import Work

import likewise as lw
from likewise import _core

ROWS, DIM, BATCH = 1_000_000, 64, 4096
BYTES = 4  # of a float
Step = Callable[[], object]


def works(threads: int) -> Iterator[Work]:
    """Row gradients are of cold random ids, others at every call. Traffic counts the arrays read and those written."""
    adam, sparse_adam = lw.optimizers.Adam(), partial(torch.optim.SparseAdam, lr=0.001)
    size = ROWS * DIM * BYTES
    copy = limits.copy_bandwidth(_core.isa_level(), threads, size // threads)
    row = DIM * BYTES
    yield Work(
        f"lazy Adam, {BATCH} rows of {ROWS:,}", ours_on_rows(adam), peer_on_rows(sparse_adam),
        traffic=7.0 * BATCH * row, bandwidth=copy, target="random rows",
    )  # fmt: skip
    yield Work(
        f"lazy SGD, {BATCH} rows of {ROWS:,}", ours_on_rows(lw.optimizers.SGD()),
        peer_on_rows(partial(torch.optim.SGD, lr=0.01)), traffic=3.0 * BATCH * row, bandwidth=copy,
    )  # fmt: skip
    yield Work(
        f"exact Adam, {BATCH} rows of {ROWS:,}", ours_on_rows(lw.optimizers.Adam(exact=True)),
        peer_on_dense(partial(torch.optim.Adam, lr=0.001, fused=True), ROWS, DIM),
        traffic=6.0 * size, bandwidth=copy, target="copy bandwidth",
    )  # fmt: skip
    for name, ours, peer, arrays in (
        ("SGD", lw.optimizers.SGD(), partial(torch.optim.SGD, lr=0.01, fused=True), 3.0),
        ("Adagrad", lw.optimizers.Adagrad(), partial(torch.optim.Adagrad, lr=0.001, fused=True), 5.0),
        ("RMSprop", lw.optimizers.RMSprop(), partial(torch.optim.RMSprop, lr=0.001), 5.0),
        ("Adam", lw.optimizers.Adam(), partial(torch.optim.Adam, lr=0.001, fused=True), 7.0),
    ):
        traffic = arrays * 4096 * 4096 * BYTES
        yield Work(
            f"dense {name}, 4096 x 4096", ours_on_dense(ours, 4096, 4096), peer_on_dense(peer, 4096, 4096),
            traffic=traffic, bandwidth=copy,
        )  # fmt: skip


def row_gradients() -> tuple[list[np.ndarray], np.ndarray]:
    """Ids of many steps, and the rows that all of them share."""
    rng = np.random.default_rng(0)
    return list(rng.integers(0, ROWS, (64, BATCH))), rng.standard_normal((BATCH, DIM), dtype="float32")


def ours_on_rows(optimizer: lw.optimizers.Optimizer) -> Step:
    table = lw.Tensor(np.random.default_rng(1).standard_normal((ROWS, DIM), dtype="float32"), requires_grad=True)
    ids, values = row_gradients()
    gradients = itertools.cycle([lw.functional.RowSparse(each, values, table.shape) for each in ids])

    def step() -> None:
        table.grad = next(gradients)
        optimizer.step([table])

    return step


def peer_on_rows(make: Callable[[list[torch.Tensor]], torch.optim.Optimizer]) -> Step:
    table = torch.randn(ROWS, DIM, requires_grad=True)
    optimizer = make([table])
    ids, values = row_gradients()
    sparse = partial(torch.sparse_coo_tensor, check_invariants=False)
    gradients = itertools.cycle([sparse(torch.tensor(each)[None], torch.tensor(values), table.shape) for each in ids])

    def step() -> None:
        table.grad = next(gradients)
        optimizer.step()

    return step


def ours_on_dense(optimizer: lw.optimizers.Optimizer, rows: int, columns: int) -> Step:
    rng = np.random.default_rng(2)
    parameter = lw.Tensor(rng.standard_normal((rows, columns), dtype="float32"), requires_grad=True)
    gradient = lw.Tensor(rng.standard_normal((rows, columns), dtype="float32"))

    def step() -> None:
        parameter.grad = gradient
        optimizer.step([parameter])

    return step


def peer_on_dense(make: Callable[[list[torch.Tensor]], torch.optim.Optimizer], rows: int, columns: int) -> Step:
    parameter = torch.randn(rows, columns, requires_grad=True)
    parameter.grad = torch.randn(rows, columns)
    return make([parameter]).step
