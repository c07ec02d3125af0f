"""Top-k, positions and pairs against NumPy."""

import numpy as np
import pytest

from likewise.data.histories import Histories
from likewise.models.retrieval import FactorScorer, TileScorer

# queries, items, dim, k: one query, edges of tiles and blocks, more wanted than there is, several chunks of items.
SHAPES = [
    (1, 1, 1, 1), (1, 17, 3, 5), (2, 16, 8, 16), (3, 31, 5, 40), (5, 100, 64, 10), (7, 333, 50, 7), (13, 1000, 16, 100),
    (257, 40, 4, 3), (4, 70_000, 2, 20), (0, 10, 4, 3),
]  # fmt: skip


class Matrix(TileScorer):
    """Scores that are there already; queries are row numbers."""

    tile_bytes = 4096  # several tiles

    def __init__(self, table):
        self.table, self.n_items = table, table.shape[1]

    def scores(self, queries):
        return np.ascontiguousarray(self.table[queries])


def case(n, n_items, dim, seed=0):
    """Vectors of small integers: sums are exact, and many scores are equal."""
    draws = np.random.Generator(np.random.Philox(key=seed))
    queries, items = (draws.integers(-2, 3, (rows, dim)).astype(np.float32) for rows in (n, n_items))
    biases = draws.integers(-2, 3, n_items).astype(np.float32) / 2
    seen = Histories.of_lists([np.flatnonzero(draws.random(n_items) < 0.2)[:50].astype(np.int32) for _ in range(n)])
    allowed = draws.random(n_items) < 0.9
    return queries, items, biases, seen, allowed


def masked(scores, seen, allowed):
    scores = np.where(allowed, scores, -np.inf)
    scores[seen.row_index, seen.items] = -np.inf
    return scores


@pytest.fixture(params=["factors", "tiles"])
def build(request):
    def of(queries, items, biases):
        if request.param == "factors":
            return FactorScorer(items, biases), queries
        return Matrix(queries @ items.T + biases), np.arange(len(queries))

    return of


@pytest.mark.parametrize(("n", "n_items", "dim", "k"), SHAPES)
def test_top_is_what_sorting_gives(build, n, n_items, dim, k):
    queries, items, biases, seen, allowed = case(n, n_items, dim)
    scorer, asked = build(queries, items, biases)
    found, scores = scorer.top(asked, k, allowed=allowed, seen=seen)
    expected = masked(queries @ items.T + biases, seen, allowed)
    order = np.argsort(-expected, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(expected, order, axis=1)
    width = order.shape[1]
    assert np.array_equal(found[:, :width], np.where(best == -np.inf, -1, order))
    assert np.array_equal(scores[:, :width], best)
    assert (found[:, width:] == -1).all()
    assert (scores[:, width:] == -np.inf).all()


@pytest.mark.parametrize(("n", "n_items", "dim", "k"), SHAPES)
def test_positions_count_what_is_above_and_level(build, n, n_items, dim, k):
    queries, items, biases, seen, allowed = case(n, n_items, dim, seed=1)
    scorer, asked = build(queries, items, biases)
    expected = masked(queries @ items.T + biases, seen, allowed)
    wanted = Histories.of_lists([np.flatnonzero(row > -np.inf)[::7][:9].astype(np.int32) for row in expected])
    higher, earlier, equal = scorer.positions(asked, wanted, allowed=allowed, seen=seen)
    for at, (row, item) in enumerate(zip(wanted.row_index, wanted.items, strict=True)):
        score = expected[row, item]
        assert higher[at] == (expected[row] > score).sum()
        assert equal[at] == (expected[row] == score).sum() - 1
        assert earlier[at] == (expected[row, :item] == score).sum()


@pytest.mark.parametrize(("n", "n_items", "dim", "k"), SHAPES[:-1])
def test_pairs_are_the_bits_of_top(build, n, n_items, dim, k):
    draws = np.random.Generator(np.random.Philox(key=2))
    queries, items = (draws.normal(size=(rows, dim)).astype(np.float32) for rows in (n, n_items))
    biases = draws.normal(size=n_items).astype(np.float32)
    scorer, asked = build(queries, items, biases)
    found, scores = scorer.top(asked, min(k, n_items), allowed=np.ones(n_items, bool), seen=Histories.empty(n))
    rows = np.repeat(np.arange(n), found.shape[1])
    assert np.array_equal(scorer.pairs(asked, rows, found.ravel()), scores.ravel())


def test_infinite_and_missing_scores_are_never_recommended():
    items = np.array([[np.nan], [-np.inf], [1.0], [np.inf]], dtype=np.float32)
    found, _ = FactorScorer(items).top(
        np.ones((1, 1), np.float32), 4, allowed=np.ones(4, bool), seen=Histories.empty(1)
    )
    assert found.tolist() == [[3, 2, -1, -1]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": np.zeros((2, 5), np.float32)}, "queries: take 3 columns, got 5"),
        ({"allowed": np.ones(7, bool)}, "allowed: has 7 items, there are 6"),
        ({"seen": Histories.empty(3)}, "seen: has lists for 3 queries, there are 2"),
        ({"seen": Histories.of_lists([[0], [6]])}, "seen: item 6 of 6"),
        ({"seen": Histories.of_lists([[2, 1], []])}, "items of query 0 must ascend, got 1 after 2"),
        ({"seen": Histories(np.array([0, 2, 1]), np.array([1], np.int32))}, "pointers must ascend, they do not at 1"),
        ({"k": 0}, "k must be positive, got 0"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    given = {"queries": np.zeros((2, 3), np.float32), "k": 1, "allowed": np.ones(6, bool), "seen": Histories.empty(2)}
    given |= change
    scorer = FactorScorer(np.zeros((6, 3), np.float32))
    with pytest.raises(ValueError, match=message):
        scorer.top(given["queries"], given["k"], allowed=given["allowed"], seen=given["seen"])
