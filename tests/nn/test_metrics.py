"""Metrics against scikit-learn and their formulas, fed at once or in parts."""

import numpy as np
import pytest

from likewise.nn import losses, metrics

generator = np.random.Generator(np.random.Philox(key=2))
TRUE = generator.integers(0, 2, 200)
SCORES = np.round(generator.random(200), 1).astype(np.float32)  # with ties
WEIGHTS = generator.random(200)


def by_formula(name, y, p, w):
    oracle = pytest.importorskip("sklearn.metrics")
    decided = p > 0.5
    return {
        "auc": lambda: oracle.roc_auc_score(y, p, sample_weight=w),
        "precision": lambda: oracle.precision_score(y, decided, sample_weight=w),
        "recall": lambda: oracle.recall_score(y, decided, sample_weight=w),
        "binary_accuracy": lambda: oracle.accuracy_score(y, decided, sample_weight=w),
        "mse": lambda: oracle.mean_squared_error(y, p, sample_weight=w),
        "mae": lambda: oracle.mean_absolute_error(y, p, sample_weight=w),
        "rmse": lambda: oracle.root_mean_squared_error(y, p, sample_weight=w),
    }[name]()


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", ["auc", "precision", "recall", "binary_accuracy", "mse", "mae", "rmse"])
def test_equal_to_scikit_learn_in_any_parts(name, weights):
    expected = by_formula(name, TRUE, SCORES.astype(np.float64), weights)
    for parts in (1, 7):
        metric = metrics.get(name, TRUE, SCORES)
        for rows in np.array_split(np.arange(200), parts):
            metric.update_state(TRUE[rows], SCORES[rows, None], None if weights is None else weights[rows])
        assert metric.result() == pytest.approx(expected, abs=1e-12)
        metric.reset_state()
        assert metric(TRUE[:50], SCORES[:50]) == pytest.approx(
            by_formula(name, TRUE[:50], SCORES[:50].astype(float), None)
        )


@pytest.mark.parametrize(
    ("y_true", "y_pred", "kind", "value"),
    [
        ([0, 1, 1, 0], [0.2, 0.8, 0.4, 0.6], metrics.BinaryAccuracy, 0.5),
        ([[0], [1]], [[0.2], [0.8]], metrics.BinaryAccuracy, 1.0),
        ([0, 2], [[0.9, 0.1, 0], [0.3, 0.5, 0.2]], metrics.SparseCategoricalAccuracy, 0.5),
        ([[0], [1]], [[0.9, 0.1, 0], [0.3, 0.5, 0.2]], metrics.SparseCategoricalAccuracy, 1.0),
        ([[1, 0, 0], [0, 0, 1]], [[0.9, 0.1, 0], [0.3, 0.5, 0.2]], metrics.CategoricalAccuracy, 0.5),
    ],
)
def test_accuracy_is_the_one_that_fits_the_shapes(y_true, y_pred, kind, value):
    y_true, y_pred = np.array(y_true), np.array(y_pred)
    metric = metrics.get("accuracy", y_true, y_pred)
    assert type(metric) is kind
    assert metric.name == "accuracy"
    assert metric(y_true, y_pred) == value


def test_no_rows_and_one_class():
    assert np.isnan(metrics.MeanSquaredError().result())
    assert np.isnan(metrics.AUC()(np.ones(3), np.ones(3)))
    assert metrics.Precision()(np.zeros(3), np.zeros(3)) == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.get("acuracy", TRUE, SCORES), "metrics: must be among accuracy, acc.*got 'acuracy'"),
        (lambda: metrics.MeanSquaredError()(TRUE, SCORES, np.ones(3)), "needs one weight a row, 200 of them, got 3"),
        (lambda: metrics.AUC()(np.zeros((4, 2)), np.zeros((4, 2))), r"takes one prediction a row, got shape \(4, 2\)"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_class_by_its_name_is_called_as_the_class_calls_itself():
    assert {name: metrics.get(name, TRUE, SCORES).name for name in ("AUC", "auc", "Precision", "mse")} == {
        "AUC": "auc",
        "auc": "auc",
        "Precision": "precision",
        "mse": "mse",
    }


@pytest.mark.parametrize("name", ["binary_crossentropy", "hinge"])
def test_losses_are_metrics_too(name):
    kind = type(losses.get(name))
    assert metrics.get(name, TRUE, SCORES)(TRUE, SCORES[:, None]) == pytest.approx(float(kind()(TRUE, SCORES)))


def test_crossentropy_of_classes_is_a_metric():
    p = np.array([[0.2, 0.8], [0.5, 0.5]], dtype=np.float32)
    expected = -np.log([0.8, 0.5]).mean()
    assert metrics.get("sparse_categorical_crossentropy", TRUE, SCORES)([1, 0], p) == pytest.approx(expected)
    assert metrics.CategoricalCrossentropy()(np.array([[0, 1], [1, 0]]), p) == pytest.approx(expected)


def test_what_is_not_a_number_ranks_nowhere():
    assert np.isnan(metrics.AUC()(np.array([0, 1, 1]), np.array([0.1, np.nan, 0.9])))


@pytest.mark.parametrize(
    "metric",
    [
        metrics.MeanSquaredError(),
        metrics.MeanAbsoluteError(),
        metrics.BinaryAccuracy(),
        metrics.CategoricalAccuracy(),
        metrics.Precision(),
        metrics.AUC(),
        metrics.BinaryCrossentropy(),
    ],
    ids=lambda metric: metric.name,
)
def test_targets_are_not_broadcast(metric):
    with pytest.raises(ValueError, match=r"predictions .*\(3, 3\)"):
        metric(np.zeros(3), np.zeros((3, 3)))


def test_keras_arguments_of_metrics():
    assert metrics.AUC(100).name == "auc"
    assert metrics.Precision(0.7, name="p").name == "p"
    with pytest.raises(ValueError, match="AUC: only curve='ROC' is supported, got 'PR'"):
        metrics.AUC(curve="PR")
    with pytest.raises(ValueError, match="Recall: top_k is not supported, got 5"):
        metrics.Recall(top_k=5)
    with pytest.raises(ValueError, match=r"Precision: thresholds must be one number, got \[0.2, 0.5\]"):
        metrics.Precision(thresholds=[0.2, 0.5])
