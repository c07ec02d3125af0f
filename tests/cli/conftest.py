"""A command line run in this process, on a small log of two tastes."""

import json

import numpy as np
import pytest

from likewise.cli import main


@pytest.fixture
def likewise(capsys):
    """Runs one command line; what it printed on stdout, or as JSON for `--json`."""

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return json.loads(printed.out) if "--json" in arguments else printed.out

    return run


@pytest.fixture
def failure(capsys):
    """Runs a command line that must fail; its one line of error."""

    def run(*arguments):
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        printed = capsys.readouterr()
        lines = printed.err.splitlines()
        assert (code, printed.out) == (2, "")
        assert lines[-1].startswith("likewise: error: ")
        return lines[-1].removeprefix("likewise: error: ")

    return run


@pytest.fixture(scope="session")
def ratings(tmp_path_factory):
    """40 users x 30 items: even users like the first 15 items, odd ones the others; 8 rows each."""
    rng = np.random.default_rng(5)
    lines = ["userId,movieId,rating,timestamp"]
    for user in range(40):
        for time, item in enumerate(rng.choice(15, size=8, replace=False) + 15 * (user % 2)):
            lines.append(f"{user + 1},{item + 1},{rng.integers(1, 6)},{1000 * user + time}")
    path = tmp_path_factory.mktemp("log") / "ratings.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
