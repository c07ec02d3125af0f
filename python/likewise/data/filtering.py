"""Which rows of a log stay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data.rows import Rows
from likewise.data.vocabulary import Indices, Vocabulary

Mask = NDArray[np.bool_]


def frequent_rows(rows: Rows, kept: Mask, min_user_rows: int, min_item_rows: int) -> Mask:
    """Leaves out users and items with too few rows until none is left (the k-core).

    Args:
        rows: All rows.
        kept: Which of them count [rows].
        min_user_rows: The rows a user must have.
        min_item_rows: The rows an item must have.
    """
    sizes = len(rows.user_vocabulary), len(rows.item_vocabulary)
    users, items, places = rows.user_index[kept], rows.item_index[kept], np.flatnonzero(kept)
    while True:
        enough = np.bincount(users, minlength=sizes[0])[users] >= min_user_rows
        enough &= np.bincount(items, minlength=sizes[1])[items] >= min_item_rows
        if enough.all():
            mask = np.zeros(len(kept), dtype=bool)
            mask[places] = True
            return mask
        users, items, places = users[enough], items[enough], places[enough]


def rows_naming(index: Indices, vocabulary: Vocabulary, ids: Any) -> Mask:
    """Which rows name one of some raw ids [rows].

    Raises:
        KeyError: If an id is not in the vocabulary.
        ValueError: If an id is missing.
    """
    wanted = np.zeros(len(vocabulary), dtype=bool)
    wanted[vocabulary.index(ids)] = True
    return np.asarray(wanted[index])


def duplicates(rows: Rows, keep: str) -> Mask:
    """Which rows to keep so that each (user, item) pair stays once [rows].

    Args:
        rows: In the log's order.
        keep: "first" or "last" of the rows of a pair.
    """
    pairs = rows.user_index.astype(np.int64) * len(rows.item_vocabulary) + rows.item_index
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    changes = np.flatnonzero(ordered[1:] != ordered[:-1])
    ends = np.append(changes, len(pairs) - 1) if keep == "last" else np.append(0, changes + 1)
    mask = np.zeros(len(pairs), dtype=bool)
    mask[order[ends[: len(pairs)]]] = True
    return mask


def without_unused_ids(rows: Rows) -> Rows:
    """Drops the ids no row names, unless they were declared; numbers the others anew."""
    for kind in ("user", "item", "event"):
        vocabulary, index = getattr(rows, f"{kind}_vocabulary"), getattr(rows, f"{kind}_index")
        if vocabulary is None or vocabulary.declared:
            continue
        used = np.zeros(len(vocabulary), dtype=bool)
        used[index] = True
        if not used.all():
            setattr(rows, f"{kind}_vocabulary", Vocabulary(vocabulary.ids[used], kind))
            setattr(rows, f"{kind}_index", (np.cumsum(used, dtype=np.int32) - 1)[index])
    return rows
