"""Neural matrix factorization: its towers, their pretraining, its scores."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn
from likewise.models import NeuMF
from likewise.models.behaviour.neumf import NeuMFNetwork, PairBatch

N_USERS, N_ITEMS, GROUPS = 40, 32, 4
SMALL = {"dim": 8, "layers": (16, 8, 8), "batch_size": 32, "learning_rate": 0.02}


def tastes(rows_each=6):
    """Users of four groups who like the items of theirs; what they did not see yet is the test."""
    generator = np.random.Generator(np.random.Philox(key=5))
    users, items = [], []
    for user in range(N_USERS):
        mine = np.arange(N_ITEMS // GROUPS) + user % GROUPS * (N_ITEMS // GROUPS)
        users += [user] * len(mine)
        items += list(generator.permutation(mine))
    users, items = np.array(users), np.array(items)
    shown = np.arange(len(users)) % (N_ITEMS // GROUPS) < rows_each
    train = lw.Interactions(users[shown], items[shown], user_ids=np.arange(N_USERS), item_ids=np.arange(N_ITEMS))
    test = lw.Interactions(users[~shown], items[~shown], user_ids=np.arange(N_USERS), item_ids=np.arange(N_ITEMS))
    return train, test


TRAIN, TEST = tastes()


@pytest.fixture(scope="module")
def fitted():
    return NeuMF(**SMALL, epochs=20, pretrain=10, seed=3).fit(TRAIN, verbose=0)


def test_it_finds_the_tastes(fitted):
    assert fitted.evaluate(TEST)["ndcg@10"] > 0.9
    assert len(fitted.training_) == 20


def test_the_network_is_the_papers_formula():
    network = NeuMFNetwork(5, 7, 3, (8, 6, 4))
    network.build_weights()
    w = {path: np.asarray(value, dtype=np.float64) for path, value in network.named_weights().items()}
    users, items = np.array([4, 0]), np.array([[1, 6], [2, 2]])
    p, q = w["gmf/users/embeddings"][users][:, None], w["gmf/items/embeddings"][items]
    expected = (p * q) @ w["gmf/out/kernel"] + w["gmf/out/bias"]
    kernel = np.vstack([w["mlp/of_users/kernel"], w["mlp/of_items/kernel"]])
    joined = np.concatenate(
        [np.repeat(w["mlp/users/embeddings"][users][:, None], 2, axis=1), w["mlp/items/embeddings"][items]], axis=-1
    )
    hidden = np.maximum(joined @ kernel + w["mlp/of_users/bias"], 0)
    hidden = np.maximum(hidden @ w["mlp/hidden/0/kernel"] + w["mlp/hidden/0/bias"], 0)
    expected = expected + hidden @ w["mlp/out/kernel"] + w["mlp/out/bias"]
    np.testing.assert_allclose(network([users, items]), expected[..., 0], atol=1e-6)


def test_its_loss_is_logistic_on_the_positive_and_its_negatives():
    network = NeuMFNetwork(5, 7, 3, (8, 6, 4))
    network.build_weights()
    for weight in network.weights:
        weight.assign(np.asarray(weight) * 20)
    users, items = np.array([4, 0], dtype=np.int32), np.array([[1, 6, 3], [2, 5, 0]], dtype=np.int32)
    logits = np.asarray(network([users, items]), dtype=np.float64)
    expected = np.logaddexp(0, np.c_[-logits[:, :1], logits[:, 1:]]).mean()
    assert float(network.loss(PairBatch(users, items))) == pytest.approx(expected, rel=1e-5)


def test_towers_trained_alone_start_the_joint_one_by_their_shares():
    joint, alone = NeuMFNetwork(5, 7, 3, (8, 6, 4)), {}
    joint.build_weights()
    for seed, tower in enumerate(("gmf", "mlp")):
        alone[tower] = NeuMFNetwork(5, 7, 3, (8, 6, 4), [tower])
        alone[tower].seed = seed
        alone[tower].build_weights()
    joint.join(alone, {"gmf": 0.25, "mlp": 0.75})
    pairs = [np.arange(5), np.arange(10).reshape(5, 2) % 7]
    expected = 0.25 * np.asarray(alone["gmf"](pairs)) + 0.75 * np.asarray(alone["mlp"](pairs))
    np.testing.assert_allclose(joint(pairs), expected, atol=1e-7)


def test_pretraining_can_be_left_out():
    assert NeuMF(**SMALL, epochs=25, pretrain=0, seed=3).fit(TRAIN, verbose=0).evaluate(TEST)["ndcg@10"] > 0.8


def test_the_same_seed_gives_the_same_bits_at_any_number_of_threads(fitted):
    before = lw.get_num_threads()
    try:
        for threads in (1, 4):
            lw.set_num_threads(threads)
            again = NeuMF(**SMALL, epochs=20, pretrain=10, seed=3).fit(TRAIN, verbose=0)
            for path, weight in fitted.network_.named_weights().items():
                np.testing.assert_array_equal(again.network_.named_weights()[path], weight, err_msg=path)
    finally:
        lw.set_num_threads(before)


def test_a_users_scores_are_the_same_bits_in_any_batch_and_by_any_way(fitted):
    whole = fitted.recommend(k=N_ITEMS, filter_viewed=False)
    alone = fitted.recommend([7], k=N_ITEMS, filter_viewed=False)
    np.testing.assert_array_equal(whole.scores[7], alone.scores[0])
    np.testing.assert_array_equal(fitted.predict(7, alone.items[0]), alone.scores[0])
    some = fitted.recommend([7], items=alone.items[0][:5], k=5, filter_viewed=False)
    np.testing.assert_array_equal(some.scores[0], alone.scores[0][:5])


def test_a_trained_user_keeps_the_vectors_and_history_only_filters(fitted):
    usual = fitted.recommend([1], k=N_ITEMS, filter_viewed=False)
    history = list(usual.items[0][:3])
    other = fitted.recommend([1], k=N_ITEMS, history=[history], filter_viewed=False)
    np.testing.assert_array_equal(other.scores, usual.scores)
    filtered = fitted.recommend([1], k=3, history=[history])
    np.testing.assert_array_equal(filtered.scores, usual.scores[:, 3:6])


def test_a_new_user_is_fitted_to_the_history_whoever_else_asks(fitted):
    histories = [[0, 1, 2, 3], [16, 17], [8, 9, 10, 11, 12]]
    together = fitted.recommend(history=histories, k=4)
    for row, history in enumerate(histories):
        alone = fitted.recommend(history=history, k=4)
        np.testing.assert_array_equal(alone.scores[0], together.scores[row])
        group = history[0] // 8
        assert sum(item // 8 == group for item in alone.items[0]) >= 3
    assert all(weight.grad is None for weight in fitted.network_.weights)


def test_files_give_the_same_scores(fitted, tmp_path):
    fitted.save(tmp_path / "model.lw")
    again = lw.load(tmp_path / "model.lw")
    np.testing.assert_array_equal(again.recommend(k=5).scores, fitted.recommend(k=5).scores)
    np.testing.assert_array_equal(
        again.recommend(history=[0, 1], k=5).scores, fitted.recommend(history=[0, 1], k=5).scores
    )


class Cut(lw.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            raise KeyboardInterrupt


def test_a_cut_training_ends_as_if_it_had_not_been_cut(tmp_path):
    settings = {**SMALL, "epochs": 4, "pretrain": 2, "seed": 3}
    whole = NeuMF(**settings).fit(TRAIN, verbose=0)
    cut = Cut()
    cut.at = 2
    with pytest.raises(KeyboardInterrupt):
        NeuMF(**settings).fit(TRAIN, verbose=0, callbacks=[cut], resume=tmp_path / "state")
    cut.at = None
    again = NeuMF(**settings).fit(TRAIN, verbose=0, callbacks=[cut], resume=tmp_path / "state")
    for path, weight in whole.network_.named_weights().items():
        np.testing.assert_array_equal(again.network_.named_weights()[path], weight, err_msg=path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dim": 0}, "NeuMF: dim must be a positive integer, got 0"),
        ({"negatives": 0}, "NeuMF: negatives must be a positive integer, got 0"),
        ({"layers": (15, 8)}, r"NeuMF: layers must be an even size, then those of hidden layers, got \(15, 8\)"),
        ({"layers": (16,)}, "NeuMF: layers must be an even size"),
        ({"alpha": 1.5}, "NeuMF: alpha must be a number from 0 to 1, got 1.5"),
        ({"alpha": "a"}, "NeuMF: alpha must be a number from 0 to 1, got 'a'"),
        ({"layers": 5}, "NeuMF: layers must be a list or tuple of sizes, got 5"),
        ({"layers": "ab"}, "NeuMF: layers must be a list or tuple of sizes, got 'ab'"),
        ({"layers": np.array([8, 4])}, r"NeuMF: layers must be a list or tuple of sizes, got array\(\[8, 4\]\)"),
        ({"layers": (8, 2.5)}, r"NeuMF: layers\[1\] must be a positive integer, got 2.5"),
        ({"pretrain": -1}, "NeuMF: pretrain must be an integer >= 0, got -1"),
        ({"seed": -1}, r"NeuMF: seed must be an integer >= 0 and below 2\^64, got -1"),
        ({"learning_rate": 0.0}, "NeuMF: learning_rate must be a number > 0, got 0.0"),
        ({"l2": -1.0}, "NeuMF: l2 must be a number >= 0, got -1.0"),
    ],
)
def test_errors_name_the_setting(settings, message):
    with pytest.raises(ValueError, match=message):
        NeuMF(**settings).fit(TRAIN, verbose=0)


def test_a_setting_may_be_shown_whatever_it_is():
    assert repr(NeuMF(layers=np.array([8, 4]), dim=64)) == "NeuMF(layers=array([8, 4]))"


def test_the_towers_are_layers_of_a_network(fitted):
    assert isinstance(fitted.network_, nn.Model)
    assert [layer.name for layer in fitted.network_.layers] == ["gmf", "mlp"]
