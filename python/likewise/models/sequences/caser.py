"""Convolutions over the last items."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likewise import _core, checks, nn, optimizers
from likewise import functional as F
from likewise.data import Interactions
from likewise.functional import Tensor
from likewise.models.learning import learn
from likewise.models.newcomers import fit_user_rows
from likewise.models.people import People
from likewise.models.recommender import Fitting, Recommender
from likewise.models.retrieval import FactorScorer, Scorer, Scores
from likewise.training.arrays import shuffled

_NOTHING = -1  # stands before the first item of a short history
_USERS_TOGETHER = 1024  # encoded in one go


@dataclass(kw_only=True, eq=False, repr=False)
class Caser(Recommender):
    """Convolutional sequence embedding (Tang and Wang, WSDM 2018).

    The vectors of a user's last items are an image [window, dim]. Horizontal filters of every height slide down it and
    keep their maximum, vertical ones weigh its rows; what they find, through a dense layer, joins the user's own
    vector to score the items that come next.

    For a user who was not there at training, a vector is fitted to the history alone, everything else frozen, by a
    fixed number of steps.

    Args:
        dim: Size of the vectors of items and users.
        window: Items looked at (the paper's L).
        targets: Items after the window that each training instance learns (the paper's T).
        horizontal: Filters of each height from 1 to window.
        vertical: Filters over the whole height.
        epochs: Passes over the instances.
        batch_size: Instances of a step. A run repeats bit for bit at its batch size.
        learning_rate: Of Adam.
        negatives: Drawn for each instance, uniformly from the items the user has not seen, anew in every epoch.
        l2: Penalty l2 / 2 |row|^2 on the rows of the batch and on the kernels.
        dropout: Share of what the filters found dropped in training.
        seed: Key of initial values, shuffles, negatives and dropout.

    Attributes:
        network_: The trained network.
    """

    from_histories: ClassVar[bool] = True

    dim: int = 50
    window: int = 5
    targets: int = 3
    horizontal: int = 16
    vertical: int = 4
    epochs: int = 20
    batch_size: int = 512
    learning_rate: float = 0.001
    negatives: int = 3
    l2: float = 1e-6
    dropout: float = 0.5
    seed: int = 0

    def network(self, n_users: int, n_items: int) -> CaserNetwork:
        """The network for so many users and items."""
        network = CaserNetwork(
            n_users,
            n_items,
            int(self.dim),
            int(self.window),
            int(self.horizontal),
            int(self.vertical),
            float(self.dropout),
        )
        network.seed = self.seed
        network.build_weights()
        return network

    def _check(self) -> None:
        for name in ("dim", "window", "targets", "horizontal", "vertical", "batch_size", "negatives"):
            checks.integer("Caser", name, getattr(self, name), least=1)
        checks.integer("Caser", "epochs", self.epochs, least=0)
        checks.number("Caser", "learning_rate", self.learning_rate, above=0)
        checks.number("Caser", "l2", self.l2, least=0)
        checks.rate("Caser", "dropout", self.dropout)
        checks.seed("Caser", self.seed)

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        instances = Instances(log, int(self.window), int(self.targets), self.seed)
        self.network_ = self.network(log.n_users, log.n_items)
        self.training_ = learn(
            self,
            self.network_,
            optimizers.Adam(self.learning_rate, l2=self.l2),
            lambda epoch: EpochInstances(instances, self.batch_size, int(self.negatives), self.seed, epoch),
            fitting,
            self.epochs,
        )

    def _item_vectors(self) -> Scores:
        return np.asarray(self.network_.items.embeddings)

    def _make_scorer(self) -> Scorer:
        return FactorScorer(np.asarray(self.network_.outputs), np.asarray(self.network_.output_biases))

    def _queries(self, people: People) -> Scores:
        users = np.asarray(self.network_.users.embeddings)
        mine = np.empty((len(people), users.shape[1]), dtype=np.float32)
        known = people.index >= 0
        mine[known] = users[people.index[known]]
        if not known.all():
            histories, settings = people.take(~known).histories, self.settings_
            mine[~known] = fit_user_rows(UserHalf(self.network_), histories, settings.negatives, settings.seed)
        windows = last_windows(people, self.settings_.window)
        found = [np.zeros((0, self.network_.outputs.shape[1]), dtype=np.float32)]
        for begin in range(0, len(people), _USERS_TOGETHER):
            part = slice(begin, begin + _USERS_TOGETHER)
            with F.no_grad():
                found.append(np.asarray(self.network_.states(windows[part], mine[part])))
        return np.concatenate(found)

    def _state(self) -> dict[str, NDArray[Any]]:
        return {path: np.asarray(weight) for path, weight in self.network_.named_weights().items()}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.network_ = self.settings_.network(self.n_users, self.n_items)
        for path, weight in self.network_.named_weights().items():
            weight.assign(state[path])


class UserHalf:
    """What a user's own vector says of items, without what the last items say (see `FrozenNetwork`)."""

    def __init__(self, network: CaserNetwork) -> None:
        self.n_items = network.outputs.shape[0]
        self._users = np.asarray(network.users.embeddings)
        self._outputs = np.ascontiguousarray(np.asarray(network.outputs)[:, self._users.shape[1] :])
        self._biases = np.asarray(network.output_biases)

    def user_rows(self) -> Scores:
        """The trained users' vectors [n_users, dim]."""
        return self._users

    def logits_of(self, queries: Any, items: Any) -> Tensor:
        """Logits [n, c] of vectors [n, dim] and items [n, c]."""
        return F.candidate_scores(queries, self._outputs, items, self._biases)


def last_windows(people: People, window: int) -> NDArray[np.int32]:
    """The last items of each history [n, window], behind as many -1 as are missing."""
    histories = people.histories
    places = histories.indptr[1:, None] + np.arange(-window, 0)
    there = places >= histories.indptr[:-1, None]
    return np.where(there, histories.items[np.where(there, places, 0)], _NOTHING).astype(np.int32)


class Instances:
    """Every run of window + targets items of a log: users, windows, and the items behind them.

    Of a user with fewer items there is one instance, with -1 before the first item; the last items are its targets,
    of which one at least comes after an item.

    Attributes:
        users: Their indices [n].
        windows: Items looked at [n, window], int32.
        targets: Items that came next [n, targets], int32; -1 where a short history has none.
        rows: The row of the log of the last target [n].
        draws: Negatives of the rows.
    """

    def __init__(self, log: Interactions, window: int, targets: int, seed: int) -> None:
        lengths = np.diff(log.indptr)
        counts = np.where(lengths >= 2, np.maximum(lengths - (window + targets) + 1, 1), 0)
        if not counts.any():
            raise ValueError("fit: no user of the log has two rows, so there is nothing that comes next")
        self.draws = _core.ItemDraws(log.indptr, log.item_index, log.n_items, seed)
        self.users = np.repeat(np.arange(log.n_users), counts)
        back = np.repeat(np.cumsum(counts), counts) - np.arange(counts.sum()) - 1  # instances of the user behind this
        self.rows = log.indptr[self.users + 1] - 1 - back
        first = log.indptr[self.users]
        after = np.minimum(targets, self.rows - first)  # at least one item comes before the targets
        places = self.rows[:, None] + np.arange(-targets + 1, 1)
        there = np.arange(targets) >= targets - after[:, None]
        self.targets = np.where(there, log.item_index[np.where(there, places, 0)], _NOTHING).astype(np.int32)
        places = (self.rows - after + 1)[:, None] + np.arange(-window, 0)
        there = places >= first[:, None]
        self.windows = np.where(there, log.item_index[np.where(there, places, 0)], _NOTHING).astype(np.int32)

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, eq=False)
class InstanceBatch:
    """Users [n], windows [n, window], targets [n, targets] and negatives [n, negatives]."""

    users: NDArray[np.int64]
    windows: NDArray[np.int32]
    targets: NDArray[np.int32]
    negatives: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.users)


