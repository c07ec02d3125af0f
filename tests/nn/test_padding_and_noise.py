"""Padding, repeating, permuting, and what is random in training: against NumPy, with gradients and mistakes."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn

generator = np.random.Generator(np.random.Philox(key=13))
ROWS, SERIES, IMAGES = (
    generator.standard_normal(shape).astype(np.float32) for shape in ((3, 4), (2, 5, 3), (2, 3, 4, 2))
)


@pytest.mark.parametrize(
    ("layer", "x", "expected"),
    [
        (nn.ZeroPadding1D(), SERIES, np.pad(SERIES, ((0, 0), (1, 1), (0, 0)))),
        (nn.ZeroPadding1D((0, 3)), SERIES, np.pad(SERIES, ((0, 0), (0, 3), (0, 0)))),
        (nn.ZeroPadding1D(0), SERIES, SERIES),
        (nn.ZeroPadding2D(), IMAGES, np.pad(IMAGES, ((0, 0), (1, 1), (1, 1), (0, 0)))),
        (nn.ZeroPadding2D((2, 1)), IMAGES, np.pad(IMAGES, ((0, 0), (2, 2), (1, 1), (0, 0)))),
        (nn.ZeroPadding2D(((1, 0), (0, 2))), IMAGES, np.pad(IMAGES, ((0, 0), (1, 0), (0, 2), (0, 0)))),
        (nn.ZeroPadding2D(1), np.arange(4).reshape(1, 2, 2, 1), np.pad([[0, 1], [2, 3]], 1)[None, ..., None]),
        (nn.UpSampling1D(), SERIES, SERIES.repeat(2, axis=1)),
        (nn.UpSampling2D((2, 3)), IMAGES, IMAGES.repeat(2, axis=1).repeat(3, axis=2)),
        (nn.Permute((2, 1)), SERIES, SERIES.transpose(0, 2, 1)),
        (nn.Permute((3, 1, 2)), IMAGES, IMAGES.transpose(0, 3, 1, 2)),
        (nn.RepeatVector(3), ROWS, ROWS[:, None].repeat(3, axis=1)),
        (nn.ZeroPadding1D(), SERIES[:0], np.zeros((0, 7, 3))),
    ],
)
def test_the_numbers_are_those_of_numpy(layer, x, expected):
    got = layer(x)
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("layer", "x"),
    [(nn.ZeroPadding2D(((1, 0), (0, 2))), IMAGES), (nn.UpSampling2D((2, 3)), IMAGES), (nn.RepeatVector(3), ROWS)],
)
def test_every_element_gets_the_gradients_of_its_copies(layer, x):
    inputs = lw.Tensor(x, requires_grad=True)
    outputs = layer(inputs)
    factors = np.random.default_rng(2).normal(size=tuple(outputs.shape)).astype(np.float32)
    lw.functional.sum(outputs * factors).backward()
    # The layer is linear: the gradient of each element is the weighted sum of its own response.
    for place in np.random.default_rng(3).integers(0, x.size, 5):
        unit = np.zeros(x.size, dtype=np.float32)
        unit[place] = 1
        expected = (np.asarray(layer(unit.reshape(x.shape))) * factors).sum()
        assert np.asarray(inputs.grad).reshape(-1)[place] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [(nn.SpatialDropout1D(0.4), (50, 6, 40), (1,)), (nn.SpatialDropout2D(0.4), (50, 3, 2, 40), (1, 2))],
)
def test_spatial_dropout_drops_whole_channels_in_training(layer, shape, axes):
    ones = np.ones(shape, dtype=np.float32)
    assert np.array_equal(layer(ones), ones)
    outputs = np.asarray(layer(ones, training=True))
    assert set(np.unique(outputs)) == {0.0, np.float32(1 / 0.6)}
    assert (outputs.min(axis=axes) == outputs.max(axis=axes)).all()
    assert abs((outputs == 0).mean() - 0.4) < 0.04


def test_gaussian_noise_has_its_deviation_in_training_and_passes_gradients_on():
    layer, zeros = nn.GaussianNoise(0.3), np.zeros((200, 100), dtype=np.float32)
    assert np.array_equal(layer(zeros), zeros)
    first, second = np.asarray(layer(zeros, training=True)), np.asarray(layer(zeros, training=True))
    assert abs(first.mean()) < 0.01
    assert first.std() == pytest.approx(0.3, rel=0.02)
    assert not np.array_equal(first, second)
    x = lw.Tensor(ROWS, requires_grad=True)
    lw.functional.sum(layer(x, training=True)).backward()
    np.testing.assert_array_equal(x.grad, np.ones_like(ROWS))


def test_noise_repeats_with_its_seed_and_differs_by_place_in_the_network():
    class Two(nn.Model):
        def __init__(self, seed):
            self.seed = seed
            self.a, self.b = nn.GaussianNoise(0.1), nn.GaussianNoise(0.1)

        def call(self, inputs):
            return [self.a(inputs), self.b(inputs)]

    def noises(seed):
        return [np.asarray(each).tobytes() for each in Two(seed)(np.zeros((4, 5)), training=True)]

    assert noises(1) == noises(1)
    assert len(set(noises(1) + noises(2))) == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.ZeroPadding1D(-1), "ZeroPadding1D: padding must be one integer, 0 or more, or two, got -1"),
        (lambda: nn.ZeroPadding1D((1, 2, 3)), r"ZeroPadding1D: padding must be .* or two, got \(1, 2, 3\)"),
        (lambda: nn.ZeroPadding2D((1, 2, 3)), r"ZeroPadding2D: padding must be .* two pairs, got \(1, 2, 3\)"),
        (lambda: nn.ZeroPadding2D(((1, 2), "a")), r"ZeroPadding2D: padding must be .*, got \(\(1, 2\), 'a'\)"),
        (lambda: nn.ZeroPadding2D()(SERIES), r"takes \[batch, height, width, channels\], got shape \(2, 5, 3\)"),
        (lambda: nn.UpSampling1D(0), "UpSampling1D: size must be 1 positive integers or one, got 0"),
        (
            lambda: nn.UpSampling2D(interpolation="bilinear"),
            "only interpolation='nearest' is supported, got 'bilinear'",
        ),
        (lambda: nn.UpSampling1D()(ROWS), r"UpSampling1D: takes \[batch, length, channels\], got shape \(3, 4\)"),
        (lambda: nn.Permute((0, 1)), r"Permute: dims must hold each axis from 1 on once, got \(0, 1\)"),
        (lambda: nn.Permute((2, 1))(ROWS), r"Permute: dims \(2, 1\) do not fit inputs of shape \(3, 4\)"),
        (lambda: nn.RepeatVector(0), "RepeatVector: n must be a positive integer, got 0"),
        (lambda: nn.RepeatVector(2)(SERIES), r"RepeatVector: takes \[batch, features\], got shape \(2, 5, 3\)"),
        (lambda: nn.GaussianNoise(2), "GaussianNoise: stddev must be a number from 0 to 1, got 2"),
        (lambda: nn.SpatialDropout1D(1.0), r"SpatialDropout1D: rate must lie in \[0, 1\), got 1.0"),
        (lambda: nn.SpatialDropout1D(0.5)(ROWS), r"takes \[batch, length, channels\], got shape \(3, 4\)"),
        (lambda: nn.SpatialDropout2D(0.5, "channels_first"), 'only data_format="channels_last" is supported'),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
