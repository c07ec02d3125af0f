"""The solves of implicit alternating least squares against NumPy in float64."""

import numpy as np
import pytest

from likewise import _core

ROWS, OTHERS = 40, 70


def problem(dim, seed=0):
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 40, ROWS)
    lengths[3] = 300  # more than one panel
    begin = np.concatenate([[0], np.cumsum(lengths)])
    history = random.integers(0, OTHERS, begin[-1]).astype(np.int32)
    others = random.normal(0, 1, (OTHERS, dim)).astype(np.float32)
    weights = random.uniform(0.5, 2, begin[-1]).astype(np.float32)
    ridge = random.uniform(5, 10, ROWS).astype(np.float32)
    return others, begin, history, weights, ridge


@pytest.mark.parametrize("dim", [1, 6, 8, 15, 32, 37, 64, 100, 192])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_row_solves_its_system(dim, weighted):
    others, begin, history, weights, ridge = problem(dim)
    gram = _core.scaled_gram(others, 0.3)
    rows, explained = _core.solve_rows(others, gram, begin, history, weights if weighted else None, ridge)
    q = others.astype(np.float64)
    total = 0.0
    for row in range(ROWS):
        span = slice(begin[row], begin[row + 1])
        w = weights[span].astype(np.float64) if weighted else np.ones(begin[row + 1] - begin[row])
        mine = q[history[span]]
        matrix = 0.3 * q.T @ q + mine.T @ (mine * w[:, None]) + ridge[row] * np.eye(dim)
        right = w @ mine
        expected = np.linalg.solve(matrix, right)
        total += expected @ right
        np.testing.assert_allclose(np.asarray(rows)[row], expected, rtol=1e-3, atol=2e-5)
    assert explained == pytest.approx(total, rel=1e-5)


def test_the_bits_are_those_of_one_thread():
    others, begin, history, weights, ridge = problem(33)
    threads = _core.num_threads()
    results = []
    for count in (1, 2, 4):
        _core.set_num_threads(count)
        gram = _core.scaled_gram(others, 0.3)
        results.append(_core.solve_rows(others, gram, begin, history, weights, ridge))
    _core.set_num_threads(threads)
    for rows, explained in results[1:]:
        assert explained == results[0][1]
        assert (np.asarray(rows) == np.asarray(results[0][0])).all()


def test_a_row_is_the_same_bits_alone_and_among_others():
    others, begin, history, _, ridge = problem(24)
    gram = _core.scaled_gram(others, 0.3)
    together = np.asarray(_core.solve_rows(others, gram, begin, history, None, ridge)[0])
    for row in (0, 3, ROWS - 1):
        span = history[begin[row] : begin[row + 1]]
        alone = _core.solve_rows(others, gram, np.array([0, len(span)]), span, None, ridge[row : row + 1])[0]
        assert (np.asarray(alone)[0] == together[row]).all()


def test_a_system_that_is_not_positive_definite_is_an_error():
    others, begin, history, _, ridge = problem(8)
    with pytest.raises(ValueError, match="not positive definite in float32: the regularisation is too small"):
        _core.solve_rows(others, -np.eye(8, dtype=np.float32) * 1e4, begin, history, None, ridge)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.update(history=p["history"] + 60), r"history must name rows in 0..69"),
        (lambda p: p.update(ridge=p["ridge"][:-1]), "begin and ridge must have 40 and 39 values, got 41 and 39"),
        (lambda p: p.update(gram=np.eye(3, dtype=np.float32)), r"gram must have shape \(8, 8\), got \(3, 3\)"),
    ],
)
def test_the_solver_names_what_is_wrong(change, message):
    others, begin, history, _, ridge = problem(8)
    parts = {"gram": np.eye(8, dtype=np.float32), "history": history, "ridge": ridge}
    change(parts)
    with pytest.raises(ValueError, match=message):
        _core.solve_rows(others, parts["gram"], begin, parts["history"], None, parts["ridge"])