class EpochInstances:
    """The batches of an epoch: all instances in random order."""

    def __init__(self, instances: Instances, batch_size: int, negatives: int, seed: int, epoch: int) -> None:
        self._instances, self._batch_size, self._negatives = instances, batch_size, negatives
        self._seed, self._epoch = seed, epoch

    def __len__(self) -> int:
        return math.ceil(len(self._instances) / self._batch_size)

    def __iter__(self) -> Iterator[InstanceBatch]:
        every = self._instances
        order = shuffled(len(every), self._seed, self._epoch)
        for begin in range(0, len(order), self._batch_size):
            chosen = order[begin : begin + self._batch_size]
            users = every.users[chosen]
            negatives = every.draws.draw(self._epoch, every.rows[chosen], self._negatives, users.astype(np.int32))
            yield InstanceBatch(users, every.windows[chosen], every.targets[chosen], negatives)


class CaserNetwork(nn.Model):
    """E, the image of the last items; o and o~, what the filters find in it; z, the dense layer over both."""

    def __init__(
        self, n_users: int, n_items: int, dim: int, window: int, horizontal: int, vertical: int, dropout: float
    ) -> None:
        self.items = nn.Embedding(n_items, dim, nn.initializers.RandomNormal(stddev=1 / dim))
        self.users = nn.Embedding(n_users, dim, nn.initializers.RandomNormal(stddev=1 / dim))
        self.horizontal = [nn.Conv1D(horizontal, height, activation="relu") for height in range(1, window + 1)]
        self.over_time = nn.GlobalMaxPooling1D()
        self.vertical = nn.Dense(vertical)
        self.dense = nn.Dense(dim, activation="relu")
        self.drop = nn.Dropout(dropout)
        self.outputs = self.add_weight(
            (n_items, 2 * dim), nn.initializers.RandomNormal(stddev=1 / (2 * dim)), name="outputs"
        )
        self.output_biases = self.add_weight((n_items,), "zeros", name="output_biases")
        self.window = window

    def build_weights(self) -> None:
        """Make all weights."""
        with F.no_grad():
            self.states(np.zeros((1, self.window), dtype=np.int32), self.users(np.zeros(1, dtype=np.int64)))

    def states(self, windows: NDArray[np.int32], users: Any) -> Tensor:
        """[z, user] (equation 10) [n, 2 * dim] of windows [n, window] and users' vectors [n, dim]."""
        there = (windows >= 0).astype(np.float32)[..., None]
        image = F.multiply(self.items(np.maximum(windows, 0)), there)
        found = [self.over_time(convolve(image)) for convolve in self.horizontal]  # equations 4 to 6
        weighed = self.vertical(F.transpose(image, (0, 2, 1)))  # equation 7
        found.append(F.reshape(weighed, (len(windows), -1)))
        z = self.dense(self.drop(F.concatenate(found, axis=-1)))
        return F.concatenate([z, users], axis=-1)

    def loss(self, batch: InstanceBatch) -> Tensor:
        """The mean logistic loss of targets plus that of negatives."""
        states = self.states(batch.windows, self.users(batch.users))
        there = (batch.targets >= 0).astype(np.float32)
        items = np.concatenate([np.maximum(batch.targets, 0), batch.negatives], axis=1)
        scores = F.candidate_scores(states, self.outputs, items, self.output_biases)
        counts = np.concatenate([there / there.sum(), np.full(batch.negatives.shape, 1 / batch.negatives.size)], axis=1)
        wanted = np.concatenate([there, np.zeros(batch.negatives.shape)], axis=1)
        losses = F.binary_cross_entropy(scores, wanted, from_logits=True, reduction="none")
        return F.sum(F.multiply(losses, counts))
