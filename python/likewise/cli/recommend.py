"""`likewise recommend` and `likewise similar`: ranked items from a model file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from likewise.cli.arguments import Command, comma_separated, ids_as_in
from likewise.cli.output import show, table

if TYPE_CHECKING:
    from likewise.models import Recommendations


def _declare_recommend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a file written by `likewise train`")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", action="append", metavar="ID", help="a user of the log; may be repeated")
    who.add_argument(
        "--history",
        type=comma_separated,
        metavar="IDS",
        help="items of somebody new, as 50,172,181; an item with a comma in quotes, as '\"Heat, The\",50'",
    )
    parser.add_argument("--k", type=int, default=10, help="items for each user (default: %(default)s)")
    parser.add_argument("--exclude", type=comma_separated, metavar="IDS", help="items never to recommend")
    parser.add_argument("--keep-viewed", action="store_true", help="also recommend what is in the user's history")


def _run_recommend(arguments: argparse.Namespace) -> None:
    from likewise.models import load

    model = load(arguments.model)

    def items(named: list[str] | None) -> list[Any] | None:
        return None if named is None else ids_as_in(model.item_ids, named)

    found = model.recommend(
        None if arguments.user is None else ids_as_in(model.user_ids, arguments.user),
        k=arguments.k,
        filter_viewed=not arguments.keep_viewed,
        exclude=items(arguments.exclude),
        history=items(arguments.history),
    )
    rows = recommendation_rows(found)
    if arguments.history is not None:  # nobody in particular
        rows = [{name: value for name, value in row.items() if name != "user"} for row in rows]
    show(rows, table(rows), arguments.json)


def recommendation_rows(found: Recommendations) -> list[dict[str, Any]]:
    """One dict for each recommended item: user, rank, item, score, and title where titles are known."""
    rows = [row._asdict() for row in found]
    if found.titles is None:
        for row in rows:
            del row["title"]
    return rows


RECOMMEND = Command(
    name="recommend",
    summary="The best items for a user, or for a list of items somebody liked.",
    example="  likewise recommend movies.lw --user 1 --k 10\n  likewise recommend movies.lw --history 50,172,181",
    declare=_declare_recommend,
    run=_run_recommend,
)


def _declare_similar(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a file written by `likewise train`")
    parser.add_argument("--item", action="append", required=True, metavar="ID", help="an item; may be repeated")
    parser.add_argument("--k", type=int, default=10, help="items for each item (default: %(default)s)")


def _run_similar(arguments: argparse.Namespace) -> None:
    from likewise.models import load

    model = load(arguments.model)
    found = model.similar_items(ids_as_in(model.item_ids, arguments.item), k=arguments.k)
    rows = [{"like" if name == "user" else name: row[name] for name in row} for row in recommendation_rows(found)]
    show(rows, table(rows), arguments.json)


SIMILAR = Command(
    name="similar",
    summary="The items most alike.",
    example="  likewise similar movies.lw --item 50",
    declare=_declare_similar,
    run=_run_similar,
)
