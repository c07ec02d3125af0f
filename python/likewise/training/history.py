"""What training leaves: one row an epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any


class History:
    """The course of a training.

    Attributes:
        history: Name ("loss", "val_loss", "ndcg@10", ...) to its values, one an epoch. A name that came later has
            fewer values; ``rows`` keeps the epochs apart.
        epoch: The numbers of the epochs, from 0.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self._rows: list[dict[str, float]] = []

    def append(self, epoch: int, logs: dict[str, float]) -> None:
        """Add the row of an epoch."""
        self.epoch.append(epoch)
        self._rows.append(dict(logs))
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def __len__(self) -> int:
        return len(self.epoch)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.rows)

    @property
    def rows(self) -> list[dict[str, float]]:
        """One dict an epoch: "epoch" and everything measured in it."""
        return [{"epoch": epoch, **row} for epoch, row in zip(self.epoch, self._rows, strict=True)]

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw every curve against the epoch and write the picture to ``path`` (.png, .svg, .pdf).

        A name and its "val_" twin share a panel.

        Raises:
            ImportError: Without matplotlib, which is in the extra ``plot``.
            ValueError: If nothing was trained yet.
        """
        if not self.epoch:
            raise ValueError("plot: there is no epoch to draw yet")
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("History.plot needs matplotlib: pip install 'likewise[plot]'") from error
        panels = list(dict.fromkeys(name.removeprefix("val_") for name in self.history))
        figure = Figure(figsize=(6.4, 2.4 * len(panels)), layout="constrained")
        for panel, axes in zip(panels, figure.subplots(len(panels), squeeze=False)[:, 0], strict=True):
            for name in (panel, f"val_{panel}"):
                points = [(row["epoch"], row[name]) for row in self.rows if name in row]
                if points:
                    axes.plot(*zip(*points, strict=True), marker=".", label=name)
            axes.set_xlabel("epoch")
            axes.legend()
        figure.savefig(path)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"epoch": self.epoch, "rows": self._rows}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state` returned."""
        self.__init__()  # type: ignore[misc]
        for epoch, row in zip(state["epoch"], state["rows"], strict=True):
            self.append(epoch, row)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        return f"History({len(self)} epochs{': ' + last if last else ''})"
