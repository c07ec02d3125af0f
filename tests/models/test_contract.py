"""What every recommender keeps to. A model joins by a line in MODELS."""

import re

import numpy as np
import pytest

import likewise as lw
from likewise.data.simulate import simulate

# Name -> settings for the small logs here.
MODELS = {
    "Popularity": {},
    "ItemKNN": {"neighbours": 20},
    "EASE": {"l2": 20.0},
    "IALS": {"dim": 16, "epochs": 8},
    "MF": {"dim": 16, "epochs": 40, "batch_size": 256, "learning_rate": 0.02},
    "NeuMF": {"dim": 8, "layers": (16, 8), "epochs": 20, "pretrain": 10, "batch_size": 64, "learning_rate": 0.02},
    "GRU4Rec": {"dim": 16, "epochs": 10, "batch_size": 32, "learning_rate": 0.01, "max_length": 12},
    "SASRec": {"dim": 16, "epochs": 10, "batch_size": 32, "learning_rate": 0.005, "max_length": 12},
    "Caser": {"dim": 16, "epochs": 10, "batch_size": 128, "learning_rate": 0.01, "dropout": 0.2},
}
PERSONAL = [name for name in MODELS if name != "Popularity"]
SEQUENTIAL = [name for name in ("GRU4Rec", "SASRec", "Caser") if name in MODELS]
WITH_VECTORS = ["IALS", "MF", *SEQUENTIAL]


def make(name, **settings):
    return getattr(lw.models, name)(**{**MODELS[name], **settings})


@pytest.fixture(scope="module")
def simulation():
    return simulate(n_users=300, n_items=120, rows_per_user=20, seed=3)


@pytest.fixture(scope="module")
def log(simulation):
    return simulation.log


@pytest.fixture(scope="module")
def fitted(log):
    """Each model, fitted once."""
    return {name: make(name).fit(log, verbose=0) for name in MODELS}


@pytest.fixture(params=MODELS)
def model(request, fitted):
    return fitted[request.param]


