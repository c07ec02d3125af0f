"""Malformed data files: the error names file and line, and no row is lost silently."""

import gzip
import json
import re
from dataclasses import dataclass

import pytest

import likewise as lw


@dataclass(frozen=True)
class Malformed:
    """A file of which some rows cannot be read.

    Attributes:
        name: What is wrong with it.
        content: The file's bytes.
        line: The first line at fault.
        reason: A part of the message.
        good: The pairs (user, item) that can be read, in the order of users and time.
        skipped: How many rows cannot.
        file: The file's name.
    """

    name: str
    content: bytes
    line: int
    reason: str
    good: list[tuple[object, object]]
    skipped: int = 1
    file: str = "log.csv"


HEADER = "user,item,rating,timestamp\n"
FIRST, LAST = "1,10,4,100\n", "2,20,5,200\n"
GOOD: list[tuple[object, object]] = [(1, 10), (2, 20)]


def one_bad(line: str) -> bytes:
    """A good row, a bad one, and another good one."""
    return (HEADER + FIRST + line + "\n" + LAST).encode()


def in_one_row(name: str, line: str, reason: str) -> Malformed:
    """A file whose third line is bad."""
    return Malformed(name, one_bad(line), 3, reason, GOOD)


def json_lines(*rows: object) -> bytes:
    """Rows as JSON lines; a str goes as it is."""
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()


A, B = {"user": "ann", "item": "x", "timestamp": 1}, {"user": "bob", "item": "y", "timestamp": 2}
GOOD_JSON: list[tuple[object, object]] = [("ann", "x"), ("bob", "y")]

