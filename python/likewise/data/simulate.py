"""Makes a log whose truth is known: latent tastes, sequences, a social graph, titles and genres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data.arguments import checked_integer
from likewise.data.features import Features
from likewise.data.interactions import Interactions
from likewise.data.vocabulary import Indices

Edges = tuple[NDArray[np.int64], NDArray[np.int64]]

_GENRES = (
    "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Horror", "Mystery", "Romance", "Science Fiction", "Western",
)  # fmt: skip
_OPENINGS = ("The", "A", "My", "Our", "Beyond the", "Under the", "After the", "Return of the", "Last", "First")
_QUALITIES = (
    "Silent", "Golden", "Broken", "Hidden", "Crimson", "Distant", "Restless", "Paper", "Winter", "Electric",
    "Gentle", "Forgotten", "Wandering", "Velvet", "Burning", "Midnight", "Honest", "Hollow", "Lucky", "Salt",
)  # fmt: skip
_THINGS = (
    "River", "Garden", "Station", "Letter", "Mountain", "Detective", "Orchard", "Machine", "Harbour", "Dancer",
    "Island", "Library", "Comet", "Painter", "Kingdom", "Bridge", "Lighthouse", "Stranger", "Circus", "Map",
)  # fmt: skip
_DIM = 16
_COMMUNITIES = 24
_FRIENDS = 8
_SEQUELS = 4
_TASTE = 6.0
_POPULARITY = 1.2  # standard deviation of the logarithm
_FOLLOWS = 0.2
_START = 1_700_000_000  # seconds: November 2023


@dataclass(frozen=True)
class Simulation:
    """A simulated log and the truth behind it.

    A user's next item is drawn from those not taken yet: with probability 0.2 from the four sequels of the last item,
    otherwise from the whole catalogue, each time in proportion to the user's taste for them.

    Attributes:
        log: Who did what and when, with ratings from 1 to 5; users and items are numbered from 1.
        item_features: Titles and genres.
        social: Who follows whom: two arrays of raw user ids [edges], both directions listed. Friends have like tastes.
        taste: The probability that a user takes an item when nothing came before [users, items], float64.
        sequels: The items that may follow from an item, as indices [items, 4].
    """

    log: Interactions
    item_features: Features
    social: Edges
    taste: NDArray[np.float64]
    sequels: Indices

    @property
    def titles(self) -> NDArray[Any]:
        """The titles of all items, in the order of `log.item_ids` [items]."""
        return self.item_features.column("title")

    def next_probability(self, users: Indices, last_items: Indices) -> NDArray[np.float64]:
        """The true probability of the next item, if none had been taken yet [n, items].

        Args:
            users: User indices [n].
            last_items: The index of each user's last item [n].
        """
        taste = self.taste[users]
        rows = np.arange(len(users))[:, None]
        sequels = self.sequels[last_items]
        weights = taste[rows, sequels]
        probability = (1 - _FOLLOWS) * taste
        probability[rows, sequels] += _FOLLOWS * weights / weights.sum(axis=1, keepdims=True)
        return probability

    def best_ndcg(self, test: Interactions, history: Interactions, k: int = 10) -> float:
        """The nDCG@k of ranking by the true probabilities: no model can expect more.

        Args:
            test: The rows to predict, such as the last part of `leave_last`.
            history: The rows before; their items are not ranked again.
            k: How many ranks count.

        Raises:
            TypeError: If k is no whole number.
            ValueError: If it is less than 1.
        """
        checked_integer(k, "k", least=1)
        total, users = 0.0, np.intersect1d(np.unique(test.user_index), np.unique(history.user_index))
        for begin in range(0, len(users), 512):
            chunk = users[begin : begin + 512]
            scores = self.next_probability(chunk, history.item_index[history.indptr[chunk + 1] - 1])
            for row, user in enumerate(chunk):
                scores[row, history.item_index[history.indptr[user] : history.indptr[user + 1]]] = -1.0
            ranked = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            for row, user in enumerate(chunk):
                wanted = test.item_index[test.indptr[user] : test.indptr[user + 1]]
                hits = np.isin(ranked[row], wanted)
                discounts = 1 / np.log2(np.arange(2, k + 2))
                total += (hits * discounts).sum() / discounts[: min(len(np.unique(wanted)), k)].sum()
        return total / max(len(users), 1)


def simulate(n_users: int = 2000, n_items: int = 1000, rows_per_user: int = 40, seed: int = 0) -> Simulation:
    """Makes a log with all that a recommender may learn from, and the truth to hold it against.

    Args:
        n_users: Number of users.
        n_items: Number of items.
        rows_per_user: Mean number of rows of a user; numbers vary as in life, from 5 to a quarter of the catalogue.
        seed: Same seed, same log.

    Raises:
        TypeError: If an argument is no whole number.
        ValueError: If the seed is negative, there are fewer than 10 users or 40 items, or more than a quarter of the
            catalogue a user.
    """
    for name, size, least in (("n_users", n_users, 10), ("n_items", n_items, 40), ("rows_per_user", rows_per_user, 5)):
        checked_integer(size, name, least)
    if rows_per_user > n_items // 4:
        raise ValueError(f"rows_per_user: takes at most a quarter of the {n_items} items, got {rows_per_user}")
    draws = np.random.Generator(np.random.Philox(key=checked_integer(seed, "seed", least=0)))
    genres, item_vectors = _catalogue(draws, n_items)
    user_vectors, social = _society(draws, n_users)
    popularity = draws.normal(0.0, _POPULARITY, n_items)
    match = user_vectors @ item_vectors.T
    taste = np.exp(_TASTE * match + popularity)
    taste /= taste.sum(axis=1, keepdims=True)
    sequels = _sequels(draws, item_vectors)
    users, items, places = _histories(draws, taste, sequels, _lengths(draws, n_users, n_items, rows_per_user))
    starts = _START + draws.integers(0, 300 * 86_400, n_users)
    gaps = draws.exponential(6 * 3600, len(users)).astype(np.int64) + 1
    times = starts[users] + _running_sums(gaps, users, places)
    liking = match[users, items] + 0.5 * draws.normal(size=len(users))
    ratings = np.clip(np.round(3.1 + 1.2 * liking), 1, 5)
    ids = {"user_ids": np.arange(1, n_users + 1), "item_ids": np.arange(1, n_items + 1)}
    log = Interactions(users + 1, items + 1, ratings=ratings, timestamps=times, **ids)
    columns = {"title": _titles(draws, n_items), "genres": [tuple(_GENRES[g] for g in some) for some in genres]}
    return Simulation(log, Features(ids["item_ids"], columns), social, taste, sequels)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _catalogue(draws: np.random.Generator, n_items: int) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
    """Each item's one to three genres, and its vector, near the mean of theirs."""
    directions = _unit(draws.normal(size=(len(_GENRES), _DIM)))
    genres = [np.sort(draws.permutation(len(_GENRES))[: 1 + draws.integers(3)]) for _ in range(n_items)]
    means = np.array([directions[some].mean(axis=0) for some in genres])
    return genres, _unit(_unit(means) + 0.6 * _unit(draws.normal(size=(n_items, _DIM))))


