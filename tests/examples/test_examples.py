"""The examples run, and show what they say."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_gradient_descent_climbs_as_printed_and_descends_made_right(capsys):
    load("gradient_descent").main()
    printed = capsys.readouterr().out
    assert "one half for every row" in printed
    assert "the same three ways" in printed


def test_activations_are_compared_on_digits(data_dir):
    example = load("activations")
    rows = example.compare(example.digits(data_dir / "mnist", 1000), epochs=2, activations=["sigmoid", "relu"])
    accuracy = {(name, depth): value for name, depth, value, _ in rows}
    share = {(name, depth): value for name, depth, _, value in rows}
    assert accuracy["relu", "deep"] > 0.6
    assert accuracy["relu", "deep"] > accuracy["sigmoid", "deep"] + 0.3
    assert share["sigmoid", "deep"] < 0.01 < share["relu", "deep"]


def test_activations_are_compared_without_data(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["activations.py", "--rows", "200", "--epochs", "1"])
    load("activations").main()
    printed = capsys.readouterr().out
    assert "synthetic rings" in printed
    assert printed.count("\n") == 2 + 18 + 2 + 1


@pytest.mark.parametrize("rows", [50])
def test_the_synthetic_task_has_ten_even_classes(rows):
    _, y, _, y_test = load("activations").rings(rows)
    assert np.bincount(np.concatenate([y, y_test]), minlength=10).tolist() == [rows // 5] * 10
