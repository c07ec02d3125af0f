"""Fixtures shared by all tests."""

import os
from pathlib import Path

import numpy as np
import pytest

from likewise import _core

DEFAULT_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir():
    """The folder of real data sets: LIKEWISE_DATA, or ../shared/data beside the repository."""
    folder = Path(os.environ.get("LIKEWISE_DATA", DEFAULT_DATA))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; set LIKEWISE_DATA to run this test")
    return folder


@pytest.fixture
def same_bits():
    """``same_bits(run)``: the array that ``run()`` returns is the same, bit for bit, at 1, 2 and 4 threads."""
    before = _core.num_threads()

    def check(run):
        results = []
        for threads in (1, 2, 4):
            _core.set_num_threads(threads)
            results.append(np.array(run()))
        np.testing.assert_array_equal(results[0], results[1])
        np.testing.assert_array_equal(results[0], results[2])

    yield check
    _core.set_num_threads(before)


def pytest_terminal_summary(terminalreporter):
    """How much of the case table was run."""
    from tests.cases import counts

    if counts:
        terminalreporter.write_line("case table: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
