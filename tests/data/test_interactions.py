"""The log: order, vocabularies, look-ups, filters, joins."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import likewise as lw
from likewise.data.ordering import order_by_user_and_time


def pairs(log):
    return list(zip(log.users.tolist(), log.items.tolist(), strict=True))


LOG = lw.Interactions(
    ["ann", "bob", "ann", "eve", "ann", "bob"],
    [7, 7, 9, 5, 7, 5],
    ratings=[1, 2, 3, 4, 5, 3],
    timestamps=[30, 10, 20, 40, 10, 10],
    events=["view", "buy", "view", "view", "buy", "view"],
)


def test_rows_come_by_user_then_time_then_arrival():
    assert pairs(LOG) == [("ann", 7), ("ann", 9), ("ann", 7), ("bob", 7), ("bob", 5), ("eve", 5)]
    assert LOG.timestamps.tolist() == [10, 20, 30, 10, 10, 40]
    assert LOG.ratings.tolist() == [5, 3, 1, 2, 3, 4]
    assert LOG.events.tolist() == ["buy", "view", "view", "buy", "view", "view"]
    assert LOG.indptr.tolist() == [0, 3, 5, 6]
    assert (LOG.item_index.tolist(), LOG.user_index.tolist()) == ([1, 2, 1, 1, 0, 0], [0, 0, 0, 1, 1, 2])
    assert (LOG.indptr.dtype, LOG.item_index.dtype, LOG.ratings.dtype) == (np.int64, np.int32, np.float32)


def test_without_timestamps_rows_keep_the_order_given():
    log = lw.Interactions([2, 1, 2, 1], [4, 3, 2, 1])
    assert pairs(log) == [(1, 3), (1, 1), (2, 4), (2, 2)]
    assert log.timestamps is None
    assert log.ratings is None
    assert log.events is None


@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3)), min_size=1, max_size=60),
    scale=st.sampled_from([1, 2**40, 2**55, 0.37]),
    timed=st.booleans(),
)
def test_the_order_is_the_stable_one_by_user_and_time(rows, scale, timed):
    users = np.array([user for user, _ in rows], dtype=np.int32)
    times = np.array([time * scale for _, time in rows]) if timed else None
    expected = np.lexsort((users,) if times is None else (times, users))
    order = order_by_user_and_time(users, times, 6)
    assert (np.arange(len(rows)) if order is None else order).tolist() == expected.tolist()


@given(rows=st.lists(st.tuples(st.integers(-9, 9), st.sampled_from("abcdé"), st.integers(0, 4)), max_size=40))
@settings(max_examples=30, deadline=None)
def test_the_log_is_the_rows_whatever_they_are(rows):
    users, items, times = ([row[column] for row in rows] for column in range(3))
    log = lw.Interactions(users, items, timestamps=times)
    assert len(log) == len(rows) == log.indptr[-1]
    expected = sorted(rows, key=lambda row: (row[0], row[2]))
    assert list(zip(log.users.tolist(), log.items.tolist(), log.timestamps.tolist(), strict=True)) == expected
    assert log.user_ids.tolist() == sorted(set(users))
    assert log.item_ids.tolist() == sorted(set(items))
    assert (np.diff(log.indptr) >= 0).all()
    assert np.array_equal(log.user_ids[log.user_index], log.users)


def test_a_log_cannot_be_changed():
    for name in ("item_index", "indptr", "ratings", "timestamps", "user_ids", "item_ids"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(LOG, name)[0] = 0


def test_the_arrays_a_log_is_made_of_may_change_afterwards():
    users, items = np.array([1, 2]), np.array([3, 4])
    log = lw.Interactions(users, items, ratings=items, timestamps=items)
    users[:], items[:] = 9, 9
    assert pairs(log) == [(1, 3), (2, 4)]
    assert log.timestamps.tolist() == [3, 4]


def test_ids_become_indices_in_the_order_given():
    assert LOG.index_of_users(["eve", "ann", "eve"]).tolist() == [2, 0, 2]
    assert LOG.index_of_items(9).tolist() == [2]
    assert LOG.index_of_items(np.array([9.0, 5.0])).tolist() == [2, 0]
    assert LOG.find_items([5, 6, 7]).tolist() == [0, -1, 1]
    assert LOG.find_users(["zoe", "bob"]).tolist() == [-1, 1]
    assert LOG.find_items([]).tolist() == []


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["ann", "zoe"], r"unknown user id 'zoe': the vocabulary has 3 ids \(text, such as 'ann', 'bob', 'eve'\)"),
        (["zoe", "kim"], r"unknown user id 'zoe' \(and 1 more\)"),
        ([7], "unknown user id 7"),
    ],
)
def test_an_unknown_id_is_named(ids, message):
    with pytest.raises(KeyError, match=message):
        LOG.index_of_users(ids)


def test_a_declared_vocabulary_may_go_beyond_the_rows():
    log = lw.Interactions([2, 1], [5, 5], user_ids=[3, 2, 1, 2], item_ids=range(4, 7))
    assert (log.user_ids.tolist(), log.item_ids.tolist()) == ([1, 2, 3], [4, 5, 6])
    assert log.indptr.tolist() == [0, 1, 2, 2]
    assert log.filter(users=[1]).user_ids.tolist() == [1, 2, 3]
    assert log.filter(users=[1]).item_ids.tolist() == [4, 5, 6]


def test_a_row_outside_a_declared_vocabulary_is_refused(tmp_path):
    with pytest.raises(KeyError, match="unknown item id 7"):
        lw.Interactions([1], [7], item_ids=[5, 6])
    (tmp_path / "log.csv").write_text("user,item\nann,x\nbob,y\n")
    with pytest.raises(KeyError, match="unknown user id 'bob'"):
        lw.Interactions.read(tmp_path / "log.csv", user_ids=["ann", "eve"])
    with pytest.raises(KeyError, match="unknown user id"):
        lw.Interactions.read(tmp_path / "log.csv", user_ids=[1, 2])


FILTERS = {
    "min_rating": ({"min_rating": 3}, [("ann", 7), ("ann", 9), ("bob", 5), ("eve", 5)]),
    "users": ({"users": ["eve", "bob"]}, [("bob", 7), ("bob", 5), ("eve", 5)]),
    "items": ({"items": [9]}, [("ann", 9)]),
    "events": ({"events": "buy"}, [("ann", 7), ("bob", 7)]),
    "since": ({"since": 20}, [("ann", 9), ("ann", 7), ("eve", 5)]),
    "until": ({"until": 20}, [("ann", 7), ("bob", 7), ("bob", 5)]),
    "min_user_rows": ({"min_user_rows": 3}, [("ann", 7), ("ann", 9), ("ann", 7)]),
    "min_item_rows": ({"min_item_rows": 3}, [("ann", 7), ("ann", 7), ("bob", 7)]),
    "both": ({"min_rating": 2, "until": 40}, [("ann", 7), ("ann", 9), ("bob", 7), ("bob", 5)]),
    "nothing left": ({"min_rating": 9}, []),
}


@pytest.mark.parametrize("case", FILTERS)
def test_a_filter_keeps_the_rows_that_meet_it_and_the_ids_they_name(case):
    conditions, expected = FILTERS[case]
    log = LOG.filter(**conditions)
    assert pairs(log) == expected
    assert log.user_ids.tolist() == sorted({user for user, _ in expected})
    assert log.item_ids.tolist() == sorted({item for _, item in expected})


@given(
    rows=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=60),
    least=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
@settings(max_examples=30, deadline=None)
def test_minimum_rows_hold_for_users_and_items_at_once(rows, least):
    log = lw.Interactions(*zip(*rows, strict=True)).filter(min_user_rows=least[0], min_item_rows=least[1])
    assert (np.diff(log.indptr) >= least[0]).all()
    assert (np.bincount(log.item_index, minlength=log.n_items) >= least[1]).all()
    left = list(rows)
    while True:
        users, items = ([row[column] for row in left] for column in range(2))
        kept = [row for row in left if users.count(row[0]) >= least[0] and items.count(row[1]) >= least[1]]
        if kept == left:
            break
        left = kept
    assert sorted(pairs(log)) == sorted(left)


def test_moments_may_be_dates():
    seconds = [int(datetime.fromisoformat(f"2020-01-0{day}T00:00:00+00:00").timestamp()) for day in (1, 2, 3)]
    for times in (seconds, [1000 * second for second in seconds], np.array(seconds, "datetime64[s]")):
        log = lw.Interactions([1, 1, 1], [1, 2, 3], timestamps=times)
        assert log.filter(since="2020-01-02", until="2020-01-03").items.tolist() == [2]
        assert log.filter(since=datetime(2020, 1, 3)).items.tolist() == [3]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"min_rating": 3}, "min_rating: the log has no ratings"),
        ({"since": 3}, "since: the log has no timestamps"),
        ({"events": ["buy"]}, "events: the log has no events"),
    ],
)
def test_a_filter_needs_the_column_it_is_about(conditions, message):
    with pytest.raises(ValueError, match=message):
        lw.Interactions([1], [2]).filter(**conditions)


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        ("yesterday", "since: takes an ISO date"),
        ("2020-01-01", "since: the log's timestamps are numbers without a date"),
    ],
)
def test_a_moment_that_cannot_be_compared_is_refused(moment, message):
    with pytest.raises(ValueError, match=message):
        LOG.filter(since=moment)


@pytest.mark.parametrize(("keep", "times"), [("last", [20, 30, 10, 10, 40]), ("first", [10, 20, 10, 10, 40])])
def test_deduplicate_keeps_one_row_of_each_pair(keep, times):
    log = LOG.deduplicate(keep=keep)
    assert log.timestamps.tolist() == times
    assert len(set(pairs(log))) == len(log) == 5
    with pytest.raises(ValueError, match=r"keep: takes .* got 'all'"):
        LOG.deduplicate(keep="all")


def test_adding_joins_rows_and_vocabularies():
    other = lw.Interactions(["bob", "kim"], [6, 7], ratings=[1, 1], timestamps=[5, 10], events=["buy", "sell"])
    log = LOG + other
    assert pairs(log)[3:] == [("bob", 6), ("bob", 7), ("bob", 5), ("eve", 5), ("kim", 7)]
    assert (log.user_ids.tolist(), log.item_ids.tolist()) == (["ann", "bob", "eve", "kim"], [5, 6, 7, 9])
    assert log.events.tolist()[3:] == ["buy", "buy", "view", "view", "sell"]


def test_adding_parts_gives_the_log_back():
    train, validation, test = lw.split.leave_last(LOG, parts=3)
    again = train + validation + test
    assert pairs(again) == pairs(LOG)
    assert again._user_vocabulary is LOG._user_vocabulary


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        (
            lw.Interactions([1], [7], ratings=[1], timestamps=[1], events=["buy"]),
            TypeError,
            "user ids are text in one log and integers in the other",
        ),
        (lw.Interactions(["a"], [7], timestamps=[1], events=["buy"]), ValueError, "one log has ratings, the other"),
        (
            lw.Interactions(["a"], [7], ratings=[1], timestamps=[datetime(2020, 1, 1)], events=["buy"]),
            ValueError,
            "timestamps are dates in one log and numbers in the other",
        ),
    ],
)
def test_logs_that_do_not_go_together_are_refused(other, error, message):
    with pytest.raises(error, match=message):
        LOG + other


def test_to_csr_and_to_frame_hand_the_rows_over():
    data, indices, indptr = LOG.to_csr()
    assert (data.tolist(), indices.tolist(), indptr.tolist()) == ([5, 3, 1, 2, 3, 4], [1, 2, 1, 1, 0, 0], [0, 3, 5, 6])
    assert lw.Interactions([1], [2]).to_csr()[0].tolist() == [1]
    frame = LOG.to_frame()
    assert list(frame.columns) == ["user", "item", "rating", "timestamp", "event"]
    again = lw.Interactions.from_frame(frame)
    pd.testing.assert_frame_equal(again.to_frame(), frame)


@pytest.mark.parametrize("kind", ["int64", "float64", "datetime64[s]", "datetime64[us]", "datetime64[ns]"])
def test_printing_says_users_items_interactions_and_span_of_time(kind):
    times = (
        np.array([1577836800, 1609459200, 1590000000]).astype("datetime64[s]" if "date" in kind else kind).astype(kind)
    )
    log = lw.Interactions([1, 1, 2], [5, 6, 5], ratings=[1, 2, 5], timestamps=times)
    assert log.audit()["time travel"].count == 0
    assert str(log).splitlines() == [
        "2 users, 2 items, 3 interactions (75.00% of all pairs)",
        "  rows a user: 1 to 2, median 2",
        "  ratings: 1 to 5, mean 2.67",
        "  time: 2020-01-01 00:00:00 to 2021-01-01 00:00:00 (366.0 days)",
    ]
    assert repr(log) == "Interactions(2 users, 2 items, 3 rows)"
    assert "events: buy 2, view 4" in str(LOG)
    assert "time: 10 to 40" in str(LOG)


def test_a_log_may_be_empty():
    log = lw.Interactions([], [], timestamps=[], user_ids=[1, 2], item_ids=["x"])
    assert (len(log), log.n_users, log.n_items, log.indptr.tolist()) == (0, 2, 1, [0, 0, 0])
    assert str(log) == "2 users, 1 items, 0 interactions (0.00% of all pairs)"
    assert len(log.audit()) > 0
    assert len(lw.split.leave_last(log)[1]) == 0
    assert len(log.deduplicate()) == 0


@pytest.mark.parametrize(
    ("conditions", "error", "message"),
    [
        ({"users": [1, 99]}, KeyError, "unknown user id 99"),
        ({"users": ["1"]}, KeyError, "unknown user id '1': the vocabulary has 2 ids .integers"),
        ({"items": "x"}, KeyError, "unknown item id 'x'"),
        (
            {"events": "sell"},
            KeyError,
            "unknown event id 'sell': the vocabulary has 2 ids .text, such as 'buy', 'view'",
        ),
        ({"min_rating": "3"}, TypeError, "min_rating: takes a number, got '3'"),
        ({"min_rating": float("nan")}, ValueError, "min_rating: takes a number, got nan"),
        ({"min_user_rows": "2"}, TypeError, "min_user_rows: takes a whole number, got '2'"),
        ({"min_item_rows": 1.5}, TypeError, "min_item_rows: takes a whole number, got 1.5"),
    ],
)
def test_a_filter_names_what_it_cannot_match(conditions, error, message):
    log = lw.Interactions([1, 2], [3, 4], ratings=[1, 2], events=["buy", "view"])
    assert len(log.filter(users=[1], items=[3], events="buy")) == 1
    with pytest.raises(error, match=message):
        log.filter(**conditions)


def test_a_read_names_its_bad_argument(tmp_path):
    (tmp_path / "log.csv").write_text("user,item,rating\n1,2,3\n")
    with pytest.raises(TypeError, match="min_rating: takes a number, got '3'"):
        lw.Interactions.read(tmp_path / "log.csv", min_rating="3")
    with pytest.raises(TypeError, match="separator: takes what stands between two cells, got 5"):
        lw.Interactions.read(tmp_path / "log.csv", separator=5)