def communities():
    """Twelve users in two communities; each did seven of the eight things of their own."""
    rows = [(user, 8 * (user % 2) + item) for user in range(12) for item in range(8) if item != user // 2]
    return lw.Interactions(*map(list, zip(*rows, strict=True)))


LONGER = {"MF": {"epochs": 200, "batch_size": 16}, "NeuMF": {"pretrain": 60, "batch_size": 16}}


@pytest.mark.parametrize("name", [name for name in PERSONAL if name not in SEQUENTIAL])
def test_overfits_a_tiny_log(name):
    log = communities()
    model = make(name, **LONGER.get(name, {})).fit(log, verbose=0)
    assert model.evaluate(log, filter_viewed=False, metrics=["recall@8"])["recall@8"] > 0.95
    for user in log.user_ids:  # the one thing of their community they have not done
        assert model.recommend(user, k=1).items[0, 0] == 8 * (user % 2) + user // 2


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_learns_what_comes_next(name):
    # Two rounds of six things; each user begins somewhere and goes on around.
    items = [[6 * (user % 2) + (start + step) % 6 for step in range(5)] for user in range(2) for start in range(6)]
    log = lw.Interactions(np.repeat(np.arange(12), 5), np.concatenate(items))
    window = {"window": 2, "targets": 1} if name == "Caser" else {}
    model = make(name, epochs=200, dropout=0.0, **window).fit(log, verbose=0)
    for user, row in enumerate(items):
        assert model.recommend(user, history=row[:-1], k=1).items[0, 0] == row[-1]


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_gives_the_same_bits_at_any_number_of_threads(name, log, counted):
    threads = lw.get_num_threads()
    results = []
    try:
        for count in (1, 2, 4):
            lw.set_num_threads(count)
            results.append(make(name).fit(log, verbose=0).recommend(k=20))
    finally:
        lw.set_num_threads(threads)
    for other in results[1:]:
        assert np.array_equal(results[0].scores, other.scores)
        assert np.array_equal(results[0].items, other.items)
    counted("trained models equal bit for bit at 1, 2 and 4 threads")


def test_settings_are_scikit_learns(model):
    assert type(model)(**model.get_params()).get_params() == model.get_params()
    assert model.set_params(**model.get_params()) is model
    with pytest.raises(ValueError, match="has no setting 'colour'"):
        model.set_params(colour=1)
    with pytest.raises(TypeError):
        type(model)(1)


CHANGES = {
    "ItemKNN": {"neighbours": 3},
    "EASE": {"l2": 300.0},
    "IALS": {"dim": 9, "reg": 100.0, "unobserved_weight": 3.0, "exponent": 0.0, "confidence": "log", "solver": "cg"},
    "MF": {"dim": 9, "loss": "squared", "negatives": 3, "biases": True, "seed": 9},
    "NeuMF": {"dim": 9, "layers": (10, 4), "negatives": 3, "seed": 9},
    "GRU4Rec": {"dim": 9, "units": [5], "max_length": 3, "seed": 9},
    "SASRec": {"dim": 9, "blocks": 1, "heads": 3, "loss": "gbce", "negatives": 4, "max_length": 3, "seed": 9},
    "Caser": {"dim": 9, "window": 3, "targets": 2, "horizontal": 2, "vertical": 1, "negatives": 2, "seed": 9},
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_settings_count_from_the_next_fit(name, log, tmp_path):
    model = make(name).fit(log, verbose=0)
    used = model.get_params()
    before = [model.recommend(k=5), model.recommend(history=[3, 8], k=5)]
    model.set_params(**CHANGES[name])._forget_scorer()
    model.save(tmp_path / "model.lw")
    loaded = lw.load(tmp_path / "model.lw")
    assert loaded.get_params() == used
    for one in (model, loaded):
        for old, new in zip(before, [one.recommend(k=5), one.recommend(history=[3, 8], k=5)], strict=True):
            assert np.array_equal(old.items, new.items)
            assert np.array_equal(old.scores, new.scores)
    assert model.get_params() == used | CHANGES[name]


def test_a_setting_changed_in_place_counts_from_the_next_fit(log):
    layers = [16, 8]
    model = make("NeuMF", layers=layers, epochs=1, pretrain=0).fit(log, verbose=0)
    scores = model.recommend(k=5).scores
    layers.append(4)
    model._forget_scorer()
    assert np.array_equal(model.recommend(k=5).scores, scores)


def test_set_params_changes_all_or_nothing():
    model = make("EASE")
    with pytest.raises(ValueError, match="has no setting 'colour'"):
        model.set_params(l2=1.0, colour=1)
    assert model.l2 == MODELS["EASE"]["l2"]


@pytest.mark.parametrize("name", CHANGES)
def test_a_fit_that_fails_leaves_the_model_as_it_was(name, log):
    small = lw.Interactions([1, 2], [1, 2])
    model = make(name)
    seed = {"shrinkage": -1} if name == "ItemKNN" else {"l2": -1} if name == "EASE" else {"seed": -1}
    with pytest.raises(ValueError, match="must be"):
        model.set_params(**seed).fit(small, verbose=0)
    with pytest.raises(RuntimeError, match=f"{name} is not fitted"):
        model.recommend(1)
    model.set_params(**make(name).get_params()).fit(log, verbose=0)
    before = model.recommend(k=5)
    with pytest.raises(ValueError, match="must be"):
        model.set_params(**seed).fit(small, verbose=0)
    assert np.array_equal(model.recommend(k=5).scores, before.scores)


class Interrupt(lw.callbacks.Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["IALS", "MF", "NeuMF", *SEQUENTIAL])
def test_an_interrupted_fit_leaves_the_model_as_it_was_and_can_be_resumed(name, log, tmp_path):
    other = simulate(n_users=30, n_items=40, rows_per_user=10, seed=4).log
    model = make(name).fit(other, verbose=0)
    before = model.recommend(k=5)
    with pytest.raises(KeyboardInterrupt):
        model.fit(log, callbacks=[Interrupt(3)], resume=tmp_path / "state", verbose=0)
    assert np.array_equal(model.recommend(k=5).scores, before.scores)
    model.fit(log, callbacks=[Interrupt(None)], resume=tmp_path / "state", verbose=0)
    assert np.array_equal(model.recommend(k=5).scores, make(name).fit(log, verbose=0).recommend(k=5).scores)


OTHER_TRAININGS = [
    ("IALS", {"seed": 5}, "seed is 0 there, 5 here"),
    ("IALS", {"reg": 2.0}, "reg is 0.008 there, 2.0 here"),
    ("MF", {"seed": 5}, "seed is 0 there, 5 here"),
    ("MF", {"learning_rate": 0.5}, "learning_rate is 0.02 there, 0.5 here"),
    ("MF", {"batch_size": 128}, "batch_size is 256 there, 128 here"),
    ("MF", {"l2": 0.5}, "l2 is None there, 0.5 here"),
    ("MF", {"epochs": 4}, "epochs is 3 there, 4 here"),
    ("GRU4Rec", {"dropout": 0.5}, "dropout is 0.1 there, 0.5 here"),
    ("SASRec", {"loss": "bce"}, "loss is 'softmax' there, 'bce' here"),
    ("Caser", {"targets": 2}, "targets is 3 there, 2 here"),
    ("NeuMF", {"l2": 0.5}, "l2 is 1.3e-05 there, 0.5 here"),
    ("NeuMF", {"pretrain": 2}, "pretrain is 1 there, 2 here"),
    ("NeuMF", {"epochs": 4}, "epochs is 3 there, 4 here"),
]


def few_epochs(name):
    return {"epochs": 3, **({"pretrain": 1} if name == "NeuMF" else {})}


@pytest.mark.parametrize(("name", "change", "message"), OTHER_TRAININGS, ids=str)
def test_a_state_of_other_settings_is_refused(name, change, message, log, tmp_path):
    make(name, **few_epochs(name)).fit(log, resume=tmp_path / "state", verbose=0)
    with pytest.raises(ValueError, match=f"is of another training: {re.escape(message)}"):
        make(name, **few_epochs(name) | change).fit(log, resume=tmp_path / "state", verbose=0)


@pytest.mark.parametrize("name", ["IALS", "MF", "NeuMF", *SEQUENTIAL])
def test_a_state_of_another_log_is_refused(name, log, tmp_path):
    make(name, **few_epochs(name)).fit(log, resume=tmp_path / "state", verbose=0)
    items = log.items.copy()
    items[[0, -1]] = items[[-1, 0]]
    other = lw.Interactions(log.users, items, timestamps=log.timestamps, item_ids=log.item_ids)
    with pytest.raises(ValueError, match=r"another training: log is 'Interactions\(300 users.*' there"):
        make(name, **few_epochs(name)).fit(other, resume=tmp_path / "state", verbose=0)


def test_a_state_of_fewer_epochs_goes_on_and_one_of_more_is_refused(log, tmp_path):
    make("IALS", epochs=4).fit(log, resume=tmp_path / "state", verbose=0)
    more = make("IALS", epochs=6).fit(log, resume=tmp_path / "state", verbose=0)
    whole = make("IALS", epochs=6).fit(log, verbose=0)
    assert np.array_equal(more.recommend(k=5).scores, whole.recommend(k=5).scores)
    with pytest.raises(ValueError, match="holds 6 epochs, this training is of 3"):
        make("IALS", epochs=3).fit(log, resume=tmp_path / "state", verbose=0)


def test_towers_trained_alone_serve_another_joint_training(log, tmp_path):
    settings = {"layers": [16, np.int64(8)], "pretrain": 2}
    make("NeuMF", **settings, epochs=1).fit(log, resume=tmp_path / "state", verbose=0)
    (tmp_path / "state").unlink()
    states = {tower: (tmp_path / f"state.{tower}").read_bytes() for tower in ("gmf", "mlp")}
    more = make("NeuMF", **settings, epochs=2, alpha=0.3).fit(log, resume=tmp_path / "state", verbose=0)
    assert states == {tower: (tmp_path / f"state.{tower}").read_bytes() for tower in states}
    whole = make("NeuMF", **settings, epochs=2, alpha=0.3).fit(log, verbose=0)
    assert np.array_equal(more.recommend(k=5).scores, whole.recommend(k=5).scores)


def test_fit_returns_the_model_and_an_unfitted_one_says_so(log):
    model = lw.models.Popularity()
    for use in (lambda: model.recommend(1), lambda: model.evaluate(log), lambda: model.save("x"), model.scorer):
        with pytest.raises(RuntimeError, match="Popularity is not fitted"):
            use()
    assert model.fit(log) is model


def test_fit_names_what_it_cannot_use(model, log):
    with pytest.raises(ValueError, match="the log has no rows"):
        type(model)().fit(lw.Interactions([], []))
    with pytest.raises(ValueError, match=f"{type(model).__name__} does not use social"):
        type(model)().fit(log, social=object())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"item_features": {"title": ["x"]}}, TypeError, "fit: item_features takes a Features, got dict"),
        ({"time_limit": "a"}, ValueError, "fit: time_limit must be a number > 0, got 'a'"),
        ({"time_limit": -1}, ValueError, "fit: time_limit must be a number > 0, got -1"),
        ({"resume": 5}, TypeError, "fit: resume takes a path, got int"),
        ({"callbacks": [print]}, TypeError, "fit: callbacks must be callbacks, got <built-in"),
        ({"callbacks": 5}, TypeError, "fit: callbacks must be callbacks, got 5"),
        ({"validation": ([], [])}, ValueError, "fit: validation: none of its 0 users has a row in the log"),
        ({"validation": ([-5], [1])}, ValueError, "fit: validation: none of its 1 users has a row in the log"),
    ],
)
def test_fit_names_what_is_wrong_before_it_learns(model, log, arguments, error, message):
    fresh = make(type(model).__name__)
    with pytest.raises(error, match=message):
        fresh.fit(log, verbose=0, **arguments)
    with pytest.raises(RuntimeError, match="is not fitted"):
        fresh.recommend(1)


