"""Every optimizer against Keras' formulas in float64, for dense and for row-sparse gradients."""

import numpy as np
import pytest

import likewise as lw
from likewise import _core
from likewise.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop

STEPS = 7


def sgd(o, p, g, s, t):
    if not o.momentum:
        return p - o.learning_rate * g
    s["m"] = o.momentum * s.get("m", 0) - o.learning_rate * g
    return p + (o.momentum * s["m"] - o.learning_rate * g if o.nesterov else s["m"])


def adagrad(o, p, g, s, t):
    s["a"] = s.get("a", o.initial_accumulator_value) + g * g
    return p - o.learning_rate * g / np.sqrt(s["a"] + o.epsilon)


def rmsprop(o, p, g, s, t):
    s["v"] = o.rho * s.get("v", 0) + (1 - o.rho) * g * g
    s["a"] = o.rho * s.get("a", 0) + (1 - o.rho) * g
    change = o.learning_rate * g / np.sqrt(s["v"] - (s["a"] ** 2 if o.centered else 0) + o.epsilon)
    s["m"] = o.momentum * s.get("m", 0) + change
    return p - s["m"]


def adam(o, p, g, s, t):
    s["m"] = o.beta_1 * s.get("m", 0) + (1 - o.beta_1) * g
    s["v"] = o.beta_2 * s.get("v", 0) + (1 - o.beta_2) * g * g
    s["h"] = np.maximum(s.get("h", 0), s["v"])
    alpha = o.learning_rate * np.sqrt(1 - o.beta_2**t) / (1 - o.beta_1**t)
    return p - alpha * s["m"] / (np.sqrt(s["h"] if o.amsgrad else s["v"]) + o.epsilon)


OPTIMIZERS = {
    "sgd": (sgd, lambda **k: SGD(0.1, **k)),
    "sgd with momentum": (sgd, lambda **k: SGD(0.1, momentum=0.9, **k)),
    "sgd with nesterov": (sgd, lambda **k: SGD(0.1, momentum=0.9, nesterov=True, **k)),
    "adagrad": (adagrad, lambda **k: Adagrad(0.1, **k)),
    "rmsprop": (rmsprop, lambda **k: RMSprop(0.01, **k)),
    "rmsprop centered, with momentum": (rmsprop, lambda **k: RMSprop(0.01, momentum=0.5, centered=True, **k)),
    "adam": (adam, lambda **k: Adam(0.01, **k)),
    "adam with amsgrad": (adam, lambda **k: Adam(0.01, beta_2=0.9, amsgrad=True, **k)),
    "adamw": (adam, lambda **k: AdamW(0.01, **k)),
}
OPTIONS = [{}, {"l2": 0.03, "l1": 0.01}, {"weight_decay": 0.1}, {"clipvalue": 0.5}, {"clipnorm": 1.5}]
OPTIONS += [{"global_clipnorm": 2.0, "l2": 0.01, "weight_decay": 0.02}]


def clipped(o, gradients):
    """By parameter; clips as Keras does."""
    norms = [np.sqrt((g**2).sum()) for g in gradients]
    total = np.sqrt(sum(norm**2 for norm in norms))
    if o.clipnorm:
        return [g * o.clipnorm / max(norm, o.clipnorm) for g, norm in zip(gradients, norms, strict=True)]
    if o.global_clipnorm:
        return [g * o.global_clipnorm / max(total, o.global_clipnorm) for g in gradients]
    return [np.clip(g, -o.clipvalue, o.clipvalue) for g in gradients] if o.clipvalue else gradients


def penalised(o, rule, p, g, state, t):
    g = g + o.l2 * p + o.l1 * np.sign(p)
    return rule(o, p - o.learning_rate * (o.weight_decay or 0) * p, g, state, t)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_dense_step_is_the_formula(name, options):
    rule, make = OPTIMIZERS[name]
    rng, optimizer = np.random.default_rng(0), make(**options)
    expected = [rng.standard_normal(shape) for shape in [(5,), (3, 37), (2, 3, 4)]]
    parameters = {str(i): lw.Tensor(p, requires_grad=True) for i, p in enumerate(expected)}
    states = [{} for _ in expected]
    for t in range(1, STEPS + 1):
        gradients = [rng.standard_normal(p.shape) for p in expected]
        for parameter, gradient in zip(parameters.values(), gradients, strict=True):
            parameter.grad = lw.Tensor(gradient)
        optimizer.step(parameters)
        gradients = clipped(optimizer, gradients)
        expected = [penalised(optimizer, rule, *each, t) for each in zip(expected, gradients, states, strict=True)]
    for parameter, value in zip(parameters.values(), expected, strict=True):
        assert parameter.grad is None
        np.testing.assert_allclose(parameter, value, rtol=2e-5, atol=2e-6)


