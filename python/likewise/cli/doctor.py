"""`likewise doctor`: what this build and this machine can do, and why not."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from likewise.cli.arguments import Command
from likewise.cli.output import show

PURPOSE_OF_EXTRA = {
    "plot": "History.plot and charts",
    "test": "the test suite",
    "lint": "formats, types and stubs, for developers",
    "bench": "benchmarks beside other libraries",
    "oracle": "Keras, which the tests hold every layer against",
}
INSTRUCTIONS = {
    "v2": "SSE4.2",
    "v3": "AVX2 and FMA",
    "v4": "AVX-512",
    "neon": "NEON",
}


def diagnosis() -> dict[str, Any]:
    """What `likewise doctor` prints, as one mapping a section."""
    return {
        "likewise": _package(),
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "platform": {"system": platform.platform(), "libc": " ".join(platform.libc_ver())},
        "cpu": _cpu(),
        "threads": _threads(),
        "cuda": _cuda(),
        "memory": _memory(),
        "extras": {extra: _extra(extra) for extra in metadata.metadata("likewise").get_all("Provides-Extra") or ()},
        "data": _data(),
    }


def _package() -> dict[str, Any]:
    import likewise

    folder = Path(likewise.__file__).parent
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {"version": likewise.__version__, "folder": str(folder), "megabytes": round(size / 1e6, 1)}


def _cpu() -> dict[str, Any]:
    from likewise import _core

    level, usable = _core.isa_level(), _core.usable_isa_levels()
    if os.environ.get("LIKEWISE_ISA"):
        reason = f"LIKEWISE_ISA={level}"
    else:
        reason = "the highest this processor runs; LIKEWISE_ISA forces another"
    return {"model": _cpu_model(), "level": level, "usable": usable, "reason": reason}


def _cpu_model() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def _threads() -> dict[str, Any]:
    from likewise import _core

    source = "the processors that affinity and cgroup allow; LIKEWISE_NUM_THREADS sets another number"
    for variable in ("OMP_NUM_THREADS", "LIKEWISE_NUM_THREADS"):
        if re.match(r"\s*\+?0*[1-9]", os.environ.get(variable, "")):
            source = f"{variable}={os.environ[variable]}"
    return {"count": _core.num_threads(), "source": source}


def _cuda() -> dict[str, Any]:
    from likewise import _core

    built, devices, reason = _core.cuda_status()
    return {"built": built, "devices": devices, "reason": reason}


def _memory() -> dict[str, Any]:
    kilobytes = dict(re.findall(r"^(\w+):\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE))
    try:
        limit: int | None = int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no such file, or "max"
        limit = None
    return {
        "total_bytes": int(kilobytes["MemTotal"]) * 1024,
        "available_bytes": int(kilobytes["MemAvailable"]) * 1024,
        "cgroup_limit_bytes": limit,
    }


def _extra(extra: str) -> dict[str, Any]:
    """What an extra is for, and which of its packages are missing."""
    named = [line for line in metadata.requires("likewise") or () if re.search(rf"extra == ['\"]{extra}['\"]", line)]
    packages = [match.group() for line in named if (match := re.match(r"[\w.-]+", line))]
    missing = [package for package in packages if not _is_installed(package)]
    return {"for": PURPOSE_OF_EXTRA[extra], "missing": missing}


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _data() -> dict[str, Any]:
    from likewise.data.locate import SOURCES, cache_folder, data_folders

    found = {
        name: str(folder / name)
        for folder in reversed(data_folders())
        for name in sorted(SOURCES)
        if (folder / name).is_dir()
    }
    return {"LIKEWISE_DATA": os.environ.get("LIKEWISE_DATA"), "cache": str(cache_folder()), "found": found}


def report(facts: dict[str, Any]) -> str:
    """The diagnosis as lines for people."""
    package, cpu, cuda, data = facts["likewise"], facts["cpu"], facts["cuda"], facts["data"]
    memory = facts["memory"]
    limit = memory["cgroup_limit_bytes"]
    rows = [
        ("likewise", f"{package['version']}, {package['megabytes']} MB in {package['folder']}"),
        ("python", f"{facts['python']['version']}, {facts['python']['executable']}"),
        ("platform", f"{facts['platform']['system']}, {facts['platform']['libc']}"),
        ("processor", cpu["model"]),
        ("instructions", f"{cpu['level']} ({INSTRUCTIONS[cpu['level']]}): {cpu['reason']}"),
        ("", f"usable here: {', '.join(cpu['usable'])}"),
        ("threads", f"{facts['threads']['count']}: {facts['threads']['source']}"),
        ("cuda", f"{cuda['devices']} devices" if cuda["devices"] else f"none: {cuda['reason']}"),
        (
            "memory",
            f"{memory['total_bytes'] / 2**30:.1f} GiB, {memory['available_bytes'] / 2**30:.1f} GiB available"
            + (f", limited to {limit / 2**30:.1f} GiB by cgroup" if limit else ""),
        ),
        ("data", f"LIKEWISE_DATA={data['LIKEWISE_DATA']}" if data["LIKEWISE_DATA"] else "LIKEWISE_DATA is not set"),
        ("", f"cache {data['cache']}"),
        ("", f"data sets found: {', '.join(sorted(data['found'])) or 'none'}"),
        *(
            (f"extra {name}", f"{extra['for']}: " + _how_to_install(name, extra["missing"]))
            for name, extra in facts["extras"].items()
        ),
    ]
    return "\n".join(f"{name:14}{text}" for name, text in rows)


def _how_to_install(extra: str, missing: list[str]) -> str:
    return f"pip install 'likewise[{extra}]' (missing {', '.join(missing)})" if missing else "installed"


def _declare(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def _run(arguments: argparse.Namespace) -> None:
    facts = diagnosis()
    show(facts, report(facts), arguments.json)


DOCTOR = Command(
    name="doctor",
    summary="What this build and this machine can do, and why not.",
    example="  likewise doctor\n  likewise doctor --json",
    declare=_declare,
    run=_run,
)
