"""`likewise evaluate`: a model file's quality on held-out rows."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict

from likewise.cli.arguments import Command, comma_separated, declare_log, read_log
from likewise.cli.output import show


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a file written by `likewise train`")
    declare_log(parser, "test", "the held-out rows")
    parser.add_argument("--history", metavar="LOG", help="what users did before, if not what the model was trained on")
    parser.add_argument(
        "--metrics",
        type=comma_separated,
        default=["ndcg@10", "recall@10", "hit@10", "mrr@10"],
        metavar="NAMES",
        help="such as ndcg@10,recall@20,auc",
    )
    parser.add_argument("--candidates", default="all", help="all, or uniform:N for N drawn negatives a user")


def _run(arguments: argparse.Namespace) -> None:
    from likewise.models import load

    model = load(arguments.model)
    report = model.evaluate(
        read_log(arguments.test, arguments),
        history=read_log(arguments.history, arguments) if arguments.history else None,
        metrics=arguments.metrics,
        candidates=arguments.candidates,
    )
    interval = {name: None if math.isnan(width) else width for name, width in report.interval.items()}
    result = {"metrics": dict(report), "interval": interval, "protocol": asdict(report.protocol)}
    show(result, str(report), arguments.json)


EVALUATE = Command(
    name="evaluate",
    summary="Measure a saved model on held-out rows.",
    example="  likewise evaluate movies.lw test.csv --metrics ndcg@10,recall@10",
    declare=_declare,
    run=_run,
)
