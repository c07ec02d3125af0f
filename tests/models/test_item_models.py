"""EASE and ItemKNN against their formulas in float64."""

import numpy as np
import pytest

import likewise as lw
from likewise.data.simulate import simulate
from likewise.models.behaviour import memory


@pytest.fixture(scope="module")
def log():
    return simulate(n_users=1500, n_items=700, rows_per_user=40, seed=4).log


def ones(log):
    """Users x items, 1 where there is a row."""
    matrix = np.zeros((log.n_users, log.n_items))
    matrix[log.user_index, log.item_index] = 1
    return matrix


@pytest.mark.parametrize("l2", [1.0, 50.0, 500.0])
def test_the_weights_of_ease_are_those_of_a_float64_inverse(log, l2):
    x = ones(log)
    inverse = np.linalg.inv(x.T @ x + l2 * np.eye(log.n_items))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    weights = lw.models.EASE(l2=l2).fit(log).weights_
    difference = np.abs(weights - expected).max()
    print(f"\nl2={l2}: largest difference {difference:.1e} of {np.abs(expected).max():.2f}")
    assert difference < 2e-5


@pytest.mark.parametrize("n_items", [1, 2, 255, 256, 257, 600])
def test_ease_of_any_size(n_items):
    draws = np.random.Generator(np.random.Philox(key=n_items))
    users, items = np.nonzero(draws.random((400, n_items)) < 0.1)
    log = lw.Interactions(users, items, item_ids=np.arange(n_items))
    x = ones(log)
    inverse = np.linalg.inv(x.T @ x + 10 * np.eye(n_items))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(lw.models.EASE(l2=10.0).fit(log).weights_, expected, atol=1e-5)


def test_the_scores_of_ease_are_sums_of_rows(log):
    model = lw.models.EASE(l2=50.0).fit(log)
    expected = ones(log) @ model.weights_.astype(np.float64)
    top = model.recommend(k=20)
    places = log.index_of_items(top.items.ravel()).reshape(top.items.shape)
    np.testing.assert_allclose(top.scores, np.take_along_axis(expected, places, axis=1), atol=1e-5)


def test_ease_says_how_much_memory_it_needs_before_it_takes_any(monkeypatch, log):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1 << 29)
    with pytest.raises(MemoryError, match=r"700 x 700 items need 1\.0 GiB of memory, 0\.5 GiB are available"):
        lw.models.EASE().fit(log)


def test_what_is_available_is_a_number_of_bytes():
    assert 1 << 20 < memory.available_bytes() < 1 << 50


@pytest.mark.parametrize("similarity", ["cosine", "jaccard"])
@pytest.mark.parametrize("shrinkage", [0.0, 10.0])
def test_neighbours_are_the_most_alike(log, similarity, shrinkage):
    model = lw.models.ItemKNN(neighbours=15, similarity=similarity, shrinkage=shrinkage).fit(log)
    x = ones(log)
    both, size = x.T @ x, x.sum(axis=0)
    one, other = size[:, None], size[None, :]
    below = np.sqrt(one * other) if similarity == "cosine" else one + other - both
    with np.errstate(invalid="ignore"):
        expected = np.nan_to_num(both / (below + shrinkage)).astype(np.float32)
    np.fill_diagonal(expected, 0)
    order = np.argsort(-expected, axis=1, kind="stable")[:, :15]
    best = np.take_along_axis(expected, order, axis=1)
    assert np.array_equal(model.neighbours_, np.where(best > 0, order, -1))
    np.testing.assert_allclose(model.similarities_, best, rtol=1e-6)


def test_the_scores_of_itemknn_are_sums_over_an_items_neighbours(log):
    model = lw.models.ItemKNN(neighbours=15).fit(log)
    weights = np.zeros((log.n_items, log.n_items))
    for item in range(log.n_items):
        known = model.neighbours_[item] >= 0
        weights[model.neighbours_[item][known], item] = model.similarities_[item][known]
    expected = ones(log) @ weights
    top = model.recommend(k=20)
    places = np.where(top.valid, top.items, 1).astype(np.int64) - 1
    found = np.take_along_axis(expected, places, axis=1)
    np.testing.assert_allclose(top.scores[top.valid], found[top.valid], atol=1e-5)


def test_repeated_pairs_count_once(log):
    twice = log + log
    assert np.array_equal(lw.models.EASE().fit(log).weights_, lw.models.EASE().fit(twice).weights_)
    assert np.array_equal(lw.models.ItemKNN().fit(log).neighbours_, lw.models.ItemKNN().fit(twice).neighbours_)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lw.models.EASE(l2=0), "EASE: l2 must be a number > 0, got 0"),
        (lw.models.EASE(l2=float("nan")), "EASE: l2 must be a number > 0, got nan"),
        (lw.models.EASE(l2=float("inf")), "EASE: l2 must be a number > 0, got inf"),
        (lw.models.EASE(l2="a"), "EASE: l2 must be a number > 0, got 'a'"),
        (lw.models.EASE(l2=None), "EASE: l2 must be a number > 0, got None"),
        (lw.models.ItemKNN(neighbours=0), "ItemKNN: neighbours must be a positive integer, got 0"),
        (lw.models.ItemKNN(neighbours=2.5), "ItemKNN: neighbours must be a positive integer, got 2.5"),
        (lw.models.ItemKNN(neighbours="a"), "ItemKNN: neighbours must be a positive integer, got 'a'"),
        (lw.models.ItemKNN(shrinkage=-1), "ItemKNN: shrinkage must be a number >= 0, got -1"),
        (lw.models.ItemKNN(shrinkage="a"), "ItemKNN: shrinkage must be a number >= 0, got 'a'"),
        (lw.models.ItemKNN(shrinkage=float("nan")), "ItemKNN: shrinkage must be a number >= 0, got nan"),
        (lw.models.ItemKNN(similarity="euclid"), "similarity must be one of cosine, jaccard; got 'euclid'"),
    ],
)
def test_wrong_settings_are_named(model, message, log):
    with pytest.raises(ValueError, match=message):
        model.fit(log)
