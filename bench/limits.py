"""What the processor can do at most at an instruction-set level: native/limits.cpp, compiled here and measured."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import tempfile
from pathlib import Path

_SOURCE = Path(__file__).parent / "native" / "limits.cpp"


@functools.cache
def _library(isa: str) -> ctypes.CDLL:
    architecture = {"v2": "x86-64-v2", "v3": "x86-64-v3", "v4": "x86-64-v4"}.get(isa, "native")
    flags = ["-std=c++20", "-O3", f"-march={architecture}", "-ffp-contract=fast", "-shared", "-fPIC", "-pthread"]
    with tempfile.TemporaryDirectory() as folder:
        built = str(Path(folder) / "limits.so")
        subprocess.run([os.environ.get("CXX", "c++"), *flags, str(_SOURCE), "-o", built], check=True)
        library = ctypes.CDLL(built)
    for name in ("multiply_adds_flops", "read_bandwidth", "copy_bandwidth"):
        getattr(library, name).restype = ctypes.c_double
    return library


@functools.cache
def flops(isa: str, threads: int) -> float:
    """Fused multiply-adds in registers, FLOP/s over all threads."""
    return float(_library(isa).multiply_adds_flops(threads))


@functools.cache
def read_bandwidth(isa: str, threads: int, size: int) -> float:
    """Bytes per second over all threads, each reading its own ``size`` bytes again and again."""
    return float(_library(isa).read_bandwidth(threads, ctypes.c_int64(size)))


@functools.cache
def copy_bandwidth(isa: str, threads: int, size: int) -> float:
    """Bytes read plus bytes written per second over all threads, each copying ``size`` bytes."""
    return float(_library(isa).copy_bandwidth(threads, ctypes.c_int64(size)))
