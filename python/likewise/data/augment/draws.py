"""Random numbers that belong to rows: of whole batches at once, and the same in any batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import checks

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85

Words = NDArray[np.uint64]


def uniform(seed: int, epoch: int, rows: NDArray[Any], count: int, first_block: int = 0) -> NDArray[np.float32]:
    """Numbers in [0, 1) for each row, by (seed, epoch, row, place).

    Args:
        seed: 64 bits.
        epoch: 32 bits.
        rows: Numbers of rows [n], 0 or more.
        count: How many for each row.
        first_block: Where in a row's stream to begin, in blocks of four numbers.

    Returns:
        Shape [n, count].
    """
    blocks = np.arange(first_block, first_block - (-count // 4), dtype=np.uint64)
    row = rows.astype(np.uint64)[:, None]
    counter = blocks[None, :], np.uint64(epoch), row & _LOW, row >> _HALF
    words = np.stack(philox(counter, (seed & 0xFFFFFFFF, seed >> 32)), axis=-1).reshape(len(rows), 4 * blocks.size)
    return (words[:, :count] >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)


def normal(seed: int, epoch: int, rows: NDArray[Any], count: int, first_block: int = 0) -> NDArray[np.float32]:
    """Normal numbers for each row (Box and Muller, 1958): sqrt(-2 log u) cos(2 pi v) and sqrt(-2 log u) sin(2 pi v).

    Args and shape as for :func:`uniform`.
    """
    pairs = -(-count // 2)
    draws = uniform(seed, epoch, rows, 2 * pairs, first_block)
    radius = np.sqrt(-2 * np.log(1 - draws[:, :pairs]))
    angle = draws[:, pairs:] * np.float32(2 * np.pi)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :count]


def philox(counter: Sequence[Words | np.uint64], key: tuple[int, int]) -> list[Words]:
    """Philox-4x32 of ten rounds (Salmon et al., SC 2011, section 3.3).

    Args:
        counter: Four words of 32 bits in arrays that broadcast.
        key: Two words of 32 bits.

    Returns:
        Four arrays of words of 32 bits, in the shape the counters broadcast to.
    """
    a, b, c, d = np.broadcast_arrays(*counter)
    left, right = key
    for _ in range(10):
        first, second = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b = (second >> _HALF) ^ b ^ np.uint64(left), second & _LOW
        c, d = (first >> _HALF) ^ d ^ np.uint64(right), first & _LOW
        left, right = (left + _KEY_STEPS[0]) & 0xFFFFFFFF, (right + _KEY_STEPS[1]) & 0xFFFFFFFF
    return [a, b, c, d]


def checked_rows(owner: str, epoch: int, rows: Any, count: int) -> NDArray[np.int64]:
    """The numbers of the rows of a batch; 0, 1, ... if None were given.

    Raises:
        ValueError: Naming the argument, if ``epoch`` is not of 32 bits or there is not one row number an example.
    """
    if not checks.is_integer(epoch) or not 0 <= epoch < 1 << 32:
        raise ValueError(f"{owner}: epoch must be an integer >= 0 and below 2^32, got {epoch!r}")
    numbers = np.arange(count) if rows is None else np.asarray(rows)
    if numbers.shape != (count,) or numbers.dtype.kind not in "iu" or (count and numbers.min() < 0):
        raise ValueError(f"{owner}: rows must be {count} integers, 0 or more, got {rows!r}")
    return numbers.astype(np.int64)
