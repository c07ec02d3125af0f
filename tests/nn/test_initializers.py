"""Initial values have the distribution their formula says."""

import math

import numpy as np
import pytest

from likewise.nn import initializers

SHAPE = (400, 100)
AVERAGE, IN = 2 / 500, 1 / 400
CASES = {
    "zeros": (0.0, 0.0),
    "ones": (1.0, 0.0),
    "uniform": (0.0, 0.1**2 / 12),
    "normal": (0.0, 0.05**2),
    "truncated_normal": (0.0, (0.05 * 0.8796) ** 2),
    "glorot_uniform": (0.0, AVERAGE),
    "glorot_normal": (0.0, AVERAGE),
    "he_uniform": (0.0, 2 * IN),
    "he_normal": (0.0, 2 * IN),
    "lecun_uniform": (0.0, IN),
    "lecun_normal": (0.0, IN),
    "variance_scaling": (0.0, IN),
}


@pytest.mark.parametrize("name", CASES)
def test_mean_and_variance(name):
    values = initializers.get(name)(SHAPE, initializers.generator_for(1, "kernel"))
    mean, variance = CASES[name]
    assert values.shape == SHAPE
    assert values.dtype == np.float32
    assert abs(values.mean() - mean) < 4 * math.sqrt(max(variance, 1e-12) / values.size)
    assert values.var() == pytest.approx(variance, rel=0.03, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "limit"), [("truncated_normal", 0.1), ("uniform", 0.05), ("glorot_uniform", 0.10954452)]
)
def test_bounds(name, limit):
    values = initializers.get(name)(SHAPE)
    assert 0.98 * limit < np.abs(values).max() <= limit * 1.000001


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 2, 3)])
def test_orthogonal(shape):
    matrix = initializers.Orthogonal(gain=2.0)(shape).reshape(-1, shape[-1])
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_fans_of_a_convolution_count_its_taps():
    values = initializers.HeNormal()((3, 3, 32, 64))
    assert values.var() == pytest.approx(2 / (9 * 32), rel=0.03)


def test_draws_depend_on_seed_and_path_alone():
    draw = initializers.RandomNormal()
    first = draw((3,), initializers.generator_for(1, "a/kernel"))
    assert np.array_equal(first, draw((3,), initializers.generator_for(1, "a/kernel")))
    assert not np.array_equal(first, draw((3,), initializers.generator_for(2, "a/kernel")))
    assert not np.array_equal(first, draw((3,), initializers.generator_for(1, "b/kernel")))
    own = initializers.RandomNormal(seed=4)
    assert np.array_equal(own((3,), initializers.generator_for(1, "a")), own((3,), initializers.generator_for(2, "b")))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: initializers.get("glorot"), ValueError, "must be one of zeros, ones,.*got 'glorot'"),
        (lambda: initializers.get(3), TypeError, "must be a name, an Initializer or a function"),
        (
            lambda: initializers.get(lambda shape: np.zeros(2))((3,)),
            ValueError,
            r"must return shape \(3,\), got \(2,\)",
        ),
        (lambda: initializers.Orthogonal()((3,)), ValueError, "needs two dimensions or more"),
        (lambda: initializers.VarianceScaling(mode="fan"), ValueError, "mode must be 'fan_in'.*got 'fan'"),
        (lambda: initializers.VarianceScaling(scale=0.0), ValueError, "scale must be positive, got 0.0"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("he_normal", initializers.HeNormal),
        ("HeNormal", initializers.HeNormal),
        ("Orthogonal", initializers.Orthogonal),
        ("identity", initializers.Identity),
    ],
)
def test_names_of_functions_and_classes(name, kind):
    assert type(initializers.get(name)) is kind
    assert type(getattr(initializers, name, kind)()) is kind


def test_functions_are_spelled_as_in_keras():
    assert initializers.he_normal(seed=3).seed == 3
    assert initializers.constant(2.0).value == 2.0
    with pytest.raises(AttributeError, match="no attribute 'she_normal'"):
        _ = initializers.she_normal


def test_identity():
    assert np.array_equal(initializers.Identity(gain=2.0)((2, 3)), [[2, 0, 0], [0, 2, 0]])
    with pytest.raises(ValueError, match=r"Identity: needs two dimensions, got shape \(3,\)"):
        initializers.Identity()((3,))
