"""Everything a machine with an NVIDIA device is asked, in one call: build, test, sanitize and time the CUDA kernels.

    python -m bench.device --output results --commit $(git rev-parse --short HEAD)

Needs nvcc, CMake, Ninja and PyTorch with CUDA only: the kernels are called as C functions on PyTorch's tensors.
The record, <output>/cuda-<device>.json, holds the machine, the verdict of the tests and of each sanitizer, and the
rows; exits with 1 if a test or a sanitizer failed.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.timing import commit

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "build" / "device"
SANITIZERS = ("memcheck", "racecheck", "initcheck", "synccheck")
ROUNDS, CALLS = 20, 10  # by turns; a round is the mean of some calls in a row
COPIED = 1 << 30  # bytes of the copy that everything is held against


@dataclass(frozen=True)
class Row:
    """Microseconds are medians over the rounds; a share is bytes that must move over those a copy moves in the time."""

    work: str
    ours_us: float
    peer_us: float | None
    ratio: float | None
    gigabytes_per_second: float
    share: float
    target: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results", help="folder of the record")
    parser.add_argument("--commit", help="what is measured, where there is no git to say it")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    run("cmake", "--preset", "device")
    run("cmake", "--build", "--preset", "device")
    verdicts = dict(checks())
    machine = describe_machine(arguments.commit or commit())
    rows = []
    print(f"\n{machine}\n{'work':<52} {'ours us':>10} {'peer us':>10} {'ratio':>7} {'GB/s':>7} {'share':>7}  target")
    for row in measure():
        rows.append(row)
        peer = f"{row.peer_us:10.1f} {row.ratio:6.2f}x" if row.ratio else " " * 18
        speed = f"{row.gigabytes_per_second:7.0f} {100 * row.share:5.1f} %"
        print(f"{row.work:<52} {row.ours_us:10.1f} {peer} {speed}  {row.target}", flush=True)
    machine["clocks_after"] = clocks()
    record = {
        "machine": machine,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "checks": verdicts,
        "rows": [asdict(row) for row in rows],
    }
    device = re.sub(r"[^a-z0-9]+", "-", machine["device"].lower().removeprefix("nvidia ")).strip("-")
    path = arguments.output / f"cuda-{device}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\n{json.dumps(verdicts, indent=1)}\n{path}")
    return 0 if all(verdict["passed"] for verdict in verdicts.values()) else 1


# ---------------------------------------------------------------------------------------------------------------------
# Checks


def checks() -> Iterator[tuple[str, dict[str, Any]]]:
    """The tests alone, then under each tool of compute-sanitizer."""
    tests = str(BUILT / "tests" / "native" / "cuda" / "cuda_tests")
    for name, command in [
        ("tests", [tests]),
        *((tool, ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", tests]) for tool in SANITIZERS),
    ]:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = (done.stdout + done.stderr).strip().splitlines()
        print(f"\n== {name}: exit {done.returncode}", *lines[-12:], sep="\n", flush=True)
        said = [line for line in lines if "tests," in line or "SUMMARY" in line]
        yield name, {"passed": done.returncode == 0, "said": said}


# ---------------------------------------------------------------------------------------------------------------------
# Figures


def measure() -> Iterator[Row]:
    """Rows of all kernels, held against a copy within the device that is measured first."""
    import torch

    library = ctypes.CDLL(str(BUILT / "bench" / "native" / "libcuda_kernels.so"))
    library.activation_name.restype = ctypes.c_char_p
    seconds = seconds_of_copy(torch)
    copied = 2 * COPIED / seconds
    yield Row(f"copy of {COPIED >> 20} MiB", 1e6 * seconds, None, None, copied / 1e9, 1.0, "")

    def row(work: str, ours: Callable[[], object], peer: Callable[[], object], traffic: float, goal: str = "") -> Row:
        mine, theirs = by_turns(ours, peer)
        rate = traffic / mine
        return Row(work, 1e6 * mine, 1e6 * theirs, theirs / mine, rate / 1e9, rate / copied, goal)

    yield from gathers(library, torch, row)
    yield from activations(library, torch, row)


def seconds_of_copy(torch: Any) -> float:
    source, target = (torch.empty(COPIED, dtype=torch.uint8, device="cuda").fill_(side) for side in (1, 2))
    return by_turns(lambda: target.copy_(source), None)[0]


def gathers(library: Any, torch: Any, row: Callable[..., Row]) -> Iterator[Row]:
    """Random rows of a table much larger than the cache, each row once."""
    for table_rows, rows, dim in [
        (16_000_000, 4_000_000, 8),
        (8_000_000, 4_000_000, 32),
        (8_000_000, 2_000_000, 50),
        (8_000_000, 2_000_000, 64),
        (4_000_000, 1_000_000, 128),
        (1_000_000, 250_000, 512),
    ]:
        table = torch.randn(table_rows, dim, device="cuda")
        ids = torch.randperm(table_rows, device="cuda")[:rows].contiguous()
        out = torch.full((rows, dim), float("nan"), device="cuda")

        def ours(table: Any = table, ids: Any = ids, out: Any = out) -> None:
            library.gather(*(ctypes.c_int64(size) for size in out.shape), *pointers(table, ids, out))

        # Which of PyTorch's ways is the quickest hangs on dim and version: ours stands beside that one.
        ways: dict[str, Callable[[], Any]] = {
            "index_select": lambda table=table, ids=ids: torch.index_select(table, 0, ids),
            "indexing": lambda table=table, ids=ids: table[ids],
            "take_along_dim": lambda table=table, ids=ids: torch.take_along_dim(table, ids[:, None], 0),
        }
        seconds = {name: by_turns(way, None)[0] for name, way in ways.items()}
        best = min(seconds, key=lambda name: seconds[name])
        goal = "85 %" if dim >= 32 else ""
        name = f"gather {rows:,} of {table_rows:,} x {dim}; {best}"
        yield row(name, ours, ways[best], rows * (8 * dim + 8), goal)
        assert torch.equal(out, ways[best]())


def activations(library: Any, torch: Any, row: Callable[..., Row]) -> Iterator[Row]:
    """Values and gradients of 64 million elements."""
    aten, functional = torch.ops.aten, torch.nn.functional
    named = (library.activation_name(index).decode() for index in itertools.count())
    names = list(itertools.takewhile(lambda name: name != "?", named))
    z, dy = (torch.randn(1 << 26, device="cuda") for _ in range(2))
    out = torch.full_like(z, float("nan"))
    count = ctypes.c_int64(z.numel())
    peers: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
        "relu": (functional.relu, lambda kept: aten.threshold_backward(dy, kept, 0)),
        "sigmoid": (torch.sigmoid, lambda kept: aten.sigmoid_backward(dy, kept)),
        "tanh": (torch.tanh, lambda kept: aten.tanh_backward(dy, kept)),
        "gelu": (functional.gelu, lambda kept: aten.gelu_backward(dy, kept)),
        "silu": (functional.silu, lambda kept: aten.silu_backward(dy, kept)),
        "softplus": (functional.softplus, lambda kept: aten.softplus_backward(dy, z, 1, 20)),
        "mish": (functional.mish, lambda kept: aten.mish_backward(dy, kept)),
    }
    for name, (value, gradient) in peers.items():
        index = names.index(name)
        kept = z if name in ("gelu", "silu", "mish") else value(z)

        def forward(index: int = index) -> None:
            library.activation_forward(index, count, *pointers(z, out))

        def backward(index: int = index, kept: Any = kept) -> None:
            library.activation_backward(index, count, *pointers(kept, dy, out))

        yield row(f"{name} of {z.numel():,}", forward, lambda value=value: value(z), 8 * z.numel())
        torch.testing.assert_close(out, value(z), rtol=1e-5, atol=1e-5)
        theirs = lambda gradient=gradient, kept=kept: gradient(kept)  # noqa: E731
        yield row(f"gradient of {name}", backward, theirs, 12 * z.numel())
        torch.testing.assert_close(out, gradient(kept), rtol=1e-4, atol=1e-5)


def by_turns(ours: Callable[[], object], peer: Callable[[], object] | None) -> tuple[float, float]:
    """Seconds a call of each side: medians over rounds that alternate, by the device's own clock."""
    import torch

    times: dict[Callable[[], object], list[float]] = {side: [] for side in (ours, peer) if side}
    for side in times:
        for _ in range(3):
            side()
    for _ in range(ROUNDS):
        for side, seconds in times.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            for _ in range(CALLS):
                side()
            end.record()
            end.synchronize()
            seconds.append(start.elapsed_time(end) / 1e3 / CALLS)
    return statistics.median(times[ours]), statistics.median(times[peer]) if peer else 0.0


def pointers(*tensors: Any) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]


# ---------------------------------------------------------------------------------------------------------------------
# The machine


def describe_machine(measured: str) -> dict[str, Any]:
    import torch

    return {
        "device": torch.cuda.get_device_name(),
        "driver": query("driver_version"),
        "cuda": torch.version.cuda,
        "nvcc": re.findall(r"release ([\d.]+)", run("nvcc", "--version", quiet=True))[0],
        "memory": query("memory.total"),
        "clocks_before": clocks(),
        "clocks_most": {"sm": query("clocks.max.sm"), "memory": query("clocks.max.memory")},
        "peer": f"torch {torch.__version__}",
        "commit": measured,
    }


def clocks() -> dict[str, str]:
    return {"sm": query("clocks.sm"), "memory": query("clocks.mem")}


def query(field: str) -> str:
    return run("nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader", "--id=0", quiet=True).strip()


def run(*command: str, quiet: bool = False) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or not quiet:
        print(f"$ {' '.join(command)}", *(done.stdout + done.stderr).splitlines()[-30:], sep="\n", flush=True)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
