"""Where the files of well-known data sets are: the user's folder, the cache, or else their publisher's own address."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

_MOVIELENS = "https://files.grouplens.org/datasets/movielens"
_GITHUB = "https://raw.githubusercontent.com"
_NCF = f"{_GITHUB}/hexiangnan/neural_collaborative_filtering/HEAD/Data"
_BARS = f"{_GITHUB}/xue-pai/UltraGCN/HEAD/data/ml-1m"
_SASREC = f"{_GITHUB}/kang205/SASRec/HEAD/data"
_CASER = f"{_GITHUB}/graytowne/caser_pytorch/HEAD/datasets/ml1m"
_LIGHTGCN = f"{_GITHUB}/gusye1234/LightGCN-PyTorch/HEAD/data/gowalla"

# Data set -> file -> address; "archive.zip#member" is a file inside an archive.
SOURCES: dict[str, dict[str, str]] = {
    "ml-latest-small": {
        file: f"{_MOVIELENS}/ml-latest-small.zip#ml-latest-small/{file}"
        for file in ("ratings.csv", "movies.csv", "tags.csv", "links.csv")
    },
    "ml-100k": {
        **{file: f"{_MOVIELENS}/ml-100k.zip#ml-100k/{file}" for file in ("u.data", "u.item", "u.user")},
        **{
            f"splits/{fold}.{part}": f"{_MOVIELENS}/ml-100k.zip#ml-100k/{fold}.{part}"
            for fold in ("u1", "u2", "u3", "u4", "u5", "ua", "ub")
            for part in ("base", "test")
        },
    },
    "ml-1m": {
        **{file: f"{_MOVIELENS}/ml-1m.zip#ml-1m/{file}" for file in ("ratings.dat", "movies.dat", "users.dat")},
        **{f"ncf/ml-1m.{part}": f"{_NCF}/ml-1m.{part}" for part in ("train.rating", "test.rating", "test.negative")},
        **{f"bars_m2/{part}.txt": f"{_BARS}/{part}.txt" for part in ("train", "test")},
        "sasrec/ml-1m.txt": f"{_SASREC}/ml-1m.txt",
        **{f"caser/test/{part}.txt": f"{_CASER}/test/{part}.txt" for part in ("train", "test")},
    },
    "gowalla": {f"{part}.txt": f"{_LIGHTGCN}/{part}.txt" for part in ("train", "test")},
}
_TIMEOUT_SECONDS = 30


def cache_folder() -> Path:
    """Where downloads are kept: ``likewise`` under XDG_CACHE_HOME, or under ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "likewise"


def data_folders() -> list[Path]:
    """The folders searched for data sets, in order: LIKEWISE_DATA if it is set, then the cache."""
    given = os.environ.get("LIKEWISE_DATA")
    return [*([Path(given)] if given else []), cache_folder()]


def locate(dataset: str, *files: str) -> Path:
    """The path of a file of a data set; downloaded from its publisher if no folder has it.

    Args:
        dataset: Name of the data set and of its folder, such as "ml-100k".
        files: The file's name in that folder, as published; further names are taken if the first is not there.
            ``name.gz`` counts as ``name``.

    Raises:
        FileNotFoundError: If it is in no folder and cannot be downloaded; says where it was looked for.
    """
    for folder in data_folders():
        for file in files:
            for path in (folder / dataset / file, folder / dataset / f"{file}.gz"):
                if path.is_file():
                    return path
    looked = ", ".join(str(folder / dataset) for folder in data_folders())
    source = SOURCES.get(dataset, {}).get(files[0])
    if source is None:
        raise FileNotFoundError(f"{dataset}: no file {files[0]} in {looked}; set LIKEWISE_DATA to the folder it is in")
    try:
        _download(dataset, _address(source))
    except (urllib.error.URLError, TimeoutError, zipfile.BadZipFile, KeyError) as error:
        raise FileNotFoundError(
            f"{dataset}: no file {files[0]} in {looked}, and no download from {_address(source)} "
            f"({getattr(error, 'reason', error)}); get it by hand and set LIKEWISE_DATA to the folder it is in"
        ) from error
    return cache_folder() / dataset / files[0]


def _download(dataset: str, url: str) -> None:
    """Fetches one address into the cache; of an archive, every member that SOURCES names."""
    wanted = {file: source.partition("#")[2] for file, source in SOURCES[dataset].items() if _address(source) == url}
    folder = cache_folder() / dataset
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as temporary:
        fetched = Path(temporary) / "fetched"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response, fetched.open("wb") as file:
            shutil.copyfileobj(response, file)
        for name, member in wanted.items():
            if member:
                with zipfile.ZipFile(fetched) as archive, archive.open(member) as source:
                    complete = Path(temporary) / "member"
                    with complete.open("wb") as file:
                        shutil.copyfileobj(source, file)
            else:
                complete = fetched
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            complete.replace(target)  # at once or not at all


def _address(source: str) -> str:
    return source.partition("#")[0]
