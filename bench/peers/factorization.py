"""Training of matrix factorization: the fused step beside PyTorch, BPR epochs and ALS iterations beside implicit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from bench.timing import Work
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from likewise import _core

DIM, FACTORS = 64, 64
BATCH, ROWS_OF_TABLES, COLD_ROWS = 4096, 1_000_000, 4_000_000
STEPS = 16  # of the lazy step in one call: batches are drawn several at a time
# Of the exact step in one call, as in `fit`: no row is left behind at its end. What is timed comes after eight calls,
# so rows have moments of many ages.
EXACT_STEPS = 32


def works(threads: int) -> Iterator[Work]:
    """Ids are uniform over 1 M users and 1 M items, so nearly every row comes from memory."""
    log = random_log(ROWS_OF_TABLES, ROWS_OF_TABLES, COLD_ROWS)
    name = f"BPR, batch {BATCH}, dim {DIM}, 1 M items"
    yield Work(
        f"{STEPS} steps, {name}: lazy / SparseAdam",
        our_steps(log, STEPS, exact=False),
        torch_steps(STEPS, sparse=True),
        target=f"<= {1.3 * STEPS:.0f} ms, >= 8x",
    )
    yield Work(
        f"{EXACT_STEPS} steps, {name}: exact / dense Adam",
        our_steps(log, EXACT_STEPS, exact=True),
        torch_steps(1, sparse=False),
        target=">= 10x",
        peer_calls=EXACT_STEPS,
    )
    yield Work(
        f"{STEPS} steps, {name}: lazy / dense Adam",
        our_steps(log, STEPS, exact=False),
        torch_steps(1, sparse=False),
        target=">= 300x",
        peer_calls=STEPS,
    )
    del log
    popular = popular_log(6040, 3706, 1_000_000)
    for batch_size, optimizer in ((2048, "adam"), (2048, "sgd"), (8192, "adam")):
        yield Work(
            f"1 BPR epoch, {FACTORS} factors, 1 M rows: {optimizer}, batch {batch_size}",
            our_epoch(popular, batch_size, optimizer),
            implicit_epoch(popular, threads),
            target=">= 2x",
        )
    for factors in (FACTORS, 192):
        name = f"1 iteration of IALS, {factors} factors, 1 M rows"
        exact, steps = (our_iteration(popular, factors, solver) for solver in ("exact", "cg"))
        peer_exact, peer_steps = (implicit_iteration(popular, factors, solver, threads) for solver in ("exact", "cg"))
        yield Work(f"{name}: exact / implicit, exact", exact, peer_exact)
        yield Work(f"{name}: 3 steps of CG / implicit, 3 steps of CG", steps, peer_steps)
        target = ">= 1.5x" if factors == FACTORS else ""
        yield Work(f"{name}: exact / implicit, 3 steps of CG", exact, peer_steps, target=target)


Log = tuple[np.ndarray, np.ndarray, int]  # row pointers of users, items, number of items


def random_log(n_users: int, n_items: int, rows: int) -> Log:
    """Users and items uniform."""
    random = np.random.default_rng(0)
    counts = np.bincount(random.integers(0, n_users, rows), minlength=n_users)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return indptr, random.integers(0, n_items, rows, dtype=np.int32), n_items


def popular_log(n_users: int, n_items: int, rows: int) -> Log:
    """The size and skew of MovieLens 1M: activity and popularity fall off exponentially, pairs are distinct."""
    random = np.random.default_rng(0)
    users = (random.exponential(1 / 5, 2 * rows) % 1 * n_users).astype(np.int64)
    items = (random.exponential(1 / 5, 2 * rows) % 1 * n_items).astype(np.int64)
    pairs = np.sort(random.permutation(np.unique(users * n_items + items))[:rows])
    indptr = np.searchsorted(pairs // n_items, np.arange(n_users + 1))
    return indptr, (pairs % n_items).astype(np.int32), n_items


def batches_of(log: Log, batch_size: int) -> _core.Batches:
    indptr, items, n_items = log
    return _core.Batches(indptr, items, None, n_items=n_items, batch_size=batch_size, negatives=1, seed=0)


def trainer(log: Log, optimizer: str, exact: bool) -> _core.Factorization:
    def table(rows: int) -> tuple[_core.Tensor | None, ...]:
        values = np.random.default_rng(1).normal(0, 0.1, (rows, DIM)).astype(np.float32)
        moments = [_core.Tensor(np.zeros((rows, DIM), dtype=np.float32)) if optimizer == "adam" else None for _ in "mv"]
        return _core.Tensor(values), *moments

    settings = _core.FactorizationSettings(loss="bpr", optimizer=optimizer, exact=exact, l2=0.01)
    return _core.Factorization(table(len(log[0]) - 1), table(log[2]), None, None, settings)


def our_steps(log: Log, steps: int, exact: bool) -> Callable[[], object]:
    batches, model = batches_of(log, BATCH), trainer(log, "adam", exact)
    done = 0

    def call() -> float:
        nonlocal done
        epoch, first = divmod(done, batches.steps - steps)
        before, done = done, done + steps
        return model.run(batches, epoch, first, first + steps, steps_before=before, learning_rate=0.001)

    return call


def torch_steps(steps: int, sparse: bool) -> Callable[[], object]:
    """Ids drawn in the step, as ours are; ours also avoids the user's items."""
    torch.manual_seed(0)
    users, items = (torch.nn.Embedding(ROWS_OF_TABLES, DIM, sparse=sparse) for _ in range(2))
    parameters = [users.weight, items.weight]
    optimizer = torch.optim.SparseAdam(parameters) if sparse else torch.optim.Adam(parameters, fused=True)

    def call() -> None:
        for _ in range(steps):
            user, positive, negative = torch.randint(0, ROWS_OF_TABLES, (3, BATCH))
            vector = users(user)
            difference = (vector * items(negative)).sum(1) - (vector * items(positive)).sum(1)
            optimizer.zero_grad()
            torch.nn.functional.softplus(difference).mean().backward()
            optimizer.step()

    return call


