"""`likewise demo` shows what it promises, from nothing, from a file and from a data set."""

import gzip

import pytest

from likewise.cli import demo


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No data folder, an empty cache, and no network."""
    monkeypatch.delenv("LIKEWISE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def no_network(*_, **__):
        raise TimeoutError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", no_network)


def test_the_demo_needs_no_network_and_no_files(likewise, offline):
    said = likewise("demo", "--json")
    assert [row["model"] for row in said["models"]] == ["Popularity", "EASE", "MF", "SASRec"]
    assert all(0 < row["ndcg@10"] < said["best_possible"]["ndcg@10"] < 1 for row in said["models"])
    best = max(said["models"], key=lambda row: row["ndcg@10"])
    assert best["ndcg@10"] > 1.5 * said["models"][0]["ndcg@10"]  # popularity
    assert said["recommended_by"] == best["model"]
    assert [row["rank"] for row in said["recommendations"]] == list(range(1, 11))
    assert all(row["title"] for row in said["recommendations"])
    seen = {item["item"] for item in said["recent"]}
    assert not {row["item"] for row in said["recommendations"]} & seen


def test_the_demo_on_a_file_prints_a_table_recommendations_and_the_way_on(likewise, offline, ratings):
    text = likewise("demo", ratings)
    assert text.startswith("model ")
    assert "best possible" not in text
    assert "User 1 last had: " in text
    assert "likewise compare ratings.csv" in text


def test_the_demo_takes_ids_of_text(likewise, offline, ratings, tmp_path):
    header, *rows = ratings.read_text().splitlines()
    log = tmp_path / "log.csv"
    log.write_text("\n".join([header, *(f"user {row}" for row in rows)]) + "\n")
    assert likewise("demo", log, "--json")["user"] == "user 1"


def test_the_demo_wants_a_row_to_hide(failure, offline, tmp_path):
    log = tmp_path / "single.csv"
    log.write_text("user,item\n1,2\n2,3\n")
    assert failure("demo", log).startswith(f"{log}: no user has two rows, so that one could be hidden: 2 users")


def test_the_demo_on_a_data_set_names_it_and_where_it_was(likewise, offline, monkeypatch, tmp_path, ratings):
    folder = tmp_path / "data" / "ml-100k"
    folder.mkdir(parents=True)
    rows = [line.replace(",", "\t") for line in ratings.read_text().splitlines()[1:]]
    (folder / "u.data").write_text("\n".join(rows) + "\n")
    titles = "".join(f"{item}|Amélie {item}|2001||x{'|0' * 19}\n" for item in range(1, 31))
    (folder / "u.item.gz").write_bytes(gzip.compress(titles.encode("latin-1")))
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path / "data"))
    said = likewise("demo", "ml-100k", "--json")
    assert said["data"].startswith(f"ml-100k ({folder / 'u.data'}): 40 users, 30 items")
    assert all(row["title"] == f"Amélie {row['item']}" for row in said["recommendations"])


@pytest.mark.parametrize("name", demo.DATA_SETS)
def test_the_known_data_sets_are_read(data_dir, monkeypatch, name):
    monkeypatch.setenv("LIKEWISE_DATA", str(data_dir))
    material = demo.real(name)
    assert len(material.test) == material.test.n_users
    titles = material.item_features.column("title", material.train.item_ids)
    assert all(titles)


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(failure, offline):
    assert failure("demo", "ml-9m") == "ml-9m: no such file, and no data set of ml-latest-small, ml-100k"


def test_a_data_set_that_cannot_be_had_says_from_where(failure, offline):
    line = failure("demo", "ml-100k")
    assert "no download from https://files.grouplens.org/datasets/movielens/ml-100k.zip (no network here)" in line