def row_gradient(rng, table, count):
    ids = rng.integers(0, table.shape[0], count)
    return _core.RowSparse(ids, rng.standard_normal((count, table.shape[1])).astype("float32"), table.shape)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_lazy_step_is_the_formula_on_the_rows_of_the_gradient(name, options):
    rule, make = OPTIMIZERS[name]
    rng, optimizer = np.random.default_rng(1), make(**options)
    expected = rng.standard_normal((23, 19))
    table = lw.Tensor(expected, requires_grad=True)
    states = [{} for _ in range(23)]
    for t in range(1, STEPS + 1):
        table.grad = row_gradient(rng, table, 11)
        gradient = np.zeros_like(expected)
        np.add.at(gradient, table.grad.ids, np.asarray(table.grad.rows, dtype=float))
        touched = np.unique(table.grad.ids)
        [gradient] = clipped(optimizer, [gradient])
        for row in touched:
            expected[row] = penalised(optimizer, rule, expected[row], gradient[row], states[row], t)
        optimizer.step({"table": table})
    np.testing.assert_allclose(table, expected, rtol=2e-5, atol=2e-6)


# Without norms: those of few rows and of the same with many zeros may round differently.
@pytest.mark.parametrize("options", [each for each in OPTIONS if "norm" not in str(each)], ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_exact_is_the_dense_step_bit_for_bit(name, options):
    _, make = OPTIMIZERS[name]
    rng = np.random.default_rng(2)
    start = rng.standard_normal((57, 24)).astype("float32")
    tables, optimizers = (
        [lw.Tensor(start, True), lw.Tensor(start, True)],
        [make(exact=True, **options), make(**options)],
    )
    for _ in range(STEPS):
        sparse = row_gradient(rng, tables[0], 31)
        tables[0].grad = sparse
        tables[1].grad = _core.coalesce_rows(sparse).to_dense()
        for table, optimizer in zip(tables, optimizers, strict=True):
            optimizer.step([table])
    np.testing.assert_array_equal(tables[0], tables[1])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_bits_do_not_depend_on_threads(name, exact, same_bits):
    def run():
        rng, optimizer = np.random.default_rng(3), OPTIMIZERS[name][1](exact=exact, global_clipnorm=1.0)
        parameters = [
            lw.Tensor(rng.standard_normal((5000, 40)), True),
            lw.Tensor(rng.standard_normal((300, 200)), True),
        ]
        for _ in range(3):
            parameters[0].grad = row_gradient(rng, parameters[0], 20_000)
            parameters[1].grad = lw.Tensor(rng.standard_normal((300, 200)))
            optimizer.step(parameters)
        return np.concatenate([np.asarray(each).ravel() for each in parameters])

    same_bits(run)


def test_a_parameter_without_a_gradient_is_left_alone():
    used, unused = lw.Tensor(np.ones(3), True), lw.Tensor(np.ones(3), True)
    optimizer = Adam()
    used.grad = lw.Tensor(np.ones(3))
    optimizer.step({"used": used, "unused": unused})
    assert list(optimizer.state_dict()["slots"]) == ["used"]
    np.testing.assert_array_equal(unused, np.ones(3))


TORCH = {
    "SGD": (lambda: SGD(0.1), lambda t, p: t.optim.SGD(p, 0.1)),
    "SGD with nesterov": (
        lambda: SGD(0.1, momentum=0.9, nesterov=True),
        lambda t, p: t.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    "Adam with coupled L2": (
        lambda: Adam(0.01, l2=0.1, epsilon=1e-30),
        lambda t, p: t.optim.Adam(p, 0.01, eps=1e-30, weight_decay=0.1),
    ),
    "AdamW": (lambda: AdamW(0.01, epsilon=1e-30), lambda t, p: t.optim.AdamW(p, 0.01, eps=1e-30, weight_decay=0.004)),
    "Adagrad": (
        lambda: Adagrad(0.1, epsilon=1e-30),
        lambda t, p: t.optim.Adagrad(p, 0.1, initial_accumulator_value=0.1, eps=1e-30),
    ),
    "RMSprop": (lambda: RMSprop(0.01, epsilon=1e-30), lambda t, p: t.optim.RMSprop(p, 0.01, alpha=0.9, eps=1e-30)),
}


@pytest.mark.parametrize("name", TORCH)
def test_where_the_formulas_agree_so_do_we_with_pytorch(name):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    start = rng.standard_normal((6, 17)).astype("float32")
    ours, theirs = lw.Tensor(start, True), torch.tensor(start, requires_grad=True)
    optimizer, peer = TORCH[name][0](), TORCH[name][1](torch, [theirs])
    for _ in range(20):
        gradient = rng.standard_normal(start.shape).astype("float32")
        ours.grad, theirs.grad = lw.Tensor(gradient), torch.tensor(gradient)
        optimizer.step([ours])
        peer.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=2e-5, atol=2e-6)


def test_lazy_adam_is_the_sparse_adam_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    start = rng.standard_normal((40, 8)).astype("float32")
    ours, theirs = lw.Tensor(start, True), torch.tensor(start, requires_grad=True)
    optimizer, peer = Adam(0.01, epsilon=1e-30), torch.optim.SparseAdam([theirs], 0.01, eps=1e-30)
    for _ in range(20):
        ours.grad = row_gradient(rng, ours, 15)
        ids, rows = torch.tensor(ours.grad.ids.copy()), torch.tensor(ours.grad.rows.copy())
        theirs.grad = torch.sparse_coo_tensor(ids[None], rows, theirs.shape, check_invariants=False)
        optimizer.step([ours])
        peer.step()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=2e-5, atol=2e-6)
