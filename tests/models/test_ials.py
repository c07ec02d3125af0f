"""IALS: what it minimises, confidence, histories, and what it refuses."""

from itertools import pairwise

import numpy as np
import pytest

import likewise as lw


def random_log(rows=400, n_users=40, n_items=30, ratings=False, seed=0):
    random = np.random.default_rng(seed)
    users, items = random.integers(0, n_users, rows), random.integers(0, n_items, rows)
    return lw.Interactions(users, items, ratings=random.integers(1, 6, rows) if ratings else None)


def quick(**settings):
    return lw.models.IALS(**{"dim": 8, "epochs": 6, "seed": 3, **settings})


def tables_of(model):
    """Vectors of users and items, in float64."""
    return [np.asarray(model.network_.parameters()[path], dtype=np.float64) for path in ("users", "items")]


def weights_of(log, confidence):
    """Dense weights [users, items], from the definition."""
    amounts = np.zeros((log.n_users, log.n_items))
    rows = np.ones(len(log)) if log.ratings is None or confidence is None else log.ratings
    np.add.at(amounts, (log.user_index, log.item_index), rows)
    if confidence is None:
        return (amounts > 0).astype(float)
    return np.log1p(amounts) if confidence == "log" else amounts


def objective(model, log, p, q):
    """The loss of the class, in float64 and by its formula."""
    w = weights_of(log, model.confidence)
    pairs = w > 0
    scores = p @ q.T
    ridge_u = model.reg * (pairs.sum(1) + model.unobserved_weight * log.n_items) ** model.exponent
    ridge_i = model.reg * (pairs.sum(0) + model.unobserved_weight * log.n_users) ** model.exponent
    fit = (w * (1 - scores) ** 2).sum() + model.unobserved_weight * (scores**2).sum()
    return fit + (ridge_u * (p**2).sum(1)).sum() + (ridge_i * (q**2).sum(1)).sum()


@pytest.mark.parametrize("confidence", [None, "linear", "log"])
@pytest.mark.parametrize("exponent", [1.0, 0.5])
def test_training_ends_where_the_objective_is_flat(confidence, exponent):
    log = random_log(ratings=confidence == "linear")
    model = quick(confidence=confidence, exponent=exponent, epochs=300, reg=0.05).fit(log, verbose=0)
    p, q = tables_of(model)
    lowest = objective(model, log, p, q)
    random = np.random.default_rng(0)
    for _ in range(20):
        step = 1e-2 * random.normal(size=p.shape), 1e-2 * random.normal(size=q.shape)
        assert objective(model, log, p + step[0], q + step[1]) > lowest


@pytest.mark.parametrize("solver", ["exact", "cg"])
def test_the_loss_falls_with_every_solve(solver):
    losses = [row["loss"] for row in quick(epochs=12, solver=solver).fit(random_log(), verbose=0).training_]
    assert all(after <= before + 1e-6 for before, after in pairwise(losses))


@pytest.mark.parametrize("confidence", [None, "log"])
def test_conjugate_gradient_of_many_steps_trains_what_exact_solves_train(confidence):
    log = random_log()
    exact = quick(confidence=confidence).fit(log, verbose=0)
    steps = quick(confidence=confidence, solver="cg", cg_steps=32).fit(log, verbose=0)
    for path, value in exact.network_.parameters().items():
        np.testing.assert_allclose(np.asarray(steps.network_.parameters()[path]), np.asarray(value), atol=1e-4)
    losses = [[row["loss"] for row in model.training_] for model in (steps, exact)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_few_steps_end_where_exact_solves_end():
    log = random_log()
    ends = [quick(epochs=300, reg=0.05, solver=solver).fit(log, verbose=0) for solver in ("exact", "cg")]
    lowest, reached = (objective(model, log, *tables_of(model)) for model in ends)
    assert reached == pytest.approx(lowest, rel=1e-3)


def test_repeated_pairs_count_once_without_confidence():
    log = random_log()
    once, twice = quick().fit(log, verbose=0), quick().fit(log + log, verbose=0)
    assert (once.recommend(k=5).items == twice.recommend(k=5).items).all()
    linear = quick(confidence="linear").fit(log + log, verbose=0)
    assert not np.allclose(linear.predict([0], log.item_ids), once.predict([0], log.item_ids))


@pytest.mark.parametrize("solver", ["exact", "cg"])
def test_a_user_is_one_exact_solve_over_the_history(solver):
    log = random_log()
    model = quick(solver=solver).fit(log, verbose=0)
    mine = np.unique(log.items[log.users == 7]).tolist()
    known = model.recommend([7], k=5)
    stranger = model.recommend(history=mine, k=5)
    assert (known.items == stranger.items).all()
    assert (known.scores == stranger.scores).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dim": 0}, "IALS: dim must be a positive integer, got 0"),
        ({"reg": 0.0}, "IALS: reg must be a number > 0, got 0.0"),
        ({"unobserved_weight": -1.0}, "IALS: unobserved_weight must be a number > 0, got -1.0"),
        ({"reg": "a"}, "IALS: reg must be a number > 0, got 'a'"),
        ({"epochs": "a"}, "IALS: epochs must be an integer >= 0, got 'a'"),
        ({"exponent": "a"}, "IALS: exponent must be a number, got 'a'"),
        ({"exponent": float("nan")}, "IALS: exponent must be a number, got nan"),
        ({"seed": -1}, "IALS: seed must be an integer >= 0 and below 2.64, got -1"),
        ({"solver": "qr"}, "IALS: solver must be one of exact, cg; got 'qr'"),
        ({"cg_steps": 0}, "IALS: cg_steps must be a positive integer, got 0"),
        ({"confidence": "square"}, "IALS: confidence must be one of None, linear, log; got 'square'"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        quick(**settings).fit(random_log(), verbose=0)


def test_confidence_refuses_negative_ratings():
    log = lw.Interactions([1, 2], [1, 2], ratings=[1.0, -2.0])
    with pytest.raises(ValueError, match=r"IALS: confidence needs ratings >= 0, got -2\.0"):
        quick(confidence="linear").fit(log, verbose=0)
