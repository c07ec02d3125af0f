"""`likewise bench`: what this machine reaches, in half a minute; comparisons with other libraries live in bench/."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from likewise.cli.arguments import Command
from likewise.cli.output import say, show, table

REPEATS = 5
N_USERS, N_ITEMS, N_ROWS = 20_000, 10_000, 1_000_000


@dataclass(frozen=True)
class Work:
    """One thing to time.

    Args:
        what: What is done, at which size.
        unit: The unit of the rate.
        amount: How much of the unit one run does.
        run: Does it.
    """

    what: str
    unit: str
    amount: float
    run: Callable[[], Any]


def works(folder: Path) -> Iterator[Work]:
    """What is timed, from kernels to models; later ones build on earlier ones."""
    from likewise.data import Interactions
    from likewise.data.split import by_user
    from likewise.functional import matmul
    from likewise.models import MF

    draws = np.random.default_rng(0)
    for rows, inner, columns in ((1024, 1024, 1024), (2048, 64, 64)):
        a, b = (draws.standard_normal(shape, dtype=np.float32) for shape in ((rows, inner), (inner, columns)))
        what = f"matrix product {rows:,} x {inner:,} x {columns:,}"
        yield Work(what, "GFLOP/s", 2e-9 * rows * inner * columns, partial(matmul, a, b))

    # Popularity falls as 1 / rank, as in most logs.
    popularity = 1 / np.arange(1, N_ITEMS + 1)
    items = draws.choice(N_ITEMS, size=N_ROWS, p=popularity / popularity.sum())
    users = draws.integers(N_USERS, size=N_ROWS)
    path = folder / "log.csv"
    np.savetxt(path, np.stack([users, items], axis=1), fmt="%d", delimiter=",", header="user,item", comments="")
    yield Work(f"read {N_ROWS:,} rows of csv", "million rows/s", N_ROWS / 1e6, lambda: Interactions.read(path))

    train, test = by_user(Interactions(users, items), test=0.1)
    model = MF(dim=64, epochs=1)
    yield Work(
        f"MF, one epoch of BPR over {len(train):,} rows, dim 64",
        "million rows/s",
        len(train) / 1e6,
        lambda: model.fit(train, verbose=0),
    )
    some = train.user_ids[:2000]
    yield Work(
        f"ten best of {N_ITEMS:,} items for {len(some):,} users",
        "thousand users/s",
        len(some) / 1e3,
        lambda: model.recommend(some, k=10),
    )
    yield Work(
        f"evaluate over {N_ITEMS:,} items, {N_USERS:,} users",
        "thousand users/s",
        N_USERS / 1e3,
        lambda: model.evaluate(test, metrics=["ndcg@10", "recall@10"]),
    )


def seconds(run: Callable[[], Any]) -> float:
    """The median time of a few runs, after one that warms up."""
    run()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _declare(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def _run(arguments: argparse.Namespace) -> None:
    from likewise import _core

    machine = {"level": _core.isa_level(), "threads": _core.num_threads()}
    say(f"instruction-set level {machine['level']}, {machine['threads']} threads; median of {REPEATS} runs")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for work in works(Path(folder)):
            say(work.what)
            elapsed = seconds(work.run)
            rows.append({"work": work.what, "seconds": elapsed, "rate": work.amount / elapsed, "unit": work.unit})
    show({**machine, "works": rows}, table(rows), arguments.json)


BENCH = Command(
    name="bench",
    summary="Time the main kernels and models on this machine.",
    example="  likewise bench\n  LIKEWISE_NUM_THREADS=1 likewise bench --json",
    declare=_declare,
    run=_run,
)
