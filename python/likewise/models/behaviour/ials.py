"""Implicit alternating least squares, in the form of its revision of 2022."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from likewise import _core, checks
from likewise.data import Interactions
from likewise.data.histories import Histories
from likewise.functional import Tensor
from likewise.models.factors import FactorNetwork
from likewise.models.learning import learn
from likewise.models.people import People
from likewise.models.recommender import Fitting, Recommender
from likewise.models.retrieval import FactorScorer, Scorer, Scores
from likewise.optimizers import SGD, Optimizer


@dataclass(kw_only=True, eq=False, repr=False)
class IALS(Recommender):
    """Implicit alternating least squares: squared loss on all pairs, solved side by side.

    Hu et al., ICDM 2008; in the form of Rendle et al., "Revisiting the Performance of iALS on Item Recommendation
    Benchmarks", RecSys 2022.

    Minimises, over vectors p of users and q of items and the pairs S of the log with weights w,

        sum_S w (1 - p q)^2 + unobserved_weight sum_all (p q)^2
            + reg [ sum_u (n_u + unobserved_weight n_items)^exponent |p|^2 + the same of items ]

    A user's vector is one solve over the history, so a new user, or another ``history=``, needs no refit. That solve is
    exact whatever ``solver`` is.

    Args:
        dim: Size of user and item vectors.
        epochs: Iterations: users, then items.
        reg: Weight of the regularisation.
        unobserved_weight: Weight of all pairs, observed or not (alpha_0 in the paper).
        exponent: How the regularisation grows with the number of pairs (nu in the paper).
        confidence: None: w = 1, repeated pairs count once. "linear": w is the sum of a pair's ratings, or its number of
            rows where there are none; "log": w = log(1 + that).
        solver: How training solves a side. "exact": a Cholesky factorization a row, dim^3 / 6 multiply-adds and
            dim^2 / 2 a pair. "cg": ``cg_steps`` steps of conjugate gradient from the vectors of the iteration before, 2
            dim a pair and step (Takacs et al., RecSys 2011); faster, and needs more epochs for the same loss.
        cg_steps: Steps of conjugate gradient a row and iteration; used by "cg" only.
        seed: Key of the initial values.

    Attributes:
        network_: The trained tables.
    """

    from_histories: ClassVar[bool] = True

    dim: int = 192
    epochs: int = 10
    reg: float = 0.008
    unobserved_weight: float = 0.2
    exponent: float = 1.0
    confidence: Literal["linear", "log"] | None = None
    solver: Literal["exact", "cg"] = "exact"
    cg_steps: int = 3
    seed: int = 0

    def _check(self) -> None:
        checks.integer("IALS", "dim", self.dim, least=1)
        checks.integer("IALS", "epochs", self.epochs, least=0)
        checks.number("IALS", "reg", self.reg, above=0)
        checks.number("IALS", "unobserved_weight", self.unobserved_weight, above=0)
        checks.number("IALS", "exponent", self.exponent)
        checks.one_of("IALS", "confidence", self.confidence, (None, "linear", "log"))
        checks.one_of("IALS", "solver", self.solver, ("exact", "cg"))
        checks.integer("IALS", "cg_steps", self.cg_steps, least=1)
        checks.seed("IALS", self.seed)

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        pairs, weights = self._pairs(Histories.of_log(log, np.arange(log.n_users)))
        self.network_ = ALSNetwork(self.settings_, pairs, weights, log.n_items)
        self.training_ = learn(self, self.network_, SGD(), lambda epoch: Sides(len(pairs.items)), fitting, self.epochs)

    def _pairs(self, histories: Histories) -> tuple[Histories, NDArray[np.float32] | None]:
        """Each row's distinct items, ascending, and their weights; None: all are 1."""
        distinct = histories.distinct()
        if self.confidence is None:
            return distinct, None
        amounts = np.ones(len(histories.items)) if histories.ratings is None else histories.ratings
        if len(amounts) and not (lowest := float(np.min(amounts))) >= 0:
            raise ValueError(f"IALS: confidence needs ratings >= 0, got {lowest}")
        width = max(int(histories.items.max(initial=0)) + 1, 1)
        keys = distinct.row_index * width + distinct.items
        places = np.searchsorted(keys, histories.row_index * width + histories.items)
        weights = np.bincount(places, weights=amounts, minlength=len(keys))
        return distinct, (np.log1p(weights) if self.confidence == "log" else weights).astype(np.float32)

    def _ridge(self, counts: NDArray[np.int64], n_others: int) -> NDArray[np.float32]:
        return np.asarray(self.reg * (counts + self.unobserved_weight * n_others) ** self.exponent, dtype=np.float32)

    def _item_vectors(self) -> Scores:
        return np.asarray(self.network_.parameters()["items"])

    def _make_scorer(self) -> Scorer:
        items = self._item_vectors()
        self._item_gram = _core.scaled_gram(items, self.settings_.unobserved_weight)
        return FactorScorer(items)

    def _queries(self, people: People) -> Scores:
        self.scorer()  # makes the Gram matrix of the items
        pairs, weights = self.settings_._pairs(people.histories)
        rows, _ = _core.solve_rows(
            self._item_vectors(),
            self._item_gram,
            pairs.indptr,
            pairs.items,
            weights,
            self.settings_._ridge(pairs.lengths, self.n_items),
        )
        return np.asarray(rows)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {path: np.asarray(value) for path, value in self.network_.parameters().items()}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        nothing = Histories.empty(self.n_users)
        self.network_ = ALSNetwork(self.settings_, nothing, None, self.n_items)
        for path, parameter in self.network_.parameters().items():
            parameter.assign(state[path])


