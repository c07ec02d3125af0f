"""Ours beside the published figures."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from likewise.reproduce.entry import Contender, Entry
from likewise.reproduce.runs import Run

TOLERANCE = 5e-5  # published figures are rounded to four places


def table_rows(entry: Entry, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One row for every model and metric: mean over seeds, its standard error, the published figure, the difference.

    A row is reached when the mean plus its standard error meets the published figure, or lies within what the table
    allows.
    """
    rows = []
    for contender in entry.contenders:
        mine = [run for run in runs if run["model"] == contender.name]
        for metric in entry.metrics:
            rows.append(_row(contender, metric, mine, entry.allowance))
    for name, figures in entry.in_print.items():
        rows += [_empty(name, metric) | {"published": value} for metric, value in figures.items()]
    return rows


def _empty(model: str, metric: str) -> dict[str, Any]:
    columns = ("ours", "error", "seeds", "test-picked", "published", "difference", "reached", "seconds")
    return {"model": model, "metric": metric, **dict.fromkeys(columns)}


def _row(contender: Contender, metric: str, runs: Sequence[Run], allowance: float) -> dict[str, Any]:
    row = _empty(contender.name, metric)
    published = contender.published.get(metric)
    row["published"] = published
    if not runs:
        return row
    values = [float(run["figures"][metric]) for run in runs]
    mean = statistics.fmean(values)
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    row |= {"ours": mean, "error": error, "seeds": len(values), "seconds": statistics.fmean(r["seconds"] for r in runs)}
    picked = [float(run["test_picked"][metric]) for run in runs if metric in run.get("test_picked", {})]
    if picked:
        row["test-picked"] = statistics.fmean(picked)
    if published is not None:
        lower = metric.split("@")[0] in ("rmse", "mae")
        row["difference"] = mean - published
        gap = (mean - error - published) if lower else (published - mean - error)
        row["reached"] = "yes" if gap <= max(TOLERANCE, allowance) else "no"
    return row
