"""Facts about users and items."""

import numpy as np
import pandas as pd
import pytest

import likewise as lw

FILMS = lw.Features(
    [9, 7, 8], {"title": ["Heat", "Alien", None], "genres": [["a", "b"], [], ["b"]], "year": [1995, 1979, 0]}
)


def test_columns_come_in_the_order_of_ids():
    assert FILMS.ids.tolist() == [7, 8, 9]
    assert FILMS.column("year").tolist() == [1979, 0, 1995]
    assert FILMS.column("genres").tolist() == [(), ("b",), ("a", "b")]
    assert repr(FILMS) == "Features(3 ids: title, genres, year)"


def test_titles_fall_back_on_the_id():
    assert FILMS.titles([9, 8, 5, 7]).tolist() == ["Heat", "8", "5", "Alien"]
    assert FILMS.titles(7).tolist() == ["Alien"]
    assert lw.Features(["x"], {"year": [1]}).titles(["x", "y"]).tolist() == ["x", "y"]


def test_a_column_says_none_where_nothing_is_known():
    assert FILMS.column("year", [7, 4]).tolist() == [1979, None]
    assert FILMS.column("year", [7]).dtype == np.int64
    assert FILMS.find([8, 4]).tolist() == [1, -1]


def test_features_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        FILMS.column("year")[0] = 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 1], {}), ValueError, "ids: 1 ids come more than once, such as .*1"),
        (([1, None], {}), ValueError, "ids: an id is missing"),
        (([1, 2], {"title": ["x"]}), ValueError, "columns: 'title' has 1 values for 2 ids"),
    ],
)
def test_bad_features_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        lw.Features(*arguments)
    with pytest.raises(KeyError, match="no column 'director'; there are 'title', 'genres', 'year'"):
        FILMS.column("director")


def test_titles_are_text():
    given = [1984, 1984.0, 2.5, np.float32(300), "x", None, np.nan, pd.NA, pd.NaT]
    films = lw.Features(range(9), {"title": given})
    assert films.column("title").tolist() == ["1984", "1984", "2.5", "300", "x", None, None, None, None]
    assert lw.Features([1, 2], {"title": np.array([1984, 300])}).column("title").tolist() == ["1984", "300"]
    assert lw.Features([1, 2], {"title": pd.Series([1984, None])}).column("title").tolist() == ["1984", None]
    with pytest.raises(TypeError, match=r"'title' takes text, got \['Heat'\]"):
        lw.Features([1], {"title": [["Heat"]]})
    with pytest.raises(ValueError, match=r"'title' takes valid Unicode, got 'Am.*lie'"):
        lw.Features([1], {"title": ["Am\udce9lie"]})


def test_titles_are_read_as_they_are_written(tmp_path):
    (tmp_path / "films.csv").write_text("item,title\n1,1984\n2,007\n3,\n")
    assert lw.Features.read(tmp_path / "films.csv").column("title").tolist() == ["1984", "007", None]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("1,Heat\n2,Amélie\n".encode("latin-1"), r"line 3: bytes that are not valid in the encoding .*xe9lie'"),
        (b"1,Heat\n ,Alien\n", "line 3: no id in column 'item': "),
        (b"1,Heat\n1,Alien\n", "ids: 1 ids come more than once"),
    ],
)
def test_a_malformed_file_of_features_is_named(tmp_path, content, reason):
    path = tmp_path / "films.csv"
    path.write_bytes(b"item,title\n" + content)
    with pytest.raises(ValueError, match=f"films.csv(, |: ){reason}"):
        lw.Features.read(path)


def test_titles_that_match_no_item_are_said(caplog):
    lw.models.Popularity().fit(lw.Interactions([1, 2], [7, 9]), item_features=lw.Features(["7"], {"title": ["Heat"]}))
    said = "item_features: 0 of 2 items have a title; the log's ids are such as 7, the features' such as '7'"
    assert said in caplog.text


def test_features_are_read_from_a_file(tmp_path, data_dir):
    films = lw.Features.read(data_dir / "ml-latest-small" / "movies.csv.gz", multivalued={"genres": "|"})
    assert len(films) == 9742
    assert films.titles([1, 11]).tolist() == ["Toy Story (1995)", "American President, The (1995)"]
    assert films.column("genres", [11])[0] == ("Comedy", "Drama", "Romance")
    films = lw.Features.read(
        data_dir / "ml-1m" / "movies.dat.gz",
        names=["id", "title", "genres"],
        encoding="latin-1",
        multivalued={"genres": "|"},
    )
    assert (len(films), films.titles(1).tolist()) == (3883, ["Toy Story (1995)"])
    path = tmp_path / "films.csv"
    path.write_text("item,title\n1,Heat\n2\n")
    with pytest.raises(ValueError, match=r"films\.csv, line 3: 1 columns instead of 2"):
        lw.Features.read(path)
