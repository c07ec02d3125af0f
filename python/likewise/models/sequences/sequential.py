"""What sequence models share: a user is the state of a network that has read the user's history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from likewise import _core, checks, nn, optimizers
from likewise import functional as F
from likewise.data import Interactions
from likewise.data.histories import Histories
from likewise.functional import Tensor
from likewise.models.learning import learn
from likewise.models.people import People
from likewise.models.recommender import Fitting, Recommender
from likewise.models.retrieval import FactorScorer, Scorer, Scores
from likewise.models.sequences.batches import EpochSequences, SequenceBatch, Sequences
from likewise.models.sequences.objectives import Objective

_ITEMS_TOGETHER = 16_384  # items of histories encoded in one go


class SequenceNetwork(nn.Model):
    """A network that reads items and scores what may come next by the product of its state and item vectors.

    Attributes:
        items: The table of item vectors, which both sides share.
        objective: The loss of states [n, dim], that table, targets [n] and negatives.
    """

    items: nn.Embedding
    objective: Objective

    def states(self, sequences: Sequences) -> Tensor:
        """States [total, dim] after each item of the sequences."""
        raise NotImplementedError

    def last_states(self, sequences: Sequences) -> Tensor:
        """States [n, dim] after the last item of each sequence."""
        return F.embedding(self.states(sequences), sequences.offsets[1:] - 1)

    def loss(self, batch: SequenceBatch) -> Tensor:
        """The mean over positions."""
        return self.objective(self.states(batch.inputs), self.items.embeddings, batch.targets, batch.negatives)

    def build_weights(self) -> None:
        """Make all weights."""
        with F.no_grad():
            self.states(Sequences(np.zeros(1, dtype=np.int32), np.array([0, 1])))


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceRecommender(Recommender):
    """Base of models whose user is a network's state after the user's history, so that new users need no refit.

    Args:
        dim: Size of item vectors.
        epochs: Passes over the log.
        batch_size: Sequences of a step. A run repeats bit for bit at its batch size.
        learning_rate: Of Adam.
        max_length: How many of a user's last items count.
        dropout: Share dropped in training.
        seed: Key of initial values, shuffles, negatives and dropout.

    Attributes:
        network_: The trained network.
    """

    from_histories: ClassVar[bool] = True

    dim: int = 64
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 0.001
    max_length: int = 200
    dropout: float = 0.1
    seed: int = 0

    def network(self, n_items: int) -> SequenceNetwork:
        """The network for so many items."""
        raise NotImplementedError

    def _negatives(self) -> int:
        """How many are drawn for each target."""
        return 0

    def _made(self, n_items: int) -> SequenceNetwork:
        network = self.network(n_items)
        network.seed = self.seed
        network.build_weights()
        return network

    def _check(self) -> None:
        model = type(self).__name__
        for name in ("dim", "batch_size", "max_length"):
            checks.integer(model, name, getattr(self, name), least=1)
        checks.integer(model, "epochs", self.epochs, least=0)
        checks.number(model, "learning_rate", self.learning_rate, above=0)
        checks.rate(model, "dropout", self.dropout)
        checks.seed(model, self.seed)

    def _train(self, log: Interactions, fitting: Fitting) -> None:
        self.network_ = self._made(log.n_items)
        self.training_ = learn(
            self,
            self.network_,
            optimizers.Adam(self.learning_rate),
            self._epochs(log, self._negatives()),
            fitting,
            self.epochs,
        )

    def _training_sequences(self, log: Interactions) -> tuple[Sequences, NDArray[np.int64]]:
        """The last items of each user who has two or more, and the row of the log that each item is [total].

        Raises:
            ValueError: If there is no such user.
        """
        owners = np.flatnonzero(np.diff(log.indptr) >= 2)
        if len(owners) == 0:
            raise ValueError("fit: no user of the log has two rows, so there is nothing that comes next")
        sequences = Sequences.last(Histories(log.indptr, log.item_index).take(owners), self.max_length + 1)
        return sequences, sequences.places + np.repeat(log.indptr[owners + 1] - sequences.lengths, sequences.lengths)

    def _epochs(self, log: Interactions, negatives: int) -> Callable[[int], Any]:
        """The batches of an epoch, given its number."""
        return self._sequence_epochs(log, negatives)

    def _sequence_epochs(self, log: Interactions, negatives: int, draw_seen: bool = True) -> Callable[[int], Any]:
        """Batches of whole sequences; their negatives come from all items, or from those the user has not seen."""
        sequences, rows = self._training_sequences(log)
        if negatives == 0:
            return lambda number: EpochSequences(sequences, self.batch_size, self.seed, number)
        draws = _core.ItemDraws(log.indptr, log.item_index, log.n_items, self.seed)
        users = np.repeat(np.arange(log.n_users, dtype=np.int32), np.diff(log.indptr))[rows]

        def epoch(number: int) -> EpochSequences:
            def draw(places: NDArray[np.int64]) -> NDArray[np.int32]:
                return draws.draw(number, rows[places], negatives, None if draw_seen else users[places])

            return EpochSequences(sequences, self.batch_size, self.seed, number, draw)

        return epoch

    def _item_vectors(self) -> Scores:
        return np.asarray(self.network_.items.embeddings)

    def _make_scorer(self) -> Scorer:
        return FactorScorer(self._item_vectors())

    def _queries(self, people: People) -> Scores:
        longest = self.settings_.max_length
        found = np.empty((len(people), self._item_vectors().shape[1]), dtype=np.float32)
        lengths = np.minimum(people.histories.lengths, longest)
        order = np.argsort(lengths, kind="stable")  # those of about a length together: hardly any padding
        groups = np.cumsum(lengths[order]) // _ITEMS_TOGETHER
        for group in np.unique(groups):
            chosen = order[groups == group]
            with F.no_grad():
                states = self.network_.last_states(Sequences.last(people.histories.take(chosen), longest))
            found[chosen] = np.asarray(states)
        return found

    def _state(self) -> dict[str, NDArray[Any]]:
        return {path: np.asarray(weight) for path, weight in self.network_.named_weights().items()}

    def _restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.network_ = self.settings_._made(self.n_items)
        for path, weight in self.network_.named_weights().items():
            weight.assign(state[path])
