"""What is ranked against what, and what counts."""

import math

import numpy as np
import pytest

import likewise as lw
from likewise.data.simulate import simulate

# Popularity: a has 3 rows, b 2, c and d 1; e has none. Scores are counts, equal ones by item.
TRAIN = [("u", "a"), ("v", "a"), ("w", "a"), ("v", "b"), ("w", "b"), ("w", "c"), ("u", "d")]


def log_of(rows, **ids):
    return lw.Interactions([user for user, _ in rows], [item for _, item in rows], **ids)


@pytest.fixture
def model():
    return lw.models.Popularity().fit(log_of(TRAIN, user_ids=list("nuvw"), item_ids=list("abcde")))


def test_history_is_no_candidate_and_ties_go_by_item(model):
    # For v the candidates are c, d: equal counts.
    report = model.evaluate(log_of([("v", "d")]), metrics=["mrr@5", "auc", "recall@1"])
    assert report["mrr@5"] == 0.5
    assert report["auc"] == 0.5
    assert report["recall@1"] == 0


def test_filter_viewed_false_keeps_history_in(model):
    report = model.evaluate(log_of([("v", "d")]), metrics=["mrr@5"], filter_viewed=False)
    assert report["mrr@5"] == 1 / 4
    assert not report.protocol.filter_viewed


def test_repeated_rows_count_once(model):
    once, twice = (model.evaluate(log_of(rows)) for rows in ([("v", "c")], [("v", "c")] * 3))
    assert dict(once) == dict(twice)


def test_items_outside_the_vocabulary_and_without_a_training_row_are_misses(model):
    report = model.evaluate(log_of([("v", "c"), ("v", "zebra"), ("v", "e")]), metrics=["recall@5", "map", "auc"])
    assert report["recall@5"] == pytest.approx(1 / 3)
    assert report["map"] == pytest.approx(1 / 3)
    assert report["auc"] == pytest.approx(0.5 / 3)
    assert (report.protocol.outside, report.protocol.cold) == (1, 1)


@pytest.mark.parametrize("candidates", ["all", "uniform:2", {"v": ["d"]}])
def test_a_test_item_in_the_history_is_a_miss_whatever_the_candidates(model, candidates):
    test = log_of([("v", "a"), ("v", "c")])
    report = model.evaluate(test, metrics=["recall@5"], candidates=candidates)
    assert report["recall@5"] == 0.5
    assert report.protocol.viewed == 1
    assert "1 test items in the history are misses" in str(report)
    kept = model.evaluate(test, metrics=["recall@5"], candidates=candidates, filter_viewed=False)
    assert kept["recall@5"] == 1
    assert kept.protocol.viewed == 0


def test_a_report_says_how_many_candidates_there_were(model):
    report = model.evaluate(log_of([("v", "c"), ("w", "d")]), candidates="uniform:5000", metrics=["mrr@5"])
    # Of five items v and w have two and three, each has one to find, and e has no training row.
    assert report.protocol.negatives == (0, 1)
    assert "ranked among uniform:5000 (there were 0 to 1), minus history; seed 0" in str(report)
    assert "there were" not in str(model.evaluate(log_of([("v", "c")]), candidates={"v": ["d"]}))


def test_one_user_has_no_interval(model):
    assert "+-" not in str(model.evaluate(log_of([("v", "c")]), metrics=["ndcg@10"]))


def test_ratings_say_how_many_rows_were_rated():
    log = lw.Interactions(["u", "v", "v", "w"], ["a", "a", "b", "b"], ratings=[1.0, 2.0, 3.0, 4.0])
    model = lw.models.MF(loss="squared", dim=2, epochs=1).fit(log, verbose=0)
    test = lw.Interactions(["u", "u", "u", "x"], ["b", "b", "c", "a"], ratings=[1.0, 2.0, 3.0, 4.0])
    report = model.evaluate(test, metrics=["rmse"])
    assert (report.protocol.rated, report.protocol.unrated) == (2, 2)
    said = str(report).splitlines()[1]
    assert said == "ratings of 2 test rows; 2 test rows of users without a history or of unknown items not rated"
    both = str(model.evaluate(test, metrics=["rmse", "ndcg@5"]))
    assert "1 users, ranked among all items, minus history" in both
    assert "ratings of 2 test rows" in both
    named = model.evaluate(test, metrics=["rmse"], history=lw.Interactions(["x"], ["b"], ratings=[3.0]))
    assert (named.protocol.rated, named.protocol.unrated) == (3, 1)


