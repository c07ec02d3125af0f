"""Files of arrays: written whole, verified before use."""

import numpy as np
import pytest

from likewise.files import read_state, read_tensors, write_state, write_tensors

TENSORS = {
    "table": np.arange(12, dtype=np.float32).reshape(3, 4),
    "flags": np.array([True, False, True]),
    "ids": np.arange(5),
    "scalar": np.float32(2.5).reshape(()),
    "none": np.zeros((0, 3), dtype=np.float32),
    "text": np.frombuffer("naïve".encode(), dtype=np.uint8),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.lw"


def test_tensors_and_metadata_come_back_as_they_were(path):
    write_tensors(path, TENSORS, {"kind": "EASE", "note": "ü"})
    tensors, metadata = read_tensors(path)
    assert metadata == {"kind": "EASE", "note": "ü"}
    assert tensors.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        np.testing.assert_array_equal(tensors[name], array)


def test_a_nested_state_comes_back_as_it_was(path):
    state = {
        "epochs": 3,
        "best": float("inf"),
        "names": ["a", "b"],
        "slots": {"m": TENSORS["table"], "n": [1, {"x": TENSORS["ids"]}]},
    }
    write_state(path, state)
    again = read_state(path)
    assert again["epochs"] == 3
    assert again["best"] == float("inf")
    assert again["names"] == ["a", "b"]
    np.testing.assert_array_equal(again["slots"]["m"], TENSORS["table"])
    np.testing.assert_array_equal(again["slots"]["n"][1]["x"], TENSORS["ids"])


def test_the_file_is_safetensors(path):
    safetensors = pytest.importorskip("safetensors.numpy")
    write_tensors(path, TENSORS, {})
    np.testing.assert_array_equal(safetensors.load_file(path)["table"], TENSORS["table"])


def test_flipped_bits_are_noticed_or_change_nothing(path):
    write_tensors(path, TENSORS, {"kind": "EASE"})
    whole = path.read_bytes()
    accepted = 0
    bits = range(0, 8 * len(whole), 11)
    for bit in bits:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            tensors, metadata = read_tensors(path)
        except ValueError:
            continue
        accepted += 1
        assert metadata == {"kind": "EASE"}
        for name, array in TENSORS.items():
            np.testing.assert_array_equal(tensors[name], array)
    print(f"{len(bits)} flipped bits: {accepted} changed nothing, all others were noticed")


def test_truncations_are_noticed(path):
    write_tensors(path, TENSORS, {})
    whole = path.read_bytes()
    for length in range(0, len(whole), 5):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"model\.lw"):
            read_tensors(path)


def test_an_old_file_survives_a_failed_write(path, monkeypatch):
    write_tensors(path, TENSORS, {"version": "1"})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_tensors(path, TENSORS, {"version": "2"})
    monkeypatch.undo()
    assert read_tensors(path)[1] == {"version": "1"}
    assert [each.name for each in path.parent.iterdir()] == ["model.lw"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "damaged"), (b"hello, this is no model", "damaged"), (b"\xff" * 100, "damaged")],
)
def test_other_files_are_refused_by_name(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"model\.lw.*{message}"):
        read_tensors(path)


def test_a_missing_file_is_named(path):
    with pytest.raises(FileNotFoundError, match=r"model\.lw"):
        read_tensors(path)


def test_types_a_file_cannot_hold_are_named(path):
    with pytest.raises(TypeError, match="tensor phases has dtype complex128"):
        write_tensors(path, {"phases": np.zeros(3, dtype=np.complex128)}, {})
    assert not path.exists()


def test_texts_keys_and_arrays_are_not_mistaken_for_each_other(path):
    first, second = np.arange(3), np.arange(4)
    state = {
        "text": "array:foo",
        "a/b": first,
        "a": {"b": second},
        "counts": {1: "one", 2: {"x": first}},
        "array:": {"array:": "a/b"},
        "pairs:": {"pairs:": [["k", "v"]]},
    }
    write_state(path, state)
    again = read_state(path)
    np.testing.assert_array_equal(again.pop("a/b"), state.pop("a/b"))
    np.testing.assert_array_equal(again["a"].pop("b"), state["a"].pop("b"))
    np.testing.assert_array_equal(again["counts"][2].pop("x"), state["counts"][2].pop("x"))
    assert again == state
