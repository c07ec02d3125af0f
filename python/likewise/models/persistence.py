"""What a model file holds besides the model's own arrays: ids and text, the log, titles.

Text is a UTF-8 uint8 tensor with int64 offsets. `likewise.files` writes and verifies the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data import Interactions
from likewise.data.rows import Rows
from likewise.data.vocabulary import Vocabulary

Tensors = Mapping[str, NDArray[Any]]


def text_tensors(name: str, texts: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Text as two tensors: UTF-8 bytes under `name`, offsets [n + 1] under ``name.offsets``."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(data) for data in encoded], out=offsets[1:])
    return {name: np.frombuffer(b"".join(encoded), dtype=np.uint8), f"{name}.offsets": offsets}


def ids_tensors(name: str, ids: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Raw ids as tensors: int64 as they are, text by `text_tensors`."""
    return {name: ids} if ids.dtype == np.int64 else text_tensors(name, ids)


def ids_of(tensors: Tensors, name: str) -> NDArray[Any]:
    """The ids or text kept under `name`."""
    if f"{name}.offsets" not in tensors:
        return tensors[name]
    data, offsets = tensors[name].tobytes(), tensors[f"{name}.offsets"].tolist()
    texts = np.empty(len(offsets) - 1, dtype=object)
    texts[:] = [data[begin:end].decode() for begin, end in pairwise(offsets)]
    return texts


def titles_tensors(titles: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Titles, some of which may be None, as tensors."""
    known = np.array([title is not None for title in titles], dtype=bool)
    texts = np.where(known, titles, "")
    return {**text_tensors("titles", texts), "titles.known": known}


def titles_of(tensors: Tensors) -> NDArray[Any] | None:
    """The titles kept by `titles_tensors`, if any."""
    if "titles" not in tensors:
        return None
    titles = ids_of(tensors, "titles")
    titles[~tensors["titles.known"]] = None
    return titles


def log_tensors(log: Interactions) -> dict[str, NDArray[Any]]:
    """A log as tensors."""
    rows = log._rows()
    tensors = {
        **ids_tensors("log.users", log.user_ids),
        **ids_tensors("log.items", log.item_ids),
        "log.indptr": log.indptr,
        "log.item_index": rows.item_index,
        "log.declared": np.array([rows.user_vocabulary.declared, rows.item_vocabulary.declared]),
    }
    if rows.ratings is not None:
        tensors["log.ratings"] = rows.ratings
    if rows.timestamps is not None:
        unit = str(rows.timestamps.dtype) if rows.timestamps.dtype.kind == "M" else ""
        name = f"log.timestamps:{unit}" if unit else "log.timestamps"
        tensors[name] = rows.timestamps.view(np.int64) if unit else rows.timestamps
    if rows.event_vocabulary is not None and rows.event_index is not None:
        tensors |= {**ids_tensors("log.event_ids", rows.event_vocabulary.ids), "log.events": rows.event_index}
    return tensors


def log_of(tensors: Tensors) -> Interactions:
    """The log kept by `log_tensors`."""
    users, items = (
        Vocabulary(ids_of(tensors, f"log.{kind}s"), kind, bool(declared))
        for kind, declared in zip(("user", "item"), tensors.get("log.declared", (False, False)), strict=True)
    )
    times = next((name for name in tensors if name.startswith("log.timestamps")), None)
    timestamps = None if times is None else tensors[times]
    if times is not None and ":" in times:
        timestamps = tensors[times].view(times.partition(":")[2])
    counts = np.diff(tensors["log.indptr"])
    events = "log.events" in tensors
    return Interactions._of_rows(
        Rows(
            user_vocabulary=users,
            item_vocabulary=items,
            user_index=np.repeat(np.arange(len(users), dtype=np.int32), counts),
            item_index=tensors["log.item_index"],
            ratings=tensors.get("log.ratings"),
            timestamps=timestamps,
            event_vocabulary=Vocabulary(ids_of(tensors, "log.event_ids"), "event") if events else None,
            event_index=tensors["log.events"] if events else None,
        )
    )
