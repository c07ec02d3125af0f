"""What the case table does not say of attention: dropout."""

import numpy as np
import pytest

from likewise import Tensor
from likewise import functional as F

RATE = 0.3


def weights(key, rate=RATE, steps=40):
    """The weights that values get: those of the identity."""
    rng = np.random.default_rng(1)
    q, k = (rng.normal(size=(2, steps, 8)).astype(np.float32) for _ in range(2))
    v = np.tile(np.eye(steps, dtype=np.float32), (2, 1, 1))
    return np.asarray(F.attention(q, k, v, causal=True, dropout=rate, dropout_key=key))


def test_what_is_kept_grows_and_the_rest_is_dropped():
    whole, some = weights(0, rate=0.0), weights(7)
    kept = some != 0
    np.testing.assert_allclose(some[kept], whole[kept] / (1 - RATE), rtol=1e-6)
    lower = np.broadcast_to(np.tri(40, dtype=bool), kept.shape)
    assert abs(kept[lower].mean() - (1 - RATE)) < 0.03
    assert not np.array_equal(kept[0], kept[1])
    assert np.array_equal(weights(7), some)
    assert not np.array_equal(weights(8), some)


@pytest.mark.parametrize("argument", [0, 1, 2])
def test_gradients_know_what_was_dropped(argument):
    rng = np.random.default_rng(2)
    arguments = [rng.normal(size=(1, 50, 6)).astype(np.float32) for _ in range(3)]
    cotangent, direction = (rng.normal(size=(1, 50, 6)).astype(np.float32) for _ in range(2))

    def value(at):
        found = F.attention(*at, num_heads=2, causal=True, dropout=RATE, dropout_key=5)
        return float((np.asarray(found, dtype=np.float64) * cotangent).sum())

    tensors = [Tensor(each, requires_grad=True) for each in arguments]
    found = F.attention(*tensors, num_heads=2, causal=True, dropout=RATE, dropout_key=5)
    F.sum(F.multiply(found, cotangent)).backward()
    ends = []
    for step in (1e-2, -1e-2):
        moved = list(arguments)
        moved[argument] = moved[argument] + np.float32(step) * direction
        ends.append(value(moved))
    slope = float((np.asarray(tensors[argument].grad) * direction).sum())
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=2e-3, abs=2e-3)


def test_dropout_gives_the_same_bits_at_any_number_of_threads(same_bits):
    rng = np.random.default_rng(3)
    arguments = [rng.normal(size=(30, 70, 12)).astype(np.float32) for _ in range(3)]
    same_bits(lambda: F.attention(*arguments, num_heads=3, dropout=0.2, dropout_key=9))
