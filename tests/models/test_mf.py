"""MF: what it learns, its new users, resuming, and what it refuses."""

import re

import numpy as np
import pytest

import likewise as lw
from likewise.callbacks import Callback

CLUSTERS, PER_CLUSTER = 4, 12


def tastes(ratings=False, seed=0):
    """Users of four tastes, each with items of their own: user u likes items of cluster u % 4."""
    random = np.random.default_rng(seed)
    users = np.repeat(np.arange(80), 8)
    items = np.concatenate([random.permutation(PER_CLUSTER)[:8] + PER_CLUSTER * (u % CLUSTERS) for u in range(80)])
    given = 3.0 + (items % 2) + (users % 2) if ratings else None
    return lw.Interactions(users, items, ratings=given)


def quick(**settings):
    return lw.models.MF(**{"dim": 8, "epochs": 30, "batch_size": 64, "seed": 3, **settings})


def tables(model):
    return {path: np.array(value) for path, value in model.network_.parameters().items()}


def same(a, b):
    return a.keys() == b.keys() and all((a[path] == b[path]).all() for path in a)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": "bce", "negatives": 4, "biases": True},
        {"loss": "softmax", "negatives": 8},
        {"optimizer": "sgd", "learning_rate": 0.1},
        {"optimizer": "adagrad", "learning_rate": 0.2},
        {"exact": True},
    ],
)
def test_the_rest_of_a_taste_ranks_above_other_tastes(settings):
    log = tastes()
    model = quick(**settings).fit(log, verbose=0)
    top = model.recommend(k=4).items
    taste = np.arange(80)[:, None] % CLUSTERS
    assert (top // PER_CLUSTER == taste).mean() > 0.95
    losses = [row["loss"] for row in model.training_]
    assert losses[-1] < 0.5 * losses[0]


def test_squared_learns_ratings_through_biases():
    log = tastes(ratings=True)
    model = quick(loss="squared", l2=0.01, epochs=60).fit(log, verbose=0)
    assert model.evaluate(log, metrics=["rmse"], filter_viewed=False)["rmse"] < 0.2
    assert {"user_biases", "item_biases"} <= model.network_.parameters().keys()


@pytest.mark.parametrize("settings", [{}, {"optimizer": "adagrad"}, {"exact": True, "loss": "bce", "biases": True}])
def test_a_resumed_training_is_the_uninterrupted_one_bit_for_bit(tmp_path, settings, counted):
    class Cut(Callback):
        at = 4

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == self.at:
                raise KeyboardInterrupt

    log, file = tastes(), tmp_path / "state"
    whole = quick(epochs=8, **settings).fit(log, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        quick(epochs=8, **settings).fit(log, callbacks=[Cut()], resume=file, verbose=0)
    Cut.at = None
    resumed = quick(epochs=8, **settings).fit(log, callbacks=[Cut()], resume=file, verbose=0)
    assert same(tables(whole), tables(resumed))
    assert [row["loss"] for row in whole.training_] == [row["loss"] for row in resumed.training_]
    counted("trainings cut and resumed bit for bit")


def test_another_seed_is_another_training():
    log = tastes()
    assert same(tables(quick().fit(log, verbose=0)), tables(quick().fit(log, verbose=0)))
    assert not same(tables(quick().fit(log, verbose=0)), tables(quick(seed=4).fit(log, verbose=0)))


@pytest.mark.parametrize("settings", [{}, {"loss": "bce", "negatives": 4, "biases": True}, {"loss": "softmax"}])
def test_a_new_user_gets_a_row_from_the_history_alone(settings):
    model = quick(**settings).fit(tastes(), verbose=0)
    before = tables(model)
    histories = [[PER_CLUSTER * taste + item for item in (0, 1, 2, 3)] for taste in range(CLUSTERS)]
    top = model.recommend(history=histories, k=5)
    assert (top.items // PER_CLUSTER == np.arange(CLUSTERS)[:, None]).mean() > 0.9
    alone = model.recommend(history=histories[2], k=5)
    assert (alone.items[0] == top.items[2]).all()
    assert (alone.scores[0] == top.scores[2]).all()
    assert same(before, tables(model))


def test_a_trained_user_keeps_the_vector_and_the_history_only_filters():
    model = quick().fit(tastes(), verbose=0)
    usual = model.recommend([1], k=48, filter_viewed=False)
    other = model.recommend([1], history=[[0, 1, 2]], k=48, filter_viewed=False)
    assert (usual.items == other.items).all()
    assert (usual.scores == other.scores).all()


def test_a_new_user_of_ratings_needs_ratings():
    model = quick(loss="squared").fit(tastes(ratings=True), verbose=0)
    with pytest.raises(ValueError, match='with loss="squared" the history of a new user must have ratings'):
        model.recommend(history=[[0, 1, 2]])
    rated = lw.Interactions([1000, 1000], [0, 1], ratings=[5.0, 4.0])
    assert np.isfinite(model.recommend([1000], history=rated, k=3).scores).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "hinge"}, "MF: loss must be one of bpr, bce, softmax, squared; got 'hinge'"),
        ({"optimizer": "lbfgs"}, "MF: optimizer must be one of adam, adagrad, sgd; got 'lbfgs'"),
        ({"dim": 0}, "MF: dim must be a positive integer, got 0"),
        ({"negatives": 1.5}, "MF: negatives must be a positive integer, got 1.5"),
        ({"learning_rate": 0.0}, "MF: learning_rate must be a number > 0, got 0.0"),
        ({"l2": -1.0}, "MF: l2 must be a number >= 0, got -1.0"),
        ({"dim": True}, "MF: dim must be a positive integer, got True"),
        ({"epochs": "a"}, "MF: epochs must be an integer >= 0, got 'a'"),
        ({"epochs": 1.5}, "MF: epochs must be an integer >= 0, got 1.5"),
        ({"learning_rate": "a"}, "MF: learning_rate must be a number > 0, got 'a'"),
        ({"l2": "a"}, "MF: l2 must be a number >= 0, got 'a'"),
        ({"biases": "x"}, "MF: biases must be True or False, got 'x'"),
        ({"draw_seen": 1}, "MF: draw_seen must be True or False, got 1"),
        ({"seed": -1}, "MF: seed must be an integer >= 0 and below 2^64, got -1"),
        ({"seed": "a"}, "MF: seed must be an integer >= 0 and below 2^64, got 'a'"),
        ({"seed": 1.5}, "MF: seed must be an integer >= 0 and below 2^64, got 1.5"),
        ({"exact": True, "optimizer": "sgd"}, "MF: exact=True is for optimizer=\"adam\", got 'sgd'"),
        ({"loss": "squared"}, 'MF: loss="squared" learns ratings, and the log has none'),
    ],
)
def test_settings_that_cannot_be_are_named(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        quick(**settings).fit(tastes(), verbose=0)


def test_a_loss_that_is_not_finite_stops_with_its_place():
    with pytest.raises(FloatingPointError, match="the loss became nan in epoch"):
        quick(optimizer="sgd", learning_rate=1e20, loss="bce").fit(tastes(), verbose=0)


def test_a_callback_that_follows_a_metric_needs_a_validation_log():
    with pytest.raises(ValueError, match="a callback follows ndcg@10, which needs validation="):
        quick().fit(tastes(), callbacks=[lw.callbacks.EarlyStopping("ndcg@10")], verbose=0)


def test_early_stopping_ends_with_the_parameters_of_the_best_epoch():
    train, validation = lw.split.leave_last(tastes())
    stop = lw.callbacks.EarlyStopping("ndcg@10", patience=2)
    model = quick(epochs=40).fit(train, validation=validation, callbacks=[stop], verbose=0)
    best = max(row["ndcg@10"] for row in model.training_)
    assert model.evaluate(validation, metrics=["ndcg@10"])["ndcg@10"] == pytest.approx(best)
