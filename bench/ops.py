"""Speed of single operations beside PyTorch.

    python -m bench.ops                         every group
    python -m bench.ops gemm --match 4096       the rows of one group whose name holds "4096"
    LIKEWISE_ISA=v3 python -m bench.ops gemm --save gemm-v3

A group is a module bench.peers.<group> whose ``works(threads)`` yields :class:`bench.timing.Work`.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
from collections.abc import Sequence

from bench import timing

GROUPS = ("gemm", "retrieval", "softmax", "sampled", "optimizers", "recurrent", "attention", "conv", "sweep")


def main(description: str | None = __doc__, groups: Sequence[str] = GROUPS) -> None:
    """Runs the groups a command line names, all of them by default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", default=[], choices=[[], *groups], metavar="group")
    parser.add_argument("--match", default="", help="only rows whose name holds this text")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each side of a row")
    parser.add_argument("--save", metavar="NAME", help="write bench/results/NAME.json")
    arguments = parser.parse_args()

    import torch

    from likewise import _core

    _core.set_num_threads(arguments.threads)
    torch.set_num_threads(arguments.threads)
    machine = timing.Machine.current(peer=f"PyTorch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()})")
    timing.print_header(machine)
    rows: list[timing.Row] = []
    for group in arguments.groups or groups:
        works = importlib.import_module(f"bench.peers.{group}").works(arguments.threads)
        chosen = (work for work in works if arguments.match in work.name)
        for row in timing.measure(group, chosen, machine, arguments.seconds):
            timing.print_row(row)
            rows.append(row)
    for group in dict.fromkeys(row.group for row in rows):
        ratios = [row.ratio for row in rows if row.group == group and row.ratio]
        if ratios:
            print(f"{group}: geometric mean of {len(ratios)} ratios {timing.geometric_mean(ratios):.2f}x")
        shares = [row.share for row in rows if row.group == group and row.share]
        if shares:
            print(f"{group}: median share {statistics.median(shares):.1%}, least {min(shares):.1%}")
    if arguments.save:
        print(f"written to {timing.save(rows, machine, arguments.save)}")


if __name__ == "__main__":
    main()
