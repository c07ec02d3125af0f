"""`likewise compare`: which model for this log?"""

from __future__ import annotations

import argparse

from likewise.cli.arguments import Command, comma_separated, declare_log, make_model, read_log
from likewise.cli.output import say, show


def _declare(parser: argparse.ArgumentParser) -> None:
    declare_log(parser, "log", "who did what")
    parser.add_argument(
        "--models",
        type=comma_separated,
        default=["popularity", "itemknn", "ease", "ials", "mf"],
        metavar="NAMES",
        help="models with their defaults, such as popularity,ease,mf",
    )
    parser.add_argument(
        "--metrics",
        type=comma_separated,
        default=["ndcg@10", "recall@20", "auc"],
        metavar="NAMES",
        help="such as ndcg@10,recall@20,auc",
    )
    parser.add_argument("--test", type=float, default=0.2, metavar="SHARE", help="share of each user's rows held out")
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: %(default)s)")


def _run(arguments: argparse.Namespace) -> None:
    from likewise.data.split import by_user
    from likewise.evaluation import compare

    models = [make_model(name, {}) for name in arguments.models]
    log = read_log(arguments.log, arguments)
    train, test = by_user(log, test=arguments.test, seed=arguments.seed)
    if len(test) == 0:
        raise ValueError(f"--test: {arguments.test} of each user's rows holds out none of {len(log):,}")
    say(f"{arguments.log}: {log!r}; {len(test):,} rows held out")
    comparison = compare(models, train, test, metrics=arguments.metrics)
    show([dict(row) for row in comparison], str(comparison), arguments.json)


COMPARE = Command(
    name="compare",
    summary="Train several models on a log and show their quality side by side.",
    example="  likewise compare ratings.csv --models popularity,itemknn,ease,ials,mf",
    declare=_declare,
    run=_run,
)