def our_epoch(log: Log, batch_size: int, optimizer: str) -> Callable[[], object]:
    batches, model = batches_of(log, batch_size), trainer(log, optimizer, exact=False)
    epoch = 0

    def call() -> float:
        nonlocal epoch
        epoch += 1
        return model.run(batches, epoch, 0, batches.steps, steps_before=epoch * batches.steps, learning_rate=0.01)

    return call


def matrix_of(log: Log) -> csr_matrix:
    indptr, items, n_items = log
    return csr_matrix((np.ones(len(items), dtype=np.float32), items, indptr), shape=(len(indptr) - 1, n_items))


def implicit_epoch(log: Log, threads: int) -> Callable[[], object]:
    matrix = matrix_of(log)
    model = BayesianPersonalizedRanking(factors=FACTORS, iterations=1, num_threads=threads, random_state=0)
    return lambda: model.fit(matrix, show_progress=False)


def our_iteration(log: Log, factors: int, solver: str) -> Callable[[], object]:
    """Users, then items; conjugate gradient starts every call from where the last one ended, as a fit does."""
    indptr, items, n_items = log
    n_users = len(indptr) - 1
    by_item = np.argsort(items, kind="stable")
    begin = np.searchsorted(items[by_item], np.arange(n_items + 1))
    users_of_items = np.repeat(np.arange(n_users, dtype=np.int32), np.diff(indptr))[by_item]
    ridges = [np.full(rows, 10.0, dtype=np.float32) for rows in (n_users, n_items)]
    random = np.random.default_rng(2)
    of_users, of_items = (
        _core.Tensor(random.normal(0, 0.1, (rows, factors)).astype(np.float32)) for rows in (n_users, n_items)
    )

    def half(rows: _core.Tensor, others: _core.Tensor, *pairs: np.ndarray, ridge: np.ndarray) -> _core.Tensor:
        gram = _core.scaled_gram(others, 0.3)
        if solver == "exact":
            return _core.solve_rows(others, gram, *pairs, None, ridge)[0]
        return _core.improve_rows(rows, others, gram, *pairs, None, ridge, steps=3)[0]

    def call() -> None:
        nonlocal of_users, of_items
        of_users = half(of_users, of_items, indptr, items, ridge=ridges[0])
        of_items = half(of_items, of_users, begin, users_of_items, ridge=ridges[1])

    return call


def implicit_iteration(log: Log, factors: int, solver: str, threads: int) -> Callable[[], object]:
    """implicit's default, three steps of conjugate gradient a row, or its exact solves; it too goes on where it was."""
    matrix = matrix_of(log)
    with threadpool_limits(1, "blas"):  # as implicit asks for: its own threads would wait for the BLAS's
        model = AlternatingLeastSquares(
            factors=factors, iterations=1, use_cg=solver == "cg", num_threads=threads, random_state=0
        )

    def call() -> None:
        with threadpool_limits(1, "blas"):
            model.fit(matrix, show_progress=False)

    return call