def test_a_metric_to_follow_is_known_before_the_first_epoch(log):
    train, validation = lw.split.leave_last(log)
    stop = lw.callbacks.EarlyStopping("ndcg")
    with pytest.raises(ValueError, match="'ndcg' needs a cut"):
        make("MF").fit(train, validation=validation, callbacks=[Interrupt(0), stop], verbose=0)


# --- one score, whatever the batch


def test_a_users_scores_are_the_same_bits_in_any_batch(model):
    together = model.recommend(k=30)
    for row in (0, 7, 150, 299):
        alone = model.recommend(together.users[row], k=30)
        assert np.array_equal(alone.items[0], together.items[row])
        assert np.array_equal(alone.scores[0], together.scores[row])


def test_predict_gives_the_scores_of_recommend(model):
    top = model.recommend([5, 9], k=15)
    for row, user in enumerate((5, 9)):
        items = top.items[row][top.valid[row]]
        assert np.array_equal(model.predict(user, items), top.scores[row][top.valid[row]])
        assert np.array_equal(model.predict([user] * len(items), items), model.predict(user, items))


def test_candidates_get_the_scores_they_have_in_the_catalogue(model):
    everything = model.recommend(5, k=120)
    chosen = everything.items[0, [3, 4, 11, 30]].tolist()
    some = model.recommend(5, k=10, items=chosen)
    assert some.items[0, :4].tolist() == chosen
    assert np.array_equal(some.scores[0, :4], everything.scores[0, [3, 4, 11, 30]])
    assert some.items[0, 4:].tolist() == [None] * 6
    assert not some.valid[0, 4:].any()
    assert (some.scores[0, 4:] == -np.inf).all()


