"""`likewise bench` does the work it names and gives a rate for each."""

import pytest

from likewise import _core
from likewise.cli import bench


@pytest.fixture
def small(monkeypatch):
    for name, value in {"N_USERS": 200, "N_ITEMS": 100, "N_ROWS": 5000, "REPEATS": 1}.items():
        monkeypatch.setattr(bench, name, value)


def test_every_work_has_a_rate(likewise, small):
    said = likewise("bench", "--json")
    assert (said["level"], said["threads"]) == (_core.isa_level(), _core.num_threads())
    assert [row["unit"] for row in said["works"]] == [
        "GFLOP/s",
        "GFLOP/s",
        "million rows/s",
        "million rows/s",
        "thousand users/s",
        "thousand users/s",
    ]
    assert all(row["rate"] > 0 and row["seconds"] > 0 for row in said["works"])
    assert said["works"][2]["work"] == "read 5,000 rows of csv"


def test_a_time_is_the_median_after_a_warm_up(monkeypatch):
    runs = []
    monkeypatch.setattr(bench, "REPEATS", 3)
    monkeypatch.setattr(bench.time, "perf_counter", iter([0.0, 5.0, 5.0, 6.0, 6.0, 8.0]).__next__)
    assert bench.seconds(lambda: runs.append(1)) == 2.0
    assert len(runs) == 4
