"""Divides a log into parts for training, validation and test.

Parts keep the vocabulary of the log they come from, so that an index means the same user or item in each. Users with
fewer rows than there are parts stay in train.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data.arguments import checked_integer, checked_number
from likewise.data.interactions import Interactions

Parts = tuple[Interactions, ...]


def leave_last(log: Interactions, parts: int = 2) -> Parts:
    """Each user's last row is test; with three parts the one before is validation.

    Args:
        log: The log; without timestamps its order counts.
        parts: 2 for (train, test), 3 for (train, validation, test).

    Returns:
        `parts` logs.

    Raises:
        TypeError: If `parts` is not a whole number.
        ValueError: If `parts` is neither 2 nor 3.
    """
    if checked_integer(parts, "parts") not in (2, 3):
        raise ValueError(f"parts: takes 2 (train, test) or 3 (train, validation, test), got {parts!r}")
    held_out = np.flatnonzero(np.diff(log.indptr) >= parts)
    last = log.indptr[1:][held_out] - 1
    part_of = np.zeros(len(log), dtype=np.int8)
    for part in range(1, parts):
        part_of[last - (parts - 1 - part)] = part
    return _divided(log, part_of, parts)


def by_time(log: Interactions, test: float = 0.2, validation: float | None = None) -> Parts:
    """The latest rows of the whole log are test, those before are validation; no part overlaps another in time.

    Args:
        log: A log with timestamps.
        test: The share of rows for test; rows that share the moment of the cut all go to the later part.
        validation: The share of rows for validation.

    Returns:
        (train, test), or (train, validation, test).

    Raises:
        ValueError: If the log has no timestamps, shares are not between 0 and 1, or train would be empty.
    """
    if log.timestamps is None:
        raise ValueError("by_time: the log has no timestamps; leave_last goes by the order of its rows")
    shares = _shares(test, validation)
    times = np.sort(log.timestamps)
    part_of = np.zeros(len(log), dtype=np.int8)
    later = sum(shares)
    for part, share in enumerate(shares, start=1):
        begins = len(times) - round(later * len(times))
        if begins < len(times):
            part_of[log.timestamps >= times[begins]] = part
        later -= share
    if len(log) and not (part_of == 0).any():
        raise ValueError(f"by_time: too many rows share the first moment ({times[0]}): nothing would be left for train")
    return _divided(log, part_of, len(shares) + 1)


def random(log: Interactions, test: float = 0.2, validation: float | None = None, seed: int = 0) -> Parts:
    """Rows at random, whoever they belong to.

    Args:
        log: The log.
        test: The share of rows for test.
        validation: The share of rows for validation.
        seed: Draws the rows.

    Returns:
        (train, test), or (train, validation, test).

    Raises:
        TypeError: If a share is no number, or the seed no whole number.
        ValueError: If shares are not between 0 and 1, or the seed is negative.
    """
    shares = _shares(test, validation)
    part_of = np.zeros(len(log), dtype=np.int8)
    shuffled, begin = np.argsort(_draws(seed, len(log)), kind="stable"), 0
    for part, share in reversed(list(enumerate(shares, start=1))):
        end = begin + round(share * len(log))
        part_of[shuffled[begin:end]] = part
        begin = end
    return _divided(log, part_of, len(shares) + 1)


def by_user(log: Interactions, test: float = 0.2, validation: float | None = None, seed: int = 0) -> Parts:
    """A share of each user's rows at random.

    Args:
        log: The log.
        test: The share of each user's rows for test, rounded; at least one row stays in train.
        validation: The share of each user's rows for validation.
        seed: Draws the rows.

    Returns:
        (train, test), or (train, validation, test).

    Raises:
        TypeError: If a share is no number, or the seed no whole number.
        ValueError: If shares are not between 0 and 1, or the seed is negative.
    """
    shares = _shares(test, validation)
    counts = np.diff(log.indptr)
    shuffled = np.lexsort((_draws(seed, len(log)), log.user_index))
    place = np.arange(len(log)) - np.repeat(log.indptr[:-1], counts)
    part_of = np.zeros(len(log), dtype=np.int8)
    taken = np.zeros(log.n_users, dtype=np.int64)
    for part, share in reversed(list(enumerate(shares, start=1))):
        wanted = np.floor(share * counts + 0.5).astype(np.int64)
        wanted[counts <= len(shares)] = 0
        ends = np.minimum(taken + wanted, np.maximum(counts - 1, 0))
        chosen = (place >= np.repeat(taken, counts)) & (place < np.repeat(ends, counts))
        part_of[shuffled[chosen]] = part
        taken = ends
    return _divided(log, part_of, len(shares) + 1)


def new_users(
    log: Interactions, test: float = 0.1, given: float = 0.8, seed: int = 0
) -> tuple[Interactions, Interactions, Interactions]:
    """Whole users are held out: the model meets them only through the first part of their rows.

    Args:
        log: The log.
        test: The share of users held out.
        given: The share of a held-out user's rows, the earliest, that are the history; at least one row, and at least
            one is left to predict. Users with a single row are not held out.
        seed: Draws the users.

    Returns:
        (train, history, test).

    Raises:
        TypeError: If a share is no number, or the seed no whole number.
        ValueError: If shares are not between 0 and 1, or the seed is negative.
    """
    _shares(test, None)
    if not 0 < checked_number(given, "given") < 1:
        raise ValueError(f"given: takes a share between 0 and 1, got {given!r}")
    counts = np.diff(log.indptr)
    able = np.flatnonzero(counts >= 2)
    drawn = able[np.argsort(_draws(seed, len(able)), kind="stable")[: round(test * len(able))]]
    shown = np.zeros(log.n_users, dtype=np.int64)
    shown[drawn] = np.clip(np.floor(given * counts[drawn] + 0.5), 1, counts[drawn] - 1)
    place = np.arange(len(log)) - np.repeat(log.indptr[:-1], counts)
    held_out = np.repeat(shown > 0, counts)
    part_of = held_out * (1 + (place >= np.repeat(shown, counts)))
    train, history, tested = _divided(log, part_of, 3)
    return train, history, tested


def k_fold(log: Interactions, k: int = 5, seed: int = 0) -> Iterator[tuple[Interactions, Interactions]]:
    """Each row is in the test part of one of k pairs (train, test), at random.

    Args:
        log: The log.
        k: The number of folds.
        seed: Draws the rows.

    Returns:
        An iterator over k pairs (train, test).

    Raises:
        TypeError: If `k` or the seed is no whole number.
        ValueError: If `k` is not between 2 and the number of rows, or the seed is negative.
    """
    if not 2 <= checked_integer(k, "k") <= len(log):
        raise ValueError(f"k: takes from 2 to the log's {len(log):,} rows, got {k!r}")
    fold_of = np.empty(len(log), dtype=np.int64)
    fold_of[np.argsort(_draws(seed, len(log)), kind="stable")] = np.arange(len(log)) % k
    return ((log.take(fold_of != fold), log.take(fold_of == fold)) for fold in range(k))


def _shares(test: float, validation: float | None) -> list[float]:
    """The shares of the parts after train, in their order."""
    shares = [test] if validation is None else [validation, test]
    for name, share in (("test", test), ("validation", validation)):
        if share is not None and not 0 < checked_number(share, name) < 1:
            raise ValueError(f"{name}: takes a share between 0 and 1, got {share!r}")
    if sum(shares) >= 1:
        raise ValueError(f"test and validation: {test} and {validation} leave nothing for train")
    return shares


def _draws(seed: int, n: int) -> NDArray[np.uint64]:
    """N random integers, the same for one seed everywhere."""
    return np.random.Philox(key=checked_integer(seed, "seed", least=0)).random_raw(n)


def _divided(log: Interactions, part_of: NDArray[np.integer[Any]], parts: int) -> Parts:
    return tuple(log.take(part_of == part) for part in range(parts))
