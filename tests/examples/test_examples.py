"""The examples run, and show what they say."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import likewise as lw

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


def test_remedies_against_overfitting_narrow_the_gap(data_dir):
    example = load("overfitting")
    remedies = {name: example.REMEDIES[name] for name in ("none", "augmentation", "L2")}
    results = example.compare(example.digits(data_dir / "mnist", 300), 25, remedies)
    gaps = {
        name: result["validation"][example.CROSSENTROPY] - result["training"][example.CROSSENTROPY]
        for name, result in results.items()
    }
    assert gaps["augmentation"] < 0.6 * gaps["none"]
    assert gaps["L2"] < gaps["none"]


def test_overfitting_is_shown_without_data(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LIKEWISE_DATA", str(tmp_path))
    picture = tmp_path / "curves.png"
    monkeypatch.setattr("sys.argv", ["overfitting.py", "--rows", "100", "--epochs", "2", "--plot", str(picture)])
    load("overfitting").main()
    printed = capsys.readouterr().out
    assert "drawn signs" in printed
    assert printed.count("\n") == 1 + 2 + 7
    assert picture.stat().st_size > 1000


def test_the_articles_network_trains_on_images_with_augmentation_and_dropout(capsys):
    example = load("cnn_mnist")
    random = np.random.default_rng(0)
    images, labels = random.random((200, 28, 28, 1), dtype=np.float32), random.integers(0, 10, 200)
    augment = lw.data.augment.Images(shift=2, rotate=12, scale=0.12)
    data = images[:150], labels[:150], images[150:], labels[150:]
    network, history = example.train(data, epochs=2, batch_size=50, dropout=0.5, augment=augment)
    assert network.count_params() == 225_034
    assert len(history) == 2
    assert capsys.readouterr().out.count("test accuracy") == 2


def test_order_is_seen_by_the_recurrent_layer_only(monkeypatch, capsys):
    example = load("convolution_or_recurrence")
    x, answers = example.sequences(500, seed=3)
    assert ((x == 0).sum(axis=1) == 1).all()
    first = (x == 0).argmax(axis=1) < (x == 1).argmax(axis=1)
    np.testing.assert_array_equal(answers["order"], first)
    monkeypatch.setattr("sys.argv", ["convolution_or_recurrence.py", "--rows", "2000", "--epochs", "10"])
    example.main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    accuracy = {(question, layer): float(value) for question, layer, value, _ in rows}
    assert accuracy["pattern", "convolution"] > 0.95
    assert accuracy["order", "convolution"] < 0.75
    assert accuracy["order", "recurrent"] > 0.9
