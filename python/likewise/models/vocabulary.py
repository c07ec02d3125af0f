"""From what callers name (raw ids, histories) to indices in a model's vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.data import Interactions
from likewise.data.columns import logger
from likewise.data.histories import Histories
from likewise.models.people import Indices, People

if TYPE_CHECKING:
    from likewise.models.recommender import Recommender


def as_log(source: Any) -> Interactions:
    """A log from whatever `Interactions` takes: a log, a path, a frame, a CSR matrix, or (users, items).

    Raises:
        TypeError: If it is none of these.
    """
    if isinstance(source, Interactions):
        return source
    if isinstance(source, (str, PathLike)):
        return Interactions.read(source)
    if isinstance(source, tuple):
        return Interactions(*source)
    if hasattr(source, "tocsr") or hasattr(source, "indptr"):
        return Interactions.from_csr(source)
    if hasattr(source, "columns"):
        return Interactions.from_frame(source)
    raise TypeError(
        f"a log is an Interactions, a path, a frame, a CSR matrix or (users, items), got {type(source).__name__}"
    )


def is_one_id(ids: Any) -> bool:
    """Whether `ids` is a single raw id (a str is one) rather than many."""
    return isinstance(ids, str) or not isinstance(ids, Iterable) or getattr(ids, "ndim", 1) == 0


def history_lists(history: Any) -> list[Any]:
    """The rows of a history given as one list of ids (one row) or a list of lists."""
    if is_one_id(history):
        raise TypeError(f"history: takes a log, a list of item ids or a list of lists, got {type(history).__name__}")
    rows = list(history)
    nested = [not is_one_id(row) for row in rows]
    if any(nested) and not all(nested):
        raise ValueError("history: takes a list of item ids or a list of lists, got a mixture of both")
    return rows if rows and nested[0] else [rows]


def listed(ids: Any) -> list[Any]:
    """One raw id or many as a list."""
    return [ids] if is_one_id(ids) else list(ids)


@dataclass(frozen=True, eq=False)
class Question:
    """Users to recommend to: their names in the result, and which of them nothing is known of."""

    names: NDArray[Any]
    people: People
    fallback: NDArray[np.bool_]


def question(model: Recommender, users: Any, history: Any, unknown: str, filter_viewed: bool) -> Question:
    """Resolves the arguments `users`, `history` and `unknown` of `Recommender.recommend`.

    Raises:
        KeyError: If a user is outside the vocabulary without a history, or a history names an unknown item.
        ValueError: If histories and users differ in number, or the log is needed and was not saved.
    """
    if unknown not in ("error", "popular"):
        raise ValueError(f'unknown: takes "error" or "popular", got {unknown!r}')
    log = history if isinstance(history, Interactions) else None
    if users is not None:
        names = listed(users)
    elif log is not None:
        names = log.user_ids[np.diff(log.indptr) > 0].tolist()
    elif history is None:
        names = model.user_ids.tolist()
    else:
        names = list(range(len(history_lists(history))))
    if history is None or log is not None:
        people = model.people(names, log)
        named = people.histories.lengths > 0
        if filter_viewed and log is None and model.log_ is None:
            raise ValueError("recommend: the model was saved with log=False: give history= or filter_viewed=False")
    else:
        rows = history_lists(history)
        if len(rows) != len(names):
            raise ValueError(f"recommend: {len(names)} users, {len(rows)} histories")
        given = Histories.of_lists([model.vocabulary.index_of_items(row) for row in rows])
        people = People(_trained(model, names, users is not None), given)
        named = given.lengths > 0
    strangers = (people.index < 0) & (people.histories.lengths == 0)
    if unknown == "error" and users is not None:
        outside = [name for name, stranger in zip(names, strangers & ~named, strict=True) if stranger]
        model.vocabulary.index_of_users(outside)  # raises for ids outside; users without rows are served as popular
    return Question(_names(names), people, strangers)


def people(model: Recommender, users: Any, log: Interactions | None, histories: Histories | None = None) -> People:
    """See `Recommender.people`."""
    if histories is not None:
        return People(_trained(model, users, True), histories)
    own = model.log_
    histories = Histories.empty(len(users))
    if own is not None:
        histories = Histories.of_log(own, own.find_users(users))
    if log is not None:
        places = log.find_users(users)
        given = Histories.of_log(log, places).mapped(model.vocabulary.find_items(log.item_ids))
        histories = histories.replaced(given, Histories.of_log(log, places).lengths > 0)
    return People(_trained(model, users, True), histories)


def pairs(model: Recommender, users: Any, items: Any) -> tuple[NDArray[np.int64], People, Indices]:
    """Resolves the arguments of `Recommender.predict`: for each pair the row of its user, and its item.

    Raises:
        KeyError: If an id is outside the vocabulary, or nothing is known of a user.
        ValueError: If there are several of both and their numbers differ.
    """
    user_list, item_list = listed(users), listed(items)
    if len(user_list) != len(item_list) and 1 not in (len(user_list), len(item_list)):
        raise ValueError(f"predict: {len(user_list)} users, {len(item_list)} items: give as many, or one")
    n = max(len(user_list), len(item_list)) if user_list and item_list else 0
    model.vocabulary.index_of_users(user_list)
    item_index = np.broadcast_to(model.vocabulary.index_of_items(item_list), n)
    found = model.vocabulary.index_of_users(user_list)
    distinct, rows = np.unique(found, return_inverse=True)
    asked = model.people(model.user_ids[distinct], None)
    strangers = (asked.index < 0) & (asked.histories.lengths == 0)
    if strangers.any():
        raise KeyError(f"predict: user {model.user_ids[distinct[strangers][0]]!r} has no row in the fitted log")
    return np.broadcast_to(rows.astype(np.int64), n), asked, np.ascontiguousarray(item_index)


def allowed_items(model: Recommender, items: Any, exclude: Any) -> NDArray[np.bool_]:
    """Which items may be recommended [n_items]: those with a training row, in `items`, not in `exclude`.

    Raises:
        KeyError: If an id is outside the vocabulary.
    """
    allowed = model.item_counts_ > 0
    if items is not None:
        chosen = np.zeros_like(allowed)
        chosen[model.vocabulary.index_of_items(listed(items))] = True
        allowed &= chosen
    if exclude is not None:
        allowed[model.vocabulary.index_of_items(listed(exclude))] = False
    return allowed


def titles_of(item_features: Any, log: Interactions) -> NDArray[Any] | None:
    """The titles of the log's items [n_items], None where there is none; None without a ``title`` column.

    Warns where not one item has a title, which ids of another kind would explain.
    """
    if item_features is None or "title" not in item_features.columns:
        return None
    titles: NDArray[Any] = item_features.column("title", log.item_ids).astype(object)
    if log.n_items and all(title is None for title in titles):
        known = f"such as {item_features.ids[:1].tolist()[0]!r}" if len(item_features) else "none"
        (item,) = log.item_ids[:1].tolist()
        message = "item_features: 0 of %s items have a title; the log's ids are such as %r, the features' %s"
        logger.warning(message, f"{log.n_items:,}", item, known)
    return titles


def _trained(model: Recommender, users: Any, by_id: bool) -> Indices:
    """Indices of users in the vocabulary; -1 outside, and for users without a row at training."""
    if not by_id:
        return np.full(len(users), -1, dtype=np.int32)
    index = model.vocabulary.find_users(users)
    index[(index >= 0) & (model.user_counts_[index] == 0)] = -1
    return index


def _names(names: list[Any]) -> NDArray[Any]:
    if all(isinstance(name, int | np.integer) for name in names):
        return np.array(names, dtype=np.int64)
    array = np.empty(len(names), dtype=object)
    array[:] = names
    return array
