"""Several models on one split."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from likewise import checks
from likewise.evaluation.evaluate import number_drawn
from likewise.evaluation.metrics import metrics_of
from likewise.evaluation.report import Report

Row = dict[str, Any]


class Comparison(Sequence[Row]):
    """One dict for each model: ``model``, each metric, ``train_seconds``, ``test_seconds``. Prints as a table.

    Attributes:
        reports: The report of each model.
    """

    def __init__(self, rows: Sequence[Row], reports: Sequence[Report]) -> None:
        self._rows = list(rows)
        self.reports = list(reports)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        return self._rows[place]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __repr__(self) -> str:
        if not self._rows:
            return "Comparison of no models"
        names = list(self._rows[0])
        cells = [names] + [
            [
                row[name] if name == "model" else f"{row[name]:.{2 if name.endswith('seconds') else 4}f}"
                for name in names
            ]
            for row in self._rows
        ]
        widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
        lines = [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in cells
        ]
        return "\n".join([*lines, str(self.reports[0].protocol)])


def compare(
    models: Sequence[Any],
    train: Any,
    test: Any,
    *,
    metrics: Sequence[str] = ("ndcg@10", "recall@10", "hit@10", "mrr@10"),
    validation: Any = None,
    candidates: Any = "all",
    seed: int = 0,
    verbose: int = 0,
) -> Comparison:
    """Fits models in place and evaluates them on the same test rows.

    Args:
        models: Recommenders.
        train: What they are fitted to.
        test: What they are evaluated on.
        metrics: As in `evaluate`.
        validation: Given to each `fit`.
        candidates: As in `evaluate`.
        seed: Seed of drawn candidates.
        verbose: 1 shows the progress of each fit.

    Returns:
        A sequence of dicts that prints as a table; a model that is there twice gets a number.

    Raises:
        TypeError: If `models` are no recommenders, or `metrics` no names; before anything is fitted.
        ValueError: If a metric or `candidates` is not as in `evaluate`; before anything is fitted.
    """
    if not isinstance(models, Iterable) or isinstance(models, str):
        raise TypeError(f"compare: models takes a list of recommenders, got {models!r}")
    models = list(models)
    for model in models:
        if isinstance(model, type) or not (hasattr(model, "fit") and hasattr(model, "evaluate")):
            raise TypeError(f"compare: models takes recommenders, such as likewise.models.EASE(), got {model!r}")
    metrics = [metric.name for metric in metrics_of(metrics)]
    number_drawn(candidates)
    checks.seed("compare", seed)
    rows: list[Row] = []
    reports: list[Report] = []
    names = [type(model).__name__ for model in models]
    for place, model in enumerate(models):
        name = names[place]
        if names.count(name) > 1:
            name = f"{name} {names[: place + 1].count(name)}"
        begin = time.perf_counter()
        model.fit(train, validation=validation, verbose=verbose)
        fitted = time.perf_counter()
        report = model.evaluate(test, metrics=metrics, candidates=candidates, seed=seed)
        done = time.perf_counter()
        rows.append({"model": name, **report, "train_seconds": fitted - begin, "test_seconds": done - fitted})
        reports.append(report)
    return Comparison(rows, reports)