def test_users_without_a_history_are_skipped_and_counted(model):
    report = model.evaluate(log_of([("v", "c"), ("n", "a"), ("stranger", "a")]))
    assert report.protocol.questions == 1
    assert report.protocol.skipped == 2
    assert "2 users without a history skipped" in str(report)
    with pytest.raises(ValueError, match=r"no user of the test log has a history \(1 skipped\)"):
        model.evaluate(log_of([("n", "a")]))


def test_a_given_history_replaces_the_log_for_the_users_it_names(model):
    test = log_of([("v", "d"), ("stranger", "a")])
    report = model.evaluate(test, history=log_of([("stranger", "b")]), metrics=["mrr@5"], per_user=True)
    assert report.per_user["user"].tolist() == ["stranger", "v"]
    assert report.per_user["mrr@5"].tolist() == [1.0, 0.5]
    replaced = model.evaluate(log_of([("v", "a")]), history=log_of([("v", "c")]), metrics=["mrr@5"])
    assert replaced["mrr@5"] == 1.0


def test_given_candidates_are_negatives_beside_the_test_items(model):
    test = log_of([("v", "c")])
    report = model.evaluate(test, candidates={"v": ["a", "b", "c", "a"]}, metrics=["mrr@5", "ndcg@5", "auc"])
    assert report["mrr@5"] == 1 / 3  # below a and b, each once; c itself is no negative
    assert report["ndcg@5"] == pytest.approx(1 / math.log2(4))
    assert report["auc"] == 0
    assert report.protocol.candidates == "given"
    with pytest.raises(KeyError, match="no negatives for user 'v'"):
        model.evaluate(test, candidates={"u": ["a"]})
    with pytest.raises(KeyError, match="unknown item id 'zebra'"):
        model.evaluate(test, candidates={"v": ["zebra"]})


def test_uniform_candidates_are_in_neither_history_nor_test():
    log = simulate(n_users=200, n_items=100, rows_per_user=20, seed=2).log
    train, test = lw.split.leave_last(log)
    model = lw.models.Popularity().fit(train)
    sampled = model.evaluate(test, candidates="uniform:20", seed=3)
    assert dict(sampled) == dict(model.evaluate(test, candidates="uniform:20", seed=3))
    assert dict(sampled) != dict(model.evaluate(test, candidates="uniform:20", seed=4))
    assert sampled["ndcg@10"] > 1.5 * model.evaluate(test)["ndcg@10"]
    # All other items drawn: the same as ranking among everything.
    for name, value in model.evaluate(test, candidates="uniform:100", metrics=["mrr@50", "ndcg@10", "auc"]).items():
        assert value == pytest.approx(model.evaluate(test, metrics=[name])[name], abs=1e-12)


def test_draws_are_keyed_by_user():
    log = simulate(n_users=200, n_items=100, rows_per_user=20, seed=2).log
    train, test = lw.split.leave_last(log)
    model = lw.models.Popularity().fit(train)
    everybody = model.evaluate(test, candidates="uniform:20", per_user=True).per_user
    some = model.evaluate(test.filter(users=[3, 50, 120]), candidates="uniform:20", per_user=True).per_user
    rows = np.flatnonzero(np.isin(everybody["user"], some["user"]))
    assert np.array_equal(everybody["ndcg@10"][rows], some["ndcg@10"])


def test_every_position_asks_with_the_prefix_as_history(model):
    session = lw.Interactions(["s"] * 3, ["b", "a", "a"], timestamps=[1, 2, 3])
    report = model.evaluate(session, every_position=True, metrics=["mrr@5"], per_user=True)
    # b -> a at rank 1; b, a -> a again, which is not filtered; nothing is known before b.
    assert report.per_user["mrr@5"].tolist() == [1.0, 1.0]
    assert report.protocol.skipped == 1
    assert not report.protocol.filter_viewed
    filtered = model.evaluate(session, every_position=True, filter_viewed=True, metrics=["mrr@5"], per_user=True)
    assert filtered.per_user["mrr@5"].tolist() == [1.0, 0.0]


