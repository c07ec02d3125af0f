"""Rows into the order every log keeps: by user, then time, then arrival."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.integer[Any]]
_BLOCK = 1 << 20  # rows; work in blocks keeps temporary arrays small


def row_pointers(user_index: NDArray[np.integer[Any]], n_users: int) -> NDArray[np.int64]:
    """CSR pointers [n_users + 1]: the rows of user u are pointers[u] to pointers[u + 1]."""
    pointers = np.zeros(n_users + 1, dtype=np.int64)
    np.cumsum(np.bincount(user_index, minlength=n_users), out=pointers[1:])
    return pointers


def order_by_user_and_time(user_index: Order, times: NDArray[Any] | None, n_users: int) -> Order | None:
    """The stable order by user, then time: row numbers [n]; None where rows are in that order already.

    Sorting plain 64-bit integers costs a tenth of an indirect stable sort. So time and row are packed into one integer
    and sorted, then user and rank in time.
    """
    n = len(user_index)
    if n < 2 or _is_ordered(user_index, times):
        return None
    row_bits = (n - 1).bit_length()
    if times is None:
        return _low_bits(_sorted_keys(user_index, row_bits), row_bits)
    by_time = _order_in_time(times, row_bits)
    by_user = _low_bits(_sorted_keys(gathered(user_index, by_time), row_bits), row_bits)
    return gathered(by_time, by_user)


def gathered(column: NDArray[Any], order: Order) -> NDArray[Any]:
    """`column[order]`, in blocks: NumPy would make a 64-bit copy of the whole order."""
    result = np.empty(len(order), dtype=column.dtype)
    for begin in range(0, len(order), _BLOCK):
        np.take(column, order[begin : begin + _BLOCK], out=result[begin : begin + _BLOCK], mode="clip")
    return result


def _order_in_time(times: NDArray[Any], row_bits: int) -> Order:
    """The stable order by time."""
    if times.dtype.kind in "iM":
        ticks = times.view(np.int64)
        start = int(ticks.min())
        if (int(ticks.max()) - start).bit_length() + row_bits <= 63:
            return _low_bits(_sorted_keys(ticks - start, row_bits), row_bits)
    return np.asarray(np.argsort(times, kind="stable"), dtype=np.int64)


def _sorted_keys(high: NDArray[np.integer[Any]], row_bits: int) -> NDArray[np.int64]:
    """Sorted integers of `high` in the upper bits and the row in the lower ones. Takes over `high` if it is int64."""
    keys = high.astype(np.int64, copy=False)
    for begin in range(0, len(keys), _BLOCK):
        block = keys[begin : begin + _BLOCK]
        block <<= row_bits
        block |= np.arange(begin, begin + len(block), dtype=np.int64)
    keys.sort()
    return keys


def _low_bits(keys: NDArray[np.int64], bits: int) -> Order:
    rows: Order = np.empty(len(keys), dtype=np.int32 if bits <= 31 else np.int64)
    for begin in range(0, len(keys), _BLOCK):
        rows[begin : begin + _BLOCK] = keys[begin : begin + _BLOCK] & ((1 << bits) - 1)
    return rows


def _is_ordered(user_index: Order, times: NDArray[Any] | None) -> bool:
    before, after = user_index[:-1], user_index[1:]
    if not (before <= after).all():
        return False
    return times is None or bool(((before < after) | (times[:-1] <= times[1:])).all())
