"""Layouts a file may have, and what the reader is asked for."""

import numpy as np
import pytest

import likewise as lw


def read(folder, text, name="log.csv", **arguments):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return lw.Interactions.read(path, **arguments)


def pairs(log):
    return list(zip(log.users.tolist(), log.items.tolist(), strict=True))


RECOGNISED = {
    "user_id,item_id": "MovieLens as RecBole has it",
    "userId,movieId": "MovieLens",
    "User ID,Item-Id": "with capitals and spaces",
    "uid,iid": "short",
    "SessionId,ItemId": "sessions",
    "reviewerID,asin": "Amazon",
    "customer_id,product_id": "a shop",
    "visitorid,itemid": "clicks",
    "user:token,item:token": "RecBole",
    '"user","item"': "in quotes",
}


@pytest.mark.parametrize("header", RECOGNISED)
def test_usual_names_of_columns_are_recognised(header, tmp_path):
    assert pairs(read(tmp_path, f"{header}\n1,2\n")) == [(1, 2)]


def test_columns_may_be_named_or_counted(tmp_path):
    text = "who,when,what,stars\nann,5,x,3\nann,4,y,1\n"
    for user, item, timestamp in (("who", "what", "when"), (0, 2, 1), (-4, "what", 1)):
        log = read(tmp_path, text, user=user, item=item, timestamp=timestamp)
        assert log.items.tolist() == ["y", "x"]
        assert log.ratings.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("line", "roles"),
    [
        ("7,8", "ui"),
        ("7,8,3.5", "uir"),
        ("7,8,978300760", "uit"),
        ("7,8,2020-01-01", "uit"),
        ("7,8,4,978300760", "uirt"),
        ("ann,x,4", "uir"),
    ],
)
def test_without_a_header_columns_go_by_place(line, roles, tmp_path):
    log = read(tmp_path, line + "\n")
    assert len(log) == 1
    assert (log.ratings is not None, log.timestamps is not None) == ("r" in roles, "t" in roles)


def test_a_header_may_be_forced_or_denied(tmp_path):
    assert len(read(tmp_path, "1,2\n3,4\n", header=True, user=0, item=1)) == 1
    assert pairs(read(tmp_path, "user,item\nann,x\n", header=False)) == [("ann", "x"), ("user", "item")]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8"])
def test_encodings_are_read(encoding, tmp_path):
    text = "user,item\nJosé,1\nZoë,2\n"
    assert read(tmp_path, text.encode(encoding), encoding=encoding).users.tolist() == ["José", "Zoë"]


def test_separators_within_quotes_divide_nothing(tmp_path):
    text = 'user,title,item\n1,"Good, the ""Bad""\nand the Ugly",5\n2,plain,6\n'
    assert pairs(read(tmp_path, text)) == [(1, 5), (2, 6)]
    assert read(tmp_path, text, item="title").items.tolist() == ['Good, the "Bad"\nand the Ugly', "plain"]


def test_a_separator_may_be_given(tmp_path):
    assert pairs(read(tmp_path, "user~item\n1~2\n", separator="~")) == [(1, 2)]
    assert pairs(read(tmp_path, "user, item\n1, 2\n", separator=", ")) == [(1, 2)]


def test_dates_with_spaces_do_not_hide_the_separator(tmp_path):
    log = read(tmp_path, "user;item;time\n1;2,5;2020-01-01 10:00:00\n1;3,5;2020-01-01 09:00:00\n")
    assert log.items.tolist() == ["3,5", "2,5"]


TIMES = "user,item,time\n1,10,5\n1,11,\n1,12,3\n2,13,\n"


def test_empty_timestamps_are_counted_and_the_way_out_is_named(tmp_path):
    message = r'log\.csv, line 3, column time: no timestamp.*2 of 4 rows have no timestamp: order="file".*errors="skip"'
    with pytest.raises(ValueError, match=message):
        read(tmp_path, TIMES)


def test_the_order_of_the_file_needs_no_timestamps(tmp_path):
    log = read(tmp_path, TIMES, order="file")
    assert log.items.tolist() == [10, 11, 12, 13]
    assert log.timestamps is None


def test_low_ratings_may_be_left_out(tmp_path):
    log = read(tmp_path, "user,item,rating\n1,5,3.5\n1,6,2\n2,6,3\n", min_rating=3.5)
    assert (pairs(log), log.n_users) == ([(1, 5)], 1)
    with pytest.raises(ValueError, match="min_rating: the log has no ratings"):
        read(tmp_path, "user,item\n1,2\n", min_rating=1)


