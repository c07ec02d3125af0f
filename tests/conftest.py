"""Fixtures shared by all tests."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from likewise import _core, runtime

DEFAULT_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir():
    """The folder of real data sets: LIKEWISE_DATA, or ../shared/data beside the repository."""
    folder = Path(os.environ.get("LIKEWISE_DATA", DEFAULT_DATA))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; set LIKEWISE_DATA to run this test")
    return folder


@pytest.fixture(autouse=True)
def _global_seed():
    """No test leaves its seed to the next."""
    before = runtime.get_seed()
    yield
    runtime.set_seed(before)


@pytest.fixture
def same_bits(counted):
    """``same_bits(run)``: the array that ``run()`` returns is the same, bit for bit, at 1, 2 and 4 threads."""
    before = _core.num_threads()

    def check(run):
        results = []
        for threads in (1, 2, 4):
            _core.set_num_threads(threads)
            results.append(np.array(run()))
        np.testing.assert_array_equal(results[0], results[1])
        np.testing.assert_array_equal(results[0], results[2])
        counted("results equal bit for bit at 1, 2 and 4 threads")

    yield check
    _core.set_num_threads(before)


@pytest.fixture
def counted(request):
    """``counted(what, number)``: a test that passes did so many of these; the summary prints the sums."""

    def count(what, number=1):
        request.node.user_properties.append(("counted", (what, number)))  # pytest-xdist carries it to the summary

    return count


COUNTS: Counter[str] = Counter()


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed:
        for what, number in (value for name, value in report.user_properties if name == "counted"):
            COUNTS[what] += number


def pytest_terminal_summary(terminalreporter):
    """What the tests that passed have counted."""
    if COUNTS:
        terminalreporter.section("counts")
    for what, number in sorted(COUNTS.items()):
        terminalreporter.write_line(f"{number:8,}  {what}")
