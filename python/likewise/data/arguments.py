"""Checks of numbers that callers give."""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.checks import is_integer


def checked_integer(value: Any, name: str, least: int | None = None) -> int:
    """A whole number.

    Args:
        value: What the caller gave.
        name: The argument, for errors.
        least: The least it may be.

    Raises:
        TypeError: If it is not a whole number.
        ValueError: If it is less than `least`.
    """
    if not is_integer(value):
        raise TypeError(f"{name}: takes a whole number, got {value!r}")
    if least is not None and value < least:
        raise ValueError(f"{name}: takes at least {least}, got {value!r}")
    return int(value)


def checked_number(value: Any, name: str) -> float:
    """A number that is not NaN.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is NaN.
    """
    if not is_integer(value) and not isinstance(value, float | np.floating):
        raise TypeError(f"{name}: takes a number, got {value!r}")
    if np.isnan(value):
        raise ValueError(f"{name}: takes a number, got {value!r}")
    return float(value)
