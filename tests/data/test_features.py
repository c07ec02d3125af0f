"""Facts about users and items."""

import numpy as np
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
