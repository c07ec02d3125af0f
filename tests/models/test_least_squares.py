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


def steps_of_conjugate_gradient(matrix, right, x, steps):
    """The textbook's, in float64."""
    rest = right - matrix @ x
    direction = rest
    for _ in range(steps):
        image = matrix @ direction
        along = rest @ rest / (direction @ image)
        shorter = rest - along * image
        x, direction = x + along * direction, shorter + shorter @ shorter / (rest @ rest) * direction
        rest = shorter
    return x


@pytest.mark.parametrize("dim", [1, 6, 15, 37, 64, 100, 192])
@pytest.mark.parametrize("weighted", [False, True])
def test_steps_of_conjugate_gradient_are_the_textbooks(dim, weighted):
    others, begin, history, weights, ridge = problem(dim)
    gram = _core.scaled_gram(others, 0.3)
    before = np.random.default_rng(1).normal(0, 0.1, (ROWS, dim)).astype(np.float32)
    kept, steps = before.copy(), min(dim, 3)
    weights = weights if weighted else None
    rows, explained = _core.improve_rows(before, others, gram, begin, history, weights, ridge, steps=steps)
    q, total = others.astype(np.float64), 0.0
    for row in range(ROWS):
        span = slice(begin[row], begin[row + 1])
        w = np.ones(begin[row + 1] - begin[row]) if weights is None else weights[span].astype(np.float64)
        mine = q[history[span]]
        matrix = 0.3 * q.T @ q + mine.T @ (mine * w[:, None]) + ridge[row] * np.eye(dim)
        right = w @ mine
        expected = steps_of_conjugate_gradient(matrix, right, before[row].astype(np.float64), steps)
        total += 2 * expected @ right - expected @ matrix @ expected
        np.testing.assert_allclose(np.asarray(rows)[row], expected, rtol=2e-3, atol=2e-5)
    assert explained == pytest.approx(total, rel=1e-5)
    assert (before == kept).all()


def test_many_steps_of_conjugate_gradient_end_at_the_exact_solve():
    others, begin, history, weights, ridge = problem(24)
    gram = _core.scaled_gram(others, 0.3)
    exact, most = _core.solve_rows(others, gram, begin, history, weights, ridge)
    rows, reached = np.zeros((ROWS, 24), dtype=np.float32), []
    for _ in range(8):
        rows, explained = _core.improve_rows(rows, others, gram, begin, history, weights, ridge, steps=6)
        reached.append(explained)
    np.testing.assert_allclose(np.asarray(rows), np.asarray(exact), rtol=1e-3, atol=1e-5)
    assert reached[0] < reached[1]
    assert reached[-1] == pytest.approx(most, rel=1e-6)


def test_conjugate_gradient_stays_at_a_solution():
    others, _, history, _, ridge = problem(8)
    nothing = np.zeros(ROWS + 1, dtype=np.int64)
    zeros = np.zeros((ROWS, 8), dtype=np.float32)
    gram = _core.scaled_gram(others, 0.3)
    rows, explained = _core.improve_rows(zeros, others, gram, nothing, history[:0], None, ridge, steps=3)
    assert (np.asarray(rows) == 0).all()
    assert explained == 0


def test_the_bits_are_those_of_one_thread():
    others, begin, history, weights, ridge = problem(33)
    threads = _core.num_threads()
    results = []
    for count in (1, 2, 4):
        _core.set_num_threads(count)
        gram = _core.scaled_gram(others, 0.3)
        exact = _core.solve_rows(others, gram, begin, history, weights, ridge)
        zeros = np.zeros((ROWS, 33), dtype=np.float32)
        results.append((exact, _core.improve_rows(zeros, others, gram, begin, history, weights, ridge, steps=3)))
    _core.set_num_threads(threads)
    for solves in results[1:]:
        for (rows, explained), (first_rows, first_explained) in zip(solves, results[0], strict=True):
            assert explained == first_explained
            assert (np.asarray(rows) == np.asarray(first_rows)).all()


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
    negative, start = -np.eye(8, dtype=np.float32) * 1e4, np.ones((ROWS, 8), dtype=np.float32)
    with pytest.raises(ValueError, match="not positive definite in float32: the regularisation is too small"):
        _core.solve_rows(others, negative, begin, history, None, ridge)
    with pytest.raises(ValueError, match="not positive definite in float32: the regularisation is too small"):
        _core.improve_rows(start, others, negative, begin, history, None, ridge, steps=3)


def test_conjugate_gradient_names_rows_and_steps_that_do_not_fit():
    others, begin, history, _, ridge = problem(8)
    gram, rows = np.eye(8, dtype=np.float32), np.zeros((ROWS, 8), dtype=np.float32)
    with pytest.raises(ValueError, match=r"both sides must have shape \[rows, dim\], got \(70, 8\) and \(40, 7\)"):
        _core.improve_rows(rows[:, :7].copy(), others, gram, begin, history, None, ridge, steps=3)
    with pytest.raises(ValueError, match="begin and ridge must have 40 and 39 values, got 41 and 40"):
        _core.improve_rows(rows[1:], others, gram, begin, history, None, ridge, steps=3)
    with pytest.raises(ValueError, match="steps must be >= 0, got -1"):
        _core.improve_rows(rows, others, gram, begin, history, None, ridge, steps=-1)


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
