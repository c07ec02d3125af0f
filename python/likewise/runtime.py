"""Threads and the global seed."""

from __future__ import annotations

from collections import Counter

from likewise import _core

_seed = 0
_numbers: Counter[str] = Counter()


def get_num_threads() -> int:
    """Threads used for one call: LIKEWISE_NUM_THREADS, else OMP_NUM_THREADS, else the processors allowed."""
    return _core.num_threads()


def set_num_threads(count: int) -> None:
    """Set the number of threads used for one call; results do not depend on it.

    Raises:
        ValueError: If ``count`` is not in 1..256.
    """
    _core.set_num_threads(count)


def set_seed(seed: int) -> None:
    """Set the seed of initial values and dropout for networks that were not given one."""
    global _seed
    _seed = int(seed)
    _numbers.clear()


def get_seed() -> int:
    """The seed last given to :func:`set_seed`, 0 at the start."""
    return _seed


def next_number(kind: str) -> int:
    """0, 1, 2, ... for each kind, anew after :func:`set_seed`: tells apart what nothing else does."""
    number = _numbers[kind]
    _numbers[kind] += 1
    return number
