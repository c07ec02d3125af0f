"""Holds a wheel to its budget: size, size of a fresh environment with it, time to import.

    fresh-environment/bin/python tools/wheel_report.py dist/likewise-*.whl

Run it with the interpreter of a fresh environment in which only the wheel was installed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

WHEEL_MB = 5.0
ENVIRONMENT_MB = 200.0
# The aim is 0.3 s; a busy machine may take longer, so only a gross slip fails.
IMPORT_SECONDS = 1.0
TIMED_IMPORT = "import time; start = time.perf_counter(); import likewise; print(time.perf_counter() - start)"


def size_mb(folder: Path) -> float:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir()) / 1e6


def import_seconds() -> float:
    runs = [
        subprocess.run([sys.executable, "-c", TIMED_IMPORT], capture_output=True, text=True, check=True)
        for _ in range(7)
    ]
    return statistics.median(float(run.stdout) for run in runs)


def main() -> int:
    measured = [
        ("wheel, MB", Path(sys.argv[1]).stat().st_size / 1e6, WHEEL_MB),
        ("fresh environment, MB", size_mb(Path(sys.prefix)), ENVIRONMENT_MB),
        ("import likewise, s (median of 7)", import_seconds(), IMPORT_SECONDS),
    ]
    for name, value, bound in measured:
        print(f"{name:36}{value:10.3f}   bound {bound:g}{'' if value < bound else '   EXCEEDED'}")
    return 0 if all(value < bound for _, value, bound in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
