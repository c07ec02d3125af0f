"""How commands are declared, and the arguments that several of them take."""

from __future__ import annotations

import argparse
import ast
import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from likewise.data import Interactions
    from likewise.models import Recommender

COLUMNS = ("user", "item", "rating", "timestamp", "event")


@dataclass(frozen=True)
class Command:
    """One command: `likewise NAME`.

    Args:
        name: What is typed after `likewise`.
        summary: One line for `likewise --help`.
        example: Command lines shown by `likewise NAME --help`.
        declare: Adds the command's arguments to its parser.
        run: Does the work; prints results on stdout.
    """

    name: str
    summary: str
    example: str
    declare: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"likewise: error: {message} (see {self.prog} --help)\n")


def command_parser(commands: Iterable[Command]) -> argparse.ArgumentParser:
    """The parser of the whole command line; the chosen command's `run` is in the result."""
    from likewise import __version__

    parser = _Parser(prog="likewise", description="Recommendations from a log of who did what.")
    parser.add_argument("--version", action="version", version=f"likewise {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        subparser = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=command.summary,
            epilog=f"example:\n{command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.declare(subparser)
        subparser.add_argument("--json", action="store_true", help="print the result as JSON")
        subparser.set_defaults(run=command.run)
    return parser


def comma_separated(text: str) -> list[str]:
    """An argument type: 'a,b' is ["a", "b"], and '"a,b",c' is ["a,b", "c"]."""
    try:
        parts = [part.strip() for row in csv.reader([text], skipinitialspace=True) for part in row if part.strip()]
    except csv.Error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not divided by commas: {error}") from error
    if not parts:
        raise argparse.ArgumentTypeError(f"takes at least one, got {text!r}")
    return parts


# --- a log


def declare_log(parser: argparse.ArgumentParser, name: str, what: str) -> None:
    """Adds a log as a positional argument, and how to read it."""
    parser.add_argument(name, help=f"{what}: csv, tsv, '::', .inter, parquet or JSON lines; .gz too")
    group = parser.add_argument_group("reading the log")
    group.add_argument(
        "--columns",
        type=_columns,
        default={},
        metavar="user=0,item=1",
        help="names or positions of user, item, rating, timestamp and event; recognised where not given",
    )
    group.add_argument("--separator", help="what separates columns; recognised where not given")
    group.add_argument("--encoding", default="utf-8", help="such as latin-1 (default: %(default)s)")
    group.add_argument("--min-rating", type=float, metavar="X", help="leave out rows with a lower rating")
    group.add_argument("--order", choices=("time", "file"), default="time", help="order of a user's rows")
    group.add_argument("--errors", choices=("raise", "skip"), default="raise", help="what to do about malformed rows")


def read_log(path: str, arguments: argparse.Namespace) -> Interactions:
    """The log at `path`, read as the arguments of `declare_log` say."""
    from likewise.data import Interactions

    return Interactions.read(
        path,
        **arguments.columns,
        separator=arguments.separator,
        encoding=arguments.encoding,
        min_rating=arguments.min_rating,
        order=arguments.order,
        errors=arguments.errors,
    )


def _columns(text: str) -> dict[str, str | int]:
    columns: dict[str, str | int] = {}
    for part in comma_separated(text):
        role, equals, column = part.partition("=")
        if not equals or role not in COLUMNS:
            raise argparse.ArgumentTypeError(f"{part!r} is not ROLE=COLUMN with a role of {', '.join(COLUMNS)}")
        columns[role] = int(column) if column.isdecimal() else column
    return columns


def ids_as_in(known: Any, texts: list[str]) -> list[Any]:
    """Ids typed on the command line as the vocabulary has them: integers if it holds integers.

    Raises:
        KeyError: If an integer is needed and something else was typed.
    """
    if known.dtype.kind not in "iu":
        return list(texts)
    if wrong := [text for text in texts if not text.lstrip("-").isdecimal()]:
        raise KeyError(f"ids are integers here, got {wrong[0]!r}")
    return [int(text) for text in texts]


# --- models


def models_by_name() -> dict[str, type[Recommender]]:
    """Every model by the name it has on the command line, such as "itemknn" for `ItemKNN`."""
    from likewise import models

    public = [getattr(models, name) for name in models.__all__]
    return {
        model.__name__.lower(): model
        for model in public
        if isinstance(model, type) and issubclass(model, models.Recommender) and model is not models.Recommender
    }


def make_model(name: str, settings: dict[str, Any]) -> Recommender:
    """A model by its name on the command line.

    Raises:
        ValueError: If there is no such model, or it has no such setting.
    """
    known = models_by_name()
    if name.lower() not in known:
        raise ValueError(f"model must be one of {', '.join(known)}, got {name!r}")
    model = known[name.lower()]
    possible = [field.name for field in fields(model)]
    for setting in settings:
        if setting not in possible:
            raise ValueError(f"{name} has no setting {setting!r}; it has {', '.join(possible)}")
    return model(**settings)


def declare_settings(parser: argparse.ArgumentParser) -> None:
    """Adds `--set NAME=VALUE`, which may be repeated."""
    parser.add_argument(
        "--set",
        dest="settings",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the model, such as dim=32; may be repeated",
    )


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value  # a word