def test_catalogue_metrics_are_over_what_is_recommended(model):
    report = model.evaluate(log_of([("u", "b"), ("v", "c")]), metrics=["coverage@1", "novelty@1", "gini@1"])
    # u gets b, v gets c, of five items; two of three training users have b, one has c.
    assert report["coverage@1"] == 2 / 5
    assert report["novelty@1"] == pytest.approx((-math.log2(2 / 3) - math.log2(1 / 3)) / 2)
    assert report["gini@1"] == pytest.approx(3 / 5)
    assert math.isnan(report.interval["coverage@1"])


def test_rating_errors_are_over_test_rows():
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    log = simulate(n_users=200, n_items=100, rows_per_user=20, seed=2).log
    train, test = lw.split.random(log, test=0.2, seed=1)
    model = lw.models.MF(loss="squared", dim=8, epochs=10).fit(train, verbose=0)
    report = model.evaluate(test, metrics=["rmse", "mae", "ndcg@10"])
    predicted = model.predict(test.users, test.items)
    assert report["rmse"] == pytest.approx(sklearn_metrics.root_mean_squared_error(test.ratings, predicted), abs=1e-6)
    assert report["mae"] == pytest.approx(sklearn_metrics.mean_absolute_error(test.ratings, predicted), abs=1e-6)
    with pytest.raises(ValueError, match="rmse needs ratings"):
        model.evaluate(lw.Interactions(test.users, test.items), metrics=["rmse"])


@pytest.mark.parametrize("candidates", ["most", "uniform:0", "uniform:x", 5])
def test_unknown_candidates_are_named(model, candidates):
    with pytest.raises(ValueError, match='candidates: takes "all", "uniform:n" or a dict'):
        model.evaluate(log_of([("v", "c")]), candidates=candidates)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"metrics": None}, TypeError, "metrics: takes names such as ndcg@10, got None"),
        ({"candidates": "uniform:5", "seed": -1}, ValueError, "evaluate: seed must be an integer >= 0 .*, got -1"),
        ({"filter_viewed": "no"}, ValueError, "evaluate: filter_viewed must be True or False, got 'no'"),
        ({"every_position": "no"}, ValueError, "evaluate: every_position must be True or False, got 'no'"),
        ({"per_user": 5}, ValueError, "evaluate: per_user must be True or False, got 5"),
    ],
)
def test_wrong_arguments_are_named(model, arguments, error, message):
    with pytest.raises(error, match=message):
        model.evaluate(log_of([("v", "c")]), **arguments)


def test_a_cut_beyond_the_catalogue_costs_no_more_than_the_catalogue(model):
    report = model.evaluate(log_of([("v", "d")]), metrics=["ndcg@2000000000", "coverage@2000000000"])
    assert report["ndcg@2000000000"] == model.evaluate(log_of([("v", "d")]), metrics=["ndcg@5"])["ndcg@5"]


class Unfitted(lw.models.Popularity):
    def fit(self, *arguments, **options):
        raise AssertionError("fitted before the arguments were checked")


@pytest.mark.parametrize(
    ("models", "arguments", "error", "message"),
    [
        (["EASE"], {}, TypeError, "compare: models takes recommenders, such as likewise.models.EASE\\(\\), got 'EASE'"),
        ([lw.models.EASE], {}, TypeError, "compare: models takes recommenders, such as"),
        (lw.models.EASE(), {}, TypeError, "compare: models takes a list of recommenders, got EASE"),
        ([Unfitted()], {"metrics": ["ndgc@10"]}, ValueError, "metrics: there is no 'ndgc@10'"),
        ([Unfitted()], {"metrics": None}, TypeError, "metrics: takes names"),
        ([Unfitted()], {"candidates": "most"}, ValueError, 'candidates: takes "all"'),
        ([Unfitted()], {"seed": -1}, ValueError, "compare: seed must be an integer >= 0"),
    ],
)
def test_a_comparison_checks_its_arguments_before_it_fits(models, arguments, error, message):
    with pytest.raises(error, match=message):
        lw.compare(models, log_of(TRAIN), log_of([("v", "c")]), **arguments)


