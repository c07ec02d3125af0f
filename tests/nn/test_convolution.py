"""Convolutional and pooling layers: Keras' shapes, defaults and messages; the numbers are those of the case table."""

import numpy as np
import pytest

import likewise as lw
from likewise import functional as F
from likewise import nn

X1, X2 = np.ones((2, 9, 4), dtype=np.float32), np.ones((2, 9, 8, 4), dtype=np.float32)


@pytest.mark.parametrize(
    ("layer", "inputs", "shape"),
    [
        (lambda: nn.Conv1D(6, 3), X1, (2, 7, 6)),
        (lambda: nn.Conv1D(6, 3, padding="same", strides=2), X1, (2, 5, 6)),
        (lambda: nn.Conv1D(6, (3,), padding="causal", dilation_rate=2), X1, (2, 9, 6)),
        (lambda: nn.Conv2D(6, 3), X2, (2, 7, 6, 6)),
        (lambda: nn.Conv2D(6, (3, 2), (2, 1), "same"), X2, (2, 5, 8, 6)),
        (lambda: nn.Conv2D(6, 3, groups=2, activation="relu"), X2, (2, 7, 6, 6)),
        (lambda: nn.MaxPooling1D(), X1, (2, 4, 4)),
        (lambda: nn.AveragePooling1D(3, 2, "same"), X1, (2, 5, 4)),
        (lambda: nn.MaxPooling2D(), X2, (2, 4, 4, 4)),
        (lambda: nn.MaxPooling2D((2, 2)), X2, (2, 4, 4, 4)),
        (lambda: nn.AveragePooling2D((3, 2), (1, 2), "same"), X2, (2, 9, 4, 4)),
        (lambda: nn.GlobalMaxPooling1D(), X1, (2, 4)),
        (lambda: nn.GlobalAveragePooling1D(keepdims=True), X1, (2, 1, 4)),
        (lambda: nn.GlobalMaxPooling2D(keepdims=True), X2, (2, 1, 1, 4)),
        (lambda: nn.GlobalAveragePooling2D(), X2, (2, 4)),
    ],
)
def test_shapes_are_those_of_keras(layer, inputs, shape):
    assert layer()(inputs).shape == shape


def test_weights_are_named_and_shaped_as_in_keras():
    layer = nn.Conv2D(6, (3, 5), groups=2)
    layer(X2)
    assert {path: weight.shape for path, weight in layer.named_weights().items()} == {
        "kernel": (3, 5, 2, 6),
        "bias": (6,),
    }
    kernel = np.asarray(layer.kernel)
    limit = np.sqrt(6 / (3 * 5 * 2 + 3 * 5 * 6))  # Glorot's, the taps counted in both directions
    assert 0.9 * limit < np.abs(kernel).max() <= limit


def test_a_layer_is_its_function():
    layer = nn.Conv1D(3, 2, padding="causal", dilation_rate=2, activation="tanh")
    x = np.random.default_rng(0).normal(size=(2, 7, 4)).astype(np.float32)
    got = layer(x)
    expected = F.conv1d(x, layer.kernel, layer.bias, padding="causal", dilation_rate=2, activation="tanh")
    np.testing.assert_array_equal(got, expected)


def test_they_take_what_every_layer_takes():
    model = nn.Sequential(
        [
            nn.Conv2D(np.int64(3), 3, input_shape=(9, 8, 4), kernel_constraint=None, dtype="float32"),
            nn.MaxPooling2D(name="pool"),
            nn.BatchNormalization(trainable=False),
        ]
    )
    assert model.predict(X2, verbose=0).shape == (2, 3, 3, 3)
    assert list(model.parameters()) == ["conv2d/kernel", "conv2d/bias"]
    with pytest.raises(ValueError, match="MaxPooling2D: dtype must be 'float32', got 'int8'"):
        nn.MaxPooling2D(dtype="int8")


def test_the_first_of_equal_values_takes_the_gradient_of_a_maximum():
    x = lw.Tensor(np.ones((1, 4, 2, 3)), requires_grad=True)
    F.sum(F.max_pool2d(x, 2)).backward()
    expected = np.zeros((1, 4, 2, 3))
    expected[0, ::2, 0] = 1
    np.testing.assert_array_equal(x.grad, expected)


