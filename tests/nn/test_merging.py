"""Layers of several inputs: NumPy's numbers, gradients by finite differences, and what does not fit."""

import numpy as np
import pytest

import likewise as lw
from likewise import nn

generator = np.random.Generator(np.random.Philox(key=11))
A, B, C = (generator.standard_normal((3, 5, 4)).astype(np.float32) for _ in range(3))
ROW = generator.standard_normal((3, 4)).astype(np.float32)


def cosine(a, b):
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


@pytest.mark.parametrize(
    ("layer", "inputs", "expected"),
    [
        (nn.Add(), [A, B, C], A + B + C),
        (nn.Add(), [A, ROW], A + ROW[:, None]),
        (nn.Add(), [ROW, A], A + ROW[:, None]),
        (nn.Subtract(), [A, B], A - B),
        (nn.Multiply(), [A, B[:, :1], C], A * B[:, :1] * C),
        (nn.Average(), (A, B, C), (A + B + C) / 3),
        (nn.Maximum(), [A, B, C], np.maximum(np.maximum(A, B), C)),
        (nn.Minimum(), [A, B, C], np.minimum(np.minimum(A, B), C)),
        (nn.Concatenate(), [A, B[..., :2]], np.concatenate([A, B[..., :2]], -1)),
        (nn.Concatenate(axis=1), [A, B[:, :2], C], np.concatenate([A, B[:, :2], C], 1)),
        (nn.Dot(1), [ROW, A[:, 0]], (ROW * A[:, 0]).sum(1, keepdims=True)),
        (nn.Dot(-1, normalize=True), [ROW, A[:, 0]], cosine(ROW, A[:, 0])[:, None]),
        (nn.Dot(2), [A, B], np.einsum("bik,bjk->bij", A, B)),
        (nn.Dot((1, 1)), [A, B], np.einsum("bki,bkj->bij", A, B)),
        (nn.Dot((1, 2)), [ROW, A], np.einsum("bk,bik->bi", ROW, A)),
    ],
)
def test_the_numbers_are_those_of_numpy(layer, inputs, expected):
    got = layer(inputs)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [nn.Add(), nn.Subtract(), nn.Multiply(), nn.Average(), nn.Maximum(), nn.Dot(2), nn.Dot((1, 1), normalize=True)],
)
def test_gradients_are_those_of_finite_differences(layer):
    inputs = [lw.Tensor(each, requires_grad=True) for each in (A, B)]
    factors = np.random.default_rng(1).normal(size=tuple(layer([A, B]).shape)).astype(np.float32)
    lw.functional.sum(layer(inputs) * factors).backward()
    step = 1e-2
    for which in range(2):
        for place in ((0, 0, 0), (1, 3, 2), (2, 4, 3)):
            sums = []
            for sign in (1, -1):
                moved = [A.copy(), B.copy()]
                moved[which][place] += sign * step
                sums.append(float((np.asarray(layer(moved), dtype=np.float64) * factors).sum()))
            slope = (sums[0] - sums[1]) / (2 * step)
            assert np.asarray(inputs[which].grad)[place] == pytest.approx(slope, rel=0.02, abs=0.02)


def test_a_network_of_two_inputs_learns_and_is_kept(tmp_path):
    class Towers(nn.Model):
        def __init__(self):
            super().__init__()
            self.user, self.item, self.dot = nn.Dense(8), nn.Dense(8), nn.Dot(1)

        def call(self, inputs):
            return self.dot([self.user(inputs[0]), self.item(inputs[1])])

    random = np.random.default_rng(0)
    x = [random.normal(size=(200, 5)).astype(np.float32) for _ in range(2)]
    y = (x[0] * x[1]).sum(1)
    model = Towers()
    model.compile(lw.optimizers.Adam(0.02), "mse")
    model.fit(x, y, epochs=30, verbose=0)
    assert model.evaluate(x, y) < 0.5
    model.save_weights(tmp_path / "towers.safetensors")
    twin = Towers()
    twin(x)
    twin.load_weights(tmp_path / "towers.safetensors")
    np.testing.assert_array_equal(twin.predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Add()(A), "Add: takes a list of inputs, got ndarray"),
        (lambda: nn.Add()([]), "Add: takes a list of inputs, got list"),
        (lambda: nn.Add()([A, B[:, :4]]), r"Add: inputs of shapes \(3, 5, 4\) and \(3, 4, 4\) do not fit"),
        (lambda: nn.Multiply()([A, ROW[:2]]), r"Multiply: inputs of shapes \(3, 5, 4\) and \(2, 4\) do not fit"),
        (lambda: nn.Subtract()([A, B, C]), "Subtract: takes a list of 2 inputs, got 3"),
        (lambda: nn.Maximum()([np.float32(3)]), r"Maximum: takes inputs \[batch, ...\], got shape \(\)"),
        (lambda: nn.Concatenate("a"), "Concatenate: axis must be an integer, got 'a'"),
        (lambda: nn.Concatenate(3)([A, B]), r"Concatenate: axis 3 is out of range for inputs of shape \(3, 5, 4\)"),
        (
            lambda: nn.Concatenate()([A, B[:, :4]]),
            r"Concatenate: sizes but that of axis -1 differ: \(3, 5, 4\) and \(3, 4, 4\)",
        ),
        (lambda: nn.Dot(0), "Dot: axes must be one integer or two, but not 0, got 0"),
        (lambda: nn.Dot((1, 2, 1)), r"Dot: axes must be one integer or two, but not 0, got \(1, 2, 1\)"),
        (lambda: nn.Dot(1, normalize=2), "Dot: normalize must be True or False, got 2"),
        (lambda: nn.Dot(2)([ROW, A]), r"Dot: axis 2 is out of range for an input of shape \(3, 4\)"),
        (lambda: nn.Dot(1)([A]), "Dot: takes a list of 2 inputs, got 1"),
        (
            lambda: nn.Dot(1)([A, ROW]),
            r"Dot: sizes of axes \(1, 1\) differ: inputs of shapes \(3, 5, 4\) and \(3, 4\)",
        ),
        (
            lambda: nn.Dot(1)([A, B[:2]]),
            r"Dot: inputs must have as many rows, got shapes \(3, 5, 4\) and \(2, 5, 4\)",
        ),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