def test_reading_under_a_memory_limit_gives_the_same_log(tmp_path):
    draws = np.random.default_rng(0)
    lines = "".join(f"u{user},{item}\n" for user, item in draws.integers(0, 5000, (50_000, 2)))
    full = read(tmp_path, "user,item\n" + lines)
    limited = read(tmp_path, "user,item\n" + lines, memory_limit="100MB")
    assert np.array_equal(full.item_index, limited.item_index)
    with pytest.raises(ValueError, match="memory_limit: takes an amount such as '500MB', got 'plenty'"):
        read(tmp_path, "user,item\n1,2\n", memory_limit="plenty")


@pytest.mark.parametrize(
    ("text", "arguments", "error", "message"),
    [
        ("", {}, ValueError, "the file is empty"),
        ("\n \n", {}, ValueError, "the file is empty"),
        ("ann\nbob\n", {}, ValueError, "no separator divides its first line 'ann'; give separator="),
        ("a,b,c,d,e\n1,2,3,4,5\n", {}, ValueError, "user: no column of .* is recognised; name one of 'a', 'b'"),
        ("user,b\n1,2\n", {}, ValueError, "item: no column of .*; name one of 'user', 'b' with item="),
        ("user,item\n1,2\n", {"user": "who"}, ValueError, "user: no column 'who' in .*, which has 'user', 'item'"),
        ("user,item\n1,2\n", {"item": 2}, ValueError, "item: no column 2 in .*, which has 2"),
        ("user,item\n1,2\n", {"item": 1.0}, TypeError, "item: takes a column's name or its place from 0, got 1.0"),
        ("user,item\n1,2\n", {"user": 1, "item": 1}, ValueError, "user and item are both column 'item'"),
        ("1,2,3,4,5\n", {}, ValueError, "5 columns without a header; give the places of user= and item="),
        ("user,item\n1,2\n", {"order": "size"}, ValueError, """order: takes "time" or "file", got 'size'"""),
        ("user,item\n1,2\n", {"errors": "ignore"}, ValueError, """errors: takes "raise" or "skip", got 'ignore'"""),
        ("user,item\n1,2\n", {"header": "yes"}, ValueError, "header: takes"),
        ("user,item\n1,2\n", {"separator": ""}, ValueError, "separator: takes"),
        ("user,item\n1,2\n", {"encoding": "klingon"}, ValueError, "encoding: 'klingon' is not an encoding"),
        ('[{"user": 1, "item": 2}]\n', {}, ValueError, "a JSON array; write one object a line instead"),
        (b"PK\x03\x04....", {}, ValueError, "compressed by zip, which is not read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text, arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        read(tmp_path, text, **arguments)


def test_a_path_must_lead_to_a_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing\.csv"):
        lw.Interactions.read(tmp_path / "nothing.csv")
    with pytest.raises(ValueError, match=r"is a folder; name a file in it, or several by a glob such as .*\*\.csv"):
        lw.Interactions.read(tmp_path)


def test_files_of_one_glob_must_have_one_layout(tmp_path):
    (tmp_path / "1.csv").write_text("user,item\n1,2\n")
    (tmp_path / "2.csv").write_text("item,user\n1,2\n")
    with pytest.raises(ValueError, match=r"2\.csv: columns \['item', 'user'\], but .*1\.csv has \['user', 'item'\]"):
        lw.Interactions.read(tmp_path / "*.csv")


def test_a_file_of_a_header_alone_is_an_empty_log(tmp_path):
    assert len(read(tmp_path, "user,item,rating\n")) == 0


REAL = {
    "ml-100k/u.data.gz": ({}, 943, 1682, 100_000),
    "ml-1m/ratings.csv.gz": ({"order": "file"}, 6040, 3706, 1_000_209),
    "ml-latest-small/ratings.csv.gz": ({}, 610, 9724, 100_836),
    "rsc15-100k/train_full.tsv.gz": ({}, 17_794, 2933, 70_278),
    "lastfm/hetrec/lastfm.inter.gz": ({}, 1892, 17_632, 92_834),
    "filmtrust/ratings.txt.gz": ({}, 1508, 2071, 35_497),
    "amazon-musical-instruments/Musical_Instruments_5.json.gz": ({}, 1429, 900, 10_261),
    "frappe/frappe.tsv.gz": ({"rating": "cnt"}, 957, 4082, 96_203),
}


@pytest.mark.parametrize("name", REAL)
def test_public_data_sets_are_read_as_they_are(name, data_dir):
    arguments, *sizes = REAL[name]
    log = lw.Interactions.read(data_dir / name, **arguments)
    assert [log.n_users, log.n_items, len(log)] == sizes
