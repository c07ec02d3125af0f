"""Rows of tables by their ids. Gradients of tables are row-sparse: they hold the rows that were used."""

from __future__ import annotations

from typing import Literal

from likewise import _core
from likewise.functional.tensor import RowSparse, Tensor, TensorLike


def embedding(table: TensorLike, ids: TensorLike) -> Tensor:
    """The rows of a table with the given ids.

    Args:
        table: Shape ``[rows, dim]``.
        ids: int32, int64 or uint8 of any shape, in ``0..rows - 1``.

    Returns:
        Shape ``[*ids.shape, dim]``. The gradient of ``table`` is :class:`RowSparse`.

    Raises:
        ValueError: If an id is not in the table.
        TypeError: If ids are not integers.
    """
    return _core.embedding(table, ids)


def embedding_bag(
    table: TensorLike,
    ids: TensorLike,
    offsets: TensorLike,
    mode: Literal["sum", "mean"] = "sum",
    weights: TensorLike | None = None,
) -> Tensor:
    """Sums or means of rows of a table, a bag of ids at a time; the rows themselves are never put side by side.

    Args:
        table: Shape ``[rows, dim]``.
        ids: int32, int64 or uint8 of shape ``[n]``: all bags, one after the other.
        offsets: int32, int64 or uint8 of shape ``[bags]``: where in ``ids`` each bag begins; the first is 0.
        mode: ``"sum"`` of weight times row, or ``"mean"``, which divides it by the sum of the bag's weights.
        weights: Shape ``[n]``; 1 if not given.

    Returns:
        Shape ``[bags, dim]``; zeros for an empty bag. The gradient of ``table`` is :class:`RowSparse`.

    Raises:
        ValueError: If an id is not in the table, offsets fall or leave ``ids``, or a mean has weights that add up to 0.
        TypeError: If ids or offsets are not integers.
    """
    return _core.embedding_bag(table, ids, offsets, mode, weights)


def scatter_add(table: TensorLike, ids: TensorLike, rows: TensorLike) -> Tensor:
    """A copy of a table with rows added to it: ``table[ids[r]] += rows[r]``.

    Args:
        table: Shape ``[rows, dim]``.
        ids: int32, int64 or uint8 of any shape; rows of an id that comes twice are added in their order.
        rows: Shape ``[*ids.shape, dim]``.

    Returns:
        Shape ``[rows, dim]``.

    Raises:
        ValueError: If an id is not in the table or shapes disagree.
        TypeError: If ids are not integers.
    """
    return _core.scatter_add(table, ids, rows)


def coalesce_rows(sparse: RowSparse) -> RowSparse:
    """The same gradient with ascending ids, none twice: rows that share an id are added, in their order."""
    return _core.coalesce_rows(sparse)
