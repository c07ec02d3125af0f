"""Files of known data sets: the user's folder first, then the cache, then the publisher."""

import gzip
import zipfile

import pytest

from likewise.data import locate as module
from likewise.data.locate import SOURCES, cache_folder, locate


@pytest.fixture
def folders(tmp_path, monkeypatch):
    given, cache = tmp_path / "given", tmp_path / "home" / "likewise"
    monkeypatch.setenv("LIKEWISE_DATA", str(given))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert cache_folder() == cache
    return given, cache


def put(path, text="1\t2\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """An archive and a plain file at addresses of this machine."""
    archive = tmp_path / "ml-tiny.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("ml-tiny/ratings.csv", "userId,movieId\n1,2\n")
        file.writestr("ml-tiny/movies.csv", "movieId,title\n2,Jumanji\n")
    plain = put(tmp_path / "published.txt", "0 1 2\n")
    sources = {
        "ratings.csv": f"{archive.as_uri()}#ml-tiny/ratings.csv",
        "movies.csv": f"{archive.as_uri()}#ml-tiny/movies.csv",
        "split/train.txt": plain.as_uri(),
        "gone.txt": (tmp_path / "gone.txt").as_uri(),
        "absent.csv": f"{put(tmp_path / 'damaged.zip').as_uri()}#absent.csv",
    }
    monkeypatch.setitem(module.SOURCES, "ml-tiny", sources)
    return sources


def test_the_users_folder_comes_before_the_cache(folders):
    given, cache = folders
    cached = put(cache / "ml-100k" / "u.data")
    assert locate("ml-100k", "u.data") == cached
    own = put(given / "ml-100k" / "u.data.gz")
    assert locate("ml-100k", "u.data") == own


def test_another_name_is_taken_where_the_first_is_missing(folders):
    given, _ = folders
    other = put(given / "ml-1m" / "ncf" / "train_no_time.gz")
    assert locate("ml-1m", "ncf/train", "ncf/train_no_time") == other


def test_an_archive_is_fetched_once_for_all_its_files(folders, publisher, monkeypatch):
    _, cache = folders
    assert locate("ml-tiny", "ratings.csv").read_text() == "userId,movieId\n1,2\n"
    assert (cache / "ml-tiny" / "movies.csv").read_text() == "movieId,title\n2,Jumanji\n"
    monkeypatch.setattr(module, "_download", lambda *_: pytest.fail("fetched again"))
    assert locate("ml-tiny", "movies.csv") == cache / "ml-tiny" / "movies.csv"
    assert sorted(path.name for path in (cache / "ml-tiny").iterdir()) == ["movies.csv", "ratings.csv"]


def test_a_plain_file_is_fetched_into_its_folder(folders, publisher):
    _, cache = folders
    assert locate("ml-tiny", "split/train.txt") == cache / "ml-tiny" / "split" / "train.txt"


def test_an_unknown_file_says_where_it_was_looked_for(folders):
    given, cache = folders
    with pytest.raises(FileNotFoundError, match=r"ml-9m: no file x.csv in .* set LIKEWISE_DATA") as error:
        locate("ml-9m", "x.csv")
    assert str(given / "ml-9m") in str(error.value)
    assert str(cache / "ml-9m") in str(error.value)


@pytest.mark.parametrize("file", ["gone.txt", "absent.csv"])
def test_a_failed_download_says_from_where_and_leaves_nothing(folders, publisher, file):
    _, cache = folders
    with pytest.raises(FileNotFoundError, match=f"no file {file} in .*no download from file://.*by hand"):
        locate("ml-tiny", file)
    assert list((cache / "ml-tiny").iterdir()) == []


def test_every_known_source_names_a_file_of_its_own():
    addresses = [address for files in SOURCES.values() for address in files.values()]
    assert len(set(addresses)) == len(addresses)
    assert all(address.startswith("https://") for address in addresses)
