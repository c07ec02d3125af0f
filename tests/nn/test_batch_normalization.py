"""Batch normalisation: batch statistics in training, moving ones otherwise."""

import numpy as np
import pytest

from likewise import nn

X = np.random.default_rng(0).normal(3, 2, (50, 4)).astype(np.float32)


def test_training_takes_the_statistics_of_the_batch_and_moves_the_averages():
    layer = nn.BatchNormalization(momentum=0.9)
    y = np.asarray(layer(X, training=True))
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(0), np.sqrt(X.var(0) / (X.var(0) + 1e-3)), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * X.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * X.var(0), rtol=1e-5)


def test_otherwise_the_moving_averages_are_used():
    layer = nn.BatchNormalization()
    np.testing.assert_allclose(layer(X), X / np.sqrt(1 + 1e-3), rtol=1e-5)
    before = np.array(layer.moving_mean)
    layer.trainable = False
    layer(X, training=True)
    np.testing.assert_array_equal(layer.moving_mean, before)


def test_weights_are_those_of_keras():
    layer = nn.BatchNormalization()
    layer(X)
    assert list(layer.named_weights()) == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert list(layer.parameters()) == ["gamma", "beta"]


def test_a_network_with_it_learns_and_predicts_without_the_batch():
    model = nn.Sequential([nn.Dense(16), nn.BatchNormalization(momentum=0.8), nn.Activation("relu"), nn.Dense(1)])
    model.compile("adam", "mse")
    target = X[:, :1] - X[:, 1:2]
    model.fit(X, target, epochs=80, batch_size=10, verbose=0)
    assert model.evaluate(X, target, verbose=0) < 0.5
    np.testing.assert_allclose(model.predict(X[:1]), model.predict(X)[:1], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.BatchNormalization(axis=1), "only axis=-1 is supported, got 1"),
        (lambda: nn.BatchNormalization(momentum=2), "momentum must be a number from 0 to 1, got 2"),
        (lambda: nn.BatchNormalization()(X[:, 0]), "takes \\[batch, ..., features\\], got shape \\(50,\\)"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