def test_scores_descend_and_equal_ones_come_by_item(model):
    top = model.recommend(k=120)
    higher, lower = top.scores[:, :-1], top.scores[:, 1:]
    index = np.where(top.valid, top.items, 10**9).astype(np.int64)
    assert ((higher > lower) | ((higher == lower) & (index[:, :-1] <= index[:, 1:]))).all()


# --- what is left out


def test_history_and_excluded_items_are_left_out(model, log):
    for row, user in enumerate(log.user_ids[:40]):
        seen = set(log.items[log.indptr[row] : log.indptr[row + 1]].tolist())
        top = model.recommend(int(user), k=120)
        listed = set(top.items[top.valid].tolist())
        assert not listed & seen
        assert len(listed) + len(seen) == int((model.item_counts_ > 0).sum())
        first = top.items[0, 0]
        assert first not in set(model.recommend(int(user), k=50, exclude=[first]).items[0].tolist())
        with_history = model.recommend(int(user), k=120, filter_viewed=False)
        assert seen <= set(with_history.items[0].tolist())


def test_an_item_without_a_training_row_is_never_recommended(log):
    few = lw.Interactions(log.users, log.items, item_ids=[*log.item_ids.tolist(), 5000, 5001])
    for name in MODELS:
        top = make(name).fit(few, verbose=0).recommend(k=122)
        assert not {5000, 5001} & set(top.items[top.valid].tolist())


