"""Neural matrix factorization: a product of vectors beside a multilayer perceptron."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from likewise import _core, checks, nn, optimizers
from likewise import functional as F
from likewise.data import Interactions
from likewise.functional import Tensor
from likewise.models.factors import log_batches
from likewise.models.learning import learn
from likewise.models.newcomers import fit_user_rows
from likewise.models.people import People
from likewise.models.recommender import Fitting, Recommender
from likewise.models.retrieval import Scorer, Scores, TileScorer

_FINE_TUNING = 0.05  # the rate of joint training after pretraining, as a share: at higher ones the towers overfit
_FREE_ALONE = ("epochs", "alpha")  # settings that do not matter to a tower trained alone


@dataclass(kw_only=True, eq=False, repr=False)
class NeuMF(Recommender):
    """Neural matrix factorization (He et al., WWW 2017).

    The logit of a user and an item is the sum of two towers': GMF, a weighted product of two vectors, and MLP, a
    perceptron over two other vectors. Trained by logistic loss on each row of the log and its negatives.

    A trained user keeps the trained vectors: ``history=`` only filters. For a user who was not there, vectors are
    fitted to the history alone, everything else frozen, by a fixed number of steps.

    Args:
        dim: Size of the vectors of GMF.
        layers: Sizes of the perceptron: the two vectors joined, then each hidden layer.
        epochs: Passes over the log by both towers together.
        pretrain: Passes by each tower alone before, from which both start (the paper's section 3.4.1); 0 for none.
        alpha: What GMF's output counts at the start after pretraining; MLP's counts 1 - alpha.
        batch_size: Positives of a step. A run repeats bit for bit at its batch size.
        learning_rate: Of Adam, for each tower alone and for joint training without pretraining; after pretraining
            joint training takes a twentieth of it (the paper: plain SGD). Each falls linearly to zero by its end.
        negatives: Drawn for each positive, uniformly from the items the user has not seen, anew in every epoch.
        l2: Penalty l2 / 2 |row|^2 on the rows of the batch and on the kernels.
        seed: Key of initial values, shuffles and negatives.

    Attributes:
        network_: The trained network.
    """

    dim: int = 64
    layers: Sequence[int] = (128, 64, 32)
    epochs: int = 2
    pretrain: int = 20
    alpha: float = 0.7
    batch_size: int = 2048
    learning_rate: float = 0.01
    negatives: int = 4
    l2: float = 1.3e-5
    seed: int = 0

    def network(self, n_users: int, n_items: int, towers: Sequence[str] = ("gmf", "mlp")) -> NeuMFNetwork:
        """The network for so many users and items: both towers, or one."""
        network = NeuMFNetwork(n_users, n_items, int(self.dim), [int(size) for size in self.layers], towers)
        network.seed = self.seed
        network.build_weights()
        return network

    def _check(self) -> None:
        for name in ("dim", "batch_size", "negatives"):
            checks.integer("NeuMF", name, getattr(self, name), least=1)
        for name in ("epochs", "pretrain"):
            checks.integer("NeuMF", name, getattr(self, name), least=0)
        if not isinstance(self.layers, list | tuple):
            raise ValueError(f"NeuMF: layers must be a list or tuple of sizes, got {self.layers!r}")
        for place, size in enumerate(self.layers):
            checks.integer("NeuMF", f"layers[{place}]", size, least=1)
        if len(self.layers) < 2 or self.layers[0] % 2:
            raise ValueError(f"NeuMF: layers must be an even size, then those of hidden layers, got {self.layers!r}")
        checks.number("NeuMF", "learning_rate", self.learning_rate, above=0)
        checks.number("NeuMF", "l2", self.l2, least=0)
        checks.share("NeuMF", "alpha", self.alpha)
        checks.seed("NeuMF", self.seed)

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        batches = log_batches(
            log.indptr,
            log.item_index,
            None,
            n_items=log.n_items,
            batch_size=self.batch_size,
            negatives=self.negatives,
            seed=self.seed,
        )
        alone = {}
        if self.pretrain:
            for tower in ("gmf", "mlp"):
                alone[tower] = self.network(log.n_users, log.n_items, [tower])
                stage = _stage(fitting, tower)
                self._learn(alone[tower], batches, len(log), stage, self.pretrain, self.learning_rate, _FREE_ALONE)
        joint = self.network(log.n_users, log.n_items)
        if alone:
            joint.join(alone, {"gmf": self.alpha, "mlp": 1 - self.alpha})
        rate = self.learning_rate * (_FINE_TUNING if alone else 1)
        self._learn(joint, batches, len(log), fitting, self.epochs, rate, ())

    def _learn(
        self,
        network: NeuMFNetwork,
        batches: _core.Batches,
        rows: int,
        fitting: Fitting,
        epochs: int,
        rate: float,
        free: Collection[str],
    ) -> None:
        steps = max(1, epochs * math.ceil(rows / self.batch_size))
        falling = optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)
        self.network_ = network
        self.training_ = learn(
            self,
            network,
            optimizers.Adam(falling, l2=self.l2),
            lambda epoch: EpochBatches(batches, epoch, rows, self.batch_size),
            fitting,
            epochs,
            free,
        )

    def _make_scorer(self) -> Scorer:
        return NeuMFScorer(self._frozen())

    def _frozen(self) -> NeuMFNetwork:
        """The network as it is now, out of reach of training."""
        frozen = self.settings_.network(self.n_users, self.n_items, self.network_.tower_names)
        for path, weight in self.network_.named_weights().items():
            frozen.named_weights()[path].assign(weight)
        frozen.trainable = False
        return frozen

    def _queries(self, people: People) -> Scores:
        known = people.index >= 0
        rows = np.zeros((len(people), self.network_.query_size), dtype=np.float32)
        rows[known] = self.network_.user_rows()[people.index[known]]
        if not known.all():
            network = cast(NeuMFScorer, self.scorer()).network
            histories, settings = people.take(~known).histories, self.settings_
            rows[~known] = fit_user_rows(network, histories, settings.negatives, settings.seed)
        return rows

    def _state(self) -> dict[str, NDArray[Any]]:
        return {path: np.asarray(weight) for path, weight in self.network_.named_weights().items()}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.network_ = self.settings_.network(self.n_users, self.n_items)
        for path, weight in self.network_.named_weights().items():
            weight.assign(state[path])


def _stage(fitting: Fitting, tower: str) -> Fitting:
    """A tower's own training: the same limits, a state file of its own, nothing measured."""
    resume = None if fitting.resume is None else f"{os.fspath(fitting.resume)}.{tower}"
    return replace(fitting, validation=None, callbacks=(), resume=resume)


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Users [rows] and for each the positive item and its negatives [rows, 1 + negatives]."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.users)


class EpochBatches:
    """The batches of an epoch: rows of the log in random order, with negatives."""

    def __init__(self, batches: _core.Batches, epoch: int, rows: int, batch_size: int) -> None:
        self._batches, self._epoch = batches, epoch
        self._steps = math.ceil(rows / batch_size)

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[PairBatch]:
        for step in range(self._steps):
            _, users, items = self._batches.draw(self._epoch, step)
            yield PairBatch(users, items)


class Tower(nn.Layer):
    """A table of users and one of items, and a logit for a row of each.

    The towers are written so that what concerns a user alone, or an item alone, is computed once for each of them.

    Args:
        n_users: Rows of the table of users.
        n_items: Rows of the table of items.
        size: Columns of both.
        out: Where the weights of the logit start.
    """

    def __init__(self, n_users: int, n_items: int, size: int, out: Any) -> None:
        normal = nn.initializers.RandomNormal(stddev=0.1)
        self.users = nn.Embedding(n_users, size, normal)
        self.items = nn.Embedding(n_items, size, normal)
        self.out = nn.Dense(1, kernel_initializer=out)
        self.size = size

    def call(self, inputs: Sequence[Any]) -> Tensor:
        """The logits [n, c, 1] of rows of users [n, 1, size] and of items [n, c, size]."""
        users, items = inputs
        return self.deeper(self.of_rows(users, "users"), self.of_rows(items, "items"))

    def of_rows(self, rows: Any, kind: str) -> Any:
        """What is made of the rows of "users" or "items" alone."""
        return rows

    def deeper(self, users: Any, items: Any) -> Tensor:
        """The logits from what was made of users and of items, which broadcast."""
        raise NotImplementedError


class GMFTower(Tower):
    """h . (p * q): generalized matrix factorization, which starts from h = 1, plain matrix factorization."""

    def __init__(self, n_users: int, n_items: int, size: int) -> None:
        super().__init__(n_users, n_items, size, "ones")

    def deeper(self, users: Any, items: Any) -> Tensor:
        """See `Tower.deeper`."""
        logits: Tensor = self.out(F.multiply(users, items))
        return logits


class MLPTower(Tower):
    """h . relu(... relu(W [p, q] + b)): the first layer's kernel is kept as the half for users and that for items."""

    def __init__(self, n_users: int, n_items: int, layers: Sequence[int]) -> None:
        super().__init__(n_users, n_items, layers[0] // 2, "lecun_uniform")
        limit = math.sqrt(6 / (layers[0] + layers[1]))  # Glorot's, for the two halves together
        uniform = nn.initializers.RandomUniform(-limit, limit)
        self.of_users = nn.Dense(layers[1], kernel_initializer=uniform)
        self.of_items = nn.Dense(layers[1], kernel_initializer=uniform, use_bias=False)
        self.hidden = [nn.Dense(size, activation="relu") for size in layers[2:]]

    def of_rows(self, rows: Any, kind: str) -> Any:
        """Their half of the first layer."""
        return self.of_users(rows) if kind == "users" else self.of_items(rows)

    def deeper(self, users: Any, items: Any) -> Tensor:
        """See `Tower.deeper`."""
        hidden = F.relu(F.add(users, items))
        for layer in self.hidden:
            hidden = layer(hidden)
        logits: Tensor = self.out(hidden)
        return logits


class NeuMFNetwork(nn.Model):
    """The sum of the towers' logits."""

    def __init__(
        self, n_users: int, n_items: int, dim: int, layers: Sequence[int], towers: Sequence[str] = ("gmf", "mlp")
    ) -> None:
        self.gmf = GMFTower(n_users, n_items, dim) if "gmf" in towers else None
        self.mlp = MLPTower(n_users, n_items, layers) if "mlp" in towers else None
        self.n_items, self.tower_names = n_items, list(towers)

    @property
    def towers(self) -> list[Tower]:
        """The towers there are: GMF, then MLP."""
        return [tower for tower in (self.gmf, self.mlp) if tower is not None]

    def call(self, inputs: Any) -> Tensor:
        """Logits [n, c] of users [n] and items [n, c]."""
        users, items = inputs
        users = np.asarray(users)[:, None]
        logits = [tower([tower.users(users), tower.items(items)]) for tower in self.towers]
        total = logits[0] if len(logits) == 1 else F.add(logits[0], logits[1])
        return F.reshape(total, np.shape(items))

    def loss(self, batch: PairBatch) -> Tensor:
        """Mean logistic loss; the first item of a row is the positive."""
        targets = np.zeros(batch.items.shape, dtype=np.float32)
        targets[:, 0] = 1.0
        return F.binary_cross_entropy(self([batch.users, batch.items]), targets, from_logits=True)

    def build_weights(self) -> None:
        """Make all weights."""
        with F.no_grad():
            self([np.zeros(1, dtype=np.int64), np.zeros((1, 1), dtype=np.int64)])

    def join(self, alone: Mapping[str, NeuMFNetwork], share: Mapping[str, float]) -> None:
        """Start from towers trained alone, each output counting its share."""
        mine = self.named_weights()
        for tower, network in alone.items():
            for path, weight in network.named_weights().items():
                factor = share[tower] if path.startswith(f"{tower}/out/") else 1.0
                mine[path].assign(np.asarray(weight) * np.float32(factor))

    @property
    def query_size(self) -> int:
        """Columns of :meth:`user_rows`."""
        return sum(tower.size for tower in self.towers)

    def user_rows(self) -> Scores:
        """The vectors of users in all towers, side by side [n_users, query_size]."""
        return np.hstack([np.asarray(tower.users.embeddings) for tower in self.towers])

    def logits_of(self, queries: Any, items: Any) -> Tensor:
        """Logits [n, c] of vectors as :meth:`user_rows` has them [n, query_size] and items [n, c]."""
        parts = F.split(F.expand_dims(queries, 1), [tower.size for tower in self.towers], axis=-1)
        logits = [tower([part, tower.items(items)]) for tower, part in zip(self.towers, parts, strict=True)]
        total = logits[0] if len(logits) == 1 else F.add(logits[0], logits[1])
        return F.reshape(total, np.shape(items))


class NeuMFScorer(TileScorer):
    """Scores all items of a few users at a time, or single pairs; what concerns items alone is computed once."""

    tile_bytes = 8 << 20
    activation_bytes = 16 << 20  # of the widest layer, for the rows computed in one go

    def __init__(self, network: NeuMFNetwork) -> None:
        self.network, self.n_items = network, network.n_items
        with F.no_grad():
            self._items = [np.asarray(tower.of_rows(tower.items.embeddings, "items")) for tower in network.towers]

    def scores(self, queries: Any) -> Scores:
        """Logits [n, n_items] of vectors [n, query_size]."""
        total = np.empty((len(queries), self.n_items), dtype=np.float32)
        rows = self._rows_together(self.n_items)
        users = self._users(queries)
        for begin in range(0, len(queries), rows):
            part = slice(begin, begin + rows)
            total[part] = self._logits([each[part, None] for each in users], self._items)
        return total

    def pairs(self, queries: Any, rows: NDArray[np.int64], items: NDArray[np.int32]) -> Scores:
        """See `Scorer.pairs`."""
        values = np.empty(len(rows), dtype=np.float32)
        users, together = self._users(queries), self._rows_together(1)
        for begin in range(0, len(rows), together):
            part = slice(begin, begin + together)
            values[part] = self._logits(
                [each[rows[part]] for each in users], [each[items[part]] for each in self._items]
            )
        return values

    def _users(self, queries: Scores) -> list[Scores]:
        """What each tower makes of users alone."""
        ends = np.cumsum([tower.size for tower in self.network.towers])[:-1]
        parts = np.split(queries, ends, axis=1)
        with F.no_grad():
            return [
                np.asarray(tower.of_rows(np.ascontiguousarray(part), "users"))
                for tower, part in zip(self.network.towers, parts, strict=True)
            ]

    def _logits(self, users: Sequence[Scores], items: Sequence[Scores]) -> Scores:
        with F.no_grad():
            logits = [
                np.asarray(tower.deeper(user, item))
                for tower, user, item in zip(self.network.towers, users, items, strict=True)
            ]
        return np.asarray(sum(logits[1:], logits[0]))[..., 0]

    def _rows_together(self, items: int) -> int:
        widest = max(int(each.shape[1]) for each in self._items)
        return max(1, self.activation_bytes // (4 * widest * items))
