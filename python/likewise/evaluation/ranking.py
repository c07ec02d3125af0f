"""Ranks the test items of questions among their candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import _core
from likewise.data.histories import Histories
from likewise.evaluation.questions import Questions, Ranker

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Where the test items of n questions stand. Entries are aligned with `Questions.tests`; -1 is a miss.

    Attributes:
        lists: The best items [n, k], -1 where there are no more.
        ranks: Place of each test item, from 0; -1 also beyond k unless `higher` is known.
        higher: Candidates with a higher score.
        equal: Other candidates with the same score.
        candidates: Candidates of each question [n], test items included.
        viewed: Test items that would be candidates if they were not in the history.
    """

    lists: NDArray[np.int32]
    ranks: Counts
    higher: Counts | None
    equal: Counts | None
    candidates: Counts
    viewed: int


def rank_among_all(
    model: Ranker, questions: Questions, rows: slice, k: int, positions: bool, filter_viewed: bool
) -> Ranking:
    """Ranks test items among the whole catalogue.

    Args:
        model: The model.
        questions: All questions; `rows` says which.
        rows: A slice of questions.
        k: Length of the lists; 0 for none.
        positions: Whether the places of all test items are needed, or those in the lists only.
        filter_viewed: Whether histories are no candidates.
    """
    people, tests = questions.people[rows], questions.tests[rows]
    seen = people.histories.distinct() if filter_viewed else Histories.empty(len(people))
    allowed = model.item_counts_ > 0
    scorer, queries = model.scorer(), model.queries(people)
    possible = (tests.items >= 0) & allowed[tests.items]
    viewed = possible & seen.contain(tests)
    possible &= ~viewed
    wanted = tests.where(possible)
    lists = np.empty((len(people), 0), dtype=np.int32)
    if k:
        lists, _ = scorer.top(queries, k, allowed=allowed, seen=seen)
    ranks = np.full(len(tests.items), -1, dtype=np.int64)
    higher = equal = None
    if positions:
        above, earlier, level = scorer.positions(queries, wanted, allowed=allowed, seen=seen)
        ranks[possible] = above + earlier
        higher, equal = ranks.copy(), np.zeros_like(ranks)
        higher[possible], equal[possible] = above, level
    else:
        ranks[possible] = _core.ranks_in_lists(lists, wanted.indptr, wanted.items)
    hidden = np.bincount(seen.row_index[allowed[seen.items]], minlength=len(people))
    return Ranking(lists, ranks, higher, equal, int(allowed.sum()) - hidden, int(viewed.sum()))


def rank_among_given(
    model: Ranker, questions: Questions, rows: slice, k: int, negatives: Histories, filter_viewed: bool
) -> Ranking:
    """Ranks test items among negatives, which are distinct, with a training row, and without test items.

    Args:
        model: The model.
        questions: All questions; `rows` says which.
        rows: A slice of questions.
        k: Length of the lists; 0 for none.
        negatives: Those of each question in `rows`.
        filter_viewed: Whether test items in histories are no candidates.
    """
    people, tests = questions.people[rows], questions.tests[rows]
    possible = (tests.items >= 0) & (model.item_counts_ > 0)[tests.items]
    seen = people.histories.distinct() if filter_viewed else Histories.empty(len(people))
    viewed = possible & seen.contain(tests)
    possible &= ~viewed
    n, wanted = len(people), tests.where(possible)
    row = np.concatenate([wanted.row_index, negatives.row_index])
    items = np.concatenate([wanted.items, negatives.items])
    scores = model.scorer().pairs(model.queries(people), row, items)

    order = np.lexsort((items, -scores, row))
    row, items, scores = row[order], items[order], scores[order]
    counts = np.bincount(row, minlength=n)
    starts = np.concatenate([[0], np.cumsum(counts)])
    place = np.arange(len(row)) - starts[row]
    first_of_level = np.ones(len(row), dtype=bool)
    first_of_level[1:] = (row[1:] != row[:-1]) | (scores[1:] != scores[:-1])
    level = np.cumsum(first_of_level) - 1
    level_size = np.bincount(level, minlength=1)
    level_place = place[first_of_level]

    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    mine = back[: len(wanted.items)]
    ranks = np.full(len(tests.items), -1, dtype=np.int64)
    higher, equal = ranks.copy(), np.zeros_like(ranks)
    ranks[possible] = place[mine]
    higher[possible], equal[possible] = level_place[level[mine]], level_size[level[mine]] - 1
    lists = np.full((n, k), -1, dtype=np.int32)
    inside = place < k
    lists[row[inside], place[inside]] = items[inside]
    return Ranking(lists, ranks, higher, equal, counts, int(viewed.sum()))


def given_negatives(model: Ranker, questions: Questions, given: Mapping[Any, Any]) -> Histories:
    """Negatives of each question from a dict of raw ids; those that are test items are dropped.

    Raises:
        KeyError: If a test user has none, or one is outside the vocabulary.
    """
    missing = [user for user in questions.users.tolist() if user not in given]
    if missing:
        raise KeyError(f"candidates: no negatives for user {missing[0]!r} (and {len(missing) - 1:,} more)")
    lists = [np.asarray(given[user]).reshape(-1) for user in questions.users.tolist()]
    flat = model.vocabulary.index_of_items(np.concatenate(lists)) if lists else np.zeros(0, dtype=np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(each) for each in lists])]).astype(np.int64)
    negatives = Histories(indptr, flat).distinct()
    tests = questions.tests.where(questions.tests.items >= 0).distinct()
    return _trained(model, negatives.where(~tests.contain(negatives)))


def uniform_negatives(model: Ranker, questions: Questions, count: int, seed: int) -> Histories:
    """`count` items of each question, drawn without replacement from items in neither history nor test.

    Those without a training row are left out afterwards: they are never recommended.
    """
    tests = questions.tests.where(questions.tests.items >= 0)
    taken = questions.people.histories.beside(tests).distinct()
    n_items = model.vocabulary.n_items
    drawn = Histories(*_core.sample_items(n_items, count, seed, questions.keys, taken.indptr, taken.items))
    return _trained(model, drawn)


def _trained(model: Ranker, negatives: Histories) -> Histories:
    return negatives.where((model.item_counts_ > 0)[negatives.items])
