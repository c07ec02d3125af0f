"""Checks of arguments in equal words: who was called, which argument, what is required, what came."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np


def integer(owner: str, name: str, value: Any, least: int) -> None:
    """Raises unless `value` is an integer, `least` or more."""
    if not is_integer(value) or value < least:
        required = "a positive integer" if least == 1 else f"an integer >= {least}"
        raise ValueError(f"{owner}: {name} must be {required}, got {value!r}")


def seed(owner: str, value: Any) -> None:
    """Raises unless `value` is an integer that 64 bits without a sign can hold."""
    if not is_integer(value) or not 0 <= value < 1 << 64:
        raise ValueError(f"{owner}: seed must be an integer >= 0 and below 2^64, got {value!r}")


def number(owner: str, name: str, value: Any, *, least: float | None = None, above: float | None = None) -> None:
    """Raises unless `value` is a finite number, `least` or more, and more than `above`."""
    fits = is_number(value) and (least is None or value >= least) and (above is None or value > above)
    if not fits:
        bound = "" if least is None and above is None else f" > {above}" if least is None else f" >= {least}"
        raise ValueError(f"{owner}: {name} must be a number{bound}, got {value!r}")


def share(owner: str, name: str, value: Any) -> None:
    """Raises unless `value` is a number from 0 to 1."""
    if not is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"{owner}: {name} must be a number from 0 to 1, got {value!r}")


def rate(owner: str, name: str, value: Any) -> None:
    """Raises unless `value` is a number from 0 on and below 1."""
    if not is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{owner}: {name} must be a number >= 0 and < 1, got {value!r}")


def truth(owner: str, name: str, value: Any) -> None:
    """Raises unless `value` is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{owner}: {name} must be True or False, got {value!r}")


def one_of(owner: str, name: str, value: Any, known: Collection[str | None]) -> None:
    """Raises unless `value` is among `known`."""
    if not (value is None or isinstance(value, str)) or value not in known:
        raise ValueError(f"{owner}: {name} must be one of {', '.join(map(str, known))}; got {value!r}")


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number; True and False are none."""
    return (is_integer(value) or isinstance(value, float | np.floating)) and bool(np.isfinite(value))


def is_integer(value: Any) -> bool:
    """Whether `value` is a whole number of Python or NumPy; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
