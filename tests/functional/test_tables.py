"""Operations on tables against float64 references: values, gradients by central differences, errors, threads."""

import itertools

import numpy as np
import pytest

import likewise as lw
from likewise import functional as F


def embedding(table, ids):
    return table[ids]


def embedding_bag(table, ids, offsets, mode="sum", weights=None):
    weights = np.ones(len(ids)) if weights is None else weights
    ends = np.append(offsets, len(ids))
    bags = [slice(begin, end) for begin, end in itertools.pairwise(ends)]
    sums = np.zeros((len(bags), table.shape[1]))
    for total, bag in zip(sums, bags, strict=True):
        total += weights[bag] @ table[ids[bag]]
    if mode == "sum":
        return sums
    return sums / np.array([weights[bag].sum() if bag.stop > bag.start else 1.0 for bag in bags])[:, None]


def scatter_add(table, ids, rows):
    result = table.copy()
    np.add.at(result, ids, rows)
    return result


def softmax_loss(states, table, targets, bias=None, weights=None, ignore_index=-1):
    scores = states.reshape(-1, states.shape[-1]) @ table.T + (0 if bias is None else bias)
    targets, weights = targets.ravel(), np.ones(targets.size) if weights is None else weights.ravel()
    weights = weights * (targets != ignore_index)
    highest = scores.max(axis=1)
    losses = np.log(np.exp(scores - highest[:, None]).sum(axis=1)) + highest - scores[np.arange(len(scores)), targets]
    return (weights * losses).sum() / weights.sum()


def normal(rng, *shape):
    return rng.standard_normal(shape)


def gather_case(rows, dim, *shape, ids=None, dtype="int64"):
    def make(rng):
        return {
            "table": normal(rng, rows, dim),
            "ids": np.array(rng.integers(0, rows, shape) if ids is None else ids, dtype),
        }

    return embedding, make


def bag_case(rows, dim, offsets, n, mode="sum", weighted=False, dtype="int64"):
    def make(rng):
        arguments = {"table": normal(rng, rows, dim), "ids": rng.integers(0, rows, n).astype(dtype)}
        arguments |= {"offsets": np.array(offsets, dtype), "mode": mode}
        return arguments | ({"weights": rng.random(n) + 0.5} if weighted else {})

    return embedding_bag, make


def scatter_case(rows, dim, *shape, ids=None):
    def make(rng):
        which = np.array(rng.integers(0, rows, shape) if ids is None else ids, "int64")
        return {"table": normal(rng, rows, dim), "ids": which, "rows": normal(rng, *shape, dim)}

    return scatter_add, make


def softmax_case(leading, dim, items, bias=False, weighted=False, ignored=False, scale=1.0):
    def make(rng):
        arguments = {"states": scale * normal(rng, *leading, dim), "table": normal(rng, items, dim)}
        arguments["targets"] = rng.integers(0, items, leading)
        if ignored:
            arguments["targets"].ravel()[1::3] = -1
        arguments |= {"bias": normal(rng, items)} if bias else {}
        return arguments | ({"weights": rng.random(leading) + 0.1} if weighted else {})

    return softmax_loss, make


