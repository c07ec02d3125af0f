"""The fused step of matrix factorization against a float64 reference, and its batches."""

import numpy as np
import pytest

from likewise import _core

N_USERS, N_ITEMS, ROWS, NEGATIVES = 60, 50, 900, 3


@pytest.fixture(scope="module")
def log():
    """Users' rows as (indptr, items, ratings); some pairs repeat, one user has no row."""
    random = np.random.default_rng(0)
    users = np.sort(random.integers(1, N_USERS, ROWS))
    indptr = np.searchsorted(users, np.arange(N_USERS + 1)).astype(np.int64)
    items = random.integers(0, N_ITEMS, ROWS).astype(np.int32)
    return indptr, items, random.integers(1, 6, ROWS).astype(np.float32)


def batches_of(log, negatives=NEGATIVES, batch_size=128, seed=5, n_items=N_ITEMS):
    indptr, items, ratings = log
    return _core.Batches(indptr, items, ratings, n_items=n_items, batch_size=batch_size, negatives=negatives, seed=seed)


# --- batches


def test_an_epoch_draws_every_row_once_in_another_order_each_time(log):
    batches = batches_of(log)
    orders = [np.concatenate([batches.draw(epoch, step)[0] for step in range(batches.steps)]) for epoch in (0, 1)]
    for order in orders:
        assert (np.sort(order) == np.arange(ROWS)).all()
    assert (orders[0] != orders[1]).mean() > 0.9
    assert (orders[0][:-1] + 1 == orders[0][1:]).mean() < 0.05


def test_positives_are_the_rows_and_negatives_are_never_seen(log):
    indptr, items, _ = log
    batches = batches_of(log)
    owner = np.repeat(np.arange(N_USERS), np.diff(indptr))
    seen = {user: set(items[indptr[user] : indptr[user + 1]].tolist()) for user in range(N_USERS)}
    for step in range(batches.steps):
        rows, users, drawn = batches.draw(3, step)
        assert (users == owner[rows]).all()
        assert (drawn[:, 0] == items[rows]).all()
        assert not any(set(row[1:].tolist()) & seen[user] for user, row in zip(users, drawn, strict=True))


def test_negatives_of_a_row_do_not_depend_on_the_batch_size(log):
    def by_row(batches):
        parts = [batches.draw(2, step) for step in range(batches.steps)]
        rows = np.concatenate([part[0] for part in parts])
        return np.concatenate([part[2] for part in parts])[np.argsort(rows)]

    assert (by_row(batches_of(log, batch_size=128)) == by_row(batches_of(log, batch_size=37))).all()


def test_negatives_are_uniform_over_what_is_not_seen():
    seen = np.array([3, 4, 5, 6, 7, 8, 9], dtype=np.int32)
    log = np.array([0, len(seen)]), seen, None
    batches = batches_of(log, negatives=400, batch_size=7, n_items=10)
    drawn = np.concatenate([batches.draw(epoch, 0)[2][:, 1:].ravel() for epoch in range(20)])
    counts = np.bincount(drawn, minlength=10)
    assert (counts[3:] == 0).all()
    expected = len(drawn) / 3
    assert (np.abs(counts[:3] - expected) < 5 * np.sqrt(expected)).all()


def test_a_user_who_has_seen_everything_still_gets_negatives():
    log = np.array([0, 2]), np.array([0, 1], dtype=np.int32), None
    _, _, drawn = batches_of(log, n_items=2).draw(0, 0)
    assert set(drawn.ravel().tolist()) <= {0, 1}


def test_large_catalogues_search_the_seen_items_instead_of_a_bitmap():
    users, per_user, n_items = 2000, 3, 400_000  # 100 MB of bits
    indptr = np.arange(0, users * per_user + 1, per_user)
    items = np.tile(np.array([7, 5, 9], dtype=np.int32), users)
    drawn = batches_of((indptr, items, None), n_items=n_items, batch_size=6000).draw(0, 0)[2]
    assert not np.isin(drawn[:, 1:], [5, 7, 9]).any()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_items": 49}, r"items\[\d+\] must be in 0..48, got 49"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"negatives": -1}, "negatives must be at least 0, got -1"),
    ],
)
def test_batches_name_what_is_wrong(log, changed, message):
    with pytest.raises(ValueError, match=message):
        batches_of(log, **changed)


def test_batches_want_row_pointers_that_cover_the_items(log):
    with pytest.raises(ValueError, match="indptr must ascend from 0 to the 900 rows of items, got 0 to 3"):
        _core.Batches(np.array([0, 3]), log[1], None, n_items=N_ITEMS, batch_size=8, negatives=1, seed=0)


# --- gradients