# --- unknown ids


def test_unknown_ids_are_key_errors(model):
    for ask in (
        lambda: model.recommend("nobody"),
        lambda: model.recommend([1, 999_999]),
        lambda: model.recommend(1, items=[999_999]),
        lambda: model.recommend(1, exclude=[999_999]),
        lambda: model.recommend(history=[[1], [999_999]]),
        lambda: model.predict(999_999, 1),
        lambda: model.predict(1, 999_999),
    ):
        with pytest.raises(KeyError, match=r"unknown (user|item) id"):
            ask()


def test_unknown_users_may_get_what_is_popular_and_are_marked(model):
    top = model.recommend([1, 999_999], k=5, unknown="popular")
    assert top.fallback.tolist() == [False, True]
    popular = np.lexsort((model.item_ids, -model.item_counts_))[:5]
    assert top.items[1].tolist() == model.item_ids[popular].tolist()
    assert np.array_equal(top.items[:1], model.recommend(1, k=5).items)
    with pytest.raises(ValueError, match='takes "error" or "popular"'):
        model.recommend(1, unknown="guess")


def test_a_history_may_be_one_list_lists_or_a_log(model, log):
    one = model.recommend(history=[3, 8, 20], k=5)
    assert one.items.shape == (1, 5)
    assert not set(one.items[0].tolist()) & {3, 8, 20}
    several = model.recommend(history=[[3, 8, 20], [9]], k=5)
    assert np.array_equal(several.items[:1], one.items)
    assert np.array_equal(several.scores[:1], one.scores)
    given = lw.Interactions([-1, -1, -1, -2], [3, 8, 20, 9])
    asked = model.recommend([-1, -2], history=given, k=5)
    assert sorted(asked.items[0].tolist()) == sorted(one.items[0].tolist())
    assert model.recommend(history=given, k=5).users.tolist() == [-2, -1]
    with pytest.raises(ValueError, match="2 users, 1 histories"):
        model.recommend([1, 2], history=[3, 8])
    with pytest.raises(ValueError, match="a mixture of both"):
        model.recommend(history=[3, [8]])
    with pytest.raises(TypeError, match="takes a log, a list of item ids"):
        model.recommend(history=5)
    with pytest.raises(FileNotFoundError, match="abc"):
        model.recommend(history="abc")


def test_histories_and_logs_may_be_whatever_interactions_takes(fitted, tmp_path):
    pandas, scipy = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
    users, items = [1, 1, 2], [3, 8, 9]
    table = {"user": np.array(users), "item": np.array(items)}
    (tmp_path / "log.csv").write_text("user,item\n1,3\n1,8\n2,9\n")
    matrix = scipy.coo_matrix((np.ones(3), (users, items)))
    sources = [table, pandas.DataFrame(table), tmp_path / "log.csv", str(tmp_path / "log.csv"), matrix.tocsc()]
    expected = fitted["EASE"].recommend([1, 2], history=[[3, 8], [9]], k=5)
    for history in sources:
        found = fitted["EASE"].recommend([1, 2], history=history, k=5)
        assert np.array_equal(found.scores, expected.scores)
    lists = (row for row in (iter([3, 8]), iter([9])))
    assert np.array_equal(fitted["EASE"].recommend([1, 2], history=lists, k=5).scores, expected.scores)
    for log in [*sources, (users, items), (users, items, [1.0, 2.0, 3.0]), (users, items, [1.0, 2.0, 3.0], [1, 2, 3])]:
        assert len(lw.models.Popularity().fit(log).log_) == 3
    assert lw.models.Popularity().fit((users, items, [1.0, 2.0, 3.0])).log_.ratings.tolist() == [1, 2, 3]
    with pytest.raises(TypeError, match=r"tuple \(users, items, ratings, timestamps\) of 2 to 4, got tuple of 5"):
        lw.models.Popularity().fit((1, 2, 3, 4, 5))