def test_nan_beats_all_in_a_pool():
    x = np.ones((1, 4, 1), dtype=np.float32)
    x[0, 1] = np.nan
    np.testing.assert_array_equal(F.max_pool1d(x)[0, :, 0], [np.nan, 1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2D(0, 3), "Conv2D: filters must be a positive integer, got 0"),
        (lambda: nn.Conv2D(4, (3, 3, 3)), "Conv2D: kernel_size must be 2 positive integers or one, got \\(3, 3, 3\\)"),
        (lambda: nn.Conv1D(4, 3, strides=0), "Conv1D: strides must be 1 positive integers or one, got 0"),
        (lambda: nn.Conv2D(4, 3, padding="causal"), "Conv2D: padding must be one of valid, same; got 'causal'"),
        (lambda: nn.Conv2D(4, 3, data_format="channels_first"), 'only data_format="channels_last" is supported'),
        (lambda: nn.Conv2D(4, 3)(X1), "Conv2D: takes \\[batch, height, width, channels\\], got shape \\(2, 9, 4\\)"),
        (lambda: nn.Conv2D(4, 3, groups=3)(X2), "Conv2D: groups must divide 4 channels and 4 filters, got 3"),
        (lambda: nn.MaxPooling2D(padding="full"), "MaxPooling2D: padding must be one of valid, same; got 'full'"),
        (lambda: nn.GlobalMaxPooling2D()(X1), "GlobalMaxPooling2D: takes 4 dimensions, got shape \\(2, 9, 4\\)"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_articles_network_learns_images():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 400)
    images = random.normal(0, 0.3, (400, 12, 12, 1)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):  # a bar in one of four directions
        along = np.arange(8) + 2
        image[[along, np.full(8, 6), along, 11 - along][label], [np.full(8, 6), along, along, along][label], 0] += 2

    class CNN(nn.Model):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2D(8, (3, 3), activation="relu")
            self.pool1 = nn.MaxPooling2D((2, 2))
            self.conv2 = nn.Conv2D(16, (3, 3), activation="relu")
            self.pool2 = nn.MaxPooling2D((2, 2))
            self.flatten = nn.Flatten()
            self.dense1 = nn.Dense(16, activation="relu")
            self.dense2 = nn.Dense(4, activation="softmax")

        def call(self, inputs):
            x = self.pool1(self.conv1(inputs))
            x = self.pool2(self.conv2(x))
            return self.dense2(self.dense1(self.flatten(x)))

    model = CNN()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images[:300], labels[:300], epochs=10, verbose=0)
    assert model.evaluate(images[300:], labels[300:], verbose=0, return_dict=True)["accuracy"] > 0.9


class Pooled(nn.Model):
    """A convolution and a pool, and what else the tests want of them."""

    def __init__(self, pool, keeps=False, changes=False):
        self.conv = nn.Conv2D(5, 3, activation="relu")
        self.pool, self.keeps, self.changes = pool, keeps, changes

    def call(self, x):
        y = self.conv(x)
        if self.keeps:
            self.kept = y
        if self.changes:
            self.conv.kernel.assign(np.zeros_like(self.conv.kernel))
        return self.pool(y)


@pytest.mark.parametrize("pool", [nn.MaxPooling2D(2), nn.MaxPooling2D(3, 2, "same"), nn.GlobalMaxPooling2D()])
def test_a_pool_done_with_its_convolution_is_a_pool_done_after_it(pool):
    images = np.random.default_rng(0).normal(size=(6, 9, 10, 3)).astype(np.float32)
    together, apart = Pooled(pool), Pooled(pool, changes=False, keeps=True)
    together(images)
    apart(images)
    apart.set_weights(together.get_weights())
    x, same = lw.Tensor(images, requires_grad=True), lw.Tensor(images, requires_grad=True)
    y = together(x)
    z = pool(apart.conv(same))  # two calls: nothing to put off
    np.testing.assert_array_equal(y, z)
    slope = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    y.backward(slope)
    z.backward(slope)
    weights = zip(together.parameters().values(), apart.parameters().values(), strict=True)
    for ours, expected in [(x, same), *weights]:
        np.testing.assert_allclose(ours.grad, expected.grad, rtol=1e-5, atol=1e-5)


def test_what_a_convolution_was_before_its_pool_can_be_kept():
    images = np.random.default_rng(0).normal(size=(2, 9, 10, 3)).astype(np.float32)
    model = Pooled(nn.MaxPooling2D(2), keeps=True)
    pooled = model(images)
    np.testing.assert_array_equal(F.max_pool2d(model.kept, 2), pooled)
    assert np.asarray(model.kept).max() > 0


def test_a_convolution_is_done_before_its_kernel_changes():
    images = np.random.default_rng(0).normal(size=(2, 9, 10, 3)).astype(np.float32)
    with F.no_grad():
        model = Pooled(nn.MaxPooling2D(2))
        expected = model(images)
        model.changes = True
        np.testing.assert_array_equal(model(images), expected)
        assert not np.asarray(model.conv.kernel).any()


def test_a_convolution_that_was_not_recorded_gets_no_gradient_through_its_pool():
    images = np.random.default_rng(0).normal(size=(2, 9, 10, 3)).astype(np.float32)

    class Half(nn.Model):
        def __init__(self):
            self.conv = nn.Conv2D(5, 3)

        def call(self, x):
            with F.no_grad():
                y = self.conv(x)
            return F.max_pool2d(y, 2)

    assert not Half()(images).requires_grad


def test_gradients_of_more_weights_than_every_part_of_the_batch_has_room_for():
    rng = np.random.default_rng(5)
    x, kernel, dy = (
        rng.normal(size=shape).astype(np.float32) for shape in ((17, 2, 1500), (1, 1500, 1200), (17, 2, 1200))
    )
    inputs, weights, bias = (lw.Tensor(each, requires_grad=True) for each in (x, kernel, np.zeros(1200)))
    F.conv1d(inputs, weights, bias).backward(dy)
    np.testing.assert_allclose(np.asarray(inputs.grad), dy @ kernel[0].T, atol=2e-3)
    np.testing.assert_allclose(np.asarray(weights.grad)[0], np.einsum("bpc,bpf->cf", x, dy), atol=2e-4)
    np.testing.assert_allclose(np.asarray(bias.grad), dy.sum((0, 1)), atol=2e-5)