def test_evaluation_does_not_depend_on_the_number_of_threads():
    log = simulate(n_users=300, n_items=200, rows_per_user=20, seed=2).log
    train, test = lw.split.by_user(log, test=0.2, seed=1)
    model = lw.models.EASE(l2=20.0).fit(train)
    threads = lw.get_num_threads()
    reports = []
    try:
        for count in (1, 2, 4):
            lw.set_num_threads(count)
            reports.append(dict(model.evaluate(test, metrics=["ndcg@10", "auc", "map", "novelty@10"])))
    finally:
        lw.set_num_threads(threads)
    assert reports[0] == reports[1] == reports[2]


# --- reports


def test_a_report_prints_as_a_table_with_its_protocol(model):
    text = str(model.evaluate(log_of([("v", "c"), ("u", "b")]), metrics=["ndcg@10", "coverage@10"]))
    assert text.splitlines()[0].startswith("ndcg@10")
    assert "+-" in text.splitlines()[0]
    assert "2 users, ranked among all items, minus history" in text


def test_a_sampled_metric_beside_a_full_one_is_warned_of(model):
    test = log_of([("v", "c"), ("u", "b")])
    full, sampled = model.evaluate(test), model.evaluate(test, candidates="uniform:1")
    with pytest.warns(UserWarning, match="uniform:1 candidates stand beside metrics among all items"):
        both = full | sampled
    assert both["ndcg@10"] == full["ndcg@10"]
    assert both["ndcg@10 (uniform:1)"] == sampled["ndcg@10"]


def test_reports_of_equal_names_join_only_under_one_protocol(model):
    test = log_of([("v", "c"), ("u", "b")])
    both = model.evaluate(test, metrics=["mrr@5"]) | model.evaluate(test, metrics=["mrr@5", "auc"])
    assert list(both) == ["mrr@5", "auc"]
    assert len(str(both).splitlines()) == 3
    other = model.evaluate(log_of([("v", "c")]), metrics=["mrr@5"])
    with pytest.raises(ValueError, match=r"mrr@5 is in both under unequal protocols: 2 users.* \| 1 users"):
        both | other
    with pytest.raises(ValueError, match=r"mrr@5 is in both, 1 and 0.75"):
        both | lw.models.Popularity().fit(log_of([*TRAIN, ("n", "d"), ("n", "d")])).evaluate(test, metrics=["mrr@5"])
    seeds = [model.evaluate(test, candidates="uniform:1", metrics=["mrr@5"], seed=seed) for seed in (1, 2)]
    with pytest.raises(ValueError, match=r"mrr@5 \(uniform:1\) is in both under unequal protocols"):
        seeds[0] | seeds[1]


def test_reports_under_several_protocols_print_each(model):
    wide = model.evaluate(log_of([("v", "c"), ("u", "b")]), metrics=["mrr@5", "hit@1"])
    narrow = model.evaluate(log_of([("v", "c")]), metrics=["auc"])
    lines = str(wide | narrow).splitlines()
    assert lines[3].startswith("mrr@5, hit@1: 2 users, ranked among all items")
    assert lines[4].startswith("auc: 1 users, ranked among all items")
    sampled = model.evaluate(log_of([("v", "c")]), metrics=["auc"], candidates="uniform:1")
    with pytest.warns(UserWarning, match="do not compare"):
        three = (wide | sampled) | narrow
    assert list(three) == ["mrr@5", "hit@1", "auc (uniform:1)", "auc"]
    assert three.protocols["auc (uniform:1)"] == sampled.protocol


def test_a_report_names_what_it_has(model):
    with pytest.raises(KeyError, match="the report has no 'auc'; it has ndcg@10"):
        model.evaluate(log_of([("v", "c")]), metrics=["ndcg@10"])["auc"]


def test_a_comparison_is_a_sequence_of_dicts(model):
    models = [lw.models.Popularity(), lw.models.ItemKNN(), lw.models.Popularity()]
    table = lw.compare(models, log_of(TRAIN), log_of([("v", "c"), ("u", "b")]), metrics=["ndcg@10", "auc"])
    assert [row["model"] for row in table] == ["Popularity 1", "ItemKNN", "Popularity 2"]
    assert set(table[0]) == {"model", "ndcg@10", "auc", "train_seconds", "test_seconds"}
    assert len(table) == 3
    assert table[1:][0] is table[1]
    assert models[0].n_items == 4
    lines = str(table).splitlines()
    assert lines[0].split() == ["model", "ndcg@10", "auc", "train_seconds", "test_seconds"]
    assert len({len(line) for line in lines[:4]}) == 1