def test_unknown_items_of_a_history_are_left_out_and_nothing_else_is_a_key_error(model):
    log = lw.Interactions([1, 1, 999_999], [3, 777_777, 888_888])
    expected = model.recommend(1, history=[3], k=5).scores
    for history in ([[3, 777_777], [888_888]], log):
        with pytest.raises(KeyError, match="unknown item id 888888"):
            model.recommend([1, 999_999], history=history)
        top = model.recommend([1, 999_999], history=history, unknown="popular", k=5)
        assert top.fallback.tolist() == [False, True]
        assert np.array_equal(top.scores[:1], expected)
    for history in ([3, 777_777, 888_888], log):
        with pytest.warns(
            UserWarning, match="history: . of . items are unknown to the model and left out, such as 777777"
        ):
            top = model.recommend(1, history=history, k=5)
        assert np.array_equal(top.scores, expected)
    # What users do who are not asked about does not matter.
    assert model.recommend(2, history=log, k=5).items.shape == (1, 5)


@pytest.mark.parametrize("name", ["ItemKNN", "EASE", "IALS", *SEQUENTIAL])
def test_an_empty_history_is_served_as_popular_where_users_are_computed_from_it(name, fitted):
    top = fitted[name].recommend([1, 2], history=[[], [3]], k=5)
    assert top.fallback.tolist() == [True, False]


@pytest.mark.parametrize("name", PERSONAL)
def test_new_users_need_no_refit(name, simulation):
    log = simulate(n_users=800, n_items=150, rows_per_user=25, seed=5).log
    new, refit = 0.0, 0.0  # the sums over eight splits: the 80 users of one may differ by a tenth either way
    for seed in range(1, 9):
        train, history, test = lw.split.new_users(log, test=0.1, seed=seed)
        new += make(name).fit(train, verbose=0).evaluate(test, history=history, metrics=["ndcg@10"])["ndcg@10"]
        refit += make(name).fit(train + history, verbose=0).evaluate(test, metrics=["ndcg@10"])["ndcg@10"]
    print(f"\n{name}: new users {new / 8:.4f}, refit {refit / 8:.4f}, {new / refit:.1%}")
    assert new >= 0.95 * refit


# --- similar items


@pytest.mark.parametrize("name", WITH_VECTORS)
def test_similar_items_are_not_the_item_itself(name, fitted):
    top = fitted[name].similar_items([4, 9], k=5)
    assert top.users.tolist() == [4, 9]
    assert top.items.shape == (2, 5)
    assert 4 not in top.items[0]
    assert 9 not in top.items[1]
    assert (np.abs(top.scores) <= 1 + 1e-6).all()


@pytest.mark.parametrize("k", [0, 2.7, "a", True])
def test_similar_items_check_k(k, fitted):
    with pytest.raises(ValueError, match=f"similar_items: k must be a positive integer, got {k!r}"):
        fitted["MF"].similar_items(4, k=k)


def test_similar_items_are_no_more_than_the_catalogue(fitted, log):
    assert fitted["MF"].similar_items(4, k=20_000_000).items.shape == (1, log.n_items)


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(WITH_VECTORS)))
def test_similar_items_say_when_there_are_no_vectors(name, fitted):
    with pytest.raises(NotImplementedError, match=f"{name} has no item vectors"):
        fitted[name].similar_items(4)


# --- files


