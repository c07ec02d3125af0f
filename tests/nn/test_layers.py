"""Each layer against its formula in float64, and its errors."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn

generator = np.random.Generator(np.random.Philox(key=3))
ROWS = generator.standard_normal((6, 4)).astype(np.float32)
STACK = generator.standard_normal((2, 3, 4)).astype(np.float32)


@pytest.mark.parametrize("x", [ROWS, STACK, ROWS[:1], ROWS[:0]], ids=["rows", "stack", "one", "none"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_is_the_product_and_the_bias(x, use_bias):
    layer = nn.Dense(5, use_bias=use_bias, bias_initializer=nn.initializers.Constant(0.5))
    expected = (
        x.astype(np.float64) @ np.zeros((4, 5)) if layer(x) is None else x.astype(np.float64) @ np.asarray(layer.kernel)
    )
    np.testing.assert_allclose(layer(x), expected + 0.5 * use_bias, atol=1e-5)


FORMULAS = {
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "silu": lambda z: z / (1 + np.exp(-z)),
    "swish": lambda z: z / (1 + np.exp(-z)),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
    "linear": lambda z: z,
    None: lambda z: z,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation_is_the_same_fused_as_a_layer_and_as_a_function(name):
    expected = FORMULAS[name](ROWS.astype(np.float64))
    identity = nn.Dense(4, activation=name, kernel_initializer=lambda shape: np.eye(4))
    np.testing.assert_allclose(identity(ROWS), expected, atol=1e-5)
    np.testing.assert_allclose(nn.activations.get(name)(lw.Tensor(ROWS)), expected, atol=1e-5)
    if name is not None:
        np.testing.assert_allclose(nn.Activation(name)(ROWS), expected, atol=1e-5)
        by_function = nn.Dense(4, activation=nn.activations.get(name), kernel_initializer=lambda shape: np.eye(4))
        np.testing.assert_allclose(by_function(ROWS), expected, atol=1e-5)


def test_relu_and_softmax_are_layers_too():
    np.testing.assert_allclose(nn.ReLU()(ROWS), np.maximum(ROWS, 0))
    np.testing.assert_allclose(nn.Softmax()(ROWS), FORMULAS["softmax"](ROWS.astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize("ids", [[1, 0, 1], [[2, 2], [0, 1]], np.zeros(0, dtype=np.int64), np.array([1.0, 2.0])])
def test_embedding_gives_the_rows_of_its_table(ids):
    layer = nn.Embedding(3, 2)
    vectors = np.asarray(layer(np.asarray(ids)))
    np.testing.assert_array_equal(vectors, np.asarray(layer.embeddings)[np.asarray(ids).astype(int)])


def test_layer_normalization_has_zero_mean_and_unit_variance_then_gamma_and_beta():
    layer = nn.LayerNormalization(gamma_initializer=nn.initializers.Constant(2.0), beta_initializer="ones")
    x = ROWS.astype(np.float64)
    expected = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-3) * 2 + 1
    np.testing.assert_allclose(layer(ROWS), expected, atol=1e-5)
    plain = nn.LayerNormalization(center=False, scale=False)
    np.testing.assert_allclose(plain(ROWS), (expected - 1) / 2, atol=1e-5)
    assert plain.weights == []


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Flatten(), (2, 12)),
        (nn.Reshape((4, 3)), (2, 4, 3)),
        (nn.Reshape((-1,)), (2, 12)),
        (nn.Reshape((2, -1)), (2, 2, 6)),
    ],
)
def test_reshaping_keeps_the_order(layer, shape):
    assert tuple(layer(STACK).shape) == shape
    np.testing.assert_array_equal(np.asarray(layer(STACK)).ravel(), STACK.ravel())


def test_dropout_drops_its_share_and_keeps_the_mean_only_in_training():
    layer = nn.Dropout(0.3)
    ones = np.ones((200, 300), dtype=np.float32)
    assert np.array_equal(layer(ones), ones)
    dropped = np.asarray(layer(ones, training=True))
    assert set(np.unique(dropped)) == {0.0, np.float32(1 / 0.7)}
    assert abs((dropped == 0).mean() - 0.3) < 0.01


def test_dropout_differs_by_step_place_and_seed_and_repeats_with_them():
    ones = np.ones((20, 30), dtype=np.float32)

    class Two(nn.Model):
        def __init__(self, seed):
            self.seed = seed
            self.a, self.b = nn.Dropout(0.5), nn.Dropout(0.5)

        def call(self, inputs):
            return [self.a(inputs), self.b(inputs), self.b(inputs)]

    def masks(seed):
        network = Two(seed)
        return [np.asarray(mask) for _ in range(3) for mask in network(ones, training=True)]

    first, again, other = masks(1), masks(1), masks(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({mask.tobytes() for mask in first + other}) == len(first) + len(other)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Dense(0), ValueError, "Dense: units must be a positive integer, got 0"),
        (lambda: nn.Dense(3, activation="rleu"), ValueError, "activation: must be one of linear, relu,.*got 'rleu'"),
        (lambda: nn.Dense(3, activation=3), TypeError, "activation: must be a name or a function, got 3"),
        (lambda: nn.Dense(3)(np.zeros(4)), ValueError, r"Dense: takes \[batch, ..., inputs\], got shape \(4,\)"),
        (lambda: nn.Dense(3, kernel_initializer="glorot")(ROWS), ValueError, "initializer: must be one of zeros"),
        (lambda: nn.Dense(3, kernel_regularizer="l3")(ROWS), ValueError, "regularizer: must be one of l1, l2, l1_l2"),
        (lambda: nn.Dense(2.5), ValueError, "Dense: units must be a positive integer, got 2.5"),
        (
            lambda: nn.Dense(3, kernel_constraint=abs),
            ValueError,
            "Dense: kernel_constraint is not supported, got <built",
        ),
        (lambda: nn.Dense(3, activity_regularizer="l2"), ValueError, "Dense: activity_regularizer is not supported"),
        (lambda: nn.Dense(3, kernel_regularise="l2"), TypeError, "Dense: there is no argument 'kernel_regularise'"),
        (lambda: nn.Dense(3, dtype="float16"), ValueError, "Dense: dtype must be 'float32', got 'float16'"),
        (lambda: nn.Embedding(2.5, 4), ValueError, "Embedding: input_dim must be a positive integer, got 2.5"),
        (lambda: nn.Embedding("a", 4), ValueError, "Embedding: input_dim must be a positive integer, got 'a'"),
        (lambda: nn.Dropout("a"), ValueError, r"Dropout: rate must lie in \[0, 1\), got 'a'"),
        (lambda: nn.Dropout(0.5, 3), ValueError, "Dropout: noise_shape must hold the sizes of what is drawn, got 3"),
        (
            lambda: nn.Dropout(0.5, (1, 2))(STACK, training=True),
            ValueError,
            r"Dropout: noise_shape must be broadcast to \(2, 3, 4\), got \(1, 2\)",
        ),
        (lambda: nn.ReLU(max_value=-1), ValueError, "ReLU: max_value must be a number, 0 or more, got -1"),
        (lambda: nn.ReLU(threshold=None), ValueError, "ReLU: threshold must be a number, 0 or more, got None"),
        (lambda: nn.Softmax("a"), ValueError, "Softmax: axis must be an integer, got 'a'"),
        (lambda: nn.Flatten()(3.0), ValueError, r"Flatten: takes \[batch, ...\], got shape \(\)"),
        (lambda: nn.Reshape((2,))(3.0), ValueError, r"Reshape: takes \[batch, ...\], got shape \(\)"),
        (lambda: nn.Reshape((-1, 0))(STACK), ValueError, r"Reshape: \(3, 4\) does not fit target_shape \(-1, 0\)"),
        (lambda: nn.Reshape((1.5,)), ValueError, r"Reshape: target_shape must hold sizes, got \(1.5,\)"),
        (
            lambda: nn.LayerNormalization()(np.float32(3.0)),
            ValueError,
            r"LayerNormalization: takes \[batch, ..., features\], got shape \(\)",
        ),
        (lambda: nn.Embedding(0, 3), ValueError, "Embedding: input_dim must be a positive integer, got 0"),
        (lambda: nn.Dropout(1.0), ValueError, r"Dropout: rate must lie in \[0, 1\), got 1.0"),
        (lambda: nn.LayerNormalization(axis=1), ValueError, "only axis=-1 is supported, got 1"),
        (lambda: nn.Reshape((5, -1))(STACK), ValueError, r"Reshape: \(3, 4\) does not fit target_shape \(5, -1\)"),
        (lambda: nn.Reshape((-1, -1)), ValueError, "only one size of target_shape may be -1"),
        (lambda: nn.Layer()(ROWS), NotImplementedError, r"Layer must define call\(inputs\)"),
    ],
)
def test_errors_name_the_argument(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_wrong_number_of_features_is_named():
    layer = nn.Dense(3)
    layer(ROWS)
    with pytest.raises(ValueError, match="kernel takes 4 features, x has 5"):
        layer(np.zeros((2, 5), dtype=np.float32))


def test_sizes_may_be_numbers_of_numpy():
    assert nn.Dense(np.int64(3))(ROWS).shape[-1] == 3
    assert nn.Embedding(np.int32(3), np.int64(2))(np.array([1])).shape == (1, 2)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_value": 1.0}, [0, 0, 0.5, 1]),
        ({"negative_slope": 0.5}, [-1, -0.25, 0.5, 3]),
        ({"threshold": 1.0}, [0, 0, 0, 3]),
        ({"max_value": 2.0, "negative_slope": 0.5, "threshold": 1.0}, [-1.5, -0.75, -0.25, 2]),
    ],
)
def test_relu_is_the_formula_of_keras(options, expected):
    np.testing.assert_allclose(nn.ReLU(**options)(np.array([[-2.0, -0.5, 0.5, 3.0]])), [expected])


def test_softmax_over_another_axis():
    np.testing.assert_allclose(np.asarray(nn.Softmax(axis=1)(STACK)).sum(axis=1), 1, rtol=1e-5)


def test_dropout_draws_in_the_shape_asked_for():
    outputs = np.asarray(nn.Dropout(0.5, (None, 1, 3), 7)(np.ones((50, 4, 3), dtype=np.float32), training=True))
    assert set(np.unique(outputs)) == {0.0, 2.0}
    assert (outputs == outputs[:, :1]).all()


def test_flatten_takes_lists():
    assert nn.Flatten()([[[1.0, 2.0], [3.0, 4.0]]]).shape == (1, 4)
