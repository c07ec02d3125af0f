"""One evaluation: questions, their ranking in blocks, and metrics over it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import _core, checks
from likewise.data import Interactions
from likewise.data.histories import Histories
from likewise.evaluation.metrics import Metric, Values, gini, mean_and_interval, metrics_of
from likewise.evaluation.questions import Questions, Ranker, position_questions, user_questions
from likewise.evaluation.ranking import (
    Ranking,
    given_negatives,
    rank_among_all,
    rank_among_given,
    uniform_negatives,
)
from likewise.evaluation.report import Protocol, Report

QUESTIONS_AT_ONCE = 8192  # what is held does not grow with their number
FEW_TESTS = 8  # of a question, on average


def evaluate(
    model: Ranker,
    test: Interactions,
    *,
    history: Interactions | None = None,
    filter_viewed: bool | None = None,
    metrics: Sequence[str] = ("ndcg@10", "recall@10", "hit@10", "mrr@10"),
    candidates: Any = "all",
    every_position: bool = False,
    per_user: bool = False,
    seed: int = 0,
) -> Report:
    """Ranks what users did next, and measures how high it stands.

    Repeated (user, item) test rows count once. A mean is over users with at least one test item. Test items outside
    the vocabulary, those without a training row, and, with `filter_viewed`, those in the history are misses, whatever
    the candidates; users without a history are skipped. The report counts all of these.

    Args:
        model: A fitted model.
        test: Held-out rows.
        history: What users did before; replaces the fitted log for the users it names. Its items outside the
            vocabulary are left out.
        filter_viewed: Whether items of a user's history are no candidates; None: yes, but not with `every_position`.
        metrics: Names. With binary gains, n test items of a user, as trec_eval: ``recall@k`` = hits / n;
            ``precision@k`` = hits / k; ``map@k`` = sum of precision at hits / n (``map``: uncut); ``ndcg@k`` with the
            ideal over min(k, n); ``hit@k``; ``mrr@k`` = 1 / rank of the first hit, else 0; ``auc`` over all
            candidates, ties one half; ``coverage@k`` = distinct recommended / n_items; ``novelty@k`` = mean of
            -log2(share of training users who have the item); ``gini@k`` over recommendation counts, zeros included;
            ``rmse`` and ``mae`` of the scores of test rows, repeated ones too, but for rows of users without a history
            and of items outside the vocabulary.
        candidates: "all": every item; a dict of raw ids {user: [items]}: those negatives and the test items;
            "uniform:100": so many drawn without replacement from items in neither history nor test, by (seed, user),
            or all of them where there are fewer.
        every_position: Each row of a test user is a question, and the rows before it join the history.
        per_user: Whether to keep each user's values in the report.
        seed: Seed of drawn candidates.

    Raises:
        ValueError: If a metric or `candidates` is not as above, no question is left, or the history that is needed
            was not saved with the model.
        TypeError: If `metrics` are no names.
        KeyError: If the dict of candidates lacks a test user or names an unknown item.
    """
    wanted = metrics_of(metrics)
    if filter_viewed is not None:
        checks.truth("evaluate", "filter_viewed", filter_viewed)
    checks.truth("evaluate", "every_position", every_position)
    checks.truth("evaluate", "per_user", per_user)
    checks.seed("evaluate", seed)
    drawn = number_drawn(candidates)
    filter_viewed = not every_position if filter_viewed is None else filter_viewed
    if history is None and model.log_ is None:
        raise ValueError("evaluate: the model was saved with log=False: give history=")
    ask = position_questions if every_position else user_questions
    questions = ask(model, test, history)
    if len(questions.users) == 0:
        raise ValueError(f"evaluate: no user of the test log has a history ({questions.skipped:,} skipped)")
    among, negatives = _negatives(model, questions, candidates, drawn, seed)
    tally = _Tally(model, questions, wanted)
    if tally.ranked:
        for begin in range(0, len(questions.users), QUESTIONS_AT_ONCE):
            rows = slice(begin, min(begin + QUESTIONS_AT_ONCE, len(questions.users)))
            if negatives is None:
                ranking = rank_among_all(model, questions, rows, tally.k, tally.positions, filter_viewed)
            else:
                ranking = rank_among_given(model, questions, rows, tally.k, negatives[rows], filter_viewed)
            tally.add(rows, ranking)
    rated = tally.add_ratings(test, history)
    items = questions.tests.items
    protocol = Protocol(
        candidates=among,
        filter_viewed=filter_viewed,
        every_position=every_position,
        questions=len(questions.users),
        skipped=questions.skipped,
        outside=int((items < 0).sum()),
        cold=int((model.item_counts_[items[items >= 0]] == 0).sum()),
        viewed=tally.viewed,
        seed=seed,
        negatives=None if negatives is None else (int(negatives.lengths.min()), int(negatives.lengths.max())),
        ranked=tally.ranked,
        rated=rated,
        unrated=len(test) - rated if rated else 0,
    )
    return tally.report(protocol, per_user)


def number_drawn(candidates: Any) -> int | None:
    """How many candidates are drawn for each question; None where none are.

    Raises:
        ValueError: If `candidates` is not as `evaluate` takes it.
    """
    if isinstance(candidates, Mapping) or (isinstance(candidates, str) and candidates == "all"):
        return None
    match = re.fullmatch(r"uniform:([1-9][0-9]*)", candidates) if isinstance(candidates, str) else None
    if match is None:
        raise ValueError(f'candidates: takes "all", "uniform:n" or a dict of negatives, got {candidates!r}')
    return int(match[1])


def _negatives(
    model: Ranker, questions: Questions, candidates: Any, drawn: int | None, seed: int
) -> tuple[str, Histories | None]:
    """What test items are ranked among: its name, and negatives unless it is everything."""
    if isinstance(candidates, Mapping):
        return "given", given_negatives(model, questions, candidates)
    if drawn is None:
        return "all", None
    return str(candidates), uniform_negatives(model, questions, min(drawn, model.vocabulary.n_items), seed)


class _Tally:
    """Metrics as blocks of questions are ranked."""

    def __init__(self, model: Ranker, questions: Questions, metrics: list[Metric]) -> None:
        self.model, self.questions, self.metrics = model, questions, metrics
        ranking = [metric for metric in metrics if metric.kind not in ("rmse", "mae")]
        self.ranked, self.viewed = bool(ranking), 0
        # Where lists are not wanted themselves, counting what stands above a few test items is cheaper than sorting.
        few = len(questions.tests.items) <= FEW_TESTS * len(questions.users)
        lists = any(metric.uses_lists for metric in ranking)
        self.positions = any(metric.uses_positions for metric in ranking) or (few and not lists)
        needs_lists = [metric.k for metric in ranking if metric.uses_lists or not self.positions]
        n, n_items = len(questions.users), model.vocabulary.n_items
        self.k = min(max(needs_lists, default=0), n_items)
        self.values: dict[str, Values] = {
            metric.name: np.full(n, np.nan) for metric in ranking if metric.kind not in ("coverage", "gini")
        }
        self.counts = {metric.k: np.zeros(n_items, dtype=np.int64) for metric in ranking if metric.uses_lists}
        self.single: dict[str, tuple[float, float]] = {}
        self.surprise = _surprise(model) if any(metric.kind == "novelty" for metric in ranking) else None

    def add(self, rows: slice, ranking: Ranking) -> None:
        """Takes in the ranking of some questions."""
        self.viewed += ranking.viewed
        indptr = self.questions.tests[rows].indptr
        by_rank = [
            metric for metric in self.metrics if metric.kind in ("recall", "precision", "map", "ndcg", "hit", "mrr")
        ]
        found = _core.ranking_metrics(indptr, ranking.ranks, [(metric.kind, metric.k) for metric in by_rank])
        for metric, values in zip(by_rank, found, strict=True):
            self.values[metric.name][rows] = values
        if "auc" in self.values and ranking.higher is not None and ranking.equal is not None:
            self.values["auc"][rows] = _core.area_under_curve(indptr, ranking.higher, ranking.equal, ranking.candidates)
        for k, counts in self.counts.items():
            listed = ranking.lists[:, :k]
            counts += np.bincount(listed[listed >= 0], minlength=len(counts))
            if self.surprise is not None and f"novelty@{k}" in self.values:
                known = listed >= 0
                total = np.where(known, self.surprise[listed], 0.0).sum(axis=1)
                length = known.sum(axis=1)
                self.values[f"novelty@{k}"][rows] = np.where(length > 0, total / np.maximum(length, 1), np.nan)

    def add_ratings(self, test: Interactions, history: Interactions | None) -> int:
        """Errors of predicted ratings, over the test rows of users with a history and of known items; how many."""
        names = [metric.name for metric in self.metrics if metric.kind in ("rmse", "mae")]
        if not names:
            return 0
        if test.ratings is None:
            raise ValueError(f"metrics: {names[0]} needs ratings, the test log has none")
        people = self.model.people(test.user_ids, history)
        has_history = people.histories.lengths > 0
        items = self.model.vocabulary.find_items(test.item_ids)[test.item_index]
        known = has_history[test.user_index] & (items >= 0)
        if not known.any():
            raise ValueError(f"metrics: {names[0]} needs test rows of known users and items, there are none")
        rows = (np.cumsum(has_history) - 1)[test.user_index[known]]
        queries = self.model.queries(people.take(has_history))
        predicted = self.model.scorer().pairs(queries, rows, items[known])
        error = predicted.astype(np.float64) - test.ratings[known]
        self.single["rmse"] = (float(np.sqrt(np.mean(error**2))), float("nan"))
        self.single["mae"] = mean_and_interval(np.abs(error))
        return len(error)

    def report(self, protocol: Protocol, per_user: bool) -> Report:
        """The means over all questions."""
        values, interval = {}, {}
        for metric in self.metrics:
            name = metric.name
            if name in self.values:
                values[name], interval[name] = mean_and_interval(self.values[name])
            elif name in self.single:
                values[name], interval[name] = self.single[name]
            else:
                counts = self.counts[metric.k]
                share = float((counts > 0).mean())
                values[name] = share if metric.kind == "coverage" else gini(counts)
                interval[name] = float("nan")
        kept: dict[str, NDArray[Any]] | None = {"user": self.questions.users, **self.values} if per_user else None
        return Report(values, interval, protocol, kept)


def _surprise(model: Ranker) -> Values:
    """-log2 of the share of training users who have each item [n_items]."""
    log = model.log_
    if log is None:
        raise ValueError("metrics: novelty needs the fitted log, the model was saved with log=False")
    users = np.flatnonzero(np.diff(log.indptr))
    owners = np.bincount(Histories.of_log(log, users).distinct().items, minlength=log.n_items)
    with np.errstate(divide="ignore"):
        return -np.log2(owners / max(len(users), 1))
