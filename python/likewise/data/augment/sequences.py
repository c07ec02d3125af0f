"""Sequences of items, cropped, masked, reordered or filled up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import checks
from likewise.data.augment.draws import checked_rows, uniform

Items = NDArray[np.int64]
Similar = Callable[[Items], Any]

_WHICH, _WHERE, _FIXED = range(3)  # the draws of a sequence; then two for each of its places


class Sequences:
    """Random views of sequences of item ids: ``augment(sequences, epoch, rows)``.

    One of the operations asked for, drawn with equal chances, is applied to each sequence of n items, as CL4SRec does
    (Xie et al., ICDE 2022, section 3.2); two calls with other epochs are two views of a contrastive loss.

    Args:
        crop: Keeps floor(crop n) items in a row, at least one, from a random place; in (0, 1].
        mask: Puts ``mask_item`` in floor(mask n) random places; in [0, 1].
        reorder: Shuffles floor(reorder n) items in a row, from a random place; in [0, 1].
        insert: Puts a similar item before floor(insert n) random ones (CoSeRec, Liu et al., 2021); in [0, 1].
        mask_item: The id that stands for a masked item; needed with ``mask``.
        similar: Needed with ``insert``: a table [items, k] of the ids most like each item, or a function from ids [m]
            to ids [m] or [m, k]; of k, one is drawn.
        seed: What is drawn is a function of (seed, epoch, row).

    Raises:
        ValueError: If no operation is asked for, or a setting is out of its range or missing; it names it.
    """

    def __init__(
        self,
        *,
        crop: float | None = None,
        mask: float | None = None,
        reorder: float | None = None,
        insert: float | None = None,
        mask_item: int | None = None,
        similar: Similar | NDArray[Any] | Sequence[Sequence[int]] | None = None,
        seed: int = 0,
    ) -> None:
        shares = {"crop": crop, "mask": mask, "reorder": reorder, "insert": insert}
        for name, share in shares.items():
            if share is not None:
                checks.share("Sequences", name, share)
        if crop == 0:
            raise ValueError(f"Sequences: crop must be above 0, got {crop!r}")
        self.shares = {name: float(share) for name, share in shares.items() if share is not None}
        if not self.shares:
            raise ValueError("Sequences: give at least one of crop, mask, reorder, insert; got none")
        for needs, argument, value in (("mask", "mask_item", mask_item), ("insert", "similar", similar)):
            if needs in self.shares and value is None:
                raise ValueError(f"Sequences: {needs}={self.shares[needs]} needs {argument}, got None")
        if mask_item is not None and not checks.is_integer(mask_item):
            raise ValueError(f"Sequences: mask_item must be an integer, got {mask_item!r}")
        checks.seed("Sequences", seed)
        self.mask_item, self.seed = mask_item, int(seed)
        self.similar = similar if similar is None or callable(similar) else _Table(similar)

    def __call__(self, sequences: Sequence[Any], epoch: int = 0, rows: Any = None) -> list[Items]:
        """The sequences as they are seen in an epoch.

        Args:
            sequences: Lists or arrays of item ids, of any lengths; not changed.
            epoch: Whatever tells one pass over the data from another.
            rows: The numbers of these sequences in the data; 0, 1, ... if None.

        Returns:
            As many arrays of int64. A sequence of no items stays one.

        Raises:
            ValueError: If a sequence is no list of integers, or there is not one row number a sequence.
        """
        items = [_ids(index, sequence) for index, sequence in enumerate(sequences)]
        numbers = checked_rows("Sequences", epoch, rows, len(items))
        longest = max(map(len, items), default=0)
        draws = uniform(self.seed, epoch, numbers, _FIXED + 2 * longest)
        operations = list(self.shares)
        views = []
        for sequence, row in zip(items, draws, strict=True):
            operation = operations[int(row[_WHICH] * len(operations))]
            n = len(sequence)
            # A place drawn for a sequence does not depend on how long its neighbours in the batch are.
            order, choice = row[_FIXED : _FIXED + 2 * n : 2], row[_FIXED + 1 : _FIXED + 2 * n : 2]
            views.append(getattr(self, f"_{operation}")(sequence, self.shares[operation], row[_WHERE], order, choice))
        return views

    def _crop(self, items: Items, share: float, where: float, order: Any, choice: Any) -> Items:
        return items[_run(len(items), max(1, _count(share, len(items))), where)].copy()

    def _mask(self, items: Items, share: float, where: float, order: Any, choice: Any) -> Items:
        assert self.mask_item is not None
        masked = items.copy()
        masked[_chosen(share, order)] = self.mask_item
        return masked

    def _reorder(self, items: Items, share: float, where: float, order: Any, choice: Any) -> Items:
        run = _run(len(items), _count(share, len(items)), where)
        reordered = items.copy()
        reordered[run] = items[run][np.argsort(order[run], kind="stable")]
        return reordered

    def _insert(self, items: Items, share: float, where: float, order: Any, choice: Any) -> Items:
        assert callable(self.similar)
        places = np.sort(_chosen(share, order))
        found = np.asarray(self.similar(items[places]))
        if found.shape[:1] != places.shape or found.ndim > 2 or found.dtype.kind not in "iu" or 0 in found.shape[1:]:
            raise ValueError(
                f"Sequences: similar must give {len(places)} ids, or rows of some, got {found.dtype} of shape "
                f"{found.shape}"
            )
        if found.ndim == 2:
            found = found[np.arange(len(places)), (choice[places] * found.shape[1]).astype(np.intp)]
        return np.insert(items, places, found)


class _Table:
    """The ids most like each item, by rows."""

    def __init__(self, table: Any) -> None:
        self.table = np.asarray(table)
        if self.table.ndim != 2 or self.table.dtype.kind not in "iu" or not self.table.size:
            raise ValueError(
                f"Sequences: similar must be a function, or ids of shape [items, k], got {self.table.dtype} of shape "
                f"{self.table.shape}"
            )

    def __call__(self, items: Items) -> NDArray[Any]:
        outside = items[(items < 0) | (items >= len(self.table))]
        if len(outside):
            raise ValueError(f"Sequences: similar has rows for items 0 to {len(self.table) - 1}, got item {outside[0]}")
        return np.asarray(self.table[items])


def _ids(index: int, sequence: Any) -> Items:
    ids = np.asarray(sequence)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise ValueError(f"Sequences: sequence {index} must be a list of integers, got {sequence!r}")
    return ids.astype(np.int64)


def _count(share: float, n: int) -> int:
    return math.floor(share * n)


def _run(n: int, length: int, where: float) -> slice:
    """``length`` places in a row, from a random one."""
    begin = int(where * (n - length + 1)) if length <= n else 0
    return slice(begin, begin + length)


def _chosen(share: float, order: NDArray[Any]) -> NDArray[np.intp]:
    """A share of the places, each equally likely."""
    return np.argsort(order, kind="stable")[: _count(share, len(order))]
