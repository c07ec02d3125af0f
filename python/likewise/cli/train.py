"""`likewise train`: a log into a model file."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likewise.cli.arguments import Command, declare_log, declare_settings, make_model, read_log
from likewise.cli.output import say, show

if TYPE_CHECKING:
    from likewise.data import Features, Interactions
    from likewise.models import Recommender

VALIDATION_METRICS = ("ndcg@10", "recall@10")
PATIENCE_EPOCHS = 3


def _declare(parser: argparse.ArgumentParser) -> None:
    declare_log(parser, "log", "who did what")
    parser.add_argument(
        "--model", required=True, help="popularity, itemknn, ease, ials, mf, neumf, gru4rec, sasrec or caser"
    )
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="the model file to write; an older one is replaced"
    )
    declare_settings(parser)
    parser.add_argument(
        "--validation",
        type=float,
        metavar="SHARE",
        help=f"hold out this share of each user's rows; stop once {VALIDATION_METRICS[0]} on them stops rising",
    )
    parser.add_argument(
        "--items", metavar="FILE", help="a table of items, ids first; its column `title` is shown with recommendations"
    )
    parser.add_argument("--items-separator", help="what separates columns of --items; recognised where not given")
    parser.add_argument("--items-encoding", default="utf-8", help="of --items, such as latin-1 (default: %(default)s)")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="stop training after this time")


def _run(arguments: argparse.Namespace) -> None:
    _check_out(Path(arguments.out))
    model = make_model(arguments.model, dict(arguments.settings))
    log = read_log(arguments.log, arguments)
    say(f"{arguments.log}: {log!r}")
    started = time.perf_counter()
    quality: dict[str, float] = {}
    options: dict[str, Any] = {"time_limit": arguments.time_limit}
    if arguments.items:
        options["item_features"] = _read_items(arguments)
    if arguments.validation is None:
        model.fit(log, **options)
    else:
        quality = _fit_with_validation(model, log, arguments.validation, options)
    seconds = time.perf_counter() - started
    model.save(arguments.out)
    result = {
        "model": type(model).__name__,
        "settings": model.get_params(),
        "users": model.n_users,
        "items": model.n_items,
        "seconds": round(seconds, 3),
        "validation": quality,
        "file": arguments.out,
    }
    described = "".join(f", validation {name} {value:.4f}" for name, value in quality.items())
    show(result, f"{model!r} trained in {seconds:.1f} s{described}; saved as {arguments.out}", arguments.json)


def _read_items(arguments: argparse.Namespace) -> Features:
    from likewise.data import Features

    items = Features.read(arguments.items, separator=arguments.items_separator, encoding=arguments.items_encoding)
    if "title" not in items.columns:
        say(f"{arguments.items}: no column 'title' to show with recommendations among {', '.join(items.columns)}")
    return items


def _check_out(out: Path) -> None:
    """Refuses what cannot or must not be written before any work is done.

    Raises:
        ValueError: If `out` is a folder, or a file that is no model file.
        OSError: If its folder is not there or cannot be written to.
    """
    from likewise.files import is_ours

    if out.is_dir():
        raise ValueError(f"--out: takes a file, got the folder {out}")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"--out: no folder {out.parent} to write {out.name} to")
    if not os.access(out.parent, os.W_OK):
        raise PermissionError(f"--out: the folder {out.parent} of {out.name} cannot be written to")
    if out.exists() and not (out.is_file() and is_ours(out)):
        raise ValueError(f"--out: {out} is there and is no model file; it is not overwritten")


def _fit_with_validation(
    model: Recommender, log: Interactions, share: float, options: dict[str, Any]
) -> dict[str, float]:
    from likewise.data.split import by_user
    from likewise.training.callbacks import EarlyStopping

    train, validation = by_user(log, test=share)
    if len(validation) == 0:
        raise ValueError(f"--validation: {share} of each user's rows holds out none of {len(log):,}")
    has_epochs = any(field.name == "epochs" for field in fields(model))
    callbacks = [EarlyStopping(VALIDATION_METRICS[0], patience=PATIENCE_EPOCHS)] if has_epochs else []
    model.fit(train, validation=validation, callbacks=callbacks, **options)
    return dict(model.evaluate(validation, metrics=VALIDATION_METRICS))


TRAIN = Command(
    name="train",
    summary="Train a model on a log and save it.",
    example="  likewise train ratings.csv --model mf --out movies.lw --set dim=32 --validation 0.1",
    declare=_declare,
    run=_run,
)