CASES = [
    in_one_row("too few columns", "3,30,4", "3 columns instead of 4"),
    in_one_row("one column", "3", "1 columns instead of 4"),
    in_one_row("too many columns", "3,30,4,100,7", "5 columns instead of 4"),
    in_one_row("only separators", ",,,", "no user"),
    in_one_row("another separator", "3;30;4;100", "1 columns"),
    in_one_row("no user", ",30,4,100", "no user"),
    in_one_row("no item", "3,,4,100", "no item"),
    in_one_row("a user of spaces", "   ,30,4,100", "no user"),
    in_one_row("an item that is a tab", "3,\t,4,100", "no item"),
    in_one_row("an empty quoted user", '"",30,4,100', "no user"),
    in_one_row("a user that is NaN", "nan,30,4,100", "no user"),
    in_one_row("an item that is NULL", "3,NULL,4,100", "no item"),
    in_one_row("an item that is <NA>", "3,<NA>,4,100", "no item"),
    in_one_row("a user written None", "None,30,4,100", "no user"),
    in_one_row("no rating", "3,30,,100", "no rating"),
    in_one_row("a rating in words", "3,30,good,100", "rating is not a number"),
    in_one_row("a rating that is NaN", "3,30,NaN,100", "rating is not finite"),
    in_one_row("an infinite rating", "3,30,inf,100", "rating is not finite"),
    in_one_row("a negative infinite rating", "3,30,-Infinity,100", "rating is not finite"),
    in_one_row("a rating beyond float32", "3,30,1e39,100", "rating is out of range"),
    in_one_row("a rating beyond float64", "3,30,1e400,100", "rating is out of range"),
    in_one_row("a decimal comma", '3,30,"4,5",100', "rating is not a number"),
    in_one_row("an unquoted decimal comma", "3,30,4,5,100", "5 columns instead of 4"),
    in_one_row("two ratings", "3,30,4 5,100", "rating is not a number"),
    in_one_row("a hexadecimal rating", "3,30,0x4,100", "rating is not a number"),
    in_one_row("no timestamp", "3,30,4,", "no timestamp"),
    in_one_row("a timestamp in words", "3,30,4,soon", "timestamp is not a number"),
    in_one_row("a date among numbers", "3,30,4,2020-01-01", "timestamp is not a number"),
    in_one_row("a timestamp that is NaN", "3,30,4,nan", "timestamp is not finite"),
    in_one_row("an infinite timestamp", "3,30,4,inf", "timestamp is not finite"),
    in_one_row("a quote never closed", '"3,30,4,100', "a quote is opened and not closed"),
    in_one_row("a quote never closed in the last cell", '3,30,4,"100', "a quote is opened and not closed"),
    in_one_row("text behind a quote", '"3"x,30,4,100', "a quote is opened and not closed"),
    in_one_row("a comment", "# exported on Monday", "1 columns instead of 4"),
    in_one_row("the header again", "user,item,rating,timestamp", "rating is not a number"),
    in_one_row("a total", "Total,,,", "no item"),
    Malformed("bytes that are not UTF-8", one_bad("?,30,4,100").replace(b"?", b"\xff\xfe"), 3, "not valid", GOOD),
    Malformed("half a UTF-8 letter", one_bad("?,30,4,100").replace(b"?", "é".encode()[:1]), 3, "not valid", GOOD),
    Malformed("the last line cut off", (HEADER + FIRST + LAST + "3,3").encode(), 4, "2 columns instead of 4", GOOD),
    Malformed("the last timestamp cut off", (HEADER + FIRST + LAST + "3,30,4,").encode(), 4, "no timestamp", GOOD),
    Malformed("the first row", (HEADER + "x\n" + FIRST + LAST).encode(), 2, "1 columns instead of 4", GOOD),
    Malformed(
        "three bad rows of four kinds of luck",
        (HEADER + "3,30\n" + FIRST + "4,40,bad,5\n,50,1,6\n" + LAST).encode(),
        2,
        "2 columns",
        GOOD,
        3,
    ),
    Malformed("empty lines before it", (HEADER + "\n\n" + FIRST + "\n3,30\n" + LAST).encode(), 6, "2 columns", GOOD),
    Malformed("line ends of Windows", one_bad("3,30,x,100").replace(b"\n", b"\r\n"), 3, "rating is not a number", GOOD),
    Malformed("line ends of old Macs", one_bad("3,30,x,100").replace(b"\n", b"\r"), 3, "rating is not a number", GOOD),
    Malformed("line ends of two kinds", one_bad("3,30,x,100\r"), 3, "rating is not a number", GOOD),
    Malformed("a byte order mark", b"\xef\xbb\xbf" + one_bad("3,30,x,100"), 3, "rating is not a number", GOOD),
    Malformed(
        "a quoted line break before it",
        (HEADER + '"a\nb",10,4,100\nc,20,x,200\nd,30,5,300\n').encode(),
        4,
        "rating is not a number",
        [("a\nb", 10), ("d", 30)],
    ),
    Malformed(
        "a quoted line break within it",
        (HEADER + 'a,10,4,100\n"b\nb",20,x,200\nc,30,5,300\n').encode(),
        3,
        "rating is not a number",
        [("a", 10), ("c", 30)],
    ),
    Malformed(
        "a quote never closed, far from the end",
        (HEADER + FIRST + '"3,30,4,100\n' + "".join(f"2,{item},5,{item}\n" for item in range(20, 2020))).encode(),
        3,
        "a quote is opened",
        [(1, 10), *((2, item) for item in range(20, 2020))],
    ),
    Malformed(
        "a line of three million bytes",
        (HEADER + FIRST + "x" * 3_000_000 + ",30,4,100\n" + LAST).encode(),
        3,
        "more than 2,000,000 bytes",
        GOOD,
    ),
    Malformed(
        "tabs: too few columns", b"1\t10\t4\n2\t20\n3\t30\t5\n", 2, "2 columns", [(1, 10), (3, 30)], 1, "log.tsv"
    ),
    Malformed("tabs: no item", b"1\t10\t4\n2\t\t3\n3\t30\t5\n", 2, "no item", [(1, 10), (3, 30)], 1, "log.tsv"),
    Malformed(
        "::: too few columns", b"1::10::4::9\n2::20\n3::30::5::8\n", 2, "2 columns", [(1, 10), (3, 30)], 1, "r.dat"
    ),
    Malformed(
        "::: a bad rating",
        b"1::10::4::9\n2::20::x::9\n3::30::5::8\n",
        2,
        "not a number",
        [(1, 10), (3, 30)],
        1,
        "r.dat",
    ),
    Malformed(
        "::: one colon", b"1::10::4::9\n2:20::4::9\n3::30::5::8\n", 2, "3 columns", [(1, 10), (3, 30)], 1, "r.dat"
    ),
    Malformed(
        "RecBole: no rating",
        b"user_id:token\titem_id:token\trating:float\n1\t10\t4\n2\t20\t\n3\t30\t5\n",
        3,
        "no rating",
        [(1, 10), (3, 30)],
        1,
        "log.inter",
    ),
    Malformed("semicolons: too many", b"user;item\n1;10\n2;20;3\n3;30\n", 3, "3 columns", [(1, 10), (3, 30)]),
    Malformed(
        "dates: the thirtieth of February",
        b"user,item,time\n1,10,2020-01-01\n2,20,2020-02-30\n3,30,2020-03-01 10:00:00\n",
        3,
        "timestamp is not an ISO date",
        [(1, 10), (3, 30)],
    ),
    Malformed(
        "dates: the month first",
        b"user,item,time\n1,10,2020-01-01\n2,20,02/29/2020\n3,30,2020-03-01\n",
        3,
        "timestamp is not an ISO date",
        [(1, 10), (3, 30)],
    ),
    Malformed("gzip: too few columns", gzip.compress(one_bad("3,30")), 3, "2 columns", GOOD, 1, "log.csv.gz"),
    Malformed("gzip without its ending", gzip.compress(one_bad("3,30,4,soon")), 3, "not a number", GOOD, 1, "log.csv"),
    Malformed("JSON: cut off", json_lines(A, '{"user": "eve", "it', B), 2, "not JSON", GOOD_JSON, 1, "log.jsonl"),
    Malformed(
        "JSON: no item", json_lines(A, {"user": "eve", "timestamp": 3}, B), 2, "no item", GOOD_JSON, 1, "log.jsonl"
    ),
    Malformed("JSON: null", json_lines(A, B | {"user": None}, B), 2, "no user", GOOD_JSON, 1, "log.jsonl"),
    Malformed("JSON: no text", json_lines(A, B | {"item": " "}, B), 2, "no item", GOOD_JSON, 1, "log.jsonl"),
    Malformed(
        "JSON: a word for a time", json_lines(A, B | {"timestamp": "x"}, B), 2, "timestamp", GOOD_JSON, 1, "log.jsonl"
    ),
    Malformed("JSON: an empty line before", json_lines(A, "", "{}", B), 3, "no user", GOOD_JSON, 1, "log.jsonl"),
    Malformed("JSON: a list", json_lines(A, "[1, 2]", B), 2, "not a JSON object", GOOD_JSON, 1, "log.jsonl"),
    Malformed(
        "JSON: not UTF-8",
        json_lines(A, '{"user": "?"}', B).replace(b"?", b"\xff"),
        2,
        "not JSON",
        GOOD_JSON,
        1,
        "log.jsonl",
    ),
]


