"""Every layer and its gradient against Keras itself, where it is installed: the same call, the same weights.

A case is one expression, evaluated once with our layers and once with Keras': names, arguments and defaults are held
as much as the numbers. Keras runs on PyTorch here (KERAS_BACKEND=torch, unless it is set).
"""

import os
import warnings

import numpy as np
import pytest

import likewise as lw
from likewise import nn

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    torch = pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
if keras.backend.backend() != "torch":
    pytest.skip("Keras runs on another backend than torch", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS, SERIES, IMAGES = (4, 6), (3, 9, 4), (2, 9, 8, 4)

# The layer as an expression of the module it is taken from, and the shape of its input, or of its inputs.
CASES = {
    "Activation": (lambda k: k.Activation("gelu"), ROWS),
    "Add": (lambda k: k.Add(), [SERIES, SERIES, SERIES]),
    "Add of other ranks": (lambda k: k.Add(), [SERIES, (3, 4)]),
    "Average": (lambda k: k.Average(), [ROWS, ROWS, ROWS]),
    "AveragePooling1D": (lambda k: k.AveragePooling1D(2), SERIES),
    "AveragePooling1D, same": (lambda k: k.AveragePooling1D(3, 2, padding="same"), SERIES),
    "AveragePooling2D": (lambda k: k.AveragePooling2D(2), IMAGES),
    # As many places on both sides: where they differ, Keras on PyTorch repeats the border, on TensorFlow cuts the pool.
    "AveragePooling2D, same": (lambda k: k.AveragePooling2D((3, 3), (2, 1), "same"), IMAGES),
    "BatchNormalization": (lambda k: k.BatchNormalization(), IMAGES),
    "Concatenate": (lambda k: k.Concatenate(), [(3, 9, 4), (3, 9, 2)]),
    "Concatenate, along time": (lambda k: k.Concatenate(axis=1), [(3, 9, 4), (3, 5, 4)]),
    "Conv1D": (lambda k: k.Conv1D(6, 3), SERIES),
    "Conv1D, causal": (lambda k: k.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu"), SERIES),
    "Conv1D, same": (lambda k: k.Conv1D(6, 4, strides=2, padding="same", use_bias=False), SERIES),
    "Conv2D": (lambda k: k.Conv2D(6, (3, 3), activation="relu"), IMAGES),
    "Conv2D, same": (lambda k: k.Conv2D(6, (3, 2), (2, 1), "same", activation="tanh"), IMAGES),
    "Conv2D, groups": (lambda k: k.Conv2D(6, 3, groups=2, dilation_rate=2), IMAGES),
    "Dense": (lambda k: k.Dense(5), ROWS),
    "Dense of three dimensions": (lambda k: k.Dense(5, "selu", use_bias=False), SERIES),
    "DepthwiseConv1D": (lambda k: k.DepthwiseConv1D(3, depth_multiplier=2, activation="elu"), SERIES),
    "DepthwiseConv2D": (lambda k: k.DepthwiseConv2D((3, 3)), IMAGES),
    "DepthwiseConv2D, same": (lambda k: k.DepthwiseConv2D(3, 2, "same", depth_multiplier=3), IMAGES),
    "DepthwiseConv2D, dilated": (lambda k: k.DepthwiseConv2D(3, dilation_rate=2, use_bias=False), IMAGES),
    "Dot": (lambda k: k.Dot(axes=1), [ROWS, ROWS]),
    "Dot, normalised": (lambda k: k.Dot(axes=-1, normalize=True), [SERIES, (3, 4)]),
    "Dot of matrices": (lambda k: k.Dot(axes=(2, 1)), [(3, 5, 4), (3, 4, 7)]),
    "Dot of matrices, the other way": (lambda k: k.Dot(axes=(1, 2)), [(3, 5, 4), (3, 7, 5)]),
    "Dropout": (lambda k: k.Dropout(0.5), ROWS),
    "Embedding": (lambda k: k.Embedding(7, 3), "ids"),
    "Flatten": (lambda k: k.Flatten(), IMAGES),
    "GaussianNoise": (lambda k: k.GaussianNoise(0.5), ROWS),
    "GlobalAveragePooling1D": (lambda k: k.GlobalAveragePooling1D(), SERIES),
    "GlobalAveragePooling2D": (lambda k: k.GlobalAveragePooling2D(keepdims=True), IMAGES),
    "GlobalMaxPooling1D": (lambda k: k.GlobalMaxPooling1D(), SERIES),
    "GlobalMaxPooling2D": (lambda k: k.GlobalMaxPooling2D(), IMAGES),
    "LayerNormalization": (lambda k: k.LayerNormalization(), SERIES),
    "MaxPooling1D": (lambda k: k.MaxPooling1D(), SERIES),
    "MaxPooling2D": (lambda k: k.MaxPooling2D((2, 2)), IMAGES),
    "MaxPooling2D, same": (lambda k: k.MaxPooling2D(3, 2, padding="same"), IMAGES),
    "Maximum": (lambda k: k.Maximum(), [ROWS, ROWS, ROWS]),
    "Minimum": (lambda k: k.Minimum(), [ROWS, ROWS, ROWS]),
    "MultiHeadAttention": (lambda k: k.MultiHeadAttention(2, 3), [SERIES, (3, 7, 5)]),
    "MultiHeadAttention, sizes": (
        lambda k: k.MultiHeadAttention(3, 2, 5, use_bias=False, output_shape=6),
        [SERIES, (3, 7, 5), (3, 7, 2)],
    ),
    "Multiply": (lambda k: k.Multiply(), [SERIES, (3, 9, 1)]),
    "Permute": (lambda k: k.Permute((3, 1, 2)), IMAGES),
    "ReLU": (lambda k: k.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), ROWS),
    "RepeatVector": (lambda k: k.RepeatVector(3), ROWS),
    "Reshape": (lambda k: k.Reshape((4, -1)), SERIES),
    "SeparableConv1D": (lambda k: k.SeparableConv1D(6, 3), SERIES),
    "SeparableConv1D, same": (
        lambda k: k.SeparableConv1D(6, 3, padding="same", depth_multiplier=2, activation="relu"),
        SERIES,
    ),
    "SeparableConv2D": (lambda k: k.SeparableConv2D(6, (3, 2), (2, 2), depth_multiplier=2), IMAGES),
    "Softmax": (lambda k: k.Softmax(), SERIES),
    "Softmax, along time": (lambda k: k.Softmax(axis=1), SERIES),
    "SpatialDropout1D": (lambda k: k.SpatialDropout1D(0.5), SERIES),
    "SpatialDropout2D": (lambda k: k.SpatialDropout2D(0.5), IMAGES),
    "Subtract": (lambda k: k.Subtract(), [ROWS, ROWS]),
    "UpSampling1D": (lambda k: k.UpSampling1D(3), SERIES),
    "UpSampling2D": (lambda k: k.UpSampling2D((2, 3)), IMAGES),
    "ZeroPadding1D": (lambda k: k.ZeroPadding1D((2, 1)), SERIES),
    "ZeroPadding2D": (lambda k: k.ZeroPadding2D(), IMAGES),
    "Bidirectional": (lambda k: k.Bidirectional(k.GRU(3, return_sequences=True)), SERIES),
    "Bidirectional, summed": (lambda k: k.Bidirectional(k.LSTM(3), merge_mode="sum"), SERIES),
    "GRU": (lambda k: k.GRU(5), SERIES),
    "GRU, reset first": (lambda k: k.GRU(5, reset_after=False, return_sequences=True), SERIES),
    "GRU, backwards": (lambda k: k.GRU(5, go_backwards=True, use_bias=False), SERIES),
    "LSTM": (lambda k: k.LSTM(5), SERIES),
    "LSTM, sequences": (lambda k: k.LSTM(5, "relu", "hard_sigmoid", return_sequences=True), SERIES),
    "Masking": (lambda k: k.Masking(0.0), SERIES),
    "MultiHeadAttention, no bias": (lambda k: k.MultiHeadAttention(1, 8, use_bias=False), [SERIES, (3, 2, 4)]),
    "SimpleRNN": (lambda k: k.SimpleRNN(5), SERIES),
    "SimpleRNN, sequences": (lambda k: k.SimpleRNN(5, "relu", return_sequences=True), SERIES),
    "TimeDistributed": (lambda k: k.TimeDistributed(k.Dense(3)), SERIES),
    "ZeroPadding2D of four sides": (lambda k: k.ZeroPadding2D(((1, 2), (0, 3))), IMAGES),
}


def random(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def inputs_for(shape):
    if shape == "ids":
        return [np.array([[1, 0, 6], [2, 2, 5]])]
    return [random(each, index) for index, each in enumerate(shape if isinstance(shape, list) else [shape])]


def arguments_of(layer, inputs):
    """Several inputs are a list, but for attention."""
    return inputs if "Attention" in type(layer).__name__ else [inputs if len(inputs) > 1 else inputs[0]]


def with_gradients(layer, arrays, ours, training=False):
    """The output, the gradients of a fixed weighted sum of it in the inputs and in the trained weights."""
    if ours:
        inputs = [lw.Tensor(each, requires_grad=each.dtype.kind == "f") for each in arrays]
    else:
        inputs = [torch.tensor(each, requires_grad=each.dtype.kind == "f") for each in arrays]
    outputs = layer(*arguments_of(layer, inputs), training=training)
    factors = random(tuple(outputs.shape), 99)
    if ours:
        total = lw.functional.sum(outputs * factors)
        weights = layer.trainable_weights
    else:
        total = (outputs * torch.from_numpy(factors)).sum()
        weights = [weight.value for weight in layer.trainable_weights]
    total.backward()
    leaves = [each for each in [*inputs, *weights] if each.requires_grad]
    gradients = [each.grad if not hasattr(each.grad, "to_dense") or ours else each.grad.to_dense() for each in leaves]
    return np.asarray(outputs if ours else outputs.detach()), gradients


def dense(gradient, shape):
    """A gradient as an array, that of a table included."""
    if isinstance(gradient, lw.functional.RowSparse):
        table = np.zeros(shape, dtype=np.float32)
        np.add.at(table, np.asarray(gradient.ids), np.asarray(gradient.rows))
        return table
    return np.asarray(gradient)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("name", CASES)
def test_a_layer_and_its_gradient_are_those_of_keras(name, training):
    make, shape = CASES[name]
    if training and ("Dropout" in name or "Noise" in name):
        pytest.skip("the draws differ")
    arrays = inputs_for(shape)
    ours, theirs = make(nn), make(keras.layers)
    given = [torch.from_numpy(each) for each in arrays]
    theirs(*arguments_of(theirs, given))
    ours(*arguments_of(ours, arrays))
    weights = theirs.get_weights()
    assert [weight.shape for weight in ours.get_weights()] == [weight.shape for weight in weights]
    weights = [np.abs(random(weight.shape, 7 + index)) + 0.1 for index, weight in enumerate(weights)]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    got, got_gradients = with_gradients(ours, arrays, ours=True, training=training)
    expected, expected_gradients = with_gradients(theirs, arrays, ours=False, training=training)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    assert len(got_gradients) == len(expected_gradients)
    for mine, reference in zip(got_gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(dense(mine, tuple(reference.shape)), reference, rtol=1e-3, atol=1e-4)
    for mine, reference in zip(ours.get_weights(), theirs.get_weights(), strict=True):  # the moving averages too
        np.testing.assert_allclose(mine, reference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"use_causal_mask": True}], ids=["all", "causal"])
@pytest.mark.parametrize("masks", ["none", "value", "attention"])
@pytest.mark.parametrize("return_attention_scores", [False, True])
def test_attention_sees_what_it_sees_in_keras(options, masks, return_attention_scores):
    query, value = random((3, 6, 4), 1), random((3, 6, 5), 2)
    rng = np.random.default_rng(3)
    given = {"value_mask": rng.random((3, 6)) < 0.6} if masks == "value" else {}
    if masks == "attention":
        given = {"attention_mask": rng.random((3, 6, 6)) < 0.6}
    for mask in given.values():
        mask[..., 0] = True  # Keras spreads a query that sees no key over all of them
    ours, theirs = nn.MultiHeadAttention(2, 3), keras.layers.MultiHeadAttention(2, 3)
    theirs(torch.from_numpy(query), torch.from_numpy(value))
    ours(query, value=value)
    ours.set_weights(theirs.get_weights())
    options = options | {"return_attention_scores": return_attention_scores}
    got = ours(query, value, **given, **options)
    masks = {name: torch.from_numpy(mask) for name, mask in given.items()}
    expected = theirs(torch.from_numpy(query), torch.from_numpy(value), **masks, **options)
    pairs = zip(got, expected, strict=True) if return_attention_scores else [(got, expected)]
    for mine, reference in pairs:
        np.testing.assert_allclose(np.asarray(mine), reference.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_no_layer_is_left_out():
    assert {name.split(",")[0].split(" ")[0] for name in CASES} == set(nn.layers.__all__)


def test_glorots_limits_are_those_of_keras():
    for name in ("DepthwiseConv2D, same", "SeparableConv1D, same", "Conv2D, groups"):
        make, shape = CASES[name]
        ours, theirs = make(nn), make(keras.layers)
        ours(inputs_for(shape)[0])
        theirs.build(shape)
        for mine, reference in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            if mine.ndim > 1:
                assert 0.6 < np.abs(mine).max() / np.abs(reference).max() < 1.7


def test_a_training_is_that_of_keras():
    x, y = random((64, 8, 8, 1), 1), np.random.default_rng(2).integers(0, 3, 64)

    def network(k, models):
        return models.Sequential(
            [
                k.ZeroPadding2D(),
                k.Conv2D(8, 3, activation="relu"),
                k.MaxPooling2D(),
                k.BatchNormalization(),
                k.DepthwiseConv2D(3, padding="same"),
                k.SeparableConv2D(6, 2, activation="tanh", depth_multiplier=2),
                k.GlobalAveragePooling2D(),
                k.Dense(3, activation="softmax"),
            ]
        )

    ours, theirs = network(nn, nn), network(keras.layers, keras)
    ours(x[:1])
    theirs.build((None, 8, 8, 1))
    ours.set_weights(theirs.get_weights())
    losses = []
    for module, model in ((lw.optimizers, ours), (keras.optimizers, theirs)):
        model.compile(module.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
        losses.append(model.evaluate(x, y, verbose=0))
    np.testing.assert_allclose(losses[0], losses[2], rtol=2e-3)
    np.testing.assert_allclose(losses[1], losses[3], rtol=5e-3)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x, verbose=0), atol=5e-3)
