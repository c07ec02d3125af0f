"""Which users, histories and test items an evaluation asks about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from likewise.data import Interactions
from likewise.data.histories import Histories


class Asked(Protocol):
    """Users with their histories, as a model makes them of raw ids (`likewise.models.people.People`)."""

    index: NDArray[np.int32]
    histories: Histories

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice) -> Any: ...


class Ranker(Protocol):
    """What evaluation needs of a model (`likewise.models.Recommender` has it)."""

    log_: Interactions | None
    item_counts_: NDArray[np.int64]
    user_counts_: NDArray[np.int64]

    @property
    def vocabulary(self) -> Interactions:
        """A log without rows: ids of users and items."""

    def people(self, users: Any, log: Interactions | None = None, histories: Histories | None = None) -> Any:
        """Users by raw id, with the rows of the fitted log, or of `log` for users it names, or with `histories`."""

    def queries(self, people: Any) -> Any:
        """What the scorer takes for these users."""

    def scorer(self) -> Any:
        """What ranks (`likewise.models.retrieval.Scorer`)."""


@dataclass(frozen=True, eq=False)
class Questions:
    """n questions: who is asked about, what is known of them, and what they did next.

    Attributes:
        users: Raw ids [n].
        keys: Index of each user in the test log [n]: what draws of candidates are keyed by.
        people: The users with their histories, as the model knows them.
        tests: Distinct test items of each, in the model's item indices; -1 outside the vocabulary.
        skipped: Questions left out because nothing is known of the user.
    """

    users: NDArray[Any]
    keys: NDArray[np.int64]
    people: Asked
    tests: Histories
    skipped: int


def user_questions(model: Ranker, test: Interactions, history: Interactions | None) -> Questions:
    """One question for each user of the test log."""
    rows = np.flatnonzero(np.diff(test.indptr) > 0)
    people = model.people(test.user_ids[rows], history)
    known = people.histories.lengths > 0
    keys = rows[known]
    tests = Histories.of_log(test, keys).distinct()
    tests = Histories(tests.indptr, model.vocabulary.find_items(test.item_ids)[tests.items])
    return Questions(test.user_ids[keys], keys, people.take(known), tests, int((~known).sum()))


def position_questions(model: Ranker, test: Interactions, history: Interactions | None) -> Questions:
    """One question for each row of the test log: what comes next, after the user's history and earlier test rows."""
    rows = np.flatnonzero(np.diff(test.indptr) > 0)
    before = model.people(test.user_ids[rows], history).histories
    sessions = Histories.of_log(test, rows)
    places = model.vocabulary.find_items(test.item_ids)[sessions.items]
    questions, prefixes = [], []
    for row in range(len(rows)):
        first, last = sessions.indptr[row], sessions.indptr[row + 1]
        told = np.concatenate([before.items[before.indptr[row] : before.indptr[row + 1]], places[first:last]])
        told = told.astype(np.int32)
        start = len(told) - int(last - first)
        for position in range(last - first):
            prefix = told[: start + position]
            prefixes.append(prefix[prefix >= 0])
            questions.append(row)
    asked = Histories.of_lists(prefixes)
    known = asked.lengths > 0
    keys = rows[np.asarray(questions, dtype=np.int64)[known]]
    users = test.user_ids[keys]
    tests = Histories(np.arange(len(keys) + 1, dtype=np.int64), places[known].astype(np.int32))
    return Questions(users, keys, model.people(users, histories=asked.take(known)), tests, int((~known).sum()))
