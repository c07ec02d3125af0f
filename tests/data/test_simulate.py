"""The simulated log and its truth."""

import numpy as np
import pytest

import likewise as lw


@pytest.fixture(scope="module")
def world():
    return lw.data.simulate(n_users=600, n_items=300, rows_per_user=25, seed=3)


def ndcg(world, train, test, scores):
    """nDCG@10 of a matrix of scores, training items left out."""
    scores = scores.copy()
    scores[train.user_index, train.item_index] = -np.inf
    target = scores[test.user_index, test.item_index]
    ranks = (scores[test.user_index] > target[:, None]).sum(axis=1)
    return np.where(ranks < 10, 1 / np.log2(ranks + 2), 0).mean()


def test_the_same_seed_gives_the_same_world(world):
    again = lw.data.simulate(n_users=600, n_items=300, rows_per_user=25, seed=3)
    assert np.array_equal(world.log.item_index, again.log.item_index)
    assert np.array_equal(world.social, again.social)
    assert np.array_equal(world.titles, again.titles)
    other = lw.data.simulate(n_users=600, n_items=300, rows_per_user=25, seed=4)
    assert not np.array_equal(world.log.item_index, other.log.item_index)


def test_sizes_are_those_asked_for(world):
    assert (world.log.n_users, world.log.n_items) == (600, 300)
    assert 23 < len(world.log) / 600 < 27
    assert len(world.log.deduplicate()) == len(world.log)
    assert len(world.titles) == 300
    assert world.item_features.column("genres")[0]
    sources, targets = world.social
    assert set(zip(sources, targets, strict=True)) == set(zip(targets, sources, strict=True))


def test_taste_sequence_and_friends_each_tell_more_than_popularity(world):
    train, test = lw.split.leave_last(world.log)
    popular = np.tile(np.bincount(train.item_index, minlength=300), (600, 1)).astype(float)
    last = train.item_index[train.indptr[1:] - 1]
    sequence = popular / 1e6
    np.put_along_axis(sequence, world.sequels[last], 1.0, axis=1)
    friends = np.zeros((600, 600))
    friends[world.social[0] - 1, world.social[1] - 1] = 1
    seen = np.zeros((600, 300))
    seen[train.user_index, train.item_index] = 1
    baseline = ndcg(world, train, test, popular)
    assert ndcg(world, train, test, np.log(world.taste)) > 2 * baseline
    assert ndcg(world, train, test, sequence) > 1.5 * baseline
    assert ndcg(world, train, test, friends @ seen) > 1.4 * baseline


def test_the_true_probabilities_are_the_best_ranking(world):
    train, test = lw.split.leave_last(world.log)
    users = np.arange(600)
    truth = world.next_probability(users, train.item_index[train.indptr[1:] - 1])
    assert np.allclose(truth.sum(axis=1), 1)
    best = world.best_ndcg(test, train)
    assert best == pytest.approx(ndcg(world, train, test, truth), abs=1e-9)
    assert best > 1.5 * ndcg(world, train, test, np.log(world.taste))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_users": 3}, "n_users: takes at least 10, got 3"),
        ({"n_items": 20}, "n_items: takes at least 40, got 20"),
        ({"n_items": 100}, "rows_per_user: takes at most a quarter of the 100 items, got 40"),
    ],
)
def test_sizes_that_make_no_world_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        lw.data.simulate(**sizes)
