"""What `recommend` and `similar_items` return."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Recommendation(NamedTuple):
    """One recommended item of one user; `rank` counts from 1, `title` is None without titles."""

    user: Any
    rank: int
    item: Any
    score: float
    title: str | None


class Recommendations:
    """The best items of n users, best first. Iterating gives a `Recommendation` for each, without fillers.

    Attributes:
        users: Raw user ids [n]; row numbers for histories without a user.
        items: Raw item ids [n, k], k no more than the catalogue has; None where a list is short.
        scores: Scores [n, k], float32; -inf where a list is short.
        valid: Where there is an item [n, k].
        fallback: Users served with the most popular items because nothing is known of them [n].
        titles: Titles [n, k], None where there is none; None if the model was given no titles.
    """

    def __init__(
        self,
        users: NDArray[Any],
        item_index: NDArray[np.int32],
        scores: NDArray[np.float32],
        item_ids: NDArray[Any],
        *,
        fallback: NDArray[np.bool_] | None = None,
        titles: NDArray[Any] | None = None,
    ) -> None:
        self.users = users
        self.scores = scores
        self.valid: NDArray[np.bool_] = item_index >= 0
        self.items = _chosen(item_ids, item_index, self.valid)
        self.titles = None if titles is None else _chosen(titles, item_index, self.valid)
        self.fallback = np.zeros(len(users), dtype=bool) if fallback is None else fallback

    def __len__(self) -> int:
        return len(self.users)

    def __iter__(self) -> Iterator[Recommendation]:
        for row, rank in zip(*np.nonzero(self.valid), strict=True):
            title = None if self.titles is None else self.titles[row, rank]
            item, user = _plain(self.items[row, rank]), _plain(self.users[row])
            yield Recommendation(user, int(rank) + 1, item, float(self.scores[row, rank]), title)

    def to_frame(self) -> Any:
        """One line for each recommended item: user, rank, item, score, and title if there are titles.

        Returns:
            A pandas DataFrame if pandas is installed, else a dict of arrays.
        """
        rows, ranks = np.nonzero(self.valid)
        item_kind = None if self.items.dtype != object or self.valid.all() else _kind_of(self.items[self.valid])
        columns: dict[str, Any] = {
            "user": self.users[rows],
            "rank": ranks + 1,
            "item": np.array(self.items[self.valid], dtype=item_kind),
            "score": self.scores[self.valid],
        }
        if self.titles is not None:
            columns["title"] = self.titles[self.valid]
        if find_spec("pandas") is None:
            return columns
        import pandas

        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        lines = [f"Recommendations({len(self):,} users, k={self.items.shape[1]})"]
        for row in range(min(len(self), 10)):
            names = self.items[row] if self.titles is None else self.titles[row]
            shown = ", ".join(str(name) for name, valid in zip(names, self.valid[row], strict=True) if valid)
            note = " (popular)" if self.fallback[row] else ""
            lines.append(f"  {_plain(self.users[row])}{note}: {shown}")
        return "\n".join(lines + (["  ..."] if len(self) > 10 else []))

    def _repr_html_(self) -> str:
        """A table, for notebooks."""
        heads = ["user", "rank", "item", "score"] + (["title"] if self.titles is not None else [])
        lines = [f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"]
        for place, row in enumerate(self):
            if place == 100:
                lines.append("<tr><td>...</td></tr>")
                break
            cells = [str(row.user), str(row.rank), str(row.item), f"{row.score:.4f}", row.title or ""][: len(heads)]
            lines.append(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
        return f"<table>{''.join(lines)}</table>"


def _chosen(values: NDArray[Any], index: NDArray[np.int32], valid: NDArray[np.bool_]) -> NDArray[Any]:
    if valid.all() and len(values):
        return values[index]
    chosen = np.full(index.shape, None, dtype=object)
    chosen[valid] = values[index[valid]]
    return chosen


def _kind_of(values: NDArray[Any]) -> Any:
    return np.int64 if len(values) and all(isinstance(value, int | np.integer) for value in values) else object


def _plain(value: Any) -> Any:
    """A NumPy scalar as the Python value it holds."""
    return value.item() if isinstance(value, np.generic) else value
