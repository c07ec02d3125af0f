"""What memory there is."""

from __future__ import annotations

from pathlib import Path


def available_bytes() -> int:
    """Memory that can be had without swapping: what the machine has left, or what the control group leaves."""
    left = [_machine_bytes()]
    group = Path("/sys/fs/cgroup")
    for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        try:
            left.append(int((group / limit).read_text()) - int((group / used).read_text()))
        except (OSError, ValueError):  # no such file, or no limit ("max")
            continue
    return max(0, min(left))


def _machine_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no MemAvailable")


def require_memory(needed: int, what: str) -> None:
    """Stops before an allocation that cannot succeed.

    Raises:
        MemoryError: If less is available; names both in GiB.
    """
    available = available_bytes()
    if needed > available:
        raise MemoryError(f"{what} need {needed / 2**30:.1f} GiB of memory, {available / 2**30:.1f} GiB are available")
