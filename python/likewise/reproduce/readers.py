"""Readers of the published splits: small text files, each in the form its authors gave it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from likewise import split
from likewise.data import Interactions
from likewise.data.locate import locate
from likewise.reproduce.entry import Task

Integers = NDArray[np.int64]


def _open(path: Path) -> IO[str]:
    return cast(IO[str], gzip.open(path, "rt")) if path.suffix == ".gz" else path.open()


def _columns(path: Path, columns: tuple[int, ...]) -> list[Integers]:
    with _open(path) as file:
        return list(np.loadtxt(file, dtype=np.int64, usecols=columns, unpack=True))


def _lines(path: Path) -> Iterator[list[int]]:
    with _open(path) as file:
        for line in file:
            yield [int(part) for part in line.split()]


def _lists(path: Path) -> tuple[Integers, Integers]:
    """Lines of ``user item item ...``."""
    lines = [line for line in _lines(path) if line]
    users = np.repeat([line[0] for line in lines], [len(line) - 1 for line in lines])
    return users, np.concatenate([np.array(line[1:], dtype=np.int64) for line in lines])


def _task(train: tuple[Any, ...], test: tuple[Any, ...], candidates: Any = "all") -> Task:
    """Two logs (users, items, ratings or nothing) over the vocabulary of both."""
    ids = [np.unique(np.concatenate([train[column], test[column]])) for column in (0, 1)]
    logs = [
        Interactions(part[0], part[1], ratings=part[2] if len(part) > 2 else None, user_ids=ids[0], item_ids=ids[1])
        for part in (train, test)
    ]
    return Task(logs[0], logs[1], candidates)


def ncf_ml1m() -> Task:
    """MovieLens 1M as Neural Collaborative Filtering split it: the last item of each user, 99 fixed negatives.

    156 of the negatives are the user's own test item; evaluation drops them, as the original's dictionary does.
    """
    train = _columns(locate("ml-1m", "ncf/ml-1m.train.rating", "ncf/ml-1m.train.rating_no_ts"), (0, 1))
    test = _columns(locate("ml-1m", "ncf/ml-1m.test.rating"), (0, 1))
    with _open(locate("ml-1m", "ncf/ml-1m.test.negative")) as file:
        negatives = [[int(item) for item in line.split("\t")[1:]] for line in file]
    return _task(tuple(train), tuple(test), dict(zip(test[0].tolist(), negatives, strict=True)))


def lightgcn_gowalla() -> Task:
    """Check-ins of Gowalla as NGCF and LightGCN split them."""
    return _task(_lists(locate("gowalla", "train.txt")), _lists(locate("gowalla", "test.txt")))


def bars_ml1m() -> Task:
    """MovieLens 1M as LR-GCCF split it (MovieLens1M_m2 of the BARS benchmark)."""
    return _task(_lists(locate("ml-1m", "bars_m2/train.txt")), _lists(locate("ml-1m", "bars_m2/test.txt")))


def recommenders_ml100k() -> Task:
    """MovieLens 100K in the stratified split of Microsoft's recommenders: of each item's rows three quarters train.

    The rows of u.data get NumPy's legacy random numbers of seed 42; each item's smallest are its training rows.
    """
    users, items = _columns(locate("ml-100k", "u.data"), (0, 1))
    draws = np.random.RandomState(42).rand(len(users))
    order = np.lexsort((draws, items))
    _, first, counts = np.unique(items[order], return_index=True, return_counts=True)
    rank = np.empty(len(users), dtype=np.int64)
    rank[order] = np.arange(len(users)) - np.repeat(first, counts) + 1
    count = np.empty(len(users), dtype=np.int64)
    count[order] = np.repeat(counts, counts)
    chosen = rank <= np.round(0.75 * count)
    return _task((users[chosen], items[chosen]), (users[~chosen], items[~chosen]))


def ratings_ml100k() -> Task:
    """The first of GroupLens' five folds of MovieLens 100K, with ratings."""
    train, test = (tuple(_columns(locate("ml-100k", f"splits/u1.{part}"), (0, 1, 2))) for part in ("base", "test"))
    return _task(train, test)


def sequential_ml1m() -> Task:
    """MovieLens 1M as SASRec's authors keep it: of each user the last item tests, the one before validates."""
    users, items = _columns(locate("ml-1m", "sasrec/ml-1m.txt"), (0, 1))
    train, validation, test = split.leave_last(Interactions(users, items), parts=3)
    return Task(train, test, validation=validation)


def caser_ml1m() -> Task:
    """MovieLens 1M as Caser's authors split it: the last fifth of each user's items tests."""
    train = _columns(locate("ml-1m", "caser/test/train.txt"), (0, 1))
    return _task(tuple(train), tuple(_columns(locate("ml-1m", "caser/test/test.txt"), (0, 1))))


def sasrec_ml1m_sampled() -> Task:
    """The same log as `sequential_ml1m`; the last item is ranked among a hundred others."""
    task = sequential_ml1m()
    return Task(task.train, task.test, candidates="uniform:100", validation=task.validation)
