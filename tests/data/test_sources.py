"""The same rows from every source give the same log."""

import gzip
import json
import logging
import sqlite3
import subprocess
import sys
from datetime import datetime

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

import likewise as lw

USERS, ITEMS = [7, 3, 7, 3, 12], [30, 10, 20, 20, 10]
RATINGS, TIMES = [4.0, 2.5, 1.0, 5.0, 3.0], [300, 100, 200, 150, 50]
TABLE = pd.DataFrame({"user_id": USERS, "item_id": ITEMS, "rating": RATINGS, "timestamp": TIMES})
ROWS = [(3, 10, 2.5, 100), (3, 20, 5.0, 150), (7, 20, 1.0, 200), (7, 30, 4.0, 300), (12, 10, 3.0, 50)]


def rows_of(log):
    columns = (log.users, log.items, log.ratings, log.timestamps)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def written(folder, name, text):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return lw.Interactions.read(path)


def from_parquet(folder):
    TABLE.to_parquet(folder / "log.parquet")
    return lw.Interactions.read(folder / "log.parquet")


def from_sqlite(folder):
    connection = sqlite3.connect(":memory:")
    TABLE.to_sql("log", connection, index=False)
    return lw.Interactions.from_sql("select * from log", connection)


def from_duckdb(folder):
    connection = duckdb.connect()
    connection.register("frame", TABLE)
    log = lw.Interactions.from_sql("select * from frame", connection)
    assert connection.execute("select 1").fetchone() == (1,)
    return log


def from_several_files(folder):
    TABLE[:2].to_csv(folder / "part-1.csv", index=False)
    TABLE[2:].to_csv(folder / "part-2.csv", index=False)
    return lw.Interactions.read(folder / "part-*.csv")