CASES = {
    "embedding, one id": gather_case(1, 1, 1),
    "embedding, no id": gather_case(3, 4, 0),
    "embedding, a number": gather_case(7, 5, ids=3),
    "embedding, int32": gather_case(9, 16, 20, dtype="int32"),
    "embedding, edge": gather_case(9, 17, 5),
    "embedding, matrix of ids": gather_case(11, 8, 3, 4),
    "embedding, cube of ids": gather_case(5, 33, 2, 3, 2),
    "embedding, one id again and again": gather_case(4, 3, 6, ids=[2] * 6),
    "embedding, many ids": gather_case(50, 64, 40),
    "embedding, rows of 130": gather_case(6, 130, 9),
    "bag, one": bag_case(4, 5, [0], 3),
    "bag, none": bag_case(4, 5, [], 0),
    "bag, empty ones": bag_case(6, 7, [0, 0, 2, 5, 5], 5),
    "bag, int32": bag_case(6, 16, [0, 2], 5, dtype="int32"),
    "bag, weights": bag_case(9, 17, [0, 3, 4], 11, weighted=True),
    "bag, mean": bag_case(9, 31, [0, 3, 3, 4], 11, "mean"),
    "bag, mean with weights": bag_case(9, 6, [0, 3, 4], 11, "mean", weighted=True),
    "bag, long": bag_case(20, 64, [0, 25], 30, "mean", weighted=True),
    "bag, one id a bag": bag_case(20, 3, [0, 1, 2, 3], 4),
    "bag, all in the last": bag_case(3, 2, [0, 0, 0], 9, weighted=True),
    "scatter_add, one": scatter_case(1, 1, 1),
    "scatter_add, none": scatter_case(3, 4, 0),
    "scatter_add, repeated": scatter_case(5, 17, 9),
    "scatter_add, the same": scatter_case(5, 4, 6, ids=[1] * 6),
    "scatter_add, matrix of ids": scatter_case(11, 8, 3, 4),
    "softmax, one item": softmax_case((3,), 2, 1),
    "softmax, one position": softmax_case((1,), 3, 5),
    "softmax, no leading axis": softmax_case((), 4, 6),
    "softmax, edges": softmax_case((33,), 17, 67),
    "softmax, bias": softmax_case((5,), 16, 70, bias=True),
    "softmax, weights": softmax_case((6,), 8, 20, weighted=True),
    "softmax, ignored": softmax_case((7,), 5, 9, ignored=True),
    "softmax, all at once": softmax_case((4, 9), 50, 130, True, True, True),
    "softmax, three axes": softmax_case((2, 3, 4), 6, 11, bias=True),
    "softmax, scores up to 200": softmax_case((40,), 16, 80, bias=True, scale=15.0),
}  # fmt: skip
# Beyond central differences: several blocks, tiles and parts, gradients in the forward pass and after it.
LARGE = {
    "softmax, gradients at once": softmax_case((1500,), 24, 333, True, True, True),
    "softmax, gradients at once, scores up to 300": softmax_case((1100,), 16, 150, bias=True, scale=20.0),
    "softmax, gradients later": softmax_case((700,), 40, 9000, True, True, True),
    "softmax, dim 200": softmax_case((1040,), 200, 65),
    "bag, many": bag_case(500, 48, np.arange(0, 3000, 3), 3000, "mean", weighted=True),
    "embedding, many": gather_case(1000, 64, 5000),
}


def given(name, cases=CASES):
    reference, make = cases[name]
    arguments = make(np.random.default_rng(sorted(cases).index(name)))
    # References see what float32 can hold, so that differences are those of arithmetic.
    rounded = {
        key: value.astype("float32").astype(float) if isinstance(value, np.ndarray) and value.dtype == float else value
        for key, value in arguments.items()
    }
    return reference, rounded


def learned(arguments):
    return [key for key, value in arguments.items() if isinstance(value, np.ndarray) and value.dtype == float]


def run(reference, arguments, wanted):
    tensors = {
        key: lw.Tensor(value, requires_grad=key in wanted) if isinstance(value, np.ndarray) else value
        for key, value in arguments.items()
    }
    return getattr(F, reference.__name__)(**tensors), tensors


def wanted_gradients(reference, arguments):  # weights of softmax_loss are constants
    return [key for key in learned(arguments) if not (reference is softmax_loss and key == "weights")]


def central_differences(function, x, step=1e-5):
    gradient = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        before = x[at]
        x[at] = before + step
        higher = function()
        x[at] = before - step
        gradient[at] = (higher - function()) / (2 * step)
        x[at] = before
    return gradient


