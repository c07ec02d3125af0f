"""What sequence models are made of: packed sequences, their batches, draws, instances of Caser."""

import numpy as np
import pytest

import likewise as lw
from likewise import _core
from likewise.data.histories import Histories
from likewise.models import GRU4Rec, SASRec
from likewise.models.sequences.batches import EpochSequences, Sequences
from likewise.models.sequences.caser import Instances
from likewise.models.sequences.objectives import gbce_beta
from likewise.models.sequences.session_parallel import SessionStep, SessionSteps

HISTORIES = Histories.of_lists([[1, 2, 3], [4], [5, 6], [7, 8, 9, 10]])
LOG = lw.Interactions([0, 0, 0, 1, 1, 2, 3, 3, 3, 3], [5, 1, 2, 3, 0, 4, 2, 3, 4, 5], item_ids=np.arange(8))


def test_the_last_items_of_histories_are_packed():
    sequences = Sequences.last(HISTORIES, 2)
    assert sequences.items.tolist() == [2, 3, 4, 5, 6, 9, 10]
    assert sequences.offsets.tolist() == [0, 2, 3, 5, 7]
    assert sequences.places.tolist() == [0, 1, 0, 0, 1, 0, 1]


def test_an_epoch_shows_every_position_once_with_what_came_next():
    sequences = Sequences.last(HISTORIES.take(np.array([0, 2, 3])), 4)
    pairs = []
    for batch in EpochSequences(sequences, 2, seed=1, epoch=0):
        assert len(batch) == len(batch.targets) == len(batch.inputs.items)
        pairs += zip(batch.inputs.items.tolist(), batch.targets.tolist(), strict=True)
    assert sorted(pairs) == [(1, 2), (2, 3), (5, 6), (7, 8), (8, 9), (9, 10)]
    assert len(EpochSequences(sequences, 2, seed=1, epoch=0)) == 2


def test_negatives_belong_to_rows_and_not_to_batches():
    drawn = []
    for size in (1, 3):
        model = SASRec(loss="bce", negatives=2, batch_size=size)
        found = {}
        for batch in model._epochs(LOG, 2)(0):
            found.update(zip(batch.targets.tolist(), batch.negatives.tolist(), strict=True))
        drawn.append(found)
    assert drawn[0] == drawn[1]


def test_negatives_of_attention_are_new_to_the_user_unless_told_otherwise():
    for draw_seen in (False, True):
        repeats = 0
        model = SASRec(loss="bce", negatives=20, draw_seen=draw_seen, batch_size=1)
        for batch in model._epochs(LOG, 20)(0):
            history = [*batch.inputs.items[:1], *batch.targets]
            repeats += int(np.isin(batch.negatives, history).sum())
        assert (repeats > 0) == draw_seen


def test_draws_are_uniform_and_keyed():
    draws = _core.ItemDraws(np.array([0, 2]), np.array([3, 3], dtype=np.int32), 5, 7)
    rows = np.arange(2000)
    drawn = draws.draw(0, rows, 4)
    assert drawn.shape == (2000, 4)
    counts = np.bincount(drawn.ravel(), minlength=5)
    assert (np.abs(counts - 1600) < 150).all()
    np.testing.assert_array_equal(draws.draw(0, rows[::-1].copy(), 4), drawn[::-1])
    assert not np.array_equal(draws.draw(1, rows, 4), drawn)
    unseen = draws.draw(0, rows, 4, np.zeros(2000, dtype=np.int32))
    assert not (unseen == 3).any()
    np.testing.assert_array_equal(unseen[drawn != 3], drawn[drawn != 3])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda draws: draws.draw(0, np.array([-1]), 1), "draws: rows must not be negative, got -1"),
        (lambda draws: draws.draw(0, np.array([0]), -1), "draws: count must not be negative, got -1"),
        (
            lambda draws: draws.draw(0, np.array([0]), 1, np.array([1], dtype=np.int32)),
            r"users must be in 0\.\.0, got 1",
        ),
        (
            lambda draws: draws.draw(0, np.array([0]), 1, np.zeros(2, dtype=np.int32)),
            "as many users as rows, got 2 and 1",
        ),
    ],
)
def test_draws_check_what_they_are_given(make, message):
    with pytest.raises(ValueError, match=message):
        make(_core.ItemDraws(np.array([0, 1]), np.array([3], dtype=np.int32), 5, 7))


def test_instances_are_every_window_with_what_came_next():
    instances = Instances(LOG, window=2, targets=1, seed=0)
    found = sorted(zip(instances.users.tolist(), instances.windows.tolist(), instances.targets.tolist(), strict=True))
    assert found == [
        (0, [5, 1], [2]),
        (1, [-1, 3], [0]),
        (3, [2, 3], [4]),
        (3, [3, 4], [5]),
    ]
    short = Instances(LOG, window=3, targets=2, seed=0)
    assert short.windows[0].tolist() == [-1, -1, 5]
    assert short.targets[0].tolist() == [1, 2]
    assert short.targets[1].tolist() == [-1, 0]
    assert short.rows.tolist() == [2, 4, 9]


def test_gbce_undoes_the_sampling_by_its_calibration():
    assert gbce_beta(256, 3416, 0.0) == pytest.approx(1.0)
    assert gbce_beta(256, 3416, 1.0) == pytest.approx(256 / 3415)


