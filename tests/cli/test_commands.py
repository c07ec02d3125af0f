"""From a csv to recommendations without a line of Python."""

import pytest

from likewise.cli import main
from likewise.models import load


@pytest.fixture(scope="session")
def model_file(ratings, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "movies.lw"
    assert main(["train", str(ratings), "--model", "popularity", "--out", str(path)]) == 0
    return path


def test_train_writes_a_model_and_says_what_it_did(likewise, ratings, tmp_path):
    path = tmp_path / "movies.lw"
    said = likewise("train", ratings, "--model", "Popularity", "--out", path, "--json")
    assert said.pop("seconds") >= 0
    assert said == {
        "model": "Popularity",
        "settings": {},
        "users": 40,
        "items": 30,
        "validation": {},
        "file": str(path),
    }
    assert load(path).n_users == 40


def test_columns_may_be_named_by_position(likewise, ratings, tmp_path):
    bare = tmp_path / "bare.tsv"
    rows = ratings.read_text().splitlines()[1:]
    bare.write_text("\n".join("\t".join(["x", *row.split(",")]) for row in rows) + "\n")
    arguments = ["--columns", "user=1,item=2,rating=3,timestamp=4", "--separator", "\t", "--min-rating", "3"]
    likewise("train", bare, "--model", "popularity", "--out", tmp_path / "m.lw", *arguments)
    log = load(tmp_path / "m.lw").log_
    kept = [row for row in rows if int(row.split(",")[2]) >= 3]
    assert len(log) == len(kept)


def test_validation_stops_training_and_is_reported(likewise, ratings, tmp_path):
    settings = ["--set", "dim=8", "--set", "epochs=30", "--set", "loss=bce", "--set", "seed=3"]
    path = tmp_path / "movies.lw"
    said = likewise("train", ratings, "--model", "mf", "--out", path, *settings, "--validation", "0.25", "--json")
    assert {name: said["settings"][name] for name in ("dim", "epochs", "loss", "seed")} == {
        "dim": 8,
        "epochs": 30,
        "loss": "bce",
        "seed": 3,
    }
    assert list(said["validation"]) == ["ndcg@10", "recall@10"]
    assert 0 < said["validation"]["recall@10"] <= 1


def test_titles_are_shown_with_recommendations(likewise, ratings, tmp_path):
    titles = tmp_path / "titles.csv"
    titles.write_text("movieId,title,genres\n" + "".join(f'{item},"Film, the {item}th",x\n' for item in range(1, 31)))
    likewise("train", ratings, "--model", "mf", "--out", tmp_path / "m.lw", "--items", titles, "--set", "epochs=2")
    for command in (["recommend", "--user", "1"], ["similar", "--item", "3"]):
        rows = likewise(command[0], tmp_path / "m.lw", *command[1:], "--json")
        assert len(rows) == 10
        assert all(row["title"] == f"Film, the {row['item']}th" for row in rows)
    assert {row["like"] for row in rows} == {3}


def test_what_the_library_logs_is_told_on_stderr(ratings, tmp_path, capsys):
    assert main(["train", str(ratings), "--model", "popularity", "--out", str(tmp_path / "m.lw")]) == 0
    assert "columns recognised: user = 'userId', item = 'movieId'" in capsys.readouterr().err
    (tmp_path / "log.csv").write_text("who,what\nalice,heat\n")
    assert main(["train", str(tmp_path / "log.csv"), "--model", "popularity", "--out", str(tmp_path / "m.lw")]) == 0
    assert capsys.readouterr().err.count(f"likewise: warning: {tmp_path / 'log.csv'}: no header recognised") == 1


def test_train_never_overwrites_what_is_no_model(failure, likewise, ratings, tmp_path):
    log = tmp_path / "log.csv"
    log.write_bytes(ratings.read_bytes())
    said = failure("train", log, "--model", "popularity", "--out", log)
    assert said == f"--out: {log} is there and is no model file; it is not overwritten"
    assert log.read_bytes() == ratings.read_bytes()
    for _ in range(2):
        likewise("train", log, "--model", "popularity", "--out", tmp_path / "m.lw")


def test_train_checks_where_to_write_before_it_reads(failure, tmp_path):
    arguments = ["train", tmp_path / "no.csv", "--model", "popularity", "--out"]
    assert failure(*arguments, tmp_path) == f"--out: takes a file, got the folder {tmp_path}"
    said = failure(*arguments, tmp_path / "sub" / "m.lw")
    assert said == f"--out: no folder {tmp_path / 'sub'} to write m.lw to"


def test_titles_may_have_another_encoding(likewise, ratings, tmp_path):
    titles = tmp_path / "titles.txt"
    lines = ["item;title", *(f"{item};Amélie, {item}" for item in range(1, 31))]
    titles.write_text("\n".join(lines), encoding="latin-1")
    options = ["--items", titles, "--items-encoding", "latin-1", "--items-separator", ";"]
    likewise("train", ratings, "--model", "popularity", "--out", tmp_path / "m.lw", *options)
    rows = likewise("recommend", tmp_path / "m.lw", "--user", "1", "--k", "1", "--json")
    assert rows[0]["title"] == f"Amélie, {rows[0]['item']}"


def test_compare_shows_every_model(likewise, ratings):
    rows = likewise("compare", ratings, "--models", "popularity,mf", "--metrics", "ndcg@5,auc", "--json")
    assert [row["model"] for row in rows] == ["Popularity", "MF"]
    assert set(rows[0]) == {"model", "ndcg@5", "auc", "train_seconds", "test_seconds"}
    assert rows[1]["auc"] > rows[0]["auc"]  # two tastes are more than popularity can tell
    assert likewise("compare", ratings, "--models", "popularity").startswith("model")


def test_evaluate_gives_the_reports_figures(likewise, model_file, ratings):
    said = likewise("evaluate", model_file, ratings, "--metrics", "ndcg@5,coverage@5", "--json")
    assert list(said["metrics"]) == ["ndcg@5", "coverage@5"]
    assert said["interval"]["coverage@5"] is None
    assert said["protocol"]["questions"] == 40
    text = likewise("evaluate", model_file, ratings, "--metrics", "ndcg@5")
    assert text.startswith("ndcg@5")


def test_recommend_gives_what_the_model_recommends(likewise, model_file):
    rows = likewise("recommend", model_file, "--user", "1", "--user", "2", "--k", "3", "--json")
    top = load(model_file).recommend([1, 2], k=3)
    assert [row["item"] for row in rows] == top.items.ravel().tolist()
    assert [row["user"] for row in rows] == [1, 1, 1, 2, 2, 2]
    text = likewise("recommend", model_file, "--user", "1", "--k", "3")
    assert text.splitlines()[0].split() == ["user", "rank", "item", "score"]
    assert len(text.splitlines()) == 4


def test_recommend_for_somebody_new_leaves_out_what_they_named(likewise, model_file):
    named = {row["item"] for row in likewise("recommend", model_file, "--user", "1", "--k", "3", "--json")}
    rows = likewise("recommend", model_file, "--history", ",".join(map(str, named)), "--json")
    assert "user" not in rows[0]
    assert not {row["item"] for row in rows} & named
    kept = likewise("recommend", model_file, "--history", "1,2", "--keep-viewed", "--k", "30", "--json")
    assert {1, 2} <= {row["item"] for row in kept}
    without = likewise("recommend", model_file, "--user", "1", "--exclude", "3,4", "--k", "30", "--json")
    assert not {row["item"] for row in without} & {3, 4}


def test_an_item_with_a_comma_is_named_in_quotes(likewise, tmp_path):
    (tmp_path / "log.csv").write_text('user,item\nann,"Heat, The"\nann,Alien\nbob,"Heat, The"\nbob,Up\n')
    likewise("train", tmp_path / "log.csv", "--model", "itemknn", "--out", tmp_path / "m.lw")
    rows = likewise("recommend", tmp_path / "m.lw", "--history", '"Heat, The"', "--exclude", "Up", "--json")
    assert [row["item"] for row in rows] == ["Alien"]


ERRORS = {
    "no such model": (
        ["train", "{ratings}", "--model", "oracle", "--out", "m.lw"],
        "model must be one of ",
    ),
    "no such setting": (
        ["train", "{ratings}", "--model", "popularity", "--out", "m.lw", "--set", "dims=3"],
        "popularity has no setting 'dims'",
    ),
    "a setting without a value": (
        ["train", "{ratings}", "--model", "popularity", "--out", "m.lw", "--set", "dim"],
        "argument --set: 'dim' is not NAME=VALUE",
    ),
    "an unknown role": (
        ["train", "{ratings}", "--model", "popularity", "--out", "m.lw", "--columns", "film=1"],
        "argument --columns: 'film=1' is not ROLE=COLUMN with a role of user, item",
    ),
    "no such log": (["train", "nowhere.csv", "--model", "popularity", "--out", "m.lw"], ""),
    "no such model file": (["recommend", "nowhere.lw", "--user", "1"], ""),
    "a file that is no model": (["recommend", "{ratings}", "--user", "1"], ""),
    "an unknown user": (["recommend", "{model}", "--user", "77"], "unknown user id 77"),
    "a user that is no integer": (["recommend", "{model}", "--user", "ann"], "ids are integers here, got 'ann'"),
    "nobody": (["recommend", "{model}"], "one of the arguments --user --history is required"),
    "a history of nothing": (["recommend", "{model}", "--history", ","], "argument --history: takes at least one"),
    "an empty exclusion": (
        ["recommend", "{model}", "--user", "1", "--exclude", ""],
        "argument --exclude: takes at least one, got ''",
    ),
    "no models": (["compare", "{ratings}", "--models", ""], "argument --models: takes at least one, got ''"),
    "a negative seed": (["compare", "{ratings}", "--seed", "-1"], "seed: takes at least 0, got -1"),
    "nothing to test on": (
        ["compare", "{ratings}", "--test", "0.01"],
        "--test: 0.01 of each user's rows holds out none of 320",
    ),
    "nothing to validate on": (
        ["train", "{ratings}", "--model", "mf", "--out", "m.lw", "--validation", "0.01"],
        "--validation: 0.01 of each user's rows holds out none of 320",
    ),
    "no item vectors": (["similar", "{model}", "--item", "1"], "Popularity has no item vectors"),
    "an unknown metric": (["evaluate", "{model}", "{ratings}", "--metrics", "luck@3"], ""),
}


@pytest.mark.parametrize(("arguments", "message"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_one_line_that_says_what_is_wrong(failure, ratings, model_file, arguments, message):
    files = {"ratings": ratings, "model": model_file}
    line = failure(*(argument.format(**files) for argument in arguments))
    assert line.startswith(message)
    if not message:  # the file, or the metric, is named
        assert any(word in line for word in ("nowhere.csv", "nowhere.lw", "ratings.csv", "luck@3"))


def test_reproduce_without_a_name_lists_the_tables(likewise):
    names = [row["name"] for row in likewise("reproduce", "--json")]
    assert {"ncf-ml1m", "lightgcn-gowalla"} <= set(names)


def test_reproduce_shows_nothing_without_results(failure, tmp_path):
    said = failure("reproduce", "ncf-ml1m", "--show", "--output", tmp_path)
    assert said.startswith(f"reproduce: no results in {tmp_path / 'reproduce-ncf-ml1m.json'}; --output names")


def test_reproduce_of_an_unknown_table_names_the_known_ones(failure):
    assert failure("reproduce", "netflix").startswith("reproduce: no table 'netflix'; there are ")
