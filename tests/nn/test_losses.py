"""Losses: names, functions and reductions as Keras has them."""

import numpy as np
import pytest

import likewise as lw
from likewise.nn import losses

generator = np.random.Generator(np.random.Philox(key=3))
P = np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]], dtype=np.float32)
T = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=np.float32)
CLASSES = np.array([1, 0])
LOG = -np.log([0.7, 0.5])
CASES = {
    "binary_crossentropy": (T, -(T * np.log(P) + (1 - T) * np.log(1 - P)).mean(axis=1)),
    "categorical_crossentropy": (T, LOG),
    "sparse_categorical_crossentropy": (CLASSES, LOG),
    "mean_squared_error": (T, ((P - T) ** 2).mean(axis=1)),
    "mean_absolute_error": (T, np.abs(P - T).mean(axis=1)),
    "hinge": (T, np.maximum(1 - (2 * T - 1) * P, 0).mean(axis=1)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_function_gives_the_loss_of_each_row_and_a_class_their_mean_or_sum(name):
    y_true, rows = CASES[name]
    function = getattr(losses, name)
    np.testing.assert_allclose(function(y_true, P), rows, rtol=1e-5)
    np.testing.assert_allclose(function(y_true, lw.Tensor(P)), rows, rtol=1e-5)
    kind = type(losses.get(name))
    assert float(kind()(y_true, P)) == pytest.approx(rows.mean(), rel=1e-5)
    assert float(kind(reduction="sum")(y_true, P)) == pytest.approx(rows.sum(), rel=1e-5)
    for spelled in (function, kind.__name__, kind):
        assert type(losses.get(spelled)) is kind


def test_mse_and_mae_in_capitals():
    assert isinstance(losses.get("MSE"), losses.MeanSquaredError)
    assert isinstance(losses.get("MAE"), losses.MeanAbsoluteError)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: losses.MeanSquaredError(reduction="none"), ValueError, "MeanSquaredError: reduction must be 'sum_ove"),
        (lambda: losses.BinaryCrossentropy(axis=0), ValueError, "BinaryCrossentropy: only axis=-1 is supported, got 0"),
        (lambda: losses.SparseCategoricalCrossentropy(ignore_class=1), ValueError, "ignore_class is not supported"),
        (
            lambda: losses.get(lambda y_true, y_pred: np.float64(3.0))(T, P),
            TypeError,
            "loss: <lambda> must return a tensor, computed by likewise.functional, got float64",
        ),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()