def test_a_user_depends_on_the_last_items_only():
    model = GRU4Rec(dim=4, epochs=1, max_length=2, seed=2).fit(LOG, verbose=0)
    long, short = model.recommend(history=[[0, 1, 2, 3], [2, 3]], filter_viewed=False, k=3).scores
    np.testing.assert_array_equal(long, short)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: GRU4Rec(units=[]), r"GRU4Rec: units must be a list or tuple of sizes, or None, got \[\]"),
        (lambda: GRU4Rec(units=[3, 0]), r"GRU4Rec: units\[1\] must be a positive integer, got 0"),
        (lambda: GRU4Rec(loss="bce"), "GRU4Rec: loss must be one of"),
        (lambda: GRU4Rec(dropout=1.0), "GRU4Rec: dropout must be a number >= 0 and < 1, got 1.0"),
        (lambda: SASRec(dim=10, heads=3), "SASRec: heads must divide dim, got 3 heads and dim 10"),
        (lambda: SASRec(max_length=0), "SASRec: max_length must be a positive integer, got 0"),
        (lambda: SASRec(calibration=2.0), "SASRec: calibration must be a number from 0 to 1, got 2.0"),
        (lambda: lw.models.Caser(window=0), "Caser: window must be a positive integer, got 0"),
    ],
)
def test_settings_are_checked(model, message):
    with pytest.raises(ValueError, match=message):
        model().fit(LOG, verbose=0)


@pytest.mark.parametrize("name", ["GRU4Rec", "SASRec", "Caser"])
def test_a_log_in_which_nothing_comes_next_is_refused(name):
    with pytest.raises(ValueError, match="no user of the log has two rows"):
        getattr(lw.models, name)().fit(lw.Interactions([1, 2], [1, 2]), verbose=0)


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax", "bce", "gbce"])
def test_sasrec_learns_by_each_of_its_losses(loss):
    items = [[(start + step) % 6 for step in range(5)] for start in range(6)]
    log = lw.Interactions(np.repeat(np.arange(6), 5), np.concatenate(items))
    model = SASRec(dim=16, loss=loss, negatives=4, epochs=200, learning_rate=0.01, dropout=0.0).fit(log, verbose=0)
    for row in items:
        assert model.recommend(history=row[:-1], k=1).items[0, 0] == row[-1]


def test_sessions_side_by_side_show_every_position_once_and_keep_their_states():
    sequences = Sequences.last(Histories.of_lists([[1, 2, 3], [5, 6], [7, 8, 9, 10], [11, 12, 13]]), 9)
    steps = SessionSteps(sequences, 2, 3, np.ones(20), seed=1, epoch=0)
    pairs, history = [], []
    for step in steps:
        before = history
        history = [
            [int(item)] if begins else [*before[lane], int(item)]
            for item, lane, begins in zip(step.inputs, step.lanes, step.begins, strict=True)
        ]
        for told, target in zip(history, step.targets.tolist(), strict=True):
            row = next(row for row in [[1, 2, 3], [5, 6], [7, 8, 9, 10], [11, 12, 13]] if row[0] == told[0])
            assert row[: len(told) + 1] == [*told, target]
            pairs.append((told[-1], target))
        assert step.negatives[: len(step)].tolist() == step.targets.tolist()
        assert len(step.negatives) == len(step) + 3
    assert sorted(pairs) == [(1, 2), (2, 3), (5, 6), (7, 8), (8, 9), (9, 10), (11, 12), (12, 13)]


def test_a_step_of_sessions_is_a_step_of_the_network():
    network = GRU4Rec(dim=4, units=[3, 5], dropout=0.0, seed=2)._made(9)
    rows = np.array([[1, 2, 3], [4, 5, 6]])
    states = network.states(Sequences(rows.ravel().astype(np.int32), np.array([0, 3, 6])))
    expected = np.asarray(states).reshape(2, 3, 4)
    for place in range(3):
        begins = np.full(2, place == 0)
        step = SessionStep(rows[:, place], rows[:, place], np.arange(2), begins, np.zeros(0, dtype=np.int32))
        np.testing.assert_allclose(np.asarray(network.next_states(step)), expected[:, place], atol=1e-6)


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax", "bpr_max"])
def test_gru4rec_learns_from_sessions_side_by_side(loss):
    items = [[(start + step) % 6 for step in range(5)] for start in range(6)]
    log = lw.Interactions(np.repeat(np.arange(6), 5), np.concatenate(items))
    settings = {"dim": 16, "loss": loss, "batching": "session_parallel", "batch_size": 4, "negatives": 4, "seed": 1}
    settings |= {"epochs": 80, "learning_rate": 0.01, "dropout": 0.0, "popularity": 0.5}
    model = GRU4Rec(**settings).fit(log, verbose=0)
    for row in items:
        assert model.recommend(history=row[:-1], k=1).items[0, 0] == row[-1]
    again = GRU4Rec(**settings).fit(log, verbose=0)
    for path, weight in model.network_.named_weights().items():
        np.testing.assert_array_equal(again.network_.named_weights()[path], weight)


@pytest.mark.parametrize("loss", ["sampled_softmax", "bpr_max"])
def test_gru4rec_learns_by_each_of_its_losses(loss):
    items = [[(start + step) % 6 for step in range(5)] for start in range(6)]
    log = lw.Interactions(np.repeat(np.arange(6), 5), np.concatenate(items))
    model = GRU4Rec(dim=16, units=[12, 8], loss=loss, negatives=4, epochs=300, learning_rate=0.01, dropout=0.0)
    model.fit(log, verbose=0)
    for row in items:
        assert model.recommend(history=row[:-1], k=1).items[0, 0] == row[-1]
