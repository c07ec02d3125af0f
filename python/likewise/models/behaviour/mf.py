"""Matrix factorization, trained by a fused native step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from likewise import _core, checks, optimizers
from likewise.data import Interactions
from likewise.models.factors import EpochSteps, FusedFactorNetwork, log_batches
from likewise.models.learning import learn
from likewise.models.people import People
from likewise.models.recommender import Fitting, Recommender
from likewise.models.retrieval import FactorScorer, Scorer, Scores

_LOSSES = ("bpr", "bce", "softmax", "squared")
_OPTIMIZERS: dict[str, Callable[[float], optimizers.Optimizer]] = {
    "adam": lambda rate: optimizers.Adam(rate, epsilon=1e-8),
    "adagrad": lambda rate: optimizers.Adagrad(rate, initial_accumulator_value=0.0, epsilon=1e-8),
    "sgd": optimizers.SGD,
}
# A new user's row: so many steps over the whole history, at a rate that falls to zero.
_NEW_USER_STEPS = 100
_NEW_USER_RATE = 0.1


@dataclass(kw_only=True, eq=False, repr=False)
class MF(Recommender):
    """Matrix factorization: the score of a user and an item is the product of their vectors (Koren et al., 2009).

    A trained user keeps the trained vector: ``history=`` only filters. For a user who was not there, a row is fitted to
    the history alone, everything else frozen, by a fixed number of steps.

    Args:
        dim: Size of user and item vectors.
        loss: "bpr", positives above negatives (Rendle et al., UAI 2009); "bce", logistic (Rendle et al., RecSys 2020);
            "softmax", the positive among its negatives; "squared", ratings around their mean, without negatives.
        epochs: Passes over the log.
        batch_size: Positives of a step. A run repeats bit for bit at its batch size.
        learning_rate: Step size at the start; it falls to zero over the epochs, by half a cosine (Loshchilov and
            Hutter, ICLR 2017). A row's gradient is the sum over its samples in the batch.
        optimizer: "adam" (for the rows of a batch), "adagrad" or "sgd".
        negatives: Drawn for each positive, uniformly from the items the user has not seen, anew in every epoch.
        draw_seen: Draw negatives from all items instead, those the user has seen among them.
        l2: Penalty l2/2 |row|^2 on the rows of every sample in the batch; None: 0.0125, or 0.25 with "squared".
        biases: Biases of items, and of users where the loss can see them; None: with "squared" only.
        initial_scale: Standard deviation of the initial values: less where most users or items have few rows.
        exact: Adam moves every row at every step, which equals dense Adam, instead of the rows of the batch.
        seed: Key of initial values, shuffles and negatives.

    Attributes:
        network_: The trained tables.
    """

    dim: int = 64
    loss: Literal["bpr", "bce", "softmax", "squared"] = "bpr"
    epochs: int = 100
    batch_size: int = 2048
    learning_rate: float = 0.01
    optimizer: Literal["adam", "adagrad", "sgd"] = "adam"
    negatives: int = 1
    draw_seen: bool = False
    l2: float | None = None
    biases: bool | None = None
    initial_scale: float = 0.1
    exact: bool = False
    seed: int = 0

    def network(self, n_users: int, n_items: int) -> FusedFactorNetwork:
        """The network for so many users and items."""
        biases = self._has_biases()
        sees_users = self.loss in ("bce", "squared")  # in "bpr" and "softmax" a user's bias cancels
        return FusedFactorNetwork(
            n_users,
            n_items,
            self.dim,
            user_biases=biases and sees_users,
            item_biases=biases,
            seed=self.seed,
            deviation=self.initial_scale,
        )

    def _has_biases(self) -> bool:
        return self.loss == "squared" if self.biases is None else self.biases

    def _check(self) -> None:
        checks.one_of("MF", "loss", self.loss, _LOSSES)
        checks.one_of("MF", "optimizer", self.optimizer, _OPTIMIZERS)
        for name in ("dim", "batch_size", "negatives"):
            checks.integer("MF", name, getattr(self, name), least=1)
        checks.integer("MF", "epochs", self.epochs, least=0)
        checks.number("MF", "learning_rate", self.learning_rate, above=0)
        checks.number("MF", "initial_scale", self.initial_scale, least=0)
        if self.l2 is not None:
            checks.number("MF", "l2", self.l2, least=0)
        if self.biases is not None:
            checks.truth("MF", "biases", self.biases)
        for name in ("draw_seen", "exact"):
            checks.truth("MF", name, getattr(self, name))
        checks.seed("MF", self.seed)
        if self.exact and self.optimizer != "adam":
            raise ValueError(f'MF: exact=True is for optimizer="adam", got {self.optimizer!r}')

    def _negatives(self) -> int:
        return 0 if self.loss == "squared" else int(self.negatives)

    def _l2(self) -> float:
        return self.l2 if self.l2 is not None else 0.25 if self.loss == "squared" else 0.0125

    def _step_settings(self, offset: float) -> _core.FactorizationSettings:
        return _core.FactorizationSettings(
            loss=self.loss, optimizer=self.optimizer, l2=self._l2(), exact=self.exact, offset=offset
        )

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        ratings = None
        self.offset_ = 0.0
        if self.loss == "squared":
            if log.ratings is None:
                raise ValueError('MF: loss="squared" learns ratings, and the log has none')
            ratings = np.asarray(log.ratings, dtype=np.float32)
            self.offset_ = float(ratings.mean(dtype=np.float64))
        batches = log_batches(
            log.indptr,
            log.item_index,
            ratings,
            n_items=log.n_items,
            batch_size=self.batch_size,
            negatives=self._negatives(),
            seed=self.seed,
            draw_seen=self.draw_seen,
        )
        self.network_ = self.network(log.n_users, log.n_items)
        self.network_.learns(batches, self._step_settings(self.offset_), self.epochs)
        self.training_ = learn(
            self,
            self.network_,
            _OPTIMIZERS[self.optimizer](self.learning_rate),
            lambda epoch: EpochSteps(batches, epoch, len(log), self.batch_size, self._negatives()),
            fitting,
            self.epochs,
            free=(),  # the rate of a step depends on the number of epochs too
        )

    def _values(self, path: str) -> Scores | None:
        parameter = self.network_.parameters().get(path)
        return None if parameter is None else np.asarray(parameter)

    def _item_vectors(self) -> Scores:
        return np.asarray(self.network_.parameters()["items"])

    def _adds_to_users(self) -> bool:
        """Whether a user's query ends with what is added to all its scores, against a one in every item."""
        return self.settings_.loss == "squared" or self._values("user_biases") is not None

    def _make_scorer(self) -> Scorer:
        items = self._item_vectors()
        if self._adds_to_users():
            items = np.hstack([items, np.ones((len(items), 1), dtype=np.float32)])
        return FactorScorer(items, self._values("item_biases"))

    def _queries(self, people: People) -> Scores:
        users, biases = np.asarray(self.network_.parameters()["users"]), self._values("user_biases")
        known = people.index >= 0
        rows = np.zeros((len(people), users.shape[1] + 1), dtype=np.float32)
        rows[known, :-1] = users[people.index[known]]
        if biases is not None:
            rows[known, -1] = biases[people.index[known]]
        if not known.all():
            rows[~known] = self._new_rows(people.take(~known))
        if not self._adds_to_users():
            return np.ascontiguousarray(rows[:, :-1])
        rows[:, -1] += np.float32(self.offset_)
        return rows

    def _new_rows(self, people: People) -> Scores:
        """Vectors and biases [n, dim + 1] of users who were not there at training."""
        histories, settings = people.histories, self.settings_
        if settings.loss == "squared" and histories.ratings is None:
            raise ValueError('MF: with loss="squared" the history of a new user must have ratings')
        return np.asarray(
            _core.fit_new_users(
                histories.indptr,
                histories.items,
                histories.ratings if settings.loss == "squared" else None,
                self._item_vectors(),
                self._values("item_biases"),
                settings._step_settings(self.offset_),
                negatives=settings._negatives(),
                steps=_NEW_USER_STEPS,
                learning_rate=_NEW_USER_RATE,
                seed=settings.seed,
            )
        )

    def _state(self) -> dict[str, NDArray[Any]]:
        parameters = {path: np.asarray(value) for path, value in self.network_.parameters().items()}
        return {**parameters, "offset": np.array([self.offset_])}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.offset_ = float(state["offset"][0])
        self.network_ = self.settings_.network(self.n_users, self.n_items)
        for path, parameter in self.network_.parameters().items():
            parameter.assign(state[path])
