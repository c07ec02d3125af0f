"""What `evaluate` returns."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Protocol:
    """How a report's figures came about.

    Attributes:
        candidates: What test items were ranked among: "all", "given", or "uniform:n".
        filter_viewed: Whether a user's history was left out.
        every_position: Whether each position of a session was a question.
        questions: Users (or positions) the means are over.
        skipped: Test users (or positions) without a history, left out.
        outside: Test items outside the vocabulary; misses.
        cold: Test items without a training row; misses.
        viewed: Test items in the history, where it was left out; misses.
        seed: Seed of sampled candidates.
        negatives: The fewest and the most candidates beside the test items that a question had; None for "all".
        ranked: Whether there is a metric of ranking.
        rated: Test rows that rmse and mae are over, 0 if there is neither.
        unrated: Test rows left out of them: of users without a history, or of items outside the vocabulary.
    """

    candidates: str
    filter_viewed: bool
    every_position: bool
    questions: int
    skipped: int
    outside: int
    cold: int
    viewed: int
    seed: int
    negatives: tuple[int, int] | None
    ranked: bool
    rated: int
    unrated: int

    @property
    def sampled(self) -> bool:
        """Whether test items were ranked among a sample only."""
        return self.candidates != "all"

    def __str__(self) -> str:
        parts = self._ranking() if self.ranked else []
        if self.rated:
            parts.append(f"ratings of {self.rated:,} test rows")
        if self.unrated:
            parts.append(f"{self.unrated:,} test rows of users without a history or of unknown items not rated")
        return "; ".join(parts)

    def _ranking(self) -> list[str]:
        unit = "positions" if self.every_position else "users"
        among = {"all": "all items", "given": "the given negatives"}.get(self.candidates, self.candidates)
        if self.negatives is not None and self.candidates not in ("given", f"uniform:{self.negatives[0]}"):
            fewest, most = (f"{count:,}" for count in self.negatives)
            among += f" (there were {fewest if fewest == most else f'{fewest} to {most}'})"
        minus = ", minus history" if self.filter_viewed and self.candidates != "given" else ""
        parts = [f"{self.questions:,} {unit}, ranked among {among}{minus}"]
        if self.candidates.startswith("uniform"):
            parts.append(f"seed {self.seed}")
        for count, what in (
            (self.skipped, f"{unit} without a history skipped"),
            (self.outside, "test items outside the vocabulary are misses"),
            (self.cold, "test items without a training row are misses"),
            (self.viewed, "test items in the history are misses"),
        ):
            if count:
                parts.append(f"{count:,} {what}")
        return parts


class Report(Mapping[str, float]):
    """Metrics by name; prints as a table.

    Attributes:
        interval: 1.96 standard errors of each metric; NaN where it is not a mean over users.
        per_user: Values of each user's metrics by name, and ``user``: raw ids; None unless asked for, and after ``|``.
        protocol: How the figures came about; after ``|``, those of the first report.
        protocols: The same for each metric by name.
    """

    def __init__(
        self,
        values: Mapping[str, float],
        interval: Mapping[str, float],
        protocol: Protocol,
        per_user: Mapping[str, NDArray[Any]] | None = None,
        protocols: Mapping[str, Protocol] | None = None,
    ) -> None:
        self._values = dict(values)
        self.interval = dict(interval)
        self.protocol = protocol
        self.per_user = per_user
        self.protocols = dict.fromkeys(self._values, protocol) if protocols is None else dict(protocols)

    def __getitem__(self, name: str) -> float:
        if name not in self._values:
            raise KeyError(f"the report has no {name!r}; it has {', '.join(self._values)}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __or__(self, other: Report) -> Report:
        """Both reports as one; metrics among a sample of candidates get its name beside theirs.

        Raises:
            ValueError: If a metric is in both under unequal protocols, or with unequal values.

        Warns:
            UserWarning: If one is over all candidates and the other over a sample: such figures do not compare, and
                may order models differently (Krichene and Rendle, KDD 2020).
        """
        if not isinstance(other, Report):
            return NotImplemented
        if self.protocol.sampled != other.protocol.sampled:
            warnings.warn(mixture_note(self.protocol, other.protocol), stacklevel=2)
        values: dict[str, float] = {}
        interval: dict[str, float] = {}
        protocols: dict[str, Protocol] = {}
        for report in (self, other):
            for metric, value in report.items():
                protocol = report.protocols[metric]
                name = _marked(metric, protocol)
                if name in values and protocols[name] != protocol:
                    raise ValueError(
                        f"report | report: {name} is in both under unequal protocols: {protocols[name]} | {protocol}"
                    )
                if name in values and not np.array_equal(values[name], value, equal_nan=True):
                    raise ValueError(f"report | report: {name} is in both, {values[name]:.6g} and {value:.6g}")
                values[name], interval[name], protocols[name] = value, report.interval[metric], protocol
        return Report(values, interval, self.protocol, protocols=protocols)

    def __repr__(self) -> str:
        width = max((len(name) for name in self), default=0)
        lines = []
        for name, value in self.items():
            spread = self.interval.get(name, float("nan"))
            lines.append(f"{name:<{width}}  {value:.4f}" + ("" if np.isnan(spread) else f" +- {spread:.4f}"))
        distinct = list(dict.fromkeys(self.protocols.values()))
        for protocol in distinct:
            names = ", ".join(name for name in self if self.protocols[name] == protocol)
            lines.append(str(protocol) if len(distinct) == 1 else f"{names}: {protocol}")
        return "\n".join(lines)


def _marked(metric: str, protocol: Protocol) -> str:
    """A metric's name in a report of several, with its sample of candidates if there is one."""
    mark = f" ({protocol.candidates})" if protocol.sampled else ""
    return metric if metric.endswith(mark) else metric + mark


def mixture_note(one: Protocol, other: Protocol) -> str:
    """What to say where figures over all candidates stand beside figures over a sample."""
    sample = one if one.sampled else other
    return f"metrics among {sample.candidates} candidates stand beside metrics among all items: they do not compare"
