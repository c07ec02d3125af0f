"""Opening files: paths and globs, gzip, encodings, line ends."""

from __future__ import annotations

import codecs
import glob
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any

import numpy as np

_GZIP = b"\x1f\x8b"
_UNREADABLE = {b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstandard"}
_BLOCK = 1 << 20
UNDECODED = "\udc80-\udcff"  # what bytes become that are not valid in the encoding
NOT_DECODED = "bytes that are not valid in the encoding (give encoding=, such as 'latin-1')"
_LONGEST_END = 64  # bytes; empty lines at the end of a file


def find_files(path: str | PathLike[str]) -> list[Path]:
    """The file of a path, or all files of a glob in the order of their names.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is a folder.
    """
    one = Path(fspath(path)).expanduser()
    if one.is_dir():
        raise ValueError(f"path: {one} is a folder; name a file in it, or several by a glob such as {one / '*.csv'}")
    if one.exists():
        return [one]
    many = [Path(name) for name in sorted(glob.glob(str(one), recursive=True))]
    many = [file for file in many if file.is_file()]
    if not many:
        raise FileNotFoundError(f"path: no file {one}")
    return many


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed by gzip, whatever its name.

    Raises:
        ValueError: If it is compressed by something else.
    """
    with open(path, "rb") as file:
        start = file.read(6)
    for mark, name in _UNREADABLE.items():
        if start.startswith(mark):
            raise ValueError(f"{path}: compressed by {name}, which is not read; unpack it or use gzip")
    return start.startswith(_GZIP)


class _Unpacked(gzip.GzipFile):
    """The content of a gzipped file; a damaged one is a ValueError that names it."""

    def read(self, size: int | None = -1) -> bytes:
        with self._damage_named():
            return super().read(size)

    def read1(self, size: int = -1) -> bytes:
        with self._damage_named():
            return super().read1(size)

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{self.name}: the gzip file is damaged or cut short: {error}") from error


def open_bytes(path: Path) -> IO[bytes]:
    """A file's bytes, unpacked.

    Raises:
        ValueError: If it is compressed by something else than gzip; later, where a gzip file is damaged.
    """
    file: Any = _Unpacked if is_gzip(path) else open
    opened: IO[bytes] = file(path, "rb")
    return opened


def open_text(path: Path, encoding: str) -> IO[str]:
    r"""A file's text without byte order mark, ending lines at \n, or at \r in a file without \n.

    Bytes that are not valid in the encoding become lone surrogates.

    Raises:
        ValueError: If the encoding is unknown, or is UTF-8 and the file begins as UTF-16 does.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise ValueError(f"encoding: {encoding!r} is not an encoding Python knows") from None
    file = open_bytes(path)
    start = file.read(_BLOCK)
    if name == "utf-8" and start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        file.close()
        raise ValueError(f"{path}: begins with the mark of UTF-16: give encoding='utf-16'")
    file.seek(0)
    newline = "\n" if b"\n" in start or b"\r" not in start else "\r"
    name = "utf-8-sig" if name == "utf-8" else name
    return io.TextIOWrapper(file, encoding=name, errors="surrogateescape", newline=newline)


def printable(text: str) -> str:
    """Text with bytes that were not valid in the encoding written out."""
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")


def count_lines(path: Path) -> int:
    """The lines of a file up to its last one that is not empty."""
    lines, tail, buffer = 0, b"", np.empty(_BLOCK, dtype=np.uint8)
    with open_bytes(path) as file:
        while size := file.readinto(buffer):  # type: ignore[attr-defined]
            lines += int(np.count_nonzero(buffer[:size] == ord("\n")))
            tail = buffer[max(size - _LONGEST_END, 0) : size].tobytes()
    end = tail[len(tail.rstrip(b"\r\n")) :]
    return lines - end.count(b"\n") + (len(end) < len(tail))


def plainly_named(path: Path, folder: Path) -> Path:
    """The path itself, or a link to it in `folder` where DuckDB would take its name for a glob."""
    if not any(mark in str(path) for mark in "*?["):
        return path
    link = folder / f"file{len(list(folder.iterdir()))}"
    link.symlink_to(path.resolve())
    return link