@pytest.fixture
def path_of(tmp_path):
    def write(case):
        path = tmp_path / case.file
        path.write_bytes(case.content)
        return path

    return write


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_malformed_row_stops_the_read_with_file_line_and_reason(case, path_of, counted):
    path = path_of(case)
    with pytest.raises(ValueError, match=re.escape(f"{path}, line {case.line}")) as error:
        lw.Interactions.read(path)
    assert case.reason in str(error.value)
    counted("malformed data files named by file and line")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_skipping_leaves_out_the_malformed_rows_alone_and_counts_them(case, path_of, caplog):
    path = path_of(case)
    log = lw.Interactions.read(path, errors="skip")
    assert list(zip(log.users.tolist(), log.items.tolist(), strict=True)) == case.good
    audit = log.audit()
    assert audit.skipped == case.skipped == len(audit.rejected)
    assert (audit.rejected[0].source, audit.rejected[0].line) == (str(path), case.line)
    assert case.reason in audit.rejected[0].reason
    assert f"{case.skipped} malformed rows left out" in caplog.text
    assert f"line {case.line}" in str(audit)


def test_there_are_fifty_cases_and_more():
    assert len({case.name for case in CASES}) == len(CASES) >= 50


PACKED = gzip.compress((HEADER + "".join(f"{user},{user % 97},4,{user}\n" for user in range(20_000))).encode())
DAMAGED = {
    "a csv cut short": ("log.csv.gz", PACKED[: len(PACKED) // 2], "the gzip file is damaged or cut short"),
    "a csv without its checksum": ("log.csv.gz", PACKED[:-8], "the gzip file is damaged or cut short"),
    "a csv overwritten": ("log.csv.gz", PACKED[:9000] + b"\xff" * 99 + PACKED[9099:], "the gzip file is damaged"),
    "a csv with a wrong checksum": ("log.csv.gz", PACKED[:-8] + bytes(8), "the gzip file is damaged"),
    "JSON lines cut short": ("log.jsonl.gz", gzip.compress(json_lines(A, B) * 5000)[:-60], "the gzip file is damaged"),
    "a parquet file of nothing": ("log.parquet", b"PAR1xxxxPAR1", "not readable as parquet"),
    "a parquet file cut short": ("log.parquet", b"PAR1", "not readable as parquet"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named(tmp_path, name):
    file, content, reason = DAMAGED[name]
    (tmp_path / file).write_bytes(content)
    for errors in ("raise", "skip"):
        with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path / file))}: {reason}") as raised:
            lw.Interactions.read(tmp_path / file, errors=errors)
        assert "\n" not in str(raised.value)
    if file == "log.csv.gz":
        with pytest.raises(ValueError, match=reason):
            lw.Features.read(tmp_path / file)
