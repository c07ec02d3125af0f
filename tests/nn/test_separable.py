"""Convolutions of single channels: a loop in NumPy, shapes, gradients by finite differences, and mistakes."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn

generator = np.random.Generator(np.random.Philox(key=12))
X1 = generator.standard_normal((2, 9, 4)).astype(np.float32)
X2 = generator.standard_normal((2, 7, 6, 3)).astype(np.float32)


def depthwise(x, kernel):
    """y[.., c * multiplier + m] = sum over taps of x[.., c] kernel[.., c, m], every place that a whole window has."""
    rows, columns, channels, multiplier = kernel.shape
    height, width = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    y = np.zeros((len(x), height, width, channels, multiplier))
    for i in range(rows):
        for j in range(columns):
            y += x[:, i : i + height, j : j + width, :, None].astype(np.float64) * kernel[i, j]
    return y.reshape(len(x), height, width, channels * multiplier)


@pytest.mark.parametrize("multiplier", [1, 2, 5])
def test_depthwise_is_the_loop(multiplier):
    layer = nn.DepthwiseConv2D((3, 2), depth_multiplier=multiplier, bias_initializer=nn.initializers.Constant(0.5))
    got = layer(X2)
    np.testing.assert_allclose(got, depthwise(X2, np.asarray(layer.kernel)) + 0.5, atol=1e-5)


def test_separable_is_depthwise_then_a_product():
    layer = nn.SeparableConv2D(5, 3, depth_multiplier=2, activation="relu")
    got = layer(X2)
    mixed = depthwise(X2, np.asarray(layer.depthwise_kernel)) @ np.asarray(layer.pointwise_kernel)[0, 0]
    np.testing.assert_allclose(got, np.maximum(mixed, 0), atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "inputs", "shape"),
    [
        (lambda: nn.DepthwiseConv1D(3), X1, (2, 7, 4)),
        (lambda: nn.DepthwiseConv1D(3, 2, "same", depth_multiplier=2), X1, (2, 5, 8)),
        (lambda: nn.DepthwiseConv1D(3, padding="causal", dilation_rate=3), X1, (2, 9, 4)),
        (lambda: nn.DepthwiseConv2D(3, padding="same"), X2, (2, 7, 6, 3)),
        (lambda: nn.SeparableConv1D(6, 3), X1, (2, 7, 6)),
        (lambda: nn.SeparableConv1D(6, 3, 2, "same", depth_multiplier=2), X1, (2, 5, 6)),
        (lambda: nn.SeparableConv2D(6, (3, 2), (2, 1)), X2, (2, 3, 5, 6)),
    ],
)
def test_shapes_are_those_of_keras(layer, inputs, shape):
    assert layer()(inputs).shape == shape


def test_weights_are_named_and_shaped_as_in_keras():
    separable, alone = nn.SeparableConv1D(6, 3, depth_multiplier=2), nn.DepthwiseConv2D((3, 2), depth_multiplier=2)
    separable(X1)
    alone(X2)
    assert {path: weight.shape for path, weight in separable.named_weights().items()} == {
        "depthwise_kernel": (3, 4, 2),
        "pointwise_kernel": (1, 8, 6),
        "bias": (6,),
    }
    assert {path: weight.shape for path, weight in alone.named_weights().items()} == {
        "kernel": (3, 2, 3, 2),
        "bias": (6,),
    }


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: nn.DepthwiseConv2D(3, 2, "same", depth_multiplier=2, activation="tanh"), X2),
        (lambda: nn.SeparableConv1D(5, 3, padding="same", depth_multiplier=2, activation="silu"), X1),
        (lambda: nn.SeparableConv2D(4, (2, 3), dilation_rate=2), X2),
    ],
)
def test_gradients_are_those_of_finite_differences(make, x):
    layer, inputs = make(), lw.Tensor(x, requires_grad=True)
    factors = np.random.default_rng(1).normal(size=tuple(layer(x).shape)).astype(np.float32)
    lw.functional.sum(layer(inputs) * factors).backward()
    gradients = [np.array(each.grad) for each in (inputs, *layer.trainable_weights)]

    def total():
        return float((np.asarray(layer(inputs), dtype=np.float64) * factors).sum())

    step = 1e-2
    for leaf, gradient in zip((inputs, *layer.trainable_weights), gradients, strict=True):
        values = np.array(leaf)
        for place in (0, values.size // 2, values.size - 1):
            sums = []
            for sign in (1, -1):
                moved = values.copy()
                moved.reshape(-1)[place] += sign * step
                leaf.assign(moved)
                sums.append(total())
            leaf.assign(values)
            assert gradient.reshape(-1)[place] == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=0.02, abs=0.02)


def test_regularizers_reach_both_kernels():
    layer = nn.SeparableConv1D(6, 3, depthwise_regularizer="l1", pointwise_regularizer="l2", bias_regularizer="l2")
    layer(X1)
    depthwise_kernel, pointwise_kernel = np.asarray(layer.depthwise_kernel), np.asarray(layer.pointwise_kernel)
    expected = 0.01 * np.abs(depthwise_kernel).sum() + 0.01 * np.square(pointwise_kernel).sum()
    assert float(layer.penalty()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.DepthwiseConv2D(0), "DepthwiseConv2D: kernel_size must be 2 positive integers or one, got 0"),
        (
            lambda: nn.DepthwiseConv2D(3, depth_multiplier=0),
            "DepthwiseConv2D: depth_multiplier must be a positive integer, got 0",
        ),
        (lambda: nn.DepthwiseConv2D(3, padding="causal"), "padding must be one of valid, same; got 'causal'"),
        (lambda: nn.SeparableConv1D(2.5, 3), "SeparableConv1D: filters must be a positive integer, got 2.5"),
        (lambda: nn.SeparableConv1D(2, 3, data_format="channels_first"), 'only data_format="channels_last"'),
        (
            lambda: nn.SeparableConv1D(2, 3)(X2),
            r"SeparableConv1D: takes \[batch, length, channels\], got shape \(2, 7, 6, 3\)",
        ),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_bits_do_not_depend_on_threads(same_bits):
    layer = nn.SeparableConv2D(5, 3, depth_multiplier=2, padding="same")
    same_bits(lambda: layer(X2))
