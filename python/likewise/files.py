"""Files of named arrays: safetensors with a checksum, written so that a crash leaves the old file or the new one.

The format does not notice a flipped bit in the data, so the metadata entry ``sha256`` covers the rest of the metadata
and the names, types, shapes and bytes of all arrays in canonical order; it is verified before a value is handed out.
Nothing in a file is executed or imported.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]

_NAMES = {"float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64", "uint8": "U8", "bool": "BOOL"}
_CHUNK = 1 << 24
_STATE = "state"  # the metadata entry of `write_state`
# A state refers to an array of its file by {_ARRAY: name}; a dict that JSON cannot say, or that looks like one of
# these, is {_PAIRS: [[key, value], ...]}.
_ARRAY = "array:"
_PAIRS = "pairs:"
_START = b'{"__metadata__":'  # of a header, behind its length of 8 bytes


def write_tensors(path: str | os.PathLike[str], tensors: Tensors, metadata: Mapping[str, str]) -> None:
    """Write a file whole or not at all: beside it first, then fsync, then rename. No array is copied.

    Args:
        path: The file; its folder must exist.
        tensors: Arrays by name.
        metadata: Text by name; ``sha256`` is added.

    Raises:
        TypeError: If an array has a type the format lacks.
        OSError: If it cannot be written (no space, no folder); an old file of that name is then intact.
    """
    for name, array in tensors.items():
        if array.dtype.name not in _NAMES:
            raise TypeError(f"save: tensor {name} has dtype {array.dtype}, which a model file cannot hold")
    # The widest types first: every array is then aligned to its own elements.
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    arrays = {name: _in_order(tensors[name]) for name in order}
    header: dict[str, Any] = {"__metadata__": {**metadata, "sha256": content_digest(arrays, metadata)}}
    end = 0
    for name, array in arrays.items():
        span = [end, end := end + array.nbytes]
        header[name] = {"dtype": _NAMES[array.dtype.name], "shape": list(array.shape), "data_offsets": span}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)

    def write(file: BinaryIO) -> None:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            for chunk in _chunks(array):
                file.write(chunk)

    _replace(Path(path), write)


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read a file of :func:`write_tensors` and verify its checksum.

    Returns:
        Arrays by name, and the metadata without ``sha256``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or is something else; it names the file.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"no model file at {os.fspath(path)}")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is not a mapping)
    except (SafetensorError, TypeError, AttributeError, OSError, KeyError, OverflowError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)} is not a model file, or is damaged: {error}") from error
    expected = metadata.pop("sha256", None)
    if expected is None:
        raise ValueError(f"{os.fspath(path)} carries no checksum: it was not written by likewise, or is damaged")
    if content_digest(tensors, metadata) != expected:
        raise ValueError(f"{os.fspath(path)} is damaged: its content does not match its checksum")
    return tensors, metadata


def is_ours(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as :func:`write_tensors` begins one; its content is not verified."""
    with open(path, "rb") as file:
        return file.read(8 + len(_START))[8:] == _START


def write_state(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write nested dicts and lists of arrays and of what JSON can say, as :func:`write_tensors` does.

    Keys of dicts may be numbers too; a tuple comes back as a list.
    """
    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(_without_arrays(state, "", arrays), ensure_ascii=False)
    write_tensors(path, arrays, {_STATE: text})


def read_state(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what :func:`write_state` wrote; errors as :func:`read_tensors`."""
    arrays, metadata = read_tensors(path)
    if metadata.keys() != {_STATE}:
        raise ValueError(f"{os.fspath(path)} is not a state of training")
    state: dict[str, Any] = _with_arrays(json.loads(metadata[_STATE]), arrays)
    return state


def content_digest(tensors: Tensors, metadata: Mapping[str, str]) -> str:
    """SHA-256 over metadata, names, dtypes, shapes and bytes, each part led by its length."""
    digest = hashlib.sha256()

    def add(text: str) -> None:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little") + data)

    for key in sorted(metadata):
        add(key)
        add(metadata[key])
    for name in sorted(tensors):
        array = _in_order(tensors[name])
        add(f"{name}\0{array.dtype.name}\0{list(array.shape)}")
        for chunk in _chunks(array):
            digest.update(chunk)
    return digest.hexdigest()


def _without_arrays(value: Any, name: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """``value`` with every array moved to ``arrays``, under the path that leads to it."""
    if isinstance(value, Mapping):
        pairs = [
            (key, _without_arrays(part, f"{name}/{key}" if name else str(key), arrays)) for key, part in value.items()
        ]
        if all(isinstance(key, str) for key in value) and value.keys() not in ({_ARRAY}, {_PAIRS}):
            return dict(pairs)
        return {_PAIRS: [[key.item() if isinstance(key, np.generic) else key, part] for key, part in pairs]}
    if isinstance(value, list | tuple):
        return [_without_arrays(part, f"{name}/{index}", arrays) for index, part in enumerate(value)]
    if isinstance(value, np.ndarray):
        while name in arrays:  # as {"a/b": array, "a": {"b": array}} makes it
            name += "'"
        arrays[name] = value
        return {_ARRAY: name}
    return value.item() if isinstance(value, np.generic) else value


def _with_arrays(value: Any, arrays: Tensors) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return arrays[value[_ARRAY]]
        pairs = value[_PAIRS] if value.keys() == {_PAIRS} else value.items()
        return {key: _with_arrays(part, arrays) for key, part in pairs}
    if isinstance(value, list):
        return [_with_arrays(part, arrays) for part in value]
    return value


def _in_order(array: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(array, order="C")


def _chunks(array: NDArray[Any]) -> list[memoryview]:
    data = array.reshape(-1).view(np.uint8) if array.size else np.zeros(0, dtype=np.uint8)
    return [data[begin : begin + _CHUNK].data for begin in range(0, len(data), _CHUNK)]


def _replace(path: Path, write: Callable[[BinaryIO], None]) -> None:
    # One name for the unfinished file: what a killed process left is overwritten by the next one.
    partial = path.with_name(f".{path.name}.partial")
    try:
        with open(partial, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)