CSV = TABLE.to_csv(index=False)
SOURCES = {
    "arrays": lambda folder: lw.Interactions(
        np.array(USERS), np.array(ITEMS, np.int16), ratings=np.array(RATINGS, np.float32), timestamps=np.array(TIMES)
    ),
    "lists": lambda folder: lw.Interactions(USERS, ITEMS, ratings=RATINGS, timestamps=TIMES),
    "series": lambda folder: lw.Interactions(
        TABLE.user_id, TABLE.item_id.astype("Int64"), ratings=TABLE.rating, timestamps=TABLE.timestamp
    ),
    "floats": lambda folder: lw.Interactions(
        np.array(USERS, float), np.array(ITEMS, ">i4"), ratings=RATINGS, timestamps=np.array(TIMES, np.float32)
    ),
    "pandas": lambda folder: lw.Interactions.from_frame(TABLE),
    "pandas by arrow": lambda folder: lw.Interactions.from_frame(TABLE.convert_dtypes(dtype_backend="pyarrow")),
    "polars": lambda folder: lw.Interactions.from_frame(pl.from_pandas(TABLE)),
    "pyarrow": lambda folder: lw.Interactions.from_frame(pa.Table.from_pandas(TABLE)),
    "a dict": lambda folder: lw.Interactions.from_frame({name: TABLE[name].to_numpy() for name in TABLE}),
    "csv": lambda folder: written(folder, "log.csv", CSV),
    "csv by gzip": lambda folder: written(folder, "log.csv.gz", CSV),
    "csv of Windows": lambda folder: written(folder, "log.csv", CSV.replace("\n", "\r\n")),
    "csv of old Macs": lambda folder: written(folder, "log.csv", CSV.replace("\n", "\r")),
    "csv with a mark": lambda folder: written(folder, "log.csv", "\ufeff" + CSV),
    "csv with spaces": lambda folder: written(folder, "log.csv", CSV.replace(",", ", ")),
    "csv in quotes": lambda folder: written(folder, "log.csv", TABLE.to_csv(index=False, quoting=1)),
    "csv with an index": lambda folder: written(folder, "log.csv", TABLE.to_csv()),
    "csv with empty lines": lambda folder: written(folder, "log.csv", "\n" + CSV.replace("\n", "\n\n")),
    "csv without an end": lambda folder: written(folder, "log.csv", CSV.rstrip("\n")),
    "csv of floats": lambda folder: written(folder, "log.csv", TABLE.astype(float).to_csv(index=False)),
    "several csv files": from_several_files,
    "tsv": lambda folder: written(folder, "log.tsv", TABLE.to_csv(index=False, sep="\t")),
    "semicolons": lambda folder: written(folder, "log.csv", TABLE.to_csv(index=False, sep=";")),
    "no header": lambda folder: written(folder, "u.data", TABLE.to_csv(index=False, header=False, sep="\t")),
    "double colons": lambda folder: written(
        folder, "ratings.dat", TABLE.to_csv(index=False, header=False).replace(",", "::")
    ),
    "RecBole": lambda folder: written(
        folder,
        "log.inter",
        TABLE.to_csv(index=False, sep="\t").replace("id\t", "id:token\t").replace("ing\t", "ing:float\t"),
    ),
    "JSON lines": lambda folder: written(folder, "log.jsonl", TABLE.to_json(orient="records", lines=True)),
    "JSON lines by gzip": lambda folder: written(folder, "log.json.gz", TABLE.to_json(orient="records", lines=True)),
    "parquet": from_parquet,
    "sqlite": from_sqlite,
    "duckdb": from_duckdb,
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_log(source, tmp_path):
    log = SOURCES[source](tmp_path)
    assert rows_of(log) == ROWS
    assert log.user_ids.dtype == log.item_ids.dtype == log.timestamps.dtype == np.int64
    assert (log.user_ids.tolist(), log.item_ids.tolist()) == ([3, 7, 12], [10, 20, 30])


def test_a_sparse_matrix_gives_its_entries_as_ratings():
    matrix = sp.csr_array(np.array([[0, 2.0, 0], [0, 0, 0], [1.0, 0, 4.0]]))
    for log in (lw.Interactions.from_csr(matrix), lw.Interactions.from_csr(matrix.tocoo())):
        assert (log.n_users, log.n_items) == (3, 3)
        assert (log.users.tolist(), log.items.tolist(), log.ratings.tolist()) == ([0, 2, 2], [1, 0, 2], [2, 1, 4])
    again = sp.csr_array(log.to_csr(), shape=(log.n_users, log.n_items))
    assert (again.toarray() == matrix.toarray()).all()


def test_a_matrix_that_is_not_sparse_is_refused():
    with pytest.raises(TypeError, match=r"takes a CSR matrix .* got ndarray"):
        lw.Interactions.from_csr(np.eye(3))


TEXTS = ["007", "7", "x", "7"]
TEXT_SOURCES = {
    "csv": lambda folder: written(folder, "log.csv", "user,item\n" + "".join(f"{user},1\n" for user in TEXTS)),
    "strings": lambda folder: lw.Interactions(np.array(TEXTS), [1] * 4),
    "objects": lambda folder: lw.Interactions(np.array(["007", 7, "x", 7], object), [1] * 4),
    "pandas": lambda folder: lw.Interactions.from_frame(pd.DataFrame({"user": TEXTS, "item": 1})),
    "categories": lambda folder: lw.Interactions.from_frame(pd.DataFrame({"user": pd.Categorical(TEXTS), "item": 1})),
    "polars": lambda folder: lw.Interactions.from_frame(pl.DataFrame({"user": TEXTS, "item": [1] * 4})),
    "JSON lines": lambda folder: written(
        folder,
        "log.jsonl",
        '{"user": "007", "item": 1}\n{"user": 7, "item": 1}\n{"user": "x", "item": 1}\n' * 1
        + '{"user": 7, "item": 1}\n',
    ),
}


@pytest.mark.parametrize("source", TEXT_SOURCES)
def test_a_column_that_mixes_numbers_and_text_is_text(source, tmp_path):
    log = TEXT_SOURCES[source](tmp_path)
    assert log.user_ids.tolist() == ["007", "7", "x"]
    assert np.diff(log.indptr).tolist() == [1, 2, 1]


def test_text_after_twenty_thousand_integers_makes_the_column_text_and_is_said_once(tmp_path, caplog):
    lines = "".join(f"{user},1\n" for user in range(30_000))
    log = written(tmp_path, "log.csv", f"user,item\n{lines}u7,1\n")
    assert (log.n_users, log.user_ids[-1], log.user_ids[1]) == (30_001, "u7", "1")
    assert caplog.text.count("user ids are not all integers, such as 'u7'") == 1


def test_integers_beyond_32_bits_after_twenty_thousand_small_ones_stay_integers(tmp_path):
    lines = "".join(f"{user},1\n" for user in range(25_000))
    log = written(tmp_path, "log.csv", f"user,item\n{lines}{2**40},1\n")
    assert (log.user_ids.dtype, log.user_ids[-1]) == (np.int64, 2**40)


@pytest.mark.parametrize("late", ["007", "+7", "7.5", "1e3", "0x7", "1_000", str(2**63)])
def test_an_integer_that_is_not_canonical_is_not_changed_silently(late, tmp_path):
    log = written(tmp_path, "log.csv", "user,item\n" + "5,1\n" * 21_000 + f"{late},1\n")
    assert log.user_ids.tolist() == sorted(["5", late])


def test_an_empty_id_among_integers_is_malformed_and_the_column_stays_integer(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item\n1,5\nNaN,5\n2,5\n,5\n")
    log = lw.Interactions.read(path, errors="skip")
    assert (log.user_ids.tolist(), log.audit().skipped) == ([1, 2], 2)


DATES = {
    "csv": lambda folder: written(
        folder, "a.csv", "user,item,time\n1,1,2020-03-01 10:00:00\n1,2,2020-03-01T09:30:00Z\n"
    ),
    "zones": lambda folder: written(
        folder, "a.csv", "user,item,time\n1,1,2020-03-01T12:00:00+02:00\n1,2,2020-03-01 09:30:00+00:00\n"
    ),
    "datetime64": lambda folder: lw.Interactions(
        [1, 1], [1, 2], timestamps=np.array(["2020-03-01T10:00", "2020-03-01T09:30"], "datetime64[s]")
    ),
    "datetimes": lambda folder: lw.Interactions(
        [1, 1], [1, 2], timestamps=[datetime(2020, 3, 1, 10), datetime(2020, 3, 1, 9, 30)]
    ),
    "pandas": lambda folder: lw.Interactions.from_frame(
        pd.DataFrame({"user": 1, "item": [1, 2], "time": pd.to_datetime(["2020-03-01 10:00", "2020-03-01 09:30"])})
    ),
    "pandas with a zone": lambda folder: lw.Interactions.from_frame(
        pd.DataFrame(
            {"user": 1, "item": [1, 2], "time": pd.to_datetime(["2020-03-01 11:00", "2020-03-01 10:30"])}
        ).assign(time=lambda frame: frame.time.dt.tz_localize("Europe/Paris"))
    ),
    "sqlite": lambda folder: lw.Interactions.from_sql(
        "select 1 as user, 1 as item, '2020-03-01 10:00' as time union all select 1, 2, '2020-03-01 09:30'",
        sqlite3.connect(":memory:"),
    ),
}


@pytest.mark.parametrize("source", DATES)
def test_dates_are_kept_as_dates_in_utc(source, tmp_path):
    log = DATES[source](tmp_path)
    assert log.items.tolist() == [2, 1]
    assert log.timestamps.astype("datetime64[s]").tolist() == [datetime(2020, 3, 1, 9, 30), datetime(2020, 3, 1, 10)]


@pytest.mark.parametrize("times", [["1.5", "1.25"], ["1600000000000000001", "1600000000000000000"]])
def test_timestamps_keep_every_digit(times, tmp_path):
    log = written(tmp_path, "log.csv", f"user,item,ts\n1,1,{times[0]}\n1,2,{times[1]}\n")
    assert [str(time) for time in log.timestamps.tolist()] == times[::-1]


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (([1, 2], [1]), ValueError, "item: 1 rows, but user has 2"),
        (([1, None], [1, 2]), ValueError, "row 2, column user: no user"),
        (([1.0, np.nan], [1, 2]), ValueError, "row 2, column user: no user"),
        ((np.ones((2, 2)), [1, 2]), ValueError, r"user: takes one dimension, got shape \[2, 2\]"),
        (("ann", ["x"]), TypeError, "user: takes a one-dimensional array, Series or list, got str"),
        ((7, [1]), TypeError, "user: takes a one-dimensional array, Series or list, got int"),
    ],
)
def test_bad_arrays_are_named(columns, error, message):
    with pytest.raises(error, match=message):
        lw.Interactions(*columns)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"ratings": [1, np.inf]}, "row 2, column rating: rating is not finite"),
        ({"ratings": [np.nan, 1]}, "row 1, column rating: no rating"),
        ({"ratings": ["good", 1]}, "row 1, column rating: rating is not a number"),
        ({"timestamps": [5, None]}, 'row 2, column timestamp.*1 of 2 rows have no timestamp: order="file"'),
        ({"events": ["buy", ""]}, "row 2, column event: no event"),
    ],
)
def test_bad_values_are_named_with_their_row(extra, message):
    with pytest.raises(ValueError, match=message):
        lw.Interactions([1, 2], [3, 4], **extra)