def reference(loss, tables, samples, ratings, l2, offset):
    """Loss and gradients in float64, sample by sample."""
    rows, users, items = samples
    p, q, b, c = (table.astype(np.float64) for table in tables)
    gradients = [np.zeros_like(table) for table in (p, q, b, c)]
    total, n = 0.0, items.shape[1] - 1
    for row, user, slots in zip(rows, users, items, strict=True):
        score = q[slots] @ p[user] + b[user] + c[slots] + offset
        pairs, share = 1, np.ones(n + 1)
        if loss == "bpr":
            difference = score[1:] - score[0]
            total += np.logaddexp(0, difference).mean()
            slope = 1 / (1 + np.exp(-difference)) / n
            g = np.concatenate([[-slope.sum()], slope])
            share[1:] = 1 / n
        elif loss == "bce":
            label = np.eye(n + 1)[0]
            total += np.logaddexp(0, np.where(label, -score, score)).sum()
            g = 1 / (1 + np.exp(-score)) - label
            pairs = 1 + n
        elif loss == "softmax":
            probability = np.exp(score - np.logaddexp.reduce(score))
            total += -np.log(probability[0])
            g = probability - np.eye(n + 1)[0]
        else:
            error = score - ratings[row]
            total += float(error @ error)
            g = 2 * error
        gradients[0][user] += g @ q[slots] + l2 * pairs * p[user]
        gradients[2][user] += g.sum() + l2 * pairs * b[user]
        for slot, weight, slope in zip(slots, share, g, strict=True):
            gradients[1][slot] += slope * p[user] + l2 * weight * q[slot]
            gradients[3][slot] += slope + l2 * weight * c[slot]
    return total, gradients


def tables_of(dim, deviation=0.3, seed=1):
    random = np.random.default_rng(seed)
    shapes = ((N_USERS, dim), (N_ITEMS, dim), N_USERS, N_ITEMS)
    return [random.normal(0, deviation, shape).astype(np.float32) for shape in shapes]


def trained(log, tables, steps=((0, 0),), optimizer="sgd", rate=1.0, loss="bpr", negatives=NEGATIVES, **settings):
    """Tables and moments after some steps, and the summed loss."""
    wanted = {"sgd": 0, "adagrad": 1, "adam": 2}[optimizer]

    def parts(table):
        moments = [_core.Tensor(np.zeros_like(table)) if wanted >= least else None for least in (2, 1)]
        return _core.Tensor(table), *moments

    native = [parts(table) for table in tables]
    step = _core.Factorization(*native, _core.FactorizationSettings(loss=loss, optimizer=optimizer, **settings))
    batches = batches_of(log, negatives)
    total = sum(
        step.run(batches, epoch, at, at + 1, steps_before=done, learning_rate=rate)
        for done, (epoch, at) in enumerate(steps)
    )
    return [np.asarray(table[0]) for table in native], total


@pytest.mark.parametrize("dim", [1, 5, 16, 33, 64, 100, 192])
@pytest.mark.parametrize("loss", ["bpr", "bce", "softmax", "squared"])
def test_one_step_moves_every_table_by_the_gradient(log, loss, dim):
    negatives = 0 if loss == "squared" else NEGATIVES
    tables = tables_of(dim, 0.3 if dim > 1 else 1.0)
    after, total = trained(log, tables, loss=loss, negatives=negatives, l2=0.02, offset=0.5)
    samples = batches_of(log, negatives).draw(0, 0)
    expected_total, gradients = reference(loss, tables, samples, log[2], 0.02, 0.5)
    assert total == pytest.approx(expected_total, rel=1e-6)
    for before, moved, gradient in zip(tables, after, gradients, strict=True):
        np.testing.assert_allclose(before - moved, gradient, rtol=1e-4, atol=2e-5)


def adam(tables, gradients, moments, step, rate, only_touched):
    """Kingma and Ba's update in float64, of all rows or of those with a gradient."""
    for table, gradient, (first, second) in zip(tables, gradients, moments, strict=True):
        touched = np.ones(len(table), dtype=bool)
        if only_touched:
            touched = np.abs(gradient).reshape(len(table), -1).max(axis=1) > 0
        first[touched] += 0.1 * (gradient - first)[touched]
        second[touched] += 0.001 * (gradient**2 - second)[touched]
        corrected = first / (1 - 0.9**step), second / (1 - 0.999**step)
        table[touched] -= (rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8))[touched]


@pytest.mark.parametrize("exact", [True, False])
def test_exact_equals_dense_adam_and_otherwise_only_rows_of_the_batch_move(log, exact):
    tables = tables_of(16)
    steps = [(0, step) for step in range(6)]
    after, _ = trained(log, tables, steps, optimizer="adam", rate=0.05, loss="bce", l2=0.01, exact=exact)
    expected = [table.astype(np.float64) for table in tables]
    moments = [(np.zeros_like(table), np.zeros_like(table)) for table in expected]
    for number, (epoch, at) in enumerate(steps, start=1):
        samples = batches_of(log).draw(epoch, at)
        _, gradients = reference("bce", expected, samples, None, 0.01, 0.0)
        adam(expected, gradients, moments, number, 0.05, only_touched=not exact)
    for ours, reference_table in zip(after, expected, strict=True):
        np.testing.assert_allclose(ours, reference_table, atol=2e-4)
    assert np.abs(after[0][0] - tables[0][0]).max() == 0  # the user without rows has no gradient to remember


