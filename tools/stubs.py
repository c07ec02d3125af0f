"""Writes python/likewise/_core.pyi from the installed extension module.

pip install '.[lint]' && python tools/stubs.py            # write it
python tools/stubs.py --check                             # exit with 1 if it would change
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).resolve().parent.parent / "python" / "likewise" / "_core.pyi"
HEADER = "# Written by tools/stubs.py from the compiled module: change cpp/bindings instead.\n"


def generate() -> str:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pybind11_stubgen", "likewise._core", "--exit-code", "-o", folder]
        # From another folder, so that the installed module is found and not a source tree.
        subprocess.run(command, check=True, cwd=folder)
        text = HEADER + (Path(folder) / "likewise" / "_core.pyi").read_text()
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(STUB), "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=STUB.parent,
    )
    return formatted.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if the stub is out of date")
    arguments = parser.parse_args()
    fresh = generate()
    if not arguments.check:
        STUB.write_text(fresh)
        return 0
    kept = STUB.read_text() if STUB.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(kept.splitlines(True), fresh.splitlines(True), str(STUB), "fresh"))
    if kept != fresh:
        print("python/likewise/_core.pyi is out of date: run tools/stubs.py", file=sys.stderr)
    return 1 if kept != fresh else 0


if __name__ == "__main__":
    sys.exit(main())
