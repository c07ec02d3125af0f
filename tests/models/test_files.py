"""Damaged model files."""

import struct
from dataclasses import dataclass

import numpy as np
import pytest

import likewise as lw
from likewise import files

DAMAGED = 10_000


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    log = lw.Interactions(["a", "b", "b", "c"], ["x", "y", "x", "z"], timestamps=[1, 2, 3, 4])
    path = tmp_path_factory.mktemp("model") / "model.lw"
    lw.models.EASE(l2=1.0).fit(log).save(path)
    return path


def mutations(whole, count):
    """Every header bit, every truncation, then random changes of bytes, runs, and lengths."""
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    for place in range(8 * header):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        yield bytes(damaged)
    for length in range(len(whole)):
        yield whole[:length]
    draws = np.random.Generator(np.random.Philox(key=1))
    done = 8 * header + len(whole)
    for _ in range(max(count - done, 500)):
        damaged = bytearray(whole)
        begin = int(draws.integers(len(whole)))
        kind = draws.integers(4)
        if kind == 0:
            damaged[begin] ^= 1 << int(draws.integers(8))
        elif kind == 1:
            end = min(begin + int(draws.integers(1, 20)), len(whole))
            damaged[begin:end] = draws.bytes(end - begin)
        elif kind == 2:
            del damaged[begin : begin + int(draws.integers(1, 9))]
        else:
            damaged[begin:begin] = draws.bytes(int(draws.integers(1, 9)))
        yield bytes(damaged)


def test_no_damaged_file_is_read_as_something_else(saved, tmp_path, counted):
    whole = saved.read_bytes()
    tensors, metadata = files.read_tensors(saved)
    path = tmp_path / "damaged.lw"
    refused = harmless = 0
    for damaged in mutations(whole, DAMAGED):
        path.unlink(missing_ok=True)  # replacing a file's content waits for the disk on some file systems
        path.write_bytes(damaged)
        try:
            found, about = files.read_tensors(path)
        except ValueError as error:
            refused += "damaged.lw" in str(error)
            continue
        harmless += 1  # such as a space in the header's padding
        assert about == metadata
        assert found.keys() == tensors.keys()
        assert all(np.array_equal(found[name], tensors[name]) for name in tensors)
    counted("damaged model files refused", refused)
    counted("damaged model files read, with unchanged content", harmless)
    assert refused + harmless >= DAMAGED
    assert harmless < 0.01 * refused


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "is no model file"),
        ({"likewise": "not json"}, "is no model file"),
        ({"likewise": '{"model": "os.system", "settings": {}, "version": 1, "log": true}'}, "a model 'os.system'"),
        ({"likewise": '{"model": "EASE", "settings": {"x": 1}, "version": 1, "log": true}'}, "is no model file"),
        ({"likewise": '{"model": "EASE", "settings": {}, "version": 1, "log": true}'}, "is no model file"),
        ({"likewise": '{"model": "EASE", "settings": {}, "version": 99, "log": true}'}, "has format 99"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, metadata, message):
    files.write_tensors(tmp_path / "other.lw", {"x": np.zeros(3)}, metadata)
    with pytest.raises(ValueError, match=message):
        lw.load(tmp_path / "other.lw")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.lw"):
        lw.load(tmp_path / "nothing.lw")


@dataclass(kw_only=True, eq=False, repr=False)
class Coloured(lw.models.Popularity):
    colour: object = None


def test_settings_that_are_no_plain_values_are_named(tmp_path):
    model = lw.models.EASE(l2=np.float32(2)).fit(lw.Interactions([1, 2], [1, 2]))
    model.save(tmp_path / "model.lw")
    assert lw.load(tmp_path / "model.lw").l2 == 2
    log = lw.Interactions([1, 2], [1, 2])
    model = Coloured(colour=object()).fit(log)
    with pytest.raises(TypeError, match="save: a setting is <object"):
        model.save(tmp_path / "other.lw")
    assert not (tmp_path / "other.lw").exists()