def test_a_loaded_model_gives_equal_scores(model, tmp_path):
    model.save(tmp_path / "model.lw")
    again = lw.load(tmp_path / "model.lw")
    assert type(again) is type(model)
    assert again.get_params() == model.get_params()
    one, other = model.recommend(k=20), again.recommend(k=20)
    assert np.array_equal(one.items, other.items)
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(model.recommend(history=[3, 8]).scores, again.recommend(history=[3, 8]).scores)


def test_a_model_saved_without_its_log_needs_histories(model, tmp_path):
    model.save(tmp_path / "model.lw", log=False)
    again = lw.load(tmp_path / "model.lw")
    assert again.log_ is None
    with pytest.raises(ValueError, match="saved with log=False"):
        again.recommend(1)
    assert np.array_equal(model.recommend(history=[3, 8]).scores, again.recommend(history=[3, 8]).scores)
    assert again.recommend(999_999, unknown="popular", filter_viewed=False).fallback.all()
    with pytest.raises(ValueError, match=r"saved with log=False: give history="):
        again.recommend([1, 2], history=lw.Interactions([1], [5]))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_saved_without_its_log_gives_no_rubbish(name, fitted, log, tmp_path):
    model = fitted[name]
    model.save(tmp_path / "model.lw", log=False)
    again = lw.load(tmp_path / "model.lw")
    test = lw.Interactions(log.users[::7], log.items[::7], ratings=np.ones(len(log.users[::7])))
    expected = model.evaluate(test, filter_viewed=False, metrics=["rmse", "ndcg@10"])
    assert dict(again.evaluate(test, history=log, filter_viewed=False, metrics=["rmse", "ndcg@10"])) == dict(expected)
    some = again.evaluate(test, history=log.filter(users=[1, 2]), metrics=["ndcg@10"])
    assert (some.protocol.questions, some.protocol.skipped) == (2, len(np.unique(test.users)) - 2)
    if model.from_histories:
        for ask in (
            lambda: again.predict(1, [1, 2, 3]),
            lambda: again.recommend(1, filter_viewed=False),
            lambda: again.recommend([1, 2], history=lw.Interactions([1], [5]), filter_viewed=False),
        ):
            with pytest.raises(ValueError, match=f"{name} computes users from their histories, and was saved with"):
                ask()
    else:
        assert np.array_equal(again.predict(1, [1, 2, 3]), model.predict(1, [1, 2, 3]))
        assert np.array_equal(
            again.recommend(1, filter_viewed=False).scores, model.recommend(1, filter_viewed=False).scores
        )


def test_messages_show_ids_as_they_were_given():
    model = lw.models.Popularity().fit(lw.Interactions([1, 2], [5, 6], user_ids=[1, 2, 3]))
    with pytest.raises(KeyError, match="predict: user 3 has no row"):
        model.predict(3, 5)


def test_declared_vocabularies_stay_declared_in_a_file(tmp_path):
    log = lw.Interactions([1, 2], ["x", "y"], user_ids=[1, 2, 3])
    lw.models.Popularity().fit(log).save(tmp_path / "model.lw")
    again = lw.load(tmp_path / "model.lw").log_
    assert again.filter(users=[1]).user_ids.tolist() == [1, 2, 3]
    assert again.filter(users=[1]).item_ids.tolist() == ["x"]


def test_text_ids_and_titles_come_back_from_a_file(tmp_path):
    log = lw.Interactions(["ann", "bob", "änn", "ann"], ["x", "y", "日本", "y"], ratings=[1, 2, 3, 4])
    films = lw.Features(["x", "y"], {"title": ["Heat", "Alien"]})
    model = lw.models.Popularity().fit(log, item_features=films)
    model.save(tmp_path / "model.lw")
    again = lw.load(tmp_path / "model.lw")
    top = again.recommend("bob", k=2)
    assert top.items.tolist() == [["x", "日本"]]
    assert top.titles.tolist() == [["Heat", None]]
    assert [row.title for row in top] == ["Heat", None]
    assert again.log_.users.tolist() == log.users.tolist()
    assert again.log_.ratings.tolist() == log.ratings.tolist()