@pytest.mark.parametrize("name", [*CASES, *LARGE])
def test_the_value_is_the_reference(name):
    reference, arguments = given(name, CASES if name in CASES else LARGE)
    result, _ = run(reference, arguments, [])
    np.testing.assert_allclose(result, reference(**arguments), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_central_differences_of_the_reference(name):
    reference, arguments = given(name)
    names = wanted_gradients(reference, arguments)
    result, tensors = run(reference, arguments, names)
    start = np.random.default_rng(9).standard_normal(result.shape).astype("float32")
    result.backward(start)
    for key in names:
        expected = central_differences(lambda: np.sum(start * reference(**arguments)), arguments[key])
        np.testing.assert_allclose(np.asarray(tensors[key].grad), expected, rtol=3e-4, atol=3e-5, err_msg=key)


@pytest.mark.parametrize("wanted", [["states"], ["table"], ["bias"], ["states", "bias"]])
@pytest.mark.parametrize("name", ["softmax, gradients at once", "softmax, gradients later"])
def test_softmax_gradients_are_the_same_whichever_are_asked_for(name, wanted):
    reference, arguments = given(name, LARGE)
    gradients = []
    for asked in (wanted, ["states", "table", "bias"]):
        result, tensors = run(reference, arguments, asked)
        result.backward()
        gradients.append([np.asarray(tensors[key].grad) for key in wanted])
        assert all(tensors[key].grad is None for key in arguments if key not in asked)
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_array_equal(one, other)


def softmax_gradients(arguments):
    """In float64, by the formula."""
    states, table, targets = arguments["states"], arguments["table"], arguments["targets"]
    weights = arguments.get("weights", np.ones(len(targets))) * (targets != -1)
    scores = states @ table.T + arguments.get("bias", 0.0)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(targets)), targets] -= 1
    p *= (weights / weights.sum())[:, None]
    return {"states": p @ table, "table": p.T @ states, "bias": p.sum(axis=0)}


@pytest.mark.parametrize("name", [name for name in LARGE if name.startswith("softmax")])
def test_large_softmax_gradients_are_the_formula(name):
    reference, arguments = given(name, LARGE)
    names = wanted_gradients(reference, arguments)
    result, tensors = run(reference, arguments, names)
    result.backward(np.float32(-2.0))
    expected = softmax_gradients(arguments)
    for key in names:
        error = np.abs(np.asarray(tensors[key].grad) + 2 * expected[key]).max()
        assert error < 1e-4 * np.abs(expected[key]).max(), key


@pytest.mark.parametrize("name", LARGE)
def test_the_bits_do_not_depend_on_threads(name, same_bits):
    reference, arguments = given(name, LARGE)

    def values_and_gradients():
        names = wanted_gradients(reference, arguments)
        result, tensors = run(reference, arguments, names)
        result.backward(np.ones(result.shape, "float32"))
        return np.concatenate([np.ravel(result), *(np.ravel(tensors[key].grad) for key in names)])

    same_bits(values_and_gradients)


def test_positions_left_out_cost_nothing_and_all_left_out_give_zero():
    states, table = lw.Tensor(np.ones((4, 3)), True), lw.Tensor(np.ones((5, 3)), True)
    loss = F.softmax_loss(states, table, np.full(4, -1))
    loss.backward()
    assert float(loss) == 0
    assert not np.any(states.grad)
    assert not np.any(table.grad)
    with_weights = F.softmax_loss(states, table, [1, 2, 3, 4], weights=[0, 0, 1, 0])
    np.testing.assert_allclose(float(with_weights), np.log(5), rtol=1e-6)


def test_a_score_of_minus_infinity_is_an_item_that_cannot_be():
    table = np.random.default_rng(0).standard_normal((70, 4))
    bias = np.zeros(70)
    bias[:65] = -np.inf
    got = F.softmax_loss(table[:9], table, np.arange(65, 70).repeat(2)[:9], bias=bias)
    expected = softmax_loss(table[:9], table[65:], np.arange(5).repeat(2)[:9])
    np.testing.assert_allclose(float(got), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("count", "limit"), [(0, 5), (1, 1), (7, 3), (1000, 70_000), (40_000, 1000), (50_000, 10_000_000)]
)
def test_coalesced_rows_ascend_and_are_sums_in_order(count, limit):
    rng = np.random.default_rng(count)
    ids, rows = rng.integers(0, limit, count), rng.standard_normal((count, 3)).astype("float32")
    got = F.coalesce_rows(F.RowSparse(ids, rows, (limit, 3)))
    unique, which = np.unique(ids, return_inverse=True)
    expected = np.zeros((len(unique), 3), "float32")
    np.add.at(expected, which, rows)  # one after the other, as ours
    np.testing.assert_array_equal(got.ids, unique)
    np.testing.assert_array_equal(got.rows, expected)


