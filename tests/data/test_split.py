"""Splits of a log."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import likewise as lw

SPLITS = {
    "leave_last": lambda log: lw.split.leave_last(log),
    "leave_last in three": lambda log: lw.split.leave_last(log, parts=3),
    "by_time": lambda log: lw.split.by_time(log, test=0.2),
    "by_time in three": lambda log: lw.split.by_time(log, test=0.2, validation=0.1),
    "random": lambda log: lw.split.random(log, test=0.25, seed=3),
    "random in three": lambda log: lw.split.random(log, test=0.25, validation=0.25, seed=3),
    "by_user": lambda log: lw.split.by_user(log, test=0.4, seed=3),
    "by_user in three": lambda log: lw.split.by_user(log, test=0.3, validation=0.3, seed=3),
    "new_users": lambda log: lw.split.new_users(log, test=0.3, given=0.5, seed=3),
    "a fold": lambda log: list(lw.split.k_fold(log, k=3, seed=3))[1],
}


def rows_of(log):
    return list(zip(log.users.tolist(), log.items.tolist(), log.timestamps.tolist(), strict=True))


def random_log(seed, n=200):
    draws = np.random.default_rng(seed)
    return lw.Interactions(draws.integers(0, 12, n), draws.integers(0, 30, n), timestamps=draws.permutation(n) // 2)


@pytest.mark.parametrize("split", SPLITS)
@given(seed=st.integers(0, 1000), n=st.sampled_from([3, 20, 200]))
@settings(max_examples=8, deadline=None)
def test_parts_hold_every_row_once_and_share_the_vocabulary(split, seed, n):
    log = random_log(seed, n)
    parts = SPLITS[split](log)
    assert sum((Counter(rows_of(part)) for part in parts), Counter()) == Counter(rows_of(log))
    for part in parts:
        assert part.user_ids is log.user_ids
        assert part.item_ids is log.item_ids
        keys = list(zip(part.user_index, part.timestamps, strict=True))
        assert keys == sorted(keys)


@pytest.mark.parametrize("split", SPLITS)
def test_the_same_seed_gives_the_same_parts(split):
    one, other = SPLITS[split](random_log(7)), SPLITS[split](random_log(7))
    assert [rows_of(part) for part in one] == [rows_of(part) for part in other]


@pytest.mark.parametrize("name", ["random", "by_user", "new_users"])
def test_another_seed_gives_other_parts(name):
    split, log = getattr(lw.split, name), random_log(7)
    assert rows_of(split(log, seed=1)[-1]) != rows_of(split(log, seed=2)[-1])


def test_leave_last_takes_the_latest_rows_of_users_who_have_enough():
    log = lw.Interactions([1, 1, 1, 2, 2, 3], [7, 8, 9, 7, 8, 9], timestamps=[3, 1, 2, 5, 4, 6])
    train, validation, test = lw.split.leave_last(log, parts=3)
    assert (train.users.tolist(), train.items.tolist()) == ([1, 2, 2, 3], [8, 8, 7, 9])
    assert validation.items.tolist() == [9]
    assert test.items.tolist() == [7]


def test_leave_last_goes_by_the_order_given_where_there_are_no_timestamps():
    train, test = lw.split.leave_last(lw.Interactions([1, 1, 1], [9, 7, 8]))
    assert (train.items.tolist(), test.items.tolist()) == ([9, 7], [8])


@pytest.mark.parametrize("seed", range(5))
def test_by_time_parts_follow_one_another(seed):
    train, validation, test = lw.split.by_time(random_log(seed), test=0.2, validation=0.2)
    assert train.timestamps.max() < validation.timestamps.min()
    assert validation.timestamps.max() < test.timestamps.min()
    assert 40 <= len(test) <= 41


def test_random_parts_have_exactly_their_share():
    train, validation, test = lw.split.random(random_log(1, 1000), test=0.2, validation=0.05)
    assert (len(train), len(validation), len(test)) == (750, 50, 200)


def test_by_user_takes_its_share_of_every_user():
    log = lw.Interactions(np.repeat(range(6), [1, 2, 3, 5, 10, 100]), np.arange(121), timestamps=np.arange(121))
    train, test = lw.split.by_user(log, test=0.2, seed=1)
    assert np.diff(test.indptr).tolist() == [0, 0, 1, 1, 2, 20]
    train, _, test = lw.split.by_user(log, test=0.5, validation=0.4, seed=1)
    assert np.diff(train.indptr).tolist() == [1, 2, 1, 1, 1, 10]
    assert np.diff(test.indptr).tolist() == [0, 0, 2, 3, 5, 50]
    assert sorted(test.items[test.user_index == 5]) != list(range(71, 121))


def test_new_users_are_held_out_whole_and_their_first_rows_are_their_history():
    log = random_log(5, 300)
    train, history, test = lw.split.new_users(log, test=0.25, given=0.8, seed=2)
    held_out = set(test.users.tolist())
    assert len(held_out) == 3
    assert set(history.users.tolist()) == held_out
    assert not set(train.users.tolist()) & held_out
    for user in log.index_of_users(sorted(held_out)):
        first, last = (part.timestamps[part.indptr[user] : part.indptr[user + 1]] for part in (history, test))
        assert first.max() <= last.min()
        assert len(first) == round(0.8 * (len(first) + len(last)))


def test_every_row_is_tested_in_one_fold():
    log = random_log(4, 101)
    folds = list(lw.split.k_fold(log, k=5, seed=1))
    assert sorted(len(test) for _, test in folds) == [20, 20, 20, 20, 21]
    assert sum((Counter(rows_of(test)) for _, test in folds), Counter()) == Counter(rows_of(log))
    for train, test in folds:
        assert Counter(rows_of(train)) + Counter(rows_of(test)) == Counter(rows_of(log))


UNTIMED = lw.Interactions([1, 1, 2], [1, 2, 3])
SAME_TIME = lw.Interactions([1, 1, 2], [1, 2, 3], timestamps=[5, 5, 5])


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (lambda: lw.split.leave_last(UNTIMED, parts=4), r"parts: takes 2 \(train, test\) or 3 .* got 4"),
        (lambda: lw.split.by_time(UNTIMED), "by_time: the log has no timestamps"),
        (lambda: lw.split.by_time(SAME_TIME), r"too many rows share the first moment \(5\)"),
        (lambda: lw.split.random(UNTIMED, test=20), "test: takes a share between 0 and 1, got 20"),
        (lambda: lw.split.random(UNTIMED, validation=0.0), "validation: takes a share between 0 and 1, got 0.0"),
        (lambda: lw.split.by_user(UNTIMED, test=0.6, validation=0.4), "0.6 and 0.4 leave nothing for train"),
        (lambda: lw.split.new_users(UNTIMED, given=1), "given: takes a share between 0 and 1, got 1"),
        (lambda: lw.split.k_fold(UNTIMED, k=1), "k: takes from 2 to the log's 3 rows, got 1"),
    ],
)
def test_what_cannot_be_split_is_refused(split, message):
    with pytest.raises(ValueError, match=message):
        split()


LOG = random_log(7)
BAD_ARGUMENTS = {
    "a share of text": (lambda: lw.split.random(LOG, test="0.2"), TypeError, "test: takes a number, got '0.2'"),
    "a share of NaN": (lambda: lw.split.by_user(LOG, test=np.nan), ValueError, "test: takes a number, got nan"),
    "given as text": (lambda: lw.split.new_users(LOG, given="1"), TypeError, "given: takes a number, got '1'"),
    "a negative seed": (lambda: lw.split.random(LOG, seed=-1), ValueError, "seed: takes at least 0, got -1"),
    "a seed in parts": (lambda: lw.split.by_user(LOG, seed=1.5), TypeError, "seed: takes a whole number, got 1.5"),
    "no seed": (lambda: lw.split.new_users(LOG, seed=None), TypeError, "seed: takes a whole number, got None"),
    "parts as a float": (
        lambda: lw.split.leave_last(LOG, parts=2.0),
        TypeError,
        "parts: takes a whole number, got 2.0",
    ),
    "folds in parts": (lambda: lw.split.k_fold(LOG, k=2.5), TypeError, "k: takes a whole number, got 2.5"),
    "simulated": (lambda: lw.data.simulate(seed=-1), ValueError, "seed: takes at least 0, got -1"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_a_bad_argument_of_a_split_is_named(case):
    split, error, message = BAD_ARGUMENTS[case]
    with pytest.raises(error, match=message):
        split()