def _society(
    draws: np.random.Generator, n_users: int
) -> tuple[NDArray[np.float64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Users' vectors around those of communities, and friendships mostly within them."""
    centers = draws.normal(size=(_COMMUNITIES, _DIM))
    community = draws.integers(_COMMUNITIES, size=n_users)
    vectors = _unit(0.8 * centers[community] + 0.6 * draws.normal(size=(n_users, _DIM))) * 1.5
    order = np.argsort(community, kind="stable")
    place = np.empty(n_users, dtype=np.int64)
    place[order] = np.arange(n_users)
    # Neighbours in the order of communities are friends of one community; one friend in eight is anybody.
    steps = draws.integers(1, max(2, n_users // _COMMUNITIES // 2), size=(n_users, _FRIENDS // 2))
    friends = order[(place[:, None] + steps) % n_users]
    friends[:, 0] = np.where(draws.random(n_users) < 0.5, draws.integers(n_users, size=n_users), friends[:, 0])
    sources, targets = np.repeat(np.arange(n_users), friends.shape[1]), friends.ravel()
    both = np.stack([np.concatenate([sources, targets]), np.concatenate([targets, sources])], axis=1)
    edges = np.unique(both[both[:, 0] != both[:, 1]], axis=0) + 1
    return vectors, (edges[:, 0], edges[:, 1])


def _sequels(draws: np.random.Generator, item_vectors: NDArray[np.float64]) -> Indices:
    """For each item four of the 40 items most like it [items, 4]."""
    likeness = item_vectors @ item_vectors.T
    np.fill_diagonal(likeness, -np.inf)
    near = np.argpartition(-likeness, 39, axis=1)[:, :39]
    chosen = np.argsort(draws.random(near.shape), axis=1)[:, :_SEQUELS]
    return np.take_along_axis(near, chosen, axis=1).astype(np.int32)


def _lengths(draws: np.random.Generator, n_users: int, n_items: int, rows_per_user: int) -> NDArray[np.int64]:
    spread = draws.lognormal(0.0, 0.7, n_users)
    lengths = np.round(spread / spread.mean() * (rows_per_user - 5)).astype(np.int64) + 5
    return np.asarray(np.minimum(lengths, n_items // 4))


def _histories(
    draws: np.random.Generator, taste: NDArray[np.float64], sequels: Indices, lengths: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draws all users' items step by step; the rows' users, items and places in their user's history."""
    n_users, n_items = taste.shape
    cumulative = np.cumsum(taste, axis=1)
    cumulative /= cumulative[:, -1:]
    flat = (cumulative + np.arange(n_users)[:, None]).ravel()
    taken = np.zeros((n_users, n_items), dtype=bool)
    last = np.full(n_users, -1)
    rows = []
    for step in range(int(lengths.max())):
        waiting = np.flatnonzero(lengths > step)
        while len(waiting):
            drawn = np.searchsorted(flat, waiting + draws.random(len(waiting)), side="right") - waiting * n_items
            drawn = np.clip(drawn, 0, n_items - 1)
            follows = (draws.random(len(waiting)) < _FOLLOWS) & (last[waiting] >= 0)
            who = waiting[follows]
            offered = sequels[last[who]]
            shares = np.cumsum(taste[who[:, None], offered], axis=1)
            picked = (shares < (draws.random(len(who)) * shares[:, -1])[:, None]).sum(axis=1)
            drawn[follows] = offered[np.arange(len(who)), picked]
            new = ~taken[waiting, drawn]
            users, items = waiting[new], drawn[new]
            taken[users, items] = True
            last[users] = items
            rows.append(np.stack([users, items, np.full(len(users), step)]))
            waiting = waiting[~new]
    users, items, places = np.concatenate(rows, axis=1)
    return users, items, places


def _running_sums(gaps: NDArray[np.int64], users: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of gaps up to each row within its user's history [rows]."""
    order = np.lexsort((places, users))
    sums = np.cumsum(gaps[order])
    firsts = np.flatnonzero(places[order] == 0)
    before = np.repeat(sums[firsts] - gaps[order][firsts], np.diff(np.append(firsts, len(sums))))
    result = np.empty_like(sums)
    result[order] = sums - before
    return result


def _titles(draws: np.random.Generator, n_items: int) -> list[str]:
    words = [draws.integers(len(some), size=n_items) for some in (_OPENINGS, _QUALITIES, _THINGS)]
    years = draws.integers(1950, 2024, size=n_items)
    return [
        f"{_OPENINGS[opening]} {_QUALITIES[quality]} {_THINGS[thing]} ({year})"
        for opening, quality, thing, year in zip(*words, years, strict=True)
    ]