def test_the_gradient_of_a_table_holds_only_the_rows_that_were_used():
    table = lw.Tensor(np.zeros((1_000_000, 2)), requires_grad=True)
    F.embedding(table, [5, 999_999, 5]).backward(np.ones((3, 2), "float32"))
    assert isinstance(table.grad, F.RowSparse)
    np.testing.assert_array_equal(F.coalesce_rows(table.grad).ids, [5, 999_999])
    np.testing.assert_array_equal(F.coalesce_rows(table.grad).rows, [[2, 2], [1, 1]])


T = np.zeros((5, 3), "float32")
ERRORS = [
    (lambda: F.embedding(T, [0, 5]), ValueError, r"embedding: ids must be in 0\.\.4, got 5"),
    (lambda: F.embedding(T, [-1]), ValueError, r"embedding: ids must be in 0\.\.4, got -1"),
    (lambda: F.embedding(T, [0.5]), TypeError, "embedding: ids must be int32, int64 or uint8, got float32"),
    (lambda: F.embedding(T[0], [0]), ValueError, r"embedding: table must have shape \(rows, dim\), got \(3,\)"),
    (lambda: F.embedding(T[:0], [0]), ValueError, r"embedding: ids index a table of 0 rows, got 0"),
    (lambda: F.embedding_bag(T, [0, 9], [0]), ValueError, r"embedding_bag: ids must be in 0\.\.4, got 9"),
    (lambda: F.embedding_bag(T, [0, 1], np.zeros(0, int)), ValueError, "name at least one bag for 2 ids, got none"),
    (lambda: F.embedding_bag(T, [0, 1], [1]), ValueError, "embedding_bag: offsets must start with 0, got 1"),
    (lambda: F.embedding_bag(T, [0, 1], [0, 2, 1]), ValueError, "offsets must not fall, got 2 before 1"),
    (lambda: F.embedding_bag(T, [0, 1], [0, 3]), ValueError, r"offsets must be in 0\.\.2, got 3"),
    (lambda: F.embedding_bag(T, [0, 1], [0], "max"), ValueError, "mode must be 'sum' or 'mean', got 'max'"),
    (lambda: F.embedding_bag(T, [0, 1], [0], weights=[1]), ValueError, r"weights must have shape \(2,\), got \(1,\)"),
    (lambda: F.embedding_bag(T, [0, 1], [0], "mean", [1, -1]), ValueError, "weights of bag 0 add up to 0"),
    (lambda: F.scatter_add(T, [7], np.ones((1, 3))), ValueError, r"scatter_add: ids must be in 0\.\.4, got 7"),
    (lambda: F.scatter_add(T, [1], np.ones((2, 3))), ValueError, r"rows must have shape \(1, 3\), got \(2, 3\)"),
    (lambda: F.scatter_add(T, [True], np.ones((1, 3))), TypeError, "ids must be int32, int64 or uint8, got bool"),
    (lambda: F.softmax_loss(np.ones((2, 4)), T, [0, 1]), ValueError, r"table has dim 3, states have shape \(2, 4\)"),
    (lambda: F.softmax_loss(np.ones((2, 3)), T, [0, 5]), ValueError, r"targets must be in 0\.\.4, got 5"),
    (lambda: F.softmax_loss(np.ones((2, 3)), T, [0, -2]), ValueError, r"targets must be in 0\.\.4, got -2"),
    (lambda: F.softmax_loss(np.ones((2, 3)), T, [0]), ValueError, r"targets must have shape \(2,\), got \(1,\)"),
    (
        lambda: F.softmax_loss(np.ones((2, 3)), T, [0.0, 1.0]),
        TypeError,
        "targets must be int32, int64 or uint8, got float32",
    ),
    (lambda: F.softmax_loss(np.ones((2, 3)), T, [0, 1], [1]), ValueError, r"bias must have shape \(5,\), got \(1,\)"),
    (lambda: F.softmax_loss(np.ones((2, 3)), T, [0, 1], weights=[1, -1]), ValueError, "weights must be finite and not"),
    (lambda: F.softmax_loss(np.ones((2, 3)), T[:0], [0, 1]), ValueError, "neither 0, got"),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS, ids=[message for _, _, message in ERRORS])
def test_bad_input_names_the_argument_what_is_required_and_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call()
