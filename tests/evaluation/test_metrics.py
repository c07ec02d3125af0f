"""Ranking metrics against pytrec_eval and scikit-learn, ties included."""

import math

import numpy as np
import pytest

from likewise import _core
from likewise.data.histories import Histories
from likewise.evaluation.metrics import gini, mean_and_interval, metric_of

RANKINGS = 10_000
CUTS = (1, 3, 5, 10)


@pytest.fixture(scope="module")
def rankings():
    """Random rankings of at most 40 candidates, scores with many ties, 1 to 8 test items, some never candidates."""
    draws = np.random.Generator(np.random.Philox(key=7))
    items = 40
    scores = draws.integers(0, 12, (RANKINGS, items)).astype(np.float32) / 4
    hidden = [np.flatnonzero(draws.random(items) < draws.random() * 0.8) for _ in range(RANKINGS)]
    tests = [np.sort(draws.choice(items, draws.integers(1, 9), replace=False)) for _ in range(RANKINGS)]
    return scores, Histories.of_lists(hidden), Histories.of_lists(tests)


@pytest.fixture(scope="module")
def ours(rankings):
    scores, seen, tests = rankings
    allowed = np.ones(scores.shape[1], dtype=bool)
    possible = ~seen.contain(tests)
    wanted = tests.where(possible)
    above, earlier, level = _core.positions_in_scores(
        scores, wanted.indptr, wanted.items, allowed, seen.indptr, seen.items
    )
    ranks, higher, equal = np.full((3, len(tests.items)), -1)
    ranks[possible], higher[possible], equal[possible] = above + earlier, above, level
    names = [(kind, k) for kind in ("recall", "precision", "map", "ndcg", "hit", "mrr") for k in CUTS] + [("map", 0)]
    values = dict(zip(names, _core.ranking_metrics(tests.indptr, ranks, names), strict=True))
    values["auc", 0] = _core.area_under_curve(tests.indptr, higher, equal, scores.shape[1] - seen.lengths)
    lists, _ = _core.top_of_scores(scores, 10, allowed, seen.indptr, seen.items)
    in_lists = _core.ranks_in_lists(lists, tests.indptr, tests.items)
    assert np.array_equal(in_lists, np.where(ranks < 10, ranks, -1))
    return values


@pytest.fixture(scope="module")
def trec(rankings):
    """pytrec_eval's measures; it breaks ties by descending name, so names descend with the item."""
    pytrec_eval = pytest.importorskip("pytrec_eval")
    scores, seen, tests = rankings
    names = [f"{1000 - item:04d}" for item in range(scores.shape[1])]
    run, truth = {}, {}
    for row in range(len(scores)):
        left_out = set(seen.items[seen.indptr[row] : seen.indptr[row + 1]].tolist())
        run[str(row)] = {names[j]: float(value) for j, value in enumerate(scores[row]) if j not in left_out}
        truth[str(row)] = {names[j]: 1 for j in tests.items[tests.indptr[row] : tests.indptr[row + 1]]}
    cut = ",".join(map(str, CUTS))
    measures = {f"{name}.{cut}" for name in ("recall", "P", "map_cut", "ndcg_cut", "success")} | {"map", "recip_rank"}
    found = pytrec_eval.RelevanceEvaluator(truth, measures).evaluate(run)
    return [found.get(str(row), {}) for row in range(len(scores))]


TREC_NAMES = {"recall": "recall", "precision": "P", "map": "map_cut", "ndcg": "ndcg_cut", "hit": "success"}


@pytest.mark.parametrize(("kind", "k"), [(kind, k) for kind in TREC_NAMES for k in CUTS] + [("map", 0)])
def test_metrics_equal_trec_eval(ours, trec, kind, k, counted):
    name = f"{TREC_NAMES[kind]}_{k}" if k else kind
    theirs = np.array([values.get(name, 0.0) for values in trec])
    np.testing.assert_allclose(ours[kind, k], theirs, rtol=0, atol=1e-12)
    counted("metrics of rankings equal to pytrec_eval to 1e-12", len(theirs))


@pytest.mark.parametrize("k", CUTS)
def test_mrr_equals_trec_evals_reciprocal_rank_up_to_the_cut(ours, trec, k):
    theirs = np.array([values.get("recip_rank", 0.0) for values in trec])
    theirs[theirs < 1 / k - 1e-9] = 0
    np.testing.assert_allclose(ours["mrr", k], theirs, rtol=0, atol=1e-12)


def test_auc_equals_scikit_learns(ours, rankings, counted):
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    scores, seen, tests = rankings
    compared = 0
    for row in range(len(scores)):
        candidates = np.ones(scores.shape[1], dtype=bool)
        candidates[seen.items[seen.indptr[row] : seen.indptr[row + 1]]] = False
        truth = np.zeros(scores.shape[1], dtype=bool)
        truth[tests.items[tests.indptr[row] : tests.indptr[row + 1]]] = True
        found, wanted = (truth & candidates).sum(), truth.sum()
        value = ours["auc", 0][row]
        if (candidates & ~truth).sum() == 0:
            assert math.isnan(value)
        elif found == 0:
            assert value == 0
        else:  # a test item that is no candidate stands below all that are
            theirs = sklearn_metrics.roc_auc_score(truth[candidates], scores[row][candidates]) * found / wanted
            assert abs(value - theirs) < 1e-12
            compared += 1
    counted("areas under the curve equal to scikit-learn to 1e-12", compared)
    assert compared > 0.8 * RANKINGS


def test_metrics_are_the_formulas_on_a_ranking_by_hand():
    # Test items at ranks 2 and 4 of the list, a third one not found.
    kinds = [("recall", 3), ("precision", 5), ("hit", 1), ("mrr", 4), ("map", 0), ("map", 3), ("ndcg", 4), ("ndcg", 2)]
    values = _core.ranking_metrics(np.array([0, 3]), np.array([1, 3, -1]), kinds)[:, 0]
    gain = {rank: 1 / math.log2(rank + 1) for rank in range(1, 5)}
    expected = [1 / 3, 2 / 5, 0, 1 / 2, (1 / 2 + 2 / 4) / 3, (1 / 2) / 3]
    expected += [(gain[2] + gain[4]) / (gain[1] + gain[2] + gain[3]), gain[2] / (gain[1] + gain[2])]
    np.testing.assert_allclose(values, expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("counts", "expected"), [([1, 1, 1, 1], 0.0), ([0, 0, 0, 5], 0.75), ([0, 0, 0], 0.0), ([1, 3], 0.25)]
)
def test_gini_counts_zeros(counts, expected):
    assert gini(np.array(counts)) == pytest.approx(expected, abs=1e-15)


def test_one_value_has_no_interval():
    mean, interval = mean_and_interval(np.array([0.5, np.nan]))
    assert mean == 0.5
    assert math.isnan(interval)


def test_the_interval_is_1_96_standard_errors():
    mean, interval = mean_and_interval(np.array([0.0, 1.0, 1.0, 0.0, np.nan]))
    assert mean == 0.5
    assert interval == pytest.approx(1.96 * math.sqrt(1 / 3) / 2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dcg@10", "there is no 'dcg@10'"),
        ("ndcg", "'ndcg' needs a cut"),
        ("ndcg@0", "there is no 'ndcg@0'"),
        ("auc@10", "auc has no cut"),
        (7, "there is no 7"),
    ],
)
def test_an_unknown_metric_is_named(name, message):
    with pytest.raises(ValueError, match=message):
        metric_of(name)
