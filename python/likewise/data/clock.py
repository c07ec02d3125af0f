"""Timestamps of unknown unit as dates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Seconds since 1970 from March 1973 to the year 5138; finer units are 1000 times as large each.
_EARLIEST, _LATEST = 1e8, 1e11
_UNITS = (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9))


def ticks_per_second(timestamps: NDArray[Any]) -> float | None:
    """How many units of a log's timestamps make a second; None where they are no times, but numbers such as 1, 2, 3.

    Args:
        timestamps: Times [rows], datetime64 or numbers, whose median decides.
    """
    if timestamps.dtype.kind == "M":
        return dict(_UNITS)[np.datetime_data(timestamps.dtype)[0]]
    if len(timestamps) == 0:
        return None
    middle = float(np.partition(timestamps, len(timestamps) // 2)[len(timestamps) // 2])
    return next((ticks for _, ticks in _UNITS if _EARLIEST <= middle / ticks < _LATEST), None)


def as_number(timestamps: NDArray[Any]) -> NDArray[Any]:
    """Times as numbers in their own unit."""
    return timestamps.view(np.int64) if timestamps.dtype.kind == "M" else timestamps


def to_log_unit(moment: Any, timestamps: NDArray[Any], name: str) -> Any:
    """A moment given by a caller as a log's timestamps count.

    Args:
        moment: A number in the log's own unit, a datetime, or an ISO date such as "2018-01-31".
        timestamps: The log's timestamps.
        name: The argument, for errors.

    Raises:
        ValueError: If it is a date and the log's timestamps are not, or text that is not an ISO date.
    """
    if isinstance(moment, (int, float, np.integer, np.floating)):
        if timestamps.dtype.kind == "M":
            raise ValueError(f"{name}: the log's timestamps are dates, got the number {moment!r}")
        return moment
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            raise ValueError(f"{name}: takes an ISO date such as '2018-01-31', got {moment!r}") from None
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    date = np.datetime64(moment).astype("datetime64[ns]")
    if timestamps.dtype.kind == "M":
        return date
    ticks = ticks_per_second(timestamps)
    if ticks is None:
        raise ValueError(f"{name}: the log's timestamps are numbers without a date, got {moment!r}")
    return int(date.astype(np.int64)) * ticks / 1e9


def describe_moment(value: Any, ticks: float | None) -> str:
    """A timestamp, as a number, for people: a date where it is one."""
    if ticks is None:
        return f"{value:g}" if isinstance(value, float) else f"{int(value):,}"
    try:
        return datetime.fromtimestamp(float(value) / ticks, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{value}"


def describe_duration(seconds: float) -> str:
    """A span of time for people."""
    for unit, size in (("years", 365.25 * 86400), ("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