@dataclass(frozen=True)
class Side:
    """Half an iteration: "users" or "items"; its length is the number of pairs."""

    name: str
    pairs: int

    def __len__(self) -> int:
        return self.pairs


@dataclass(frozen=True)
class Sides:
    """An iteration: the users, then the items."""

    pairs: int

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[Side]:
        yield Side("users", self.pairs)
        yield Side("items", self.pairs)


class ALSNetwork(FactorNetwork):
    """The two tables and the pairs they are solved for, by user and by item."""

    def __init__(self, model: IALS, pairs: Histories, weights: NDArray[np.float32] | None, n_items: int) -> None:
        deviation = 0.1 / float(np.sqrt(model.dim))
        super().__init__(len(pairs), n_items, model.dim, seed=model.seed, deviation=deviation)
        self._ridge, self._unobserved_weight = model._ridge, model.unobserved_weight
        self._cg_steps = model.cg_steps if model.solver == "cg" else None
        by_item = np.argsort(pairs.items, kind="stable")
        begin = np.concatenate([[0], np.cumsum(np.bincount(pairs.items, minlength=n_items))])
        self._pairs = {
            "users": (pairs.indptr, pairs.items, weights),
            "items": (begin, pairs.row_index[by_item].astype(np.int32), None if weights is None else weights[by_item]),
        }
        self._weight = float(len(pairs.items) if weights is None else weights.sum(dtype=np.float64))

    def train_step(self, batch: Side, optimizer: Optimizer) -> Tensor:
        """Solves one side, without the optimizer; returns the loss over the pairs, after the solve, per pair.

        With A and b of a row as in cpp/kernels/least_squares.h, its part of the loss is sum w - 2 p b + p A p, at the
        solution sum w - p b; what regularises the other side is not in it.
        """
        solved, others = (self.users, self.items) if batch.name == "users" else (self.items, self.users)
        begin, history, weights = self._pairs[batch.name]
        ridge = self._ridge(np.diff(begin), others.shape[0])
        gram = _core.scaled_gram(others, self._unobserved_weight)
        if self._cg_steps is None:
            rows, explained = _core.solve_rows(others, gram, begin, history, weights, ridge)
        else:
            rows, explained = _core.improve_rows(
                solved, others, gram, begin, history, weights, ridge, steps=self._cg_steps
            )
        solved.assign(rows)
        return Tensor((self._weight - explained) / max(len(batch), 1))
