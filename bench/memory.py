"""Peak memory of a training step over a large catalogue, beyond the table, its gradient and the optimizer's moments.

    python -m bench.memory                      one million items, dim 32, 128 x 50 positions

Each loss runs in a process of its own; what the peak is held against is printed beside it.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys

LOSSES = {"sampled_softmax": 128, "gbce": 128, "softmax": 0}  # negatives of each position
BOUND_MB = 300
MB = 1 << 20


def peak() -> float:
    """The most memory this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB


def measure(loss: str, items: int, dim: int, batch: int, steps: int) -> None:
    """Prints the peak of some steps beyond what parameters, gradient and moments take."""
    import numpy as np

    from likewise import optimizers
    from likewise.models import SASRec
    from likewise.models.sequences.batches import SequenceBatch, Sequences

    random = np.random.default_rng(0)
    rows = random.integers(0, items, (batch, steps + 1), dtype=np.int32)
    negatives = LOSSES[loss]
    drawn = random.integers(0, items, (batch * steps, negatives), dtype=np.int32) if negatives else None
    given = SequenceBatch(Sequences(rows[:, :-1].ravel(), np.arange(batch + 1) * steps), rows[:, 1:].ravel(), drawn)
    network = SASRec(dim=dim, loss=loss, negatives=negatives or None, max_length=steps)._made(items)
    adam = optimizers.Adam(0.001)
    table = items * dim * 4 / MB
    before = peak()  # the table is there, and what made it is free again or not: all of it counts
    for _ in range(3):
        network.train_step(given, adam)
    moments = 2 * table
    gradient = table if loss == "softmax" else 0.0
    print(f"{loss:16} peak {peak():7.0f} MB, before the steps {before:6.0f} MB, ", end="")
    print(f"beyond table, gradient and moments {peak() - before - moments - gradient:6.0f} MB (bound {BOUND_MB})")


def main() -> None:
    """Measures every loss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loss", choices=list(LOSSES))
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=32)
    arguments = parser.parse_args()
    if arguments.loss:
        measure(arguments.loss, arguments.items, arguments.dim, 128, 50)
        return
    for loss in LOSSES:
        command = [sys.executable, "-m", "bench.memory", "--loss", loss]
        subprocess.run([*command, "--items", str(arguments.items), "--dim", str(arguments.dim)], check=True)


if __name__ == "__main__":
    main()
