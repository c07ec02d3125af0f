"""Ours and the peer's in one run, by turns: medians, their ratio, and the share of the limit that ours reaches."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_CHUNK = 300e-6  # seconds timed at once: calls shorter than this are timed several together
_SETTLE = 15e-3  # a pool's threads spin for a while after its last call (libgomp's for 6 ms): wait until they sleep
_WARM = 10e-3  # calls before those that count: a sleeping thread is woken for a millisecond of work, and takes its time
_QUIET = 0.1  # cores that other processes may use during a row; a row with more is timed again, then marked
_TRIES = 3


@dataclass(frozen=True)
class Work:
    """One row of a table: the same work done by us and by a peer.

    Args:
        name: The real shape, as in "4096 x 64 x 64".
        ours: One call.
        peer: One call of the peer at its best setting, or None.
        peer_calls: How many calls of the peer do the work of one of ours; its time is multiplied by it.
        flops: Counted floating-point operations of a call, held against the multiply-add limit.
        traffic: Counted bytes of a call, held against ``bandwidth``; used instead of ``flops`` when given.
        bandwidth: Bytes per second that bound ``traffic``.
        target: What the row has to reach, for the reader.
    """

    name: str
    ours: Callable[[], object]
    peer: Callable[[], object] | None = None
    flops: float = 0.0
    traffic: float = 0.0
    bandwidth: float = 0.0
    target: str = ""
    peer_calls: int = 1


@dataclass(frozen=True)
class Machine:
    """What every figure is read with."""

    cpu: str
    isa: str
    threads: int
    commit: str
    flops: float
    peer: str

    @staticmethod
    def current(peer: str) -> Machine:
        from bench import limits

        from likewise import _core

        isa, threads = _core.isa_level(), _core.num_threads()
        return Machine(_cpu(), isa, threads, commit(), limits.flops(isa, threads), peer)

    def __str__(self) -> str:
        limit = f"multiply-add limit {self.flops / 1e9:.0f} GFLOP/s"
        return f"{self.cpu}, level {self.isa}, {self.threads} threads, {limit}, against {self.peer}, at {self.commit}"


@dataclass(frozen=True)
class Row:
    """A measured Work; seconds are medians per call, and so are the figures made of them but ``quiet_share``."""

    group: str
    name: str
    ours: float
    peer: float | None
    ratio: float | None
    share: float | None
    quiet_share: float | None  # by the fastest tenth of our times: what the kernel does while no neighbour disturbs it
    rate: float | None
    target: str
    rounds: int
    others: float  # cores kept busy by other processes: such a row is no figure


def measure(group: str, works: Iterable[Work], machine: Machine, seconds: float = 0.5) -> Iterator[Row]:
    """Time every work for about ``seconds`` a side, the two sides by turns."""
    for work in works:
        calls = {"ours": work.ours} | ({"peer": work.peer} if work.peer else {})
        counts = {side: _calls_per_chunk(call) for side, call in calls.items()}
        for _ in range(_TRIES):
            times, rounds, others = _by_turns(calls, counts, seconds)
            if others < _QUIET:
                break
        ours = statistics.median(times["ours"])
        peer = statistics.median(times["peer"]) * work.peer_calls if work.peer else None
        limit = work.bandwidth if work.traffic else machine.flops
        amount = work.traffic or work.flops
        rate = amount / ours
        share, quiet_share = None, None
        if amount and limit:
            share, quiet_share = rate / limit, amount / _tenth(times["ours"]) / limit
        ratio = peer / ours if peer else None
        yield Row(group, work.name, ours, peer, ratio, share, quiet_share, rate or None, work.target, rounds, others)


def _by_turns(
    calls: dict[str, Callable[[], object]], counts: dict[str, int], seconds: float
) -> tuple[dict[str, list[float]], int, float]:
    """Times of each side, rounds, and the cores that other processes kept busy meanwhile."""
    times: dict[str, list[float]] = {side: [] for side in calls}
    spent, rounds = 0.0, 0
    start, busy, own = time.perf_counter(), _busy_seconds(), time.process_time()
    while rounds < 3 or (spent < seconds * len(calls) and rounds < 400):
        for side, call in calls.items():
            turn = time.perf_counter()
            times[side] += _one_turn(call, counts[side])
            spent += time.perf_counter() - turn
        rounds += 1
    busy, own = _busy_seconds() - busy, time.process_time() - own
    return times, rounds, max(0.0, busy - own) / (time.perf_counter() - start)


def _tenth(times: list[float]) -> float:
    """The time that a tenth of them stay below."""
    return sorted(times)[len(times) // 10]


def _busy_seconds() -> float:
    """Seconds of work of all processors since the machine started, in steps of a hundredth."""
    user, nice, system = (float(ticks) for ticks in Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _calls_per_chunk(call: Callable[[], object]) -> int:
    for _ in range(3):
        call()
    best = min(_timed(call, 1) for _ in range(5))
    return max(1, min(10_000, round(_CHUNK / best)))


def _one_turn(call: Callable[[], object], count: int) -> list[float]:
    """A few chunks in a row, once the other side's threads sleep and ours are awake."""
    time.sleep(_SETTLE)
    until = time.perf_counter() + _WARM
    while time.perf_counter() < until:
        call()
    return [_timed(call, count) for _ in range(5)]


def _timed(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def geometric_mean(values: Iterable[float]) -> float:
    """exp(mean(log x))."""
    return math.exp(statistics.fmean(math.log(value) for value in values))


def print_row(row: Row) -> None:
    """One line of the table, as soon as it is known."""
    peer = f"{row.peer * 1e6:11.1f}" if row.peer else " " * 11
    ratio = f"{row.ratio:6.2f}x" if row.ratio else " " * 7
    rate = f"{row.rate / 1e9:8.1f}" if row.rate else " " * 8
    share, quiet_share = (f"{100 * each:5.1f} %" if each else " " * 7 for each in (row.share, row.quiet_share))
    disturbed = f"  DISTURBED by {row.others:.1f} cores" if row.others >= _QUIET else ""
    columns = f"{row.ours * 1e6:11.1f} {peer} {ratio} {rate} {share} {quiet_share}  {row.target}{disturbed}"
    print(f"{row.group:<12} {row.name:<38} {columns}", flush=True)


def print_header(machine: Machine) -> None:
    """The machine, and the names of the columns."""
    print(machine)
    columns = f"{'ours us':>11} {'peer us':>11} {'ratio':>7} {'G/s':>8} {'share':>7} {'quiet':>7}  target"
    print(f"{'group':<12} {'work':<38} {columns}")


def save(rows: list[Row], machine: Machine, name: str) -> Path:
    """Write the rows with their machine to ``results/<name>.json``."""
    record: dict[str, Any] = {"machine": vars(machine), "when": datetime.now(UTC).isoformat(timespec="seconds")}
    record["rows"] = [vars(row) for row in rows]
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            family = [entry.split(":")[1].strip() for entry in Path("/proc/cpuinfo").read_text().splitlines()[:8]]
            return f"{line.split(':', 1)[1].strip()} (family {family[2]} model {family[3]})"
    return "unknown"


def commit() -> str:
    """The commit measured, with a + where the files differ from it; empty where there is no git."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=RESULTS.parent, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
