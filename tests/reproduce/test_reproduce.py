"""The frame of `likewise reproduce`: runs, resumes, keeps, compares; and that its readers give the published splits."""

import dataclasses
import json
import time

import numpy as np
import pytest

import likewise as lw
from likewise.reproduce import (
    ENTRIES,
    Contender,
    Entry,
    Task,
    read_runs,
    readers,
    results_file,
    run_entry,
    runs,
    table_rows,
)


def small_entry(**contender):
    random = np.random.default_rng(0)
    users, items = np.repeat(np.arange(30), 6), random.integers(0, 20, 180)
    train, test = lw.split.leave_last(lw.Interactions(users, items))
    model = {"name": "MF", "make": lambda seed: lw.models.MF(dim=4, epochs=4, seed=seed), "seeds": (0, 1)}
    return Entry(
        name="small",
        title="A small table",
        protocol="full ranking",
        load=lambda: Task(train, test),
        metrics=("recall@5", "ndcg@5"),
        contenders=(Contender(**{**model, "published": {"recall@5": 0.01}, **contender}),),
        in_print={"Other": {"recall@5": 0.3}},
    )


@pytest.fixture(autouse=True)
def own_cache(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield


def test_a_run_is_kept_with_its_settings_and_machine(tmp_path):
    entry = small_entry()
    made = run_entry(entry, folder=tmp_path, verbose=0)
    assert [run["seed"] for run in made] == [0, 1]
    kept = json.loads(results_file(entry, tmp_path).read_text())
    assert kept["runs"] == made
    assert kept["runs"][0]["settings"]["epochs"] == 4
    assert {"cpu", "isa", "threads", "commit"} <= kept["runs"][0]["machine"].keys()


def test_what_is_there_is_not_run_again_unless_settings_changed(tmp_path):
    told = []
    run_entry(small_entry(seeds=(0,)), folder=tmp_path, verbose=0, tell=told.append)
    run_entry(small_entry(), folder=tmp_path, verbose=0, tell=told.append)
    assert [line.split(":")[0] for line in told] == ["MF, seed 0", "MF, seed 1"]
    changed = small_entry(make=lambda seed: lw.models.MF(dim=4, epochs=5, seed=seed), seeds=(1,))
    made = run_entry(changed, folder=tmp_path, verbose=0, tell=told.append)
    assert len(told) == 3
    assert sorted((run["seed"], run["settings"]["epochs"]) for run in made) == [(0, 4), (1, 5)]


def test_a_cut_run_continues_from_its_last_epoch(tmp_path, monkeypatch):
    whole = run_entry(small_entry(seeds=(0,)), folder=tmp_path / "whole", verbose=0)
    entry = small_entry(seeds=(0,), test_picked_every=1)

    def cut(self, epoch, logs=None):
        time.sleep(0.2)
        if epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(runs.TestReadings, "on_epoch_begin", cut)
    with pytest.raises(KeyboardInterrupt):
        run_entry(entry, folder=tmp_path / "cut", verbose=0)
    monkeypatch.undo()
    assert not read_runs(results_file(entry, tmp_path / "cut"))
    resumed = run_entry(entry, folder=tmp_path / "cut", verbose=0)
    assert resumed[0]["figures"] == whole[0]["figures"]
    assert resumed[0]["test_picked"]["recall@5"] >= resumed[0]["figures"]["recall@5"]
    assert resumed[0]["seconds"] >= 0.4  # two epochs before the cut


def test_tables_of_one_kind_of_training_train_once(tmp_path, monkeypatch):
    epochs = []
    monkeypatch.setattr(runs.TrainingClock, "on_epoch_begin", lambda self, epoch, logs=None: epochs.append(epoch))
    first = dataclasses.replace(small_entry(seeds=(0,)), trainings="shared")
    second = dataclasses.replace(first, name="other", metrics=("recall@5", "map"))
    made = [run_entry(entry, folder=tmp_path, verbose=0)[0] for entry in (first, second)]
    assert epochs == [0, 1, 2, 3]
    assert made[0]["figures"]["recall@5"] == made[1]["figures"]["recall@5"]
    run_entry(second, folder=tmp_path, verbose=0, fresh=True)
    assert epochs == 2 * [0, 1, 2, 3]
    other = small_entry(make=lambda seed: lw.models.MF(dim=5, epochs=4, seed=seed), seeds=(0,))
    run_entry(dataclasses.replace(other, trainings="shared"), folder=tmp_path, verbose=0)
    assert epochs == 3 * [0, 1, 2, 3]


def test_a_row_is_reached_when_mean_and_standard_error_meet_the_figure():
    entry = small_entry(published={"recall@5": 0.5, "ndcg@5": 0.6})
    measured = [
        {"model": "MF", "figures": {"recall@5": value, "ndcg@5": 0.5}, "test_picked": {}, "seconds": 1.0}
        for value in (0.48, 0.51)
    ]
    rows = {(row["model"], row["metric"]): row for row in table_rows(entry, measured)}
    assert rows["MF", "recall@5"]["reached"] == "yes"  # .495 + .015
    assert rows["MF", "recall@5"]["difference"] == pytest.approx(-0.005)
    assert rows["MF", "ndcg@5"]["reached"] == "no"
    assert rows["Other", "recall@5"]["published"] == 0.3


def test_a_row_is_reached_within_what_its_table_allows():
    measured = [{"model": "MF", "figures": {"recall@5": 0.496, "ndcg@5": 0.494}, "test_picked": {}, "seconds": 1.0}]
    entry = small_entry(published={"recall@5": 0.5, "ndcg@5": 0.5})
    assert [row["reached"] for row in table_rows(entry, measured)[:2]] == ["no", "no"]
    entry = dataclasses.replace(entry, allowance=0.005)
    assert [row["reached"] for row in table_rows(entry, measured)[:2]] == ["yes", "no"]


def test_a_table_names_the_models_it_has():
    with pytest.raises(ValueError, match="small has no model 'EASE'; it has MF"):
        run_entry(small_entry(), models=["EASE"], verbose=0)


def test_every_contender_makes_a_model_and_is_held_against_measured_metrics():
    for entry in ENTRIES.values():
        for contender in entry.contenders:
            assert set(contender.published) <= set(entry.metrics)
            assert contender.make(1).get_params().get("seed", 1) == 1


@pytest.mark.parametrize(
    ("reader", "users", "items", "train", "test"),
    [
        (readers.ncf_ml1m, 6040, 3706, 994_169, 6040),
        (readers.lightgcn_gowalla, 29_858, 40_981, 810_128, 217_242),
        (readers.bars_ml1m, 6022, 3043, 796_244, 99_455),
        (readers.recommenders_ml100k, 943, 1682, 75_066, 24_934),
        (readers.ratings_ml100k, 943, 1682, 80_000, 20_000),
    ],
)
def test_readers_give_the_published_counts(data_dir, monkeypatch, reader, users, items, train, test):
    monkeypatch.setenv("LIKEWISE_DATA", str(data_dir))
    task = reader()
    assert (task.train.n_users, task.train.n_items) == (users, items)
    assert (len(task.train), len(task.test)) == (train, test)
