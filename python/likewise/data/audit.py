"""What is unusual about a log, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data import clock
from likewise.data.encoded_log import EncodedLog
from likewise.data.filtering import duplicates
from likewise.data.rows import RejectedRow

_YEAR_1990 = 631_152_000  # seconds
_DAY = 86_400
_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One thing an audit looked for.

    Attributes:
        name: What it looked for, such as "duplicates".
        count: How many rows, users or items it concerns; 0 if all is well.
        text: What was found.
        advice: What to do about it.
        examples: The first of what was found: rows, or raw ids.
    """

    name: str
    count: int
    text: str
    advice: str = ""
    examples: tuple[Any, ...] = ()


class Audit(Sequence[Finding]):
    """The findings about a log; prints as a report.

    Attributes:
        skipped: Rows left out while the log was read with `errors="skip"`.
        rejected: The first 10,000 of them, with file, line, column, text and reason.
    """

    def __init__(self, title: str, skipped: int, rejected: tuple[RejectedRow, ...], findings: list[Finding]) -> None:
        self._title, self.skipped, self.rejected, self._findings = title, skipped, rejected, findings

    def __len__(self) -> int:
        return len(self._findings)

    def __getitem__(self, which: Any) -> Any:
        """A finding by its place or its name.

        Raises:
            KeyError: If no finding has the name.
        """
        if not isinstance(which, str):
            return self._findings[which]
        for finding in self._findings:
            if finding.name == which:
                return finding
        raise KeyError(f"no finding {which!r}; there are {', '.join(finding.name for finding in self._findings)}")

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def __str__(self) -> str:
        lines = [f"Audit of {self._title}"]
        for finding in self._findings:
            lines.append(f"  {'!' if finding.count else ' '} {finding.name}: {finding.text}")
            if finding.examples:
                separator = "\n      " if isinstance(finding.examples[0], RejectedRow) else ", "
                more = separator + "..." if len(finding.examples) == _EXAMPLES < finding.count else ""
                start = "\n      " if separator.startswith("\n") else "      e.g. "
                shown = separator.join(str(example) for example in finding.examples)
                lines.append(f"{start.lstrip(chr(10))}{shown}{more}")
            if finding.advice:
                lines.append(f"      -> {finding.advice}")
        return "\n".join(lines)

    __repr__ = __str__


def audit(log: EncodedLog) -> Audit:
    """Looks for malformed rows, duplicates, impossible times, suspicious users, a long tail and imbalance."""
    rejected = log._rejected
    title = f"{log.n_users:,} users, {log.n_items:,} items, {len(log):,} interactions"
    checks: list[Callable[[EncodedLog], Finding]] = [
        _duplicates,
        _impossible_times,
        _simultaneous_rows,
        _suspicious_users,
        _short_histories,
        _long_tail,
        _imbalance,
    ]
    return Audit(title, rejected.count, rejected.rows, [_malformed_rows(log), *(check(log) for check in checks)])


def _malformed_rows(log: EncodedLog) -> Finding:
    rejected = log._rejected
    if not rejected.count:
        return Finding("malformed rows", 0, "none were left out")
    return Finding(
        "malformed rows",
        rejected.count,
        f"{rejected.count:,} were left out",
        "correct the source if they matter; audit().rejected lists them",
        rejected.rows[:_EXAMPLES],
    )


def _duplicates(log: EncodedLog) -> Finding:
    rows = log._rows()
    repeats = ~duplicates(rows, "first")
    count = int(repeats.sum())
    if not count:
        return Finding("duplicates", 0, "no user has an item twice")
    pairs = zip(log.users[repeats][:_EXAMPLES].tolist(), log.items[repeats][:_EXAMPLES].tolist(), strict=True)
    return Finding(
        "duplicates",
        count,
        f"{count:,} rows ({count / len(log):.1%}) repeat a user and an item",
        "each counts as a positive; log.deduplicate() keeps the latest of each pair",
        tuple(pairs),
    )


def _impossible_times(log: EncodedLog) -> Finding:
    name = "time travel"
    if log.timestamps is None:
        return Finding(name, 0, "the log has no timestamps; its order counts as time")
    ticks = clock.ticks_per_second(log.timestamps)
    if ticks is None:
        return Finding(name, 0, "timestamps are numbers, not dates")
    seconds = clock.as_number(log.timestamps) / ticks
    future, early = seconds > time.time() + _DAY, seconds < _YEAR_1990
    count = int((future | early).sum())
    if not count:
        return Finding(name, 0, "no row before 1990 or in the future")
    parts = []
    if early.any():
        parts.append(f"{int(early.sum()):,} rows before 1990 ({int((seconds == 0).sum()):,} at zero)")
    if future.any():
        parts.append(f"{int(future.sum()):,} rows in the future")
    examples = log.timestamps[future | early][:_EXAMPLES].tolist()
    advice = "they sort before or after all others: correct their unit, or leave them out by log.filter(since=, until=)"
    return Finding(name, count, ", ".join(parts), advice, tuple(examples))


def _simultaneous_rows(log: EncodedLog) -> Finding:
    name = "simultaneous rows"
    if log.timestamps is None or len(log) < 2:
        return Finding(name, 0, "not applicable")
    same = (log.timestamps[1:] == log.timestamps[:-1]) & (log.user_index[1:] == log.user_index[:-1])
    count = int(same.sum())
    if not count:
        return Finding(name, 0, "no user has two rows at one moment")
    text = f"{count:,} rows ({count / len(log):.1%}) share the moment of their user's row before"
    many = count > 0.2 * len(log)
    advice = (
        "the order of such rows is that of the source: judge sequence models and leave_last with care" if many else ""
    )
    return Finding(name, count if many else 0, text, advice)


