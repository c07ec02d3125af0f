"""From what callers name (raw ids, histories) to indices in a model's vocabulary."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
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
    """A log from whatever `Interactions` takes.

    That is a log, a path, a frame, a mapping of arrays, a sparse matrix, or a tuple: (users, items), to which ratings
    and then timestamps may be added.

    Raises:
        TypeError: If it is none of these.
    """
    if isinstance(source, Interactions):
        return source
    if isinstance(source, (str, PathLike)):
        return Interactions.read(source)
    if isinstance(source, tuple) and 2 <= len(source) <= 4:
        return Interactions(*source[:2], **dict(zip(("ratings", "timestamps"), source[2:], strict=False)))
    if hasattr(source, "tocsr"):
        return Interactions.from_csr(source.tocsr())
    if hasattr(source, "indptr"):
        return Interactions.from_csr(source)
    if isinstance(source, Mapping) or hasattr(source, "columns"):
        return Interactions.from_frame(source)
    raise TypeError(
        "a log is an Interactions, a path, a frame, a mapping of arrays, a sparse matrix or a tuple (users, items, "
        f"ratings, timestamps) of 2 to 4, got {type(source).__name__}"
        + (f" of {len(source)}" if isinstance(source, tuple) else "")
    )


def is_one_id(ids: Any) -> bool:
    """Whether `ids` is a single raw id (a str or bytes is one) rather than many."""
    return isinstance(ids, str | bytes) or not isinstance(ids, Iterable) or getattr(ids, "ndim", 1) == 0


def as_history(history: Any) -> Interactions | list[list[Any]]:
    """What `history=` takes: whatever is a log, or lists of raw ids, of which one list is one row.

    A tuple is a list here.

    Raises:
        TypeError: If it is neither.
        ValueError: If it mixes ids and lists.
    """
    a_log = (Interactions, str, PathLike, Mapping)
    if isinstance(history, a_log) or any(hasattr(history, name) for name in ("tocsr", "indptr", "columns")):
        return as_log(history)
    if is_one_id(history):
        raise TypeError(f"history: takes a log, a list of item ids or a list of lists, got {type(history).__name__}")
    rows = list(history)
    nested = [not is_one_id(row) for row in rows]
    if any(nested) and not all(nested):
        raise ValueError("history: takes a list of item ids or a list of lists, got a mixture of both")
    return [list(row) for row in rows] if rows and nested[0] else [rows]


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
        KeyError: If a user is outside the vocabulary without a history, or a history names unknown items only, unless
            `unknown` is "popular".
        ValueError: If histories and users differ in number, or the log is needed and was not saved.
    """
    if unknown not in ("error", "popular"):
        raise ValueError(f'unknown: takes "error" or "popular", got {unknown!r}')
    given = None if history is None else as_history(history)
    if users is not None:
        names = listed(users)
    elif given is None:
        names = model.user_ids.tolist()
    elif isinstance(given, Interactions):
        names = given.user_ids[np.diff(given.indptr) > 0].tolist()
    else:
        names = list(range(len(given)))

    if isinstance(given, list):
        if len(given) != len(names):
            raise ValueError(f"recommend: {len(names)} users, {len(given)} histories")
        places = [model.vocabulary.find_items(row) for row in given]
        if unknown == "error":
            _check_histories(model, given, places)
        histories = Histories.of_lists([row[row >= 0] for row in places])
        people = People(_trained(model, names, users is not None), histories)
        told = np.ones(len(names), dtype=bool)
    else:
        people, told = model.people(names, given), np.zeros(len(names), dtype=bool)
        if given is not None:
            rows = Histories.of_log(given, given.find_users(names))
            if unknown == "error":
                listed_rows = np.split(rows.items, rows.indptr[1:-1])
                found = model.vocabulary.find_items(given.item_ids)
                raw = [given.item_ids[row].tolist() for row in listed_rows]
                _check_histories(model, raw, [found[row] for row in listed_rows])
            told = rows.lengths > 0
    _need_log(model, people.index[~told], filter_viewed, "recommend", ": give history=")
    strangers = _strangers(model, people)
    if unknown == "error" and users is not None:
        outside = [name for name, stranger in zip(names, strangers, strict=True) if stranger]
        model.vocabulary.index_of_users(outside)  # raises for ids outside; users without rows are served as popular
    return Question(_names(names), people, strangers)


def _check_histories(model: Recommender, rows: Sequence[Any], places: Sequence[Indices]) -> None:
    """Warns of unknown items in histories, which are left out.

    Raises:
        KeyError: If a history has nothing but unknown items.
    """
    unknown = [np.flatnonzero(found < 0) for found in places]
    for row, missing in zip(rows, unknown, strict=True):
        if len(row) and len(missing) == len(row):
            model.vocabulary.index_of_items(row)
    count = sum(map(len, unknown))
    if count:
        some = next(row[missing[0]] for row, missing in zip(rows, unknown, strict=True) if len(missing))
        of = sum(map(len, rows))
        warnings.warn(
            f"history: {count:,} of {of:,} items are unknown to the model and left out, such as {some!r}", stacklevel=4
        )


def _need_log(model: Recommender, index: Indices, filtered: bool, caller: str, instead: str) -> None:
    """Raises if the fitted log, which was not saved, is needed for one of these users, by index (-1: unknown)."""
    if model.log_ is None and (filtered or model.from_histories) and (index >= 0).any():
        why = "computes users from their histories" if model.from_histories else "leaves out what users have viewed"
        raise ValueError(f"{caller}: {type(model).__name__} {why}, and was saved with log=False{instead}")


def _strangers(model: Recommender, people: People) -> NDArray[np.bool_]:
    """Users of whom the model knows nothing [n]."""
    empty: NDArray[np.bool_] = people.histories.lengths == 0
    return empty if model.from_histories else empty & (people.index < 0)


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
        ValueError: If there are several of both and their numbers differ, or the log is needed and was not saved.
    """
    user_list, item_list = listed(users), listed(items)
    if len(user_list) != len(item_list) and 1 not in (len(user_list), len(item_list)):
        raise ValueError(f"predict: {len(user_list)} users, {len(item_list)} items: give as many, or one")
    n = max(len(user_list), len(item_list)) if user_list and item_list else 0
    found = model.vocabulary.index_of_users(user_list)
    item_index = np.broadcast_to(model.vocabulary.index_of_items(item_list), n)
    distinct, rows = np.unique(found, return_inverse=True)
    asked = model.people(model.user_ids[distinct], None)
    _need_log(model, asked.index, False, "predict", "")
    strangers = _strangers(model, asked)
    if strangers.any():
        first, *_ = model.user_ids[distinct[strangers]].tolist()
        raise KeyError(f"predict: user {first!r} has no row in the fitted log")
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
