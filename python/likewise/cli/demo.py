"""`likewise demo`: models side by side and somebody's recommendations, on simulated or on real data."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likewise.cli.arguments import Command
from likewise.cli.output import say, show, table

if TYPE_CHECKING:
    from likewise.data import Features, Interactions

METRICS = ("ndcg@10", "hit@10")
HISTORY: dict[str, Any] = {
    "epochs": 20,
    "max_length": 50,
    "learning_rate": 0.003,
}  # what a demonstration's minute allows
RECENT_ITEMS = 5
NEXT_STEPS = """\
Where to go next:
  likewise demo ml-latest-small          the same on real ratings of films
  likewise compare ratings.csv           which model for your own log?
  likewise train ratings.csv --model mf --out my.lw
  likewise recommend my.lw --user ID
  likewise --help                        everything else; in Python: import likewise as lw"""


@dataclass(frozen=True)
class DataSet:
    """How a well-known data set is read.

    Args:
        log: The file of ratings.
        items: The file of items, with their titles.
        log_options: Arguments of `Interactions.read`.
        item_options: Arguments of `Features.read`.
    """

    log: str
    items: str
    log_options: dict[str, Any] = field(default_factory=dict)
    item_options: dict[str, Any] = field(default_factory=dict)


ML_100K_ITEM_COLUMNS = ("item", "title", "released", "video", "imdb", *(f"genre {number}" for number in range(19)))
DATA_SETS = {
    "ml-latest-small": DataSet("ratings.csv", "movies.csv"),
    "ml-100k": DataSet(
        "u.data",
        "u.item",
        log_options={"user": 0, "item": 1, "rating": 2, "timestamp": 3},
        item_options={"names": ML_100K_ITEM_COLUMNS, "separator": "|", "encoding": "latin-1"},
    ),
}


@dataclass(frozen=True)
class Material:
    """What a demonstration runs on.

    Args:
        source: What it is and where it comes from, for people.
        train: All rows but each user's last.
        test: Each user's last row.
        item_features: Titles, if there are any.
        best_ndcg: The nDCG@10 no model can beat, where the truth is known.
    """

    source: str
    train: Interactions
    test: Interactions
    item_features: Features | None = None
    best_ndcg: float | None = None


def simulated() -> Material:
    """A log whose truth is known."""
    from likewise.data.simulate import simulate
    from likewise.data.split import leave_last

    simulation = simulate()
    train, test = leave_last(simulation.log)
    best = simulation.best_ndcg(test, train, k=10)
    source = f"a simulated catalogue with known tastes: {first_line(simulation.log)}"
    return Material(source, train, test, simulation.item_features, best)


def real(name: str) -> Material:
    """A well-known data set by its name, or a log by its path.

    Raises:
        FileNotFoundError: If it is neither, or cannot be found or fetched.
        ValueError: If the log is malformed, or no user has two rows.
    """
    from likewise.data import Features, Interactions
    from likewise.data.locate import locate
    from likewise.data.split import leave_last

    if name not in DATA_SETS:
        if not Path(name).is_file():
            raise FileNotFoundError(f"{name}: no such file, and no data set of {', '.join(DATA_SETS)}")
        log, features, path = Interactions.read(name), None, Path(name)
    else:
        known = DATA_SETS[name]
        path = locate(name, known.log)
        log = Interactions.read(path, **known.log_options)
        features = Features.read(locate(name, known.items), **known.item_options)
    train, test = leave_last(log)
    if len(test) == 0:
        raise ValueError(f"{path}: no user has two rows, so that one could be hidden: {first_line(log)}")
    return Material(f"{name} ({path}): {first_line(log)}", train, test, features)


def first_line(log: Interactions) -> str:
    """A log's size in words."""
    return str(log).splitlines()[0]


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        nargs="?",
        help=f"{' or '.join(DATA_SETS)} (from LIKEWISE_DATA, the cache or its publisher), or a log's path; "
        "by default a simulated log, without network or files",
    )


def _run(arguments: argparse.Namespace) -> None:
    from likewise.evaluation import compare
    from likewise.models import EASE, MF, Popularity, SASRec

    material = simulated() if arguments.data is None else real(arguments.data)
    say(f"Data: {material.source}.")
    say("Each user's last item is hidden; four models learn from the rest and rank the whole catalogue.")
    models = [Popularity(), EASE(), MF(), SASRec(**HISTORY)]
    comparison = compare(models, material.train, material.test, metrics=METRICS, verbose=1)
    best = max(range(len(models)), key=lambda place: float(comparison[place]["ndcg@10"]))
    (user,) = material.test.users[:1].tolist()
    found = models[best].recommend(user, k=10)
    result = {
        "data": material.source,
        "models": [dict(row) for row in comparison],
        "best_possible": None if material.best_ndcg is None else {"ndcg@10": material.best_ndcg},
        "user": user,
        "recommended_by": comparison[best]["model"],
        "recent": titled(material, recent_items(material.train, user)),
        "hidden": titled(material, recent_items(material.test, user)),
        "recommendations": [{"rank": row.rank, **titled(material, [row.item])[0], "score": row.score} for row in found],
    }
    show(result, report(result), arguments.json)


def recent_items(log: Interactions, user: Any) -> list[Any]:
    """The raw ids of a user's last items, latest last."""
    place = log.index_of_users(user)[0]
    items: list[Any] = log.item_ids[log.item_index[log.indptr[place] : log.indptr[place + 1]]].tolist()
    return items[-RECENT_ITEMS:]


def titled(material: Material, items: list[Any]) -> list[dict[str, Any]]:
    """Items with their titles, where titles are known."""
    if material.item_features is None:
        return [{"item": item} for item in items]
    return [
        {"item": item, "title": title}
        for item, title in zip(items, material.item_features.titles(items).tolist(), strict=True)
    ]


def report(result: dict[str, Any]) -> str:
    """The demonstration's result as text for people."""
    rows = [
        {name: row[name] for name in ("model", *METRICS, "train_seconds", "test_seconds")} for row in result["models"]
    ]
    if result["best_possible"]:
        rows.append({**dict.fromkeys(rows[0]), "model": "best possible", **result["best_possible"]})

    note = ["best possible: ranked by the probabilities that the catalogue was simulated with"]

    def names(items: list[dict[str, Any]]) -> str:
        return ", ".join(str(item.get("title", item["item"])) for item in items)

    hidden = {item["item"] for item in result["hidden"]}
    recommended = [
        {**row, "": "<- the hidden item" if row["item"] in hidden else None} for row in result["recommendations"]
    ]
    return "\n".join([
        table(rows),
        *(note if result["best_possible"] else []),
        "",
        f"User {result['user']} last had: {names(result['recent'])}.",
        f"Hidden from the models: {names(result['hidden'])}.",
        f"{result['recommended_by']} recommends:",
        table(recommended),
        "",
        NEXT_STEPS,
    ])  # fmt: skip


DEMO = Command(
    name="demo",
    summary="Four models side by side and recommendations for one user, in under a minute.",
    example="  likewise demo\n  likewise demo ml-latest-small",
    declare=_declare,
    run=_run,
)