def _suspicious_users(log: EncodedLog) -> Finding:
    name = "suspicious users"
    counts = np.diff(log.indptr)
    if not len(log):
        return Finding(name, 0, "none")
    reasons: list[tuple[str, NDArray[np.bool_]]] = [
        ("have far more rows than others", _far_above(counts)),
        ("have seen more than half of the catalogue", (counts > log.n_items / 2) & (log.n_items >= 100)),
    ]
    if log.ratings is not None and log.ratings.min() < log.ratings.max():
        lowest, highest = (_per_user(log, log.ratings, function) for function in (np.minimum, np.maximum))
        reasons.append(("rate everything alike over 20 rows or more", (counts >= 20) & (lowest == highest)))
    ticks = None if log.timestamps is None else clock.ticks_per_second(log.timestamps)
    if log.timestamps is not None and ticks is not None:
        times = clock.as_number(log.timestamps)
        first, last = (_per_user(log, times, function) for function in (np.minimum, np.maximum))
        quick = (counts >= 100) & ((last - first) / ticks < counts)
        reasons.append(("made 100 rows or more at over one a second", quick))
    suspects = np.logical_or.reduce([who for _, who in reasons])
    count = int(suspects.sum())
    if not count:
        return Finding(name, 0, "none")
    rows = int(counts[suspects].sum())
    parts = [f"{int(who.sum()):,} {reason}" for reason, who in reasons if who.any()]
    text = f"{count:,} with {rows / len(log):.1%} of all rows: {'; '.join(parts)}"
    ids = log.user_ids[suspects][:_EXAMPLES].tolist()
    advice = "look whether they are robots, tests or shared accounts; log.filter(users=...) keeps the others"
    return Finding(name, count, text, advice, tuple(ids))


def _far_above(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Four standard deviations above the mean of the logarithms, and more than ten times the median."""
    active = counts[counts > 0]
    logs = np.log(active)
    limit = max(np.exp(logs.mean() + 4 * logs.std()), 10 * float(np.median(active)))
    return np.asarray(counts > limit)


def _per_user(log: EncodedLog, values: NDArray[Any], function: np.ufunc) -> NDArray[Any]:
    """A reduction over each user's rows [n_users], 0 for users without rows."""
    result = np.zeros(log.n_users, dtype=values.dtype)
    active = np.flatnonzero(np.diff(log.indptr))
    result[active] = function.reduceat(values, log.indptr[:-1][active])
    return result


def _short_histories(log: EncodedLog) -> Finding:
    counts = np.diff(log.indptr)
    short = int((counts < 3).sum())
    if not short:
        return Finding("short histories", 0, "every user has three rows or more")
    text = f"{short:,} users ({short / log.n_users:.1%}) have fewer than three rows"
    advice = "they stay in train; log.filter(min_user_rows=5) leaves them out, Popularity serves them best"
    return Finding("short histories", short, text, advice)


def _long_tail(log: EncodedLog) -> Finding:
    if not len(log):
        return Finding("long tail", 0, "none")
    counts = np.sort(np.bincount(log.item_index, minlength=log.n_items))[::-1]
    shares = np.cumsum(counts) / len(log)
    head = int(np.searchsorted(shares, 0.5)) + 1
    rare = int((counts < 5).sum())
    text = (
        f"{head:,} items ({head / log.n_items:.1%}) have half of all rows; "
        f"{rare:,} ({rare / log.n_items:.1%}) have fewer than five"
    )
    if head > 0.1 * log.n_items and rare < 0.2 * log.n_items:
        return Finding("long tail", 0, text)
    advice = (
        "compare with Popularity and report coverage@k and novelty@k beside accuracy; rare items are learned from "
        "features, or left out by log.filter(min_item_rows=5)"
    )
    return Finding("long tail", rare, text, advice)


def _imbalance(log: EncodedLog) -> Finding:
    name = "imbalance"
    events = log.events
    if events is not None and len(log):
        kinds, counts = np.unique(events, return_counts=True)
        rarest = int(counts.argmin())
        text = ", ".join(f"{kind} {count / len(log):.1%}" for kind, count in zip(kinds, counts, strict=True))
        few = len(kinds) > 1 and counts[rarest] < 0.1 * len(log)
        advice = "every event counts the same: log.filter(events=...) trains on those that matter" if few else ""
        return Finding(name, int(counts[rarest]) if few else 0, text, advice)
    if log.ratings is None or not len(log):
        return Finding(name, 0, "the log has neither ratings nor events: every row is a positive")
    lowest, highest = float(log.ratings.min()), float(log.ratings.max())
    middle = (lowest + highest) / 2
    low = int((log.ratings < middle).sum())
    text = f"{low / len(log):.1%} of ratings are below {middle:g}, the middle between {lowest:g} and {highest:g}"
    if lowest == highest:
        return Finding(name, 0, f"every rating is {lowest:g}")
    if highest > 20 * max(float(np.median(log.ratings)), 1e-9):
        advice = 'they look like counts: IALS(confidence="log") weighs them; other losses take every row as a positive'
        return Finding(name, low, text, advice)
    if low < 0.02 * len(log):
        return Finding(name, 0, text)
    return Finding(name, low, text, "each still counts as a positive: log.filter(min_rating=...) keeps those above")