def test_rows_skipped_in_a_frame_are_kept_for_the_audit():
    frame = pd.DataFrame({"user": ["a", None, "b"], "item": ["x", "y", "z"], "rating": [1.0, 2.0, np.nan]})
    log = lw.Interactions.from_frame(frame, errors="skip")
    assert log.users.tolist() == ["a"]
    assert [(row.line, row.column) for row in log.audit().rejected] == [(2, "user"), (3, "rating")]


def test_a_bad_row_of_parquet_names_file_and_row(tmp_path):
    for number, user in enumerate([1.0, np.nan]):
        pd.DataFrame({"user": [5.0, user], "item": [1, 2]}).to_parquet(tmp_path / f"{number}.parquet")
    with pytest.raises(ValueError, match=r"1\.parquet, row 2, column user: no user"):
        lw.Interactions.read(tmp_path / "*.parquet")


def test_a_query_that_returns_nothing_is_refused():
    with pytest.raises(ValueError, match="query: takes one that returns rows"):
        lw.Interactions.from_sql("create table t (a)", sqlite3.connect(":memory:"))
    with pytest.raises(TypeError, match="takes a DuckDB or a DB-API 2 connection, got str"):
        lw.Interactions.from_sql("select 1", "sqlite://")


def test_what_is_no_frame_is_refused():
    with pytest.raises(TypeError, match="takes a pandas, polars or pyarrow table, got list"):
        lw.Interactions.from_frame([1, 2])


