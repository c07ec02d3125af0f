"""Reading a csv of interactions: `Interactions.read` beside pandas doing the same work.

    python -m bench.read                  # 20 million rows, some 500 MB; a few minutes
    python -m bench.read --rows 2000000   # for a quick look

Every read runs in a process of its own, by turns, with the file in the page cache. The work: parse, number users and
items by ascending id, sort by user and time, keep item, rating and time as arrays in that order. pandas reads with
whichever of its two parsers is quicker. The peak is the process's resident memory (VmHWM), against twice the file; a
second run of ours states DuckDB's `memory_limit`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = "500MB"
LIMITED_PEAK = 1.1e9  # bytes


def write_file(path: Path, rows: int) -> None:
    """Ratings in random order: 138,000 users and 26,000 items with long tails, half stars, twenty years of seconds."""
    import duckdb

    duckdb.sql(
        f"""COPY (
            SELECT (pow(random(), 2) * 138000)::INTEGER * 7 % 138493 + 1 AS user,
                   (pow(random(), 3) * 26000)::INTEGER + 1 AS item,
                   ((random() * 10)::INTEGER + 1) / 2 AS rating,
                   789652009 + (random() * 638000000)::INTEGER AS timestamp
            FROM range({rows})
        ) TO '{path}' (HEADER)"""
    )


def read_with_likewise(path: str, memory_limit: str | None) -> int:
    import likewise as lw

    log = lw.Interactions.read(path, memory_limit=memory_limit)
    assert log.ratings is not None
    assert log.timestamps is not None
    return len(log)


def read_with_pandas(path: str, engine: str) -> int:
    import numpy as np
    import pandas as pd

    frame = pd.read_csv(path, engine=engine)
    users, user_ids = pd.factorize(frame["user"], sort=True)
    items, _ = pd.factorize(frame["item"], sort=True)
    order = np.lexsort((frame["timestamp"].to_numpy(), users))  # quicker than sort_values
    items, ratings, times = items[order], frame["rating"].to_numpy()[order], frame["timestamp"].to_numpy()[order]
    pointers = np.searchsorted(users[order], np.arange(len(user_ids) + 1))
    assert len(items) == len(ratings) == len(times) == pointers[-1]
    return len(items)


READERS = {
    "likewise": lambda path: read_with_likewise(path, None),
    "likewise, limited": lambda path: read_with_likewise(path, LIMIT),
    "pandas, c": lambda path: read_with_pandas(path, "c"),
    "pandas, pyarrow": lambda path: read_with_pandas(path, "pyarrow"),
}


def measure_here(reader: str, path: str) -> None:
    """Runs one reader in this process and prints seconds, peak bytes and rows."""
    import_first = "likewise.data" if reader.startswith("likewise") else "pandas"
    __import__(import_first)
    begin = time.perf_counter()
    rows = READERS[reader](path)
    seconds = time.perf_counter() - begin
    status = Path("/proc/self/status").read_text()
    peak = 1024 * int(status.split("VmHWM:")[1].split()[0])
    print(json.dumps({"seconds": seconds, "peak": peak, "rows": rows}))


def measure(reader: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.read", "--reader", reader, "--file", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.reader:
        measure_here(arguments.reader, arguments.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.csv"
        write_file(path, arguments.rows)
        size = path.stat().st_size
        print(f"{arguments.rows:,} rows, {size / 1e6:.0f} MB of csv, {arguments.repeats} runs each, by turns")
        runs = [{reader: measure(reader, path) for reader in READERS} for _ in range(arguments.repeats)]
    assert {run[reader]["rows"] for run in runs for reader in READERS} == {arguments.rows}
    seconds = {reader: statistics.median(run[reader]["seconds"] for run in runs) for reader in READERS}
    peaks = {reader: max(run[reader]["peak"] for run in runs) for reader in READERS}
    print(f"{'':20} {'median s':>9} {'peak MB':>9} {'of the file':>12}")
    for reader in READERS:
        print(f"{reader:20} {seconds[reader]:9.2f} {peaks[reader] / 1e6:9.0f} {peaks[reader] / size:11.2f}x")
    best = min(seconds["pandas, c"], seconds["pandas, pyarrow"])
    ratio = best / seconds["likewise"]
    print(f"pandas at its best / likewise: {ratio:.2f} (must exceed 1)")
    print(f"peak / file: {peaks['likewise'] / size:.2f} (must stay under 2)")
    limited = peaks["likewise, limited"] / 1e6
    print(f"peak under memory_limit={LIMIT}: {limited:.0f} MB (must stay under {LIMITED_PEAK / 1e6:.0f})")


if __name__ == "__main__":
    main()
