"""Names of metrics, and those that are not a mean over questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

RANKING = ("recall", "precision", "map", "ndcg", "hit", "mrr")
CATALOGUE = ("coverage", "novelty", "gini")
RATING = ("rmse", "mae")
_NAME = re.compile(r"([a-z]+)(?:@([1-9][0-9]*))?")


@dataclass(frozen=True)
class Metric:
    """A metric by name; `k` is its cut, 0 for none."""

    name: str
    kind: str
    k: int

    @property
    def uses_lists(self) -> bool:
        """Whether it needs the recommended items themselves."""
        return self.kind in CATALOGUE

    @property
    def uses_positions(self) -> bool:
        """Whether it needs the place of test items wherever they stand."""
        return self.kind == "auc" or (self.kind == "map" and self.k == 0)


def metric_of(name: str) -> Metric:
    """A metric by its name.

    Raises:
        ValueError: If there is none of that name, or it lacks or has a cut that it must have or lack.
    """
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    kind, cut = match.groups() if match else ("", None)
    cut_required = kind in RANKING + CATALOGUE and kind != "map"
    if kind not in (*RANKING, *CATALOGUE, *RATING, "auc"):
        known = ", ".join(f"{each}@k" for each in RANKING + CATALOGUE)
        raise ValueError(f"metrics: there is no {name!r}; there are {known}, map, auc, rmse, mae (k as in ndcg@10)")
    if cut is None and cut_required:
        raise ValueError(f"metrics: {name!r} needs a cut, as in {kind}@10")
    if cut is not None and kind in ("auc", *RATING):
        raise ValueError(f"metrics: {kind} has no cut, got {name!r}")
    return Metric(name, kind, int(cut or 0))


def metrics_of(names: Sequence[str]) -> list[Metric]:
    """Metrics by their names, each once.

    Raises:
        TypeError: If `names` are no names.
        ValueError: If there are none, or there is no metric of a name.
    """
    if not isinstance(names, Iterable):
        raise TypeError(f"metrics: takes names such as ndcg@10, got {names!r}")
    names = [names] if isinstance(names, str) else list(names)
    if not names:
        raise ValueError("metrics: takes at least one name")
    return [metric_of(name) for name in dict.fromkeys(names)]


def gini(counts: NDArray[np.int64]) -> float:
    """Inequality of counts, zeros included: 0 if all are equal, (n - 1) / n if one has everything.

    G = 2 sum_i i x_i / (n sum_i x_i) - (n + 1) / n, with x ascending and i from 1.
    """
    n, total = len(counts), counts.sum()
    if n == 0 or total == 0:
        return 0.0
    ascending = np.sort(counts).astype(np.float64)
    return float(2 * (np.arange(1, n + 1) @ ascending) / (n * total) - (n + 1) / n)


def mean_and_interval(values: Values) -> tuple[float, float]:
    """The mean, and 1.96 standard errors of it (NaN for less than two values); NaN values count for neither."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return float("nan"), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(1.96 * error)
