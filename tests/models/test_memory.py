"""A step over a large catalogue holds no scores of [positions, items]."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax", "gbce"])
def test_a_step_over_many_items_needs_little_beside_their_vectors(loss):
    command = [sys.executable, "-m", "bench.memory", "--loss", loss, "--items", "200000"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = re.search(r"beyond table, gradient and moments +(-?\d+) MB", told)
    assert found is not None, told
    print(f"\n{loss}: {found[1]} MB; scores alone would take {128 * 50 * 200_000 * 4 >> 20:,} MB")
    assert int(found[1]) < 300
