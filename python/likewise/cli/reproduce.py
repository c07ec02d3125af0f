"""`likewise reproduce`: published tables, ours beside the figures in print."""

from __future__ import annotations

import argparse
import sys

from likewise.cli.arguments import Command, comma_separated
from likewise.cli.output import say, show, table


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a table; none: list them")
    parser.add_argument("--models", type=comma_separated, metavar="NAMES", help="some of its models, such as MF,IALS")
    parser.add_argument("--output", metavar="FOLDER", help="where results are kept (default: bench/results)")
    parser.add_argument("--fresh", action="store_true", help="run again what is in the results")
    parser.add_argument("--show", action="store_true", help="run nothing, print what is in the results")


def _run(arguments: argparse.Namespace) -> None:
    from likewise.reproduce import ENTRIES, read_runs, results_file, run_entry, table_rows

    if arguments.name is None:
        rows = [{"name": entry.name, "table": entry.title} for entry in ENTRIES.values()]
        show(rows, table(rows), arguments.json)
        return
    if arguments.name not in ENTRIES:
        raise ValueError(f"reproduce: no table {arguments.name!r}; there are {', '.join(ENTRIES)}")
    entry = ENTRIES[arguments.name]
    say(f"{entry.title}\n{entry.protocol}")
    if arguments.show:
        path = results_file(entry, arguments.output)
        if not path.is_file():
            raise FileNotFoundError(f"reproduce: no results in {path}; --output names their folder, no --show runs it")
        runs = read_runs(path)
    else:
        runs = run_entry(
            entry,
            models=arguments.models,
            folder=arguments.output,
            fresh=arguments.fresh,
            verbose=int(sys.stderr.isatty()),
            tell=say,
        )
    rows = table_rows(entry, runs)
    show(rows, table(rows), arguments.json)


REPRODUCE = Command(
    name="reproduce",
    summary="Train the models of a published table and print ours beside the figures in print.",
    example="  likewise reproduce\n  likewise reproduce ncf-ml1m --models MF,IALS",
    declare=_declare,
    run=_run,
)
