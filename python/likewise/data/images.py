"""Images in IDX files, the format of MNIST."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_UNSIGNED_BYTE = 0x08  # the only element type of MNIST's files


def read_mnist(
    folder: str | os.PathLike[str],
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Reads the four files of MNIST, or of a data set of the same form (LeCun et al., 1998).

    Args:
        folder: Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and
            ``t10k-labels-idx1-ubyte``, each also with ``.gz``.

    Returns:
        Training images [n, height, width, 1] in 0..1, their labels [n], and those of the test.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If a file is damaged, or has not one label for each image.
    """
    parts: list[Any] = []
    for part in ("train", "t10k"):
        images = read_idx(_file(folder, f"{part}-images-idx3-ubyte"))
        labels = read_idx(_file(folder, f"{part}-labels-idx1-ubyte"))
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise ValueError(f"read_mnist: {folder} has {part} images {images.shape} and labels {labels.shape}")
        parts += [images[..., None].astype(np.float32) / np.float32(255), labels.astype(np.int64)]
    return parts[0], parts[1], parts[2], parts[3]


def read_idx(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """An array of bytes in an IDX file: two zeros, the type, the rank, sizes as big-endian words, and the elements.

    Args:
        path: The file; ``.gz`` is unpacked.

    Raises:
        ValueError: If it is no such file, or damaged.
    """
    try:
        content = (
            gzip.decompress(Path(path).read_bytes()) if os.fspath(path).endswith(".gz") else Path(path).read_bytes()
        )
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{os.fspath(path)}: damaged gzip file: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UNSIGNED_BYTE:
        raise ValueError(f"{os.fspath(path)}: not an IDX file of bytes, begins with {content[:4].hex(' ')}")
    rank = content[3]
    header = 4 + 4 * rank
    shape = tuple(int(size) for size in np.frombuffer(content[4:header], dtype=">u4")) if len(content) >= header else ()
    if len(shape) != rank or len(content) - header != int(np.prod(shape, dtype=object)):
        raise ValueError(f"{os.fspath(path)}: has {len(content) - header} bytes for sizes {shape} of {rank}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _file(folder: str | os.PathLike[str], name: str) -> Path:
    plain = Path(folder) / name
    packed = plain.with_name(f"{name}.gz")
    for path in (plain, packed):
        if path.is_file():
            return path
    raise FileNotFoundError(f"read_mnist: neither {plain} nor {packed.name} is there")
