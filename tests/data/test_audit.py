"""What an audit finds."""

import time

import numpy as np
import pytest

import likewise as lw


def test_a_clean_log_raises_no_alarm():
    draws = np.random.default_rng(0)
    users = np.repeat(np.arange(50), 10)
    items = np.concatenate([draws.permutation(60)[:10] for _ in range(50)])
    log = lw.Interactions(users, items, timestamps=1_600_000_000 + 977 * np.arange(500))
    assert [finding.name for finding in log.audit() if finding.count] == []
    assert str(log.audit()).startswith("Audit of 50 users, 60 items, 500 interactions")


def test_duplicates_are_counted_with_examples():
    audit = lw.Interactions([1, 1, 1, 2], [5, 5, 5, 5]).audit()
    assert audit["duplicates"].count == 2
    assert audit["duplicates"].examples == ((1, 5), (1, 5))
    assert "log.deduplicate()" in str(audit)


@pytest.mark.parametrize("unit", [1, 1000, 10**6])
def test_times_at_zero_and_in_the_future_are_time_travel(unit):
    times = np.array([0, 5, *range(1_600_000_000, 1_600_000_010), int(time.time()) + 10**6]) * unit
    finding = lw.Interactions(np.arange(13), np.arange(13), timestamps=times).audit()["time travel"]
    assert finding.count == 3
    assert "2 rows before 1990 (1 at zero), 1 rows in the future" in finding.text


def test_counters_are_no_dates():
    audit = lw.Interactions([1, 1], [1, 2], timestamps=[0, 1]).audit()
    assert audit["time travel"].count == 0


SUSPECTS = {
    "far more rows": (np.repeat(np.arange(30), [2000] + [5] * 29), None, None),
    "half of the catalogue": (np.repeat(np.arange(30), [1500] + [20] * 29), None, None),
    "rate everything alike": (np.repeat(np.arange(30), 25), np.where(np.arange(750) < 25, 3, np.arange(750) % 5), None),
    "over one a second": (
        np.repeat(np.arange(3), 150),
        None,
        np.where(np.arange(450) < 150, 1_600_000_000 + np.arange(450) // 5, 1_600_000_000 + 60 * np.arange(450)),
    ),
}


@pytest.mark.parametrize("reason", SUSPECTS)
def test_suspicious_users_are_named_with_the_reason(reason):
    users, ratings, times = SUSPECTS[reason]
    log = lw.Interactions(users, np.arange(len(users)) % 2000, ratings=ratings, timestamps=times)
    finding = log.audit()["suspicious users"]
    assert reason in finding.text
    assert finding.examples == (0,)


def test_a_long_tail_and_short_histories_are_measured():
    items = np.concatenate([np.zeros(100, int), np.arange(1, 101)])
    audit = lw.Interactions(np.arange(200), items).audit()
    assert audit["long tail"].count == 100
    assert "1 items (1.0%) have half of all rows" in audit["long tail"].text
    assert audit["short histories"].count == 200


@pytest.mark.parametrize(
    ("columns", "count", "words"),
    [
        ({"ratings": [1] * 30 + [5] * 70}, 30, "30.0% of ratings are below 3"),
        ({"ratings": [5] * 100}, 0, "every rating is 5"),
        ({"ratings": [1] * 99 + [5000]}, 99, "counts"),
        ({"events": ["view"] * 98 + ["buy"] * 2}, 2, "buy 2.0%, view 98.0%"),
        ({}, 0, "neither ratings nor events"),
    ],
)
def test_imbalance_of_ratings_and_events_is_measured(columns, count, words):
    finding = lw.Interactions(np.arange(100), np.arange(100), **columns).audit()["imbalance"]
    assert finding.count == count
    assert words in finding.text + finding.advice


def test_rows_that_share_a_moment_are_counted():
    audit = lw.Interactions([1] * 10, range(10), timestamps=[5] * 10).audit()
    assert audit["simultaneous rows"].count == 9


def test_skipped_rows_stay_with_the_log_through_filters_and_sums(tmp_path):
    (tmp_path / "log.csv").write_text("user,item\n1,2\n1\n3,4\n")
    log = lw.Interactions.read(tmp_path / "log.csv", errors="skip")
    assert log.filter(users=[1]).audit().skipped == 1
    assert (log.deduplicate() + log).audit().skipped == 2
    assert log.audit()["malformed rows"].examples[0].line == 3
    assert "line 3, column item: 1 columns instead of 2: '1'" in str(log.audit())


def test_an_unknown_finding_is_named():
    audit = lw.Interactions([1], [2]).audit()
    assert audit[0].name == "malformed rows"
    with pytest.raises(KeyError, match="no finding 'robots'; there are malformed rows, duplicates"):
        audit["robots"]