def test_adagrad_divides_by_the_root_of_all_squares(log):
    tables = tables_of(8)
    steps = [(0, step) for step in range(4)]
    after, _ = trained(log, tables, steps, optimizer="adagrad", rate=0.1)
    expected = [table.astype(np.float64) for table in tables]
    squares = [np.zeros_like(table) for table in expected]
    for epoch, at in steps:
        _, gradients = reference("bpr", expected, batches_of(log).draw(epoch, at), None, 0.0, 0.0)
        for table, gradient, square in zip(expected, gradients, squares, strict=True):
            square += gradient**2
            table -= 0.1 * gradient / (np.sqrt(square) + 1e-8)
    for ours, reference_table in zip(after[:2], expected[:2], strict=True):
        np.testing.assert_allclose(ours, reference_table, atol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam"])
@pytest.mark.parametrize("loss", ["bpr", "bce", "softmax"])
def test_the_bits_are_those_of_one_thread(log, loss, optimizer):
    threads = _core.num_threads()
    results = []
    for count in (1, 2, 4):
        _core.set_num_threads(count)
        steps = [(epoch, step) for epoch in range(2) for step in range(8)]
        results.append(trained(log, tables_of(20), steps, optimizer=optimizer, rate=0.01, loss=loss, l2=0.01))
    _core.set_num_threads(threads)
    for tables, total in results[1:]:
        assert total == results[0][1]
        assert all((a == b).all() for a, b in zip(tables, results[0][0], strict=True))


@pytest.mark.parametrize("exact", [False, True])
def test_many_steps_in_one_call_are_the_steps_one_by_one(log, exact):
    tables = tables_of(16)
    one_by_one, total = trained(log, tables, [(0, step) for step in range(8)], optimizer="adam", rate=0.01, exact=exact)
    native = [with_moments(table) for table in tables]
    step = _core.Factorization(*native, _core.FactorizationSettings(loss="bpr", optimizer="adam", exact=exact))
    together = step.run(batches_of(log), 0, 0, 8, steps_before=0, learning_rate=0.01)
    assert together == pytest.approx(total, rel=1e-12)
    assert all((np.asarray(a[0]) == b).all() for a, b in zip(native, one_by_one, strict=True))


def with_moments(table):
    return tuple(_core.Tensor(values) for values in (table, np.zeros_like(table), np.zeros_like(table)))


@pytest.mark.parametrize("dim", [1, 16, 40])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.7)])
def test_exact_rows_that_wait_for_hundreds_of_steps_have_the_bits_of_a_dense_pass_a_step(log, dim, betas):
    """Calls of one step leave no row behind; a longer call moves a row when it is next needed, and at its end."""
    batches = batches_of(log, batch_size=2, negatives=1)
    settings = _core.FactorizationSettings(
        loss="bce", optimizer="adam", exact=True, l2=0.01, beta1=betas[0], beta2=betas[1]
    )

    def after(calls, threads):
        _core.set_num_threads(threads)
        native = [with_moments(table) for table in tables_of(dim)]
        step, done = _core.Factorization(*native, settings), 0
        for length in calls:
            step.run(batches, 0, done, done + length, steps_before=done, learning_rate=0.05)
            done += length
        return [np.asarray(part) for table in native for part in table]

    threads = _core.num_threads()
    dense = after([1] * batches.steps, threads=1)
    for calls, count in (([450], 1), ([450], 2), ([450], 4), ([7, 1, 400, 42], 2)):
        assert sum(calls) == batches.steps
        assert all((a == b).all() for a, b in zip(after(calls, count), dense, strict=True))
    _core.set_num_threads(threads)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"loss": "hinge"}, ValueError, "loss must be one of bpr, bce, softmax, squared; got hinge"),
        ({"negatives": 0}, ValueError, "this loss needs negatives, got 0"),
        ({"loss": "squared"}, ValueError, "squared takes no negatives, got 3"),
        ({"exact": True}, ValueError, 'exact is for optimizer "adam"'),
        ({"exact": True, "optimizer": "adam", "epsilon": 0.0}, ValueError, "exact wants epsilon above 0, got 0"),
    ],
)
def test_the_step_names_what_is_wrong(log, settings, error, message):
    with pytest.raises(error, match=message):
        trained(log, tables_of(4), **settings)


def test_the_step_wants_tables_as_large_as_the_log(log):
    tables = tables_of(4)
    with pytest.raises(ValueError, match="tables have 60 users and 40 items, the log has 60 and 50"):
        trained(log, [tables[0], tables[1][:40], tables[2], tables[3][:40]])


def test_with_draw_seen_negatives_are_uniform_over_all_items():
    indptr, items = np.array([0, 900]), np.zeros(900, dtype=np.int32)
    batches = _core.Batches(indptr, items, None, n_items=6, batch_size=900, negatives=20, seed=0, draw_seen=True)
    counts = np.bincount(batches.draw(0, 0)[2][:, 1:].ravel(), minlength=6)
    assert (np.abs(counts - 3000) < 5 * np.sqrt(3000)).all()
