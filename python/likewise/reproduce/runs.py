"""Runs the models of a table, one seed at a time, and keeps what was measured in a file that a cut run continues."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import likewise
from likewise import _core
from likewise.callbacks import Callback, EarlyStopping
from likewise.data.locate import cache_folder
from likewise.evaluation import Report
from likewise.reproduce.entry import Contender, Entry, Task

Run = dict[str, Any]


class TestReadings(Callback):
    """Reads the test set during training, as the published run did, without ever steering by it.

    Args:
        model: The recommender in training.
        read: Its figures on the test set.
        metrics: What is read.
        every: Epochs between two readings.
    """

    __test__ = False  # not a test, whatever its name

    def __init__(self, read: Callable[[], dict[str, float]], metrics: Sequence[str], every: int) -> None:
        self._read, self._metrics, self._every = read, list(metrics), every
        self.best: dict[str, float] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keeps the best value of every metric."""
        if (epoch + 1) % self._every:
            return
        for metric, value in self._read().items():
            self.best[metric] = max(value, self.best.get(metric, value))

    def state(self) -> dict[str, Any]:
        """The best values so far."""
        return dict(self.best)

    def restore(self, state: dict[str, Any]) -> None:
        """Takes back what `state` gave."""
        self.best = dict(state)


class TrainingClock(Callback):
    """Seconds of training, those before a cut included."""

    def __init__(self) -> None:
        self._start, self._before = time.monotonic(), 0.0

    def seconds(self) -> float:
        """Until now."""
        return self._before + time.monotonic() - self._start

    def state(self) -> dict[str, Any]:
        """The seconds so far."""
        return {"seconds": self.seconds()}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes back what `state` gave."""
        self._before = state["seconds"]


def results_file(entry: Entry, folder: str | os.PathLike[str] | None = None) -> Path:
    """Where the results of a table are kept: in `folder`, else in ``bench/results`` of the working directory."""
    return Path(folder if folder is not None else Path("bench") / "results") / f"reproduce-{entry.name}.json"


def read_runs(path: Path) -> list[Run]:
    """The runs in a file of results; none if there is no file."""
    return list(json.loads(path.read_text())["runs"]) if path.is_file() else []


def run_entry(
    entry: Entry,
    *,
    models: Sequence[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    verbose: int = 1,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Run]:
    """Trains and evaluates the models of a table that are not in its file of results yet.

    Args:
        entry: The table.
        models: Names of its models; None: all.
        folder: Of the file of results; see `results_file`.
        fresh: Run again what is there.
        verbose: 1 shows progress, 0 nothing.
        tell: Called with a line of text after every run.

    Returns:
        All runs in the file.

    Raises:
        ValueError: If the table has no model of a given name.
        FileNotFoundError: If the data are in no folder and cannot be downloaded.
    """
    chosen = [entry.contender(name) for name in models] if models else list(entry.contenders)
    path = results_file(entry, folder)
    runs = read_runs(path)
    task: Task | None = None
    for contender in chosen:
        for seed in contender.seeds:
            settings = _settings(contender, seed)
            same = [run for run in runs if (run["model"], run["seed"]) == (contender.name, seed)]
            if same and same[0]["settings"] == settings and not fresh:
                continue
            task = task or entry.load()
            run = run_once(entry, contender, seed, task, verbose, fresh)
            runs = [kept for kept in runs if kept not in same] + [run]
            _write(path, entry, runs)
            tell(f"{contender.name}, seed {seed}: {_text(run['figures'])} in {run['seconds']:.0f} s")
    return runs


def run_once(entry: Entry, contender: Contender, seed: int, task: Task, verbose: int = 1, fresh: bool = False) -> Run:
    """One model with one seed; a cut training continues from its last epoch, unless it is to be a fresh one."""
    model = contender.make(seed)
    state = _state_file(entry, contender, seed)
    state.parent.mkdir(parents=True, exist_ok=True)
    if fresh:
        state.unlink(missing_ok=True)

    history = None if task.validation is None else task.train + task.validation

    def test() -> Report:
        return model.evaluate(task.test, history=history, metrics=entry.metrics, candidates=task.candidates)

    def read() -> dict[str, float]:
        model._forget_scorer()
        return dict(test())

    readings = [TestReadings(read, entry.metrics, every)] if (every := contender.test_picked_every) else []
    clock = TrainingClock()
    callbacks: list[Callback] = [clock, *readings]
    validation = None
    if contender.patience is not None:
        callbacks.append(EarlyStopping("ndcg@10", patience=contender.patience))
        validation = task.validation
    model.fit(task.train, validation=validation, callbacks=callbacks, resume=state, verbose=verbose)
    seconds, trained = clock.seconds(), time.monotonic()
    report = test()
    if not entry.trainings:
        state.unlink(missing_ok=True)
    return {
        "model": contender.name,
        "seed": seed,
        "settings": _settings(contender, seed),
        "figures": {metric: float(report[metric]) for metric in entry.metrics},
        "interval": {metric: float(report.interval[metric]) for metric in entry.metrics},
        "test_picked": readings[0].best if readings else {},
        "epochs": 0 if model.training_ is None else len(model.training_),
        "protocol": str(report.protocol),
        "seconds": round(seconds, 1),
        "evaluation_seconds": round(time.monotonic() - trained, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """What a figure is read with."""
    return {
        "cpu": _processor(),
        "isa": _core.isa_level(),
        "threads": _core.num_threads(),
        "likewise": likewise.__version__,
        "commit": _commit(),
    }


def _state_file(entry: Entry, contender: Contender, seed: int) -> Path:
    """Of a training; other settings have another, so that what is kept is never taken for theirs."""
    settings = json.dumps(_settings(contender, seed), sort_keys=True)
    mark = hashlib.sha256(settings.encode()).hexdigest()[:8]
    folder = cache_folder() / "reproduce" / (entry.trainings or entry.name)
    return folder / f"{contender.name}-{seed}-{mark}.state"


def _settings(contender: Contender, seed: int) -> dict[str, Any]:
    model = contender.make(seed)
    return {"class": type(model).__name__, **model.get_params()}


def _text(figures: dict[str, float]) -> str:
    return ", ".join(f"{metric} {value:.4f}" for metric, value in figures.items())


def _write(path: Path, entry: Entry, runs: list[Run]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"name": entry.name, "title": entry.title, "protocol": entry.protocol, "runs": runs}
    beside = path.with_suffix(".partial")
    beside.write_text(json.dumps(content, indent=1) + "\n")
    beside.replace(path)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    try:
        found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