def test_names_and_paths_are_never_sql(tmp_path):
    name = 'it\'s; drop table "log" --'
    path = tmp_path / "a'b [1] *.csv"
    pd.DataFrame({name: [1, 2], "item": [3, 4]}).to_csv(path, index=False)
    assert lw.Interactions.read(path, user=name).users.tolist() == [1, 2]
    frame = pd.DataFrame({name: [1, 2], "item": [3, 4]})
    assert lw.Interactions.from_frame(frame, user=name).users.tolist() == [1, 2]
    frame.to_parquet(tmp_path / "a'b.parquet")
    assert lw.Interactions.read(tmp_path / "a'b.parquet", user=name).users.tolist() == [1, 2]
    (tmp_path / "a'b.jsonl").write_text('{"it\'s/~": 1, "item": 2}\n')
    assert lw.Interactions.read(tmp_path / "a'b.jsonl", user="it's/~").users.tolist() == [1]


def test_the_default_connection_of_duckdb_stays_untouched(tmp_path):
    written(tmp_path, "log.csv", CSV)
    assert duckdb.sql("show tables").fetchall() == []


def test_reading_works_in_a_forked_child_and_without_pandas_and_pyarrow(tmp_path):
    (tmp_path / "log.csv").write_text(CSV.replace("3,", "ann,"))
    script = f"""
import os, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pandas", "pyarrow"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import likewise as lw
read = lambda: lw.Interactions.read({str(tmp_path / "log.csv")!r})
first, arrays = read(), lw.Interactions(["b", "a"], [1, 2])
child = os.fork()
if child == 0:
    os._exit(0 if read().items.tolist() == first.items.tolist() else 1)
assert os.waitpid(child, 0)[1] == 0
assert isinstance(first.to_frame(), dict) and arrays.user_ids.tolist() == ["a", "b"]
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_recognised_columns_are_said_once(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="likewise"):
        written(tmp_path, "log.csv", "SessionId,Time,ItemId\n1,2,3\n")
    said = [record.message for record in caplog.records]
    assert len(said) == 1
    assert "user = 'SessionId', item = 'ItemId', timestamp = 'Time'" in said[0]


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ("(1, 2), (null, 3)) t(user, item)", "user"),
        ("(9007199254740993, 2), (null, 3)) t(user, item)", "user"),
        ("('a', 2), (null, 3)) t(user, item)", "user"),
        ("(1, 2, 4.5), (1, 3, null)) t(user, item, rating)", "rating"),
        ("(1, 2, 4), (1, 3, null)) t(user, item, timestamp)", "timestamp"),
        ("(1, 2, date '2020-01-31'), (1, 3, null)) t(user, item, timestamp)", "timestamp"),
        ("(1, 2, 'view'), (1, 3, null)) t(user, item, event)", "event"),
    ],
)
def test_null_of_duckdb_is_a_missing_value(values, column):
    query = f"select * from (values {values}"
    with pytest.raises(ValueError, match=rf"the query, row 2, column {column}: no {column}: .*{column}=None"):
        lw.Interactions.from_sql(query, duckdb.connect())
    log = lw.Interactions.from_sql(query, duckdb.connect(), errors="skip")
    assert log.items.tolist() == [2]
    assert log.user_ids.dtype == (object if "'a'" in values else np.int64)


@pytest.mark.parametrize(
    "users", [np.ma.array([2**60 + 1, 7], mask=[0, 1]), [2**60 + 1, None], np.ma.array(["a", "b"], mask=[0, 1])]
)
def test_a_masked_id_is_missing(users):
    with pytest.raises(ValueError, match="the arrays, row 2, column user: no user"):
        lw.Interactions(users, [1, 2])
    log = lw.Interactions.from_frame({"user": users, "item": [1, 2]}, errors="skip")
    assert log.users.tolist() == [users[0]]


def test_parquet_files_of_other_columns_are_named(tmp_path):
    TABLE.to_parquet(tmp_path / "part-1.parquet")
    TABLE.assign(more=1).to_parquet(tmp_path / "part-2.parquet")
    with pytest.raises(ValueError, match=r"part-2.parquet: columns .*'more'\], but .*part-1.parquet has"):
        lw.Interactions.read(tmp_path / "part-*.parquet")


def test_parquet_columns_may_have_the_names_duckdb_gives(tmp_path):
    TABLE.assign(Filename="x", file_row_number=0).to_parquet(tmp_path / "log.parquet")
    assert rows_of(lw.Interactions.read(tmp_path / "log.parquet")) == ROWS
    TABLE.assign(filename=None, rating=[1, 2, None, 4, 5]).to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match=r"log.parquet, row 3, column rating: no rating"):
        lw.Interactions.read(tmp_path / "log.parquet")


def test_every_id_is_looked_up_by_its_own_kind():
    log = lw.Interactions([1, 2], [10, 20])
    assert log.find_users([1, "zz", b"a", 2**70, 2.0, 1.5, "1", np.inf]).tolist() == [0, -1, -1, -1, 1, -1, -1, -1]
    assert log.find_users(2**70).tolist() == [-1]
    assert log.find_users(np.array([2**64 - 1], np.uint64)).tolist() == [-1]
    with pytest.raises(KeyError, match="unknown user id 'zz': the vocabulary has 2 ids"):
        log.index_of_users(name for name in [1, "zz"])
    with pytest.raises(ValueError, match="user ids: an id is missing"):
        log.find_users(np.ma.array([1, 2], mask=[0, 1]))
    model = lw.models.Popularity().fit(log)
    assert model.recommend([1, "zz"], k=1, unknown="popular").fallback.tolist() == [False, True]


def test_integers_beyond_64_bits_are_text_to_the_log_and_to_who_asks():
    for users in ([2**63, 1], np.array([2**63, 1], np.uint64)):
        log = lw.Interactions(users, [10, 20])
        assert log.user_ids.tolist() == ["1", "9223372036854775808"]
        assert log.index_of_users(users).tolist() == [1, 0]
        assert log.index_of_users(2**63).tolist() == [1]


def test_bytes_are_text():
    for users in ([b"ann", b"bob"], np.array([b"ann", b"bob"])):
        assert lw.Interactions(users, [1, 2]).user_ids.tolist() == ["ann", "bob"]
    table = pa.table({"user": [b"ann", b"bob"], "item": [1, 2]})
    assert lw.Interactions.from_frame(table).user_ids.tolist() == ["ann", "bob"]
    log = lw.Interactions([b"ann", "b\u00e9a".encode()], [1, 2])
    assert log.user_ids.tolist() == ["ann", "b\u00e9a"]
    assert log.index_of_users([b"ann"]).tolist() == log.index_of_users(b"ann").tolist() == [0]
    with pytest.raises(ValueError, match=r"user: takes bytes only if they are UTF-8, got b'.xff'"):
        lw.Interactions([b"\xff"], [1])


NOT_FLAT = {
    "a list": lambda: lw.Interactions([[1, 2]], [1]),
    "tuples": lambda: lw.Interactions([(1, 2)], [1]),
    "DuckDB": lambda: lw.Interactions.from_sql("select [1, 2] as user, 1 as item", duckdb.connect()),
    "polars": lambda: lw.Interactions.from_frame(pl.DataFrame({"user": [[1, 2]], "item": [1]})),
    "pandas": lambda: lw.Interactions.from_frame(pd.DataFrame({"user": [[1, 2]], "item": [1]})),
    "a struct": lambda: lw.Interactions.from_frame(pa.table({"user": [{"a": 1}], "item": [1]})),
}


@pytest.mark.parametrize("source", NOT_FLAT)
def test_values_of_several_parts_are_refused(source):
    with pytest.raises(ValueError, match=r"user: takes (one dimension|numbers, text or dates)"):
        NOT_FLAT[source]()


def test_nested_json_is_malformed(tmp_path):
    (tmp_path / "log.jsonl").write_text(
        '{"user": "[x]", "item": "{"}\n{"user": ["a"], "item": "b"}\n{"user": "c", "item": {"d": 1}}\n'
    )
    with pytest.raises(ValueError, match=r"log.jsonl, line 2, column user: no user"):
        lw.Interactions.read(tmp_path / "log.jsonl")
    log = lw.Interactions.read(tmp_path / "log.jsonl", errors="skip")
    assert list(zip(log.users, log.items, strict=True)) == [("[x]", "{")]


def test_types_duckdb_does_not_have_are_read_or_named():
    wide = pl.DataFrame({"user": [2, 1], "item": [1, 2]}).with_columns(pl.col("user").cast(pl.Int128))
    assert lw.Interactions.from_frame(wide).user_ids.tolist() == [1, 2]
    months = pd.DataFrame({"user": [1], "item": [1], "timestamp": pd.period_range("2020-01", periods=1, freq="M")})
    with pytest.raises(ValueError, match=r"the frame: DuckDB cannot read it: .*period"):
        lw.Interactions.from_frame(months)
    for users in (["a\udce9"], pd.Series(["a\udce9"], dtype=object)):
        with pytest.raises(ValueError, match=r"DuckDB cannot read it: .*surrogate"):
            lw.Interactions.from_frame({"user": users, "item": [1]})


def test_a_relation_of_duckdb_is_a_frame():
    log = lw.Interactions.from_frame(duckdb.sql("select 1 as user, 2 as item"))
    assert (log.users.tolist(), log.items.tolist()) == ([1], [2])


def test_users_and_items_must_be_given():
    with pytest.raises(TypeError, match="user: takes a one-dimensional array, Series or list, got NoneType"):
        lw.Interactions(None, [1])
    with pytest.raises(TypeError, match="item: takes a one-dimensional array, Series or list, got NoneType"):
        lw.Interactions.from_frame({"user": [1], "item": None})


MIXED = {
    "at the start": ("log.csv", "user,item\n1,2\nabc,3\n", "abc"),
    "fractions": ("log.csv", "user,item\n1.0,2\n2.5,3\n", "2.5"),
    "an exponent": ("log.csv", "user,item\n1,2\n1e3,3\n", "1e3"),
    "JSON lines": ("log.jsonl", '{"user": 1, "item": 2}\n{"user": "b", "item": 2}\n', "b"),
    "fractions in JSON": ("log.jsonl", '{"user": 1, "item": 2}\n{"user": 2.5, "item": 2}\n', "2.5"),
}


@pytest.mark.parametrize("case", MIXED)
def test_a_file_that_mixes_integers_and_text_says_so(tmp_path, caplog, case):
    name, text, example = MIXED[case]
    assert written(tmp_path, name, text).user_ids.dtype == object
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"user ids are not all integers, such as {example!r}: all are taken as text" in caplog.text


def test_objects_that_mix_numbers_and_text_say_so(caplog):
    connection = sqlite3.connect(":memory:")
    connection.execute("create table log (user, item)")
    connection.executemany("insert into log values (?, ?)", [(1, 2), ("a", 3)] * 3)
    lw.Interactions.from_sql("select * from log", connection)
    lw.Interactions([1, "a"], [1, 2])
    lw.Interactions([1.0, 2.5], [1, 2])
    lw.Interactions.from_frame(pd.DataFrame({"user": [1, "a"], "item": [1, 2]}))
    said = [record.message.split(",")[0] for record in caplog.records]
    names = ("the query", "the arrays", "the arrays", "the frame")
    assert said == [f"{name}: user ids are not all integers" for name in names]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"user,item\na\xe9,x\nb,y\n", {"encoding": "latin-1"}),
        (b"user,item\ra,x\rb,y\r", {}),
        (b"user,item\r\na,x\nb,y\r\n", {}),
        (b"user,item\na,x\nb\nc,y\n", {"errors": "skip"}),
        (b'{"user": "1", "item": 2}\n{"user": "b", "item": 2}\n', {}),
    ],
)
def test_plain_text_is_no_mixture(tmp_path, caplog, content, options):
    (tmp_path / "log.csv").write_bytes(content)
    assert lw.Interactions.read(tmp_path / "log.csv", **options).user_ids.dtype == object
    lw.Interactions(["1", "a"], [1, 2])
    assert "not all integers" not in caplog.text


def test_a_first_line_of_unknown_words_is_a_row_and_is_said(tmp_path, caplog):
    written(tmp_path, "log.csv", "who,what\nalice,heat\n")
    assert "no header recognised, the first line ['who', 'what'] is a row" in caplog.text
    caplog.clear()
    written(tmp_path, "log.csv", "1,2\n2,3\n")
    lw.Interactions.read(tmp_path / "log.csv", header=False)
    assert not caplog.records


def test_a_member_of_json_may_come_late(tmp_path):
    rows = [{"user": 1, "item": item} for item in range(1500)] + [{"user": 1, "item": 9, "rating": 4}]
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert lw.Interactions.read(path, errors="skip").ratings.tolist() == [4]
    with pytest.raises(ValueError, match=r"log.jsonl, line 1, column rating: no rating"):
        lw.Interactions.read(path)


def test_advice_names_what_takes_it():
    with pytest.raises(ValueError, match=r'no rating: .* \(errors="skip" of Interactions.from_frame leaves'):
        lw.Interactions([1], [2], ratings=[None])
    with pytest.raises(ValueError, match=r'1 of 1 rows have no timestamp: order="file" of Interactions.from_frame'):
        lw.Interactions([1], [2], timestamps=[None])
    with pytest.raises(ValueError, match=r'\(errors="skip" of Interactions.from_frame leaves'):
        lw.Interactions.from_csr(sp.csr_array([[np.nan]]))


def test_spaces_within_items_are_no_separator(tmp_path):
    log = written(tmp_path, "log.csv", "ann,The Hidden River\nbob,A Golden Map\n")
    assert log.item_ids.tolist() == ["A Golden Map", "The Hidden River"]


def test_the_forms_of_dates_are_said(tmp_path):
    for first in ("100", "2020-12-30"):
        with pytest.raises(ValueError, match=r"line 3, .*ISO date such as 2020-12-31 or 2020-12-31T23:59:59Z: "):
            written(tmp_path, "log.csv", f"user,item,time\na,b,{first}\na,c,12/31/2020\na,d,{first}\n")


def test_utf_16_is_recognised(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(CSV, encoding="utf-16")
    with pytest.raises(ValueError, match=r"log.csv: begins with the mark of UTF-16: give encoding='utf-16'"):
        lw.Interactions.read(path)
    assert rows_of(lw.Interactions.read(path, encoding="utf-16")) == ROWS


def test_a_log_is_immutable():
    log = lw.Interactions([1], [2], ratings=[3])
    for name in ("ratings", "timestamps", "indptr", "user_ids"):
        with pytest.raises(AttributeError):
            setattr(log, name, None)
    with pytest.raises(ValueError, match="read-only"):
        log.ratings[0] = 1
