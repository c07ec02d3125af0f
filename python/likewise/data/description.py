"""A log in a few lines."""

from __future__ import annotations

import numpy as np

from likewise.data import clock
from likewise.data.encoded_log import EncodedLog


def described(log: EncodedLog) -> str:
    """Users, items, interactions, ratings and the span of time, a line each."""
    density = len(log) / max(log.n_users * log.n_items, 1)
    lines = [f"{log.n_users:,} users, {log.n_items:,} items, {len(log):,} interactions ({density:.2%} of all pairs)"]
    if len(log):
        per_user = np.diff(log.indptr)
        lines.append(f"rows a user: {per_user.min():,} to {per_user.max():,}, median {np.median(per_user):,.0f}")
    if len(log) and log.ratings is not None:
        lines.append(f"ratings: {log.ratings.min():g} to {log.ratings.max():g}, mean {log.ratings.mean():.2f}")
    if len(log) and log.timestamps is not None:
        ticks = clock.ticks_per_second(log.timestamps)
        times = clock.as_number(log.timestamps)
        first, last = times.min(), times.max()
        span = f" ({clock.describe_duration(float(last - first) / ticks)})" if ticks else ""
        lines.append(f"time: {clock.describe_moment(first, ticks)} to {clock.describe_moment(last, ticks)}{span}")
    if log._event_vocabulary is not None and log._event_index is not None:
        counts = np.bincount(log._event_index, minlength=len(log._event_vocabulary))
        listed = [f"{name} {count:,}" for name, count in zip(log._event_vocabulary.ids, counts, strict=True)]
        lines.append(f"events: {', '.join(listed[:8])}{', ...' if len(listed) > 8 else ''}")
    return "\n  ".join(lines)
