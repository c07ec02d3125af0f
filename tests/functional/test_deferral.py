"""Operations done in one go give what they give one after the other, whatever else is done with what lies between."""

import numpy as np
import pytest
from tests.cases import together

import likewise as lw
from likewise import functional as F

ROWS, INPUTS, OUTPUTS = 1100, 20, 33


def inputs():
    rng = np.random.default_rng(3)
    shapes = {"x": (ROWS, INPUTS), "kernel": (INPUTS, OUTPUTS), "bias": (OUTPUTS,), "residual": (ROWS, OUTPUTS)}
    return {
        name: lw.Tensor(rng.normal(size=shape).astype(np.float32), requires_grad=True) for name, shape in shapes.items()
    }


def plain(x, kernel, bias, residual):
    return F.add(residual, F.dropout(F.linear(x, kernel, bias), 0.4, 7))


def looked_at(x, kernel, bias, residual):
    h = F.linear(x, kernel, bias)
    np.asarray(h)
    return F.add(F.dropout(h, 0.4, 7), residual)


def used_twice(x, kernel, bias, residual):
    h = F.linear(x, kernel, bias)
    dropped = F.dropout(h, 0.4, 7)
    return F.add(F.multiply(h, 3.0), F.add(residual, dropped))


def dropped_twice(x, kernel, bias, residual):
    return F.add(F.dropout(F.dropout(F.linear(x, kernel, bias, "relu"), 0.2, 1), 0.3, 2), residual)


def with_itself(x, kernel, bias, residual):
    h = F.linear(x, kernel, bias)
    return F.add(F.add(h, h), residual)


def behind_tanh(x, kernel, bias, residual):
    return F.add(F.dropout(F.linear(x, kernel, bias, "tanh"), 0.4, 7), residual)


def broadcast(x, kernel, bias, residual):
    return F.add(F.add(F.linear(x, kernel, bias), F.sum(residual, 0)), residual)


def in_another_shape(x, kernel, bias, residual):
    turned = F.reshape(F.linear(x, kernel, bias), (OUTPUTS, ROWS))
    return F.reshape(F.add(F.dropout(turned, 0.4, 7), F.reshape(residual, (OUTPUTS, ROWS))), (ROWS, OUTPUTS))


def a_part(x, kernel, bias, residual):
    upper = F.dropout(F.linear(x, kernel, bias)[: ROWS // 2], 0.4, 7)
    return F.concatenate([F.add(upper, residual[: ROWS // 2]), residual[ROWS // 2 :]], 0)


@pytest.mark.parametrize(
    "call",
    [plain, in_another_shape, a_part, looked_at, used_twice, dropped_twice, with_itself, behind_tanh, broadcast],
    ids=lambda f: f.__name__,
)
def test_dense_layers_with_what_follows(call):
    dy = np.random.default_rng(4).normal(size=(ROWS, OUTPUTS)).astype(np.float32)

    def run(how):
        given = inputs()
        y = how(lambda: call(**given))
        y.backward(dy)
        return [np.asarray(y), *(np.asarray(each.grad) for each in given.values())]

    for found, expected in zip(run(together), run(lambda call: call()), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


def test_a_convolution_in_another_shape_before_its_pool():
    rng = np.random.default_rng(8)
    x, kernel = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 6, 6, 3), (3, 3, 3, 5)))

    def call():
        return F.max_pool1d(F.reshape(F.conv2d(x, kernel), (2, 16, 5)), 2, 2)

    np.testing.assert_array_equal(np.asarray(together(call)), np.asarray(call()))


@pytest.mark.parametrize("shape", [(2, 60, 32), (70, 9, 5), (3, 30, 24, 20)], ids=str)
@pytest.mark.parametrize(("taps", "filters"), [(1, 16), (2, 9), (3, 16), (4, 40), (3, 3)])
def test_a_convolution_and_its_pool_are_the_same_to_the_last_bit(shape, taps, filters):
    one = len(shape) == 3
    rng = np.random.default_rng(taps)
    x = rng.normal(size=shape).astype(np.float32)
    kernel = rng.normal(size=(*(len(shape) - 2) * [taps], shape[-1], filters)).astype(np.float32)
    convolve, pooled = (F.conv1d, F.max_pool1d) if one else (F.conv2d, F.max_pool2d)

    def call():
        y = convolve(x, kernel, activation="relu")
        size = y.shape[1] if one else (2, 2)
        return pooled(y, size, size)

    np.testing.assert_array_equal(np.asarray(together(call)), np.asarray(call()))


def test_the_sum_with_a_residual_is_the_same_to_the_last_bit():
    given = inputs()
    np.testing.assert_array_equal(np.asarray(together(lambda: plain(**given))), np.asarray(plain(**given)))


def test_a_change_in_place_comes_after_what_was_put_off():
    given = inputs()
    expected = np.asarray(F.linear(given["x"], given["kernel"], given["bias"]))

    def changed():
        h = F.linear(given["x"], given["kernel"], given["bias"])
        given["kernel"].assign(np.zeros((INPUTS, OUTPUTS), dtype=np.float32))
        return h

    np.testing.assert_array_equal(np.asarray(together(changed)), expected)


def test_gradients_that_meet_at_a_result_add_up():
    x = np.random.default_rng(5).normal(size=(ROWS, INPUTS)).astype(np.float32)
    kernel = np.random.default_rng(6).normal(size=(INPUTS, INPUTS)).astype(np.float32)
    dy = np.random.default_rng(7).normal(size=(ROWS, INPUTS)).astype(np.float32)
    # x reaches the sum by so many ways, each of which adds to the gradient that is there already
    ways = [
        lambda h: h,
        lambda h: F.linear(h, kernel),
        lambda h: F.layer_normalization(h),
        lambda h: F.linear(F.layer_normalization(h), kernel),
        lambda h: F.linear(h, kernel, None, "relu"),
    ]

    def gradient(chosen):
        leaf = lw.Tensor(x, requires_grad=True)
        h = F.multiply(leaf, 1.0)
        total = chosen[0](h)
        for way in chosen[1:]:
            total = F.add(total, way(h))
        total.backward(dy)
        return np.asarray(leaf.grad)

    expected = sum(gradient([way]).astype(float) for way in ways)
    for order in (ways, ways[::-1]):
        np.testing.assert_allclose(gradient(order), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_gradients_of_convolutions_with_their_pools_add_up():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(37, 12, 9)).astype(np.float32)
    kernels = [rng.normal(size=(height, 9, 20)).astype(np.float32) for height in (1, 3, 12, 5)]
    start, dy = (rng.normal(size=shape).astype(np.float32) for shape in ((9, 20), (37, 20)))

    def gradient(chosen, through_a_result):
        leaf = lw.Tensor(x, requires_grad=True)

        def pooled():
            h = F.multiply(leaf, 1.0) if through_a_result else leaf
            total = F.linear(h[:, 0], start)
            for i, kernel in chosen:
                convolved = F.conv1d(h, kernel, activation="tanh", padding="same" if i == 3 else "valid")
                total = F.add(total, F.max_pool1d(convolved, convolved.shape[1])[:, 0])
            return total

        together(pooled).backward(dy)
        return np.asarray(leaf.grad)

    ways = list(enumerate(kernels))
    rest = gradient([], False).astype(float)
    expected = rest + sum(gradient([way], False) - rest for way in ways)
    for order in (ways, ways[::-1]):
        for through_a_result in (False, True):
            found = gradient(order, through_a_result)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
