"""What a published table is made of: data, protocol, models, figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from likewise.data import Interactions
from likewise.models import Recommender

Figures = Mapping[str, float]  # metric -> value


@dataclass(frozen=True)
class Task:
    """The data of a table.

    Attributes:
        train: The log models are fitted on.
        test: What they are asked about.
        candidates: As `Recommender.evaluate` takes them.
        validation: What training may be stopped by; it comes between `train` and `test`, and joins the histories that
            users are tested with. None: there is none.
    """

    train: Interactions
    test: Interactions
    candidates: Any = "all"
    validation: Interactions | None = None


@dataclass(frozen=True)
class Contender:
    """One model of a table.

    Attributes:
        name: Its name in the table.
        make: The model for a seed, with its settings.
        published: The figures in print it is held against; empty for a model shown beside the others.
        seeds: One run each. Models without randomness, and those that take more than ten minutes, have one.
        test_picked_every: The published figures are the best of many readings on the test set: read ours too, after
            every so many epochs, and show the maximum beside the honest figure. None: they are not.
        patience: Training stops after so many epochs without a better nDCG@10 on the task's validation, and keeps the
            best. None: it does not stop early.
    """

    name: str
    make: Callable[[int], Recommender]
    published: Figures = field(default_factory=dict)
    seeds: Sequence[int] = (0, 1, 2)
    test_picked_every: int | None = None
    patience: int | None = None


@dataclass(frozen=True)
class Entry:
    """A published table.

    Attributes:
        name: `likewise reproduce NAME`.
        title: One line.
        protocol: How it is measured, in words; where settings of ours were chosen.
        load: Reads the data.
        metrics: What is measured.
        contenders: Our models.
        in_print: Further published rows, for orientation.
        allowance: How far from the published figure ours may be, where the split or the candidates are drawn anew.
        trainings: Under what name finished trainings are kept, for every table of that name: these have the same data,
            and models of one name are made and stopped alike. Empty: none are kept.
    """

    name: str
    title: str
    protocol: str
    load: Callable[[], Task]
    metrics: Sequence[str]
    contenders: Sequence[Contender]
    in_print: Mapping[str, Figures] = field(default_factory=dict)
    allowance: float = 0.0
    trainings: str = ""

    def contender(self, name: str) -> Contender:
        """One of our models by its name in the table.

        Raises:
            ValueError: If the table has none of that name.
        """
        for contender in self.contenders:
            if contender.name == name:
                return contender
        known = ", ".join(each.name for each in self.contenders)
        raise ValueError(f"reproduce: {self.name} has no model {name!r}; it has {known}")
