"""Tensors: what goes in, what comes out, and the graph."""

import contextlib
import gc
import subprocess
import sys
import threading

import numpy as np
import pytest

import likewise as lw
from likewise import _core
from likewise import functional as F


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("float32", "float32"),
        ("float64", "float32"),
        ("float16", "float32"),
        ("int64", "int64"),
        ("int32", "int32"),
        ("int16", "int64"),
        ("uint32", "int64"),
        ("uint8", "uint8"),
        ("bool", "bool"),
        (">f4", "float32"),
        (">i8", "int64"),
    ],
)
def test_dtypes_are_kept_or_widened(given, kept):
    array = np.array([0, 1, 1], dtype=given)
    tensor = lw.Tensor(array)
    assert tensor.dtype == kept
    np.testing.assert_array_equal(np.asarray(tensor), array.astype(kept))


@pytest.mark.parametrize("source", [3, 2.5, True, [1, 2], [[1.0], [2.0]], (), np.float32(2), np.zeros((2, 0))])
def test_anything_numpy_makes_an_array_of_is_a_tensor(source):
    np.testing.assert_array_equal(np.asarray(lw.Tensor(source)), np.asarray(source))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("text", "tensor: values must be numbers or booleans, got an array of dtype <U4"),
        ([1 + 2j], "tensor: values must be numbers or booleans, got an array of dtype complex128"),
        (None, "tensor: values must be numbers or booleans, got an array of dtype object"),
    ],
)
def test_other_things_are_refused(source, message):
    with pytest.raises(TypeError) as caught:
        lw.Tensor(source)
    assert str(caught.value) == message


def test_only_floats_can_require_a_gradient():
    with pytest.raises(TypeError, match="only float32 can require a gradient, got int64"):
        lw.Tensor([1, 2], requires_grad=True)


def test_a_tensor_copies_its_source():
    source = np.ones(3, dtype=np.float32)
    tensor = lw.Tensor(source)
    source[0] = 5
    assert np.asarray(tensor)[0] == 1


def test_asarray_is_a_read_only_view_that_keeps_the_values_alive():
    tensor = lw.Tensor(np.arange(4.0), requires_grad=True)
    view = np.asarray(tensor)
    assert np.shares_memory(view, tensor.numpy())
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    del tensor
    gc.collect()
    F.exp(np.zeros(4))  # would take the memory, were it free
    np.testing.assert_array_equal(view, [0, 1, 2, 3])


def test_asarray_converts_and_copies_when_asked():
    tensor = lw.Tensor([1.5, 2.5])
    assert np.asarray(tensor, dtype=np.float64).dtype == np.float64
    copied = np.array(tensor)
    copied[0] = 7
    assert float(tensor[0]) == 1.5


@pytest.mark.parametrize("make", [lambda x: x[::2], lambda x: x.T, np.asfortranarray, lambda x: x[::-1]])
def test_arrays_of_any_layout_are_read_as_they_are(make):
    array = make(np.arange(12, dtype=np.float32).reshape(4, 3))
    np.testing.assert_array_equal(F.negate(array), -array)


def test_an_array_kept_for_the_gradient_is_copied():
    x = np.array([[1.0, 2.0]], dtype=np.float32)
    weight = lw.Tensor([[1.0], [1.0]], requires_grad=True)
    y = F.matmul(x, weight)
    x[:] = 100
    y.backward()
    np.testing.assert_array_equal(np.asarray(weight.grad), [[1.0], [2.0]])


def test_a_result_never_shares_memory_with_an_argument_array():
    x = np.ones(4, dtype=np.float32)
    assert not np.shares_memory(np.asarray(F.reshape(x, (2, 2))), x)


def test_gradients_add_up_until_they_are_cleared():
    x = lw.Tensor([3.0], requires_grad=True)
    for total in (6, 12):
        F.square(x).backward()
        assert float(x.grad) == total
    x.grad = None
    assert x.grad is None


def test_a_graph_is_used_once():
    x = lw.Tensor([3.0], requires_grad=True)
    y = F.square(x)
    y.backward()
    with pytest.raises(RuntimeError, match="a graph is freed by its backward pass"):
        y.backward()


def test_backward_wants_a_scalar_or_a_gradient():
    x = lw.Tensor([3.0, 4.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"only a scalar starts without a gradient, this tensor has shape \(2,\)"):
        F.square(x).backward()
    with pytest.raises(ValueError, match=r"gradient must have shape \(2,\), got \(3,\)"):
        F.square(x).backward(np.ones(3))
    F.square(x).backward(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(np.asarray(x.grad), [6, 80])


def test_a_gradient_given_is_neither_changed_nor_shared():
    given = lw.Tensor(np.full((2, 3), 2.0))
    x, z = (lw.Tensor(np.ones((2, 3)), requires_grad=True) for _ in range(2))
    F.add(F.add(z, z), x).backward(given)
    assert not np.shares_memory(np.asarray(x.grad), np.asarray(given))
    np.testing.assert_array_equal(given, np.full((2, 3), 2.0))
    np.testing.assert_array_equal(x.grad, np.full((2, 3), 2.0))
    np.testing.assert_array_equal(z.grad, np.full((2, 3), 4.0))


def test_a_tensor_that_depends_on_nothing_has_no_backward():
    with pytest.raises(ValueError, match="depends on nothing that requires a gradient"):
        lw.Tensor(1.0).backward()


def test_a_value_changed_in_place_is_found_at_backward():
    x = lw.Tensor([3.0], requires_grad=True)
    y = F.square(x)
    x.assign(np.array([5.0], dtype=np.float32))
    with pytest.raises(RuntimeError, match="was changed in place after it was used"):
        y.backward()


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (np.zeros(3, dtype=np.float32), ValueError, "assign: values must have shape (2,), got (3,)"),
        ([1, 2], TypeError, "assign: values must be float32, got int64"),
        ("ab", TypeError, "tensor: values must be numbers or booleans, got an array of dtype <U2"),
    ],
)
def test_assign_keeps_shape_and_dtype(values, kind, message):
    with pytest.raises(kind) as caught:
        lw.Tensor([1.0, 2.0]).assign(values)
    assert str(caught.value) == message


def test_no_grad_records_nothing_in_a_block_a_function_or_nested():
    x = lw.Tensor([3.0], requires_grad=True)

    @lw.no_grad()
    def inside():
        with lw.no_grad():
            pass
        return F.square(x)

    assert not inside().requires_grad
    with lw.no_grad():
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_no_grad_is_of_this_thread_alone():
    x = lw.Tensor([3.0], requires_grad=True)
    seen = []
    with lw.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_detach_is_outside_the_graph():
    x = lw.Tensor([3.0], requires_grad=True)
    assert not (x.detach() * 2).requires_grad


def test_operators_take_numbers_and_arrays_on_either_side():
    a, b = np.array([1.0, 4.0]), lw.Tensor([2.0, 8.0])
    for got, want in [
        (a + b, [3, 12]),
        (b - 1, [1, 7]),
        (1 - b, [-1, -7]),
        (np.float32(3) * b, [6, 24]),
        (a / b, [0.5, 0.5]),
        (b**2, [4, 64]),
        (2**b, [4, 256]),
        (-b, [-2, -8]),
        (abs(-b), [2, 8]),
        (a @ b, 34),
        (b > 2, [False, True]),
        (b >= 2, [True, True]),
        (a < b, [True, True]),
    ]:
        assert isinstance(got, lw.Tensor)
        np.testing.assert_array_equal(np.asarray(got), want)


@pytest.mark.parametrize(
    ("index", "kind", "message"),
    [
        (3, IndexError, "index: 3 is out of range for axis 0 of size 2"),
        ((0, -4), IndexError, "index: -4 is out of range for axis 1 of size 3"),
        ((0, 0, 0), IndexError, "index: 3 indices for a tensor of 2 dimensions"),
        ([0, 1], TypeError, "index: must be integers, slices, None or ..., got list"),
        (True, TypeError, "index: must be integers, slices, None or ..., got bool"),
    ],
)
def test_an_index_out_of_place_is_named(index, kind, message):
    with pytest.raises(kind) as caught:
        lw.Tensor(np.zeros((2, 3)))[index]
    assert str(caught.value) == message


def test_a_tensor_of_one_element_is_a_number():
    assert float(lw.Tensor([[2.5]])) == 2.5
    assert int(lw.Tensor(3)) == 3
    assert bool(lw.Tensor(True))
    assert lw.Tensor(2).item() == 2
    with pytest.raises(ValueError, match=r"only a tensor of one element is a number, this one has shape \(2,\)"):
        float(lw.Tensor([1.0, 2.0]))


def test_iteration_goes_over_the_first_axis():
    rows = list(lw.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert [row.shape for row in rows] == [(2,), (2,)]
    assert len(lw.Tensor([[1.0, 2.0]])) == 1
    with pytest.raises(TypeError, match="a tensor of no dimensions has no length"):
        len(lw.Tensor(1.0))


def test_text_shows_values_shape_and_dtype():
    assert repr(lw.Tensor([1, 2])) == "Tensor([1, 2], shape=(2,), dtype=int64)"
    assert repr(lw.Tensor([1.5], requires_grad=True)) == "Tensor([1.5], shape=(1,), dtype=float32, requires_grad=True)"


def test_a_row_sparse_gradient_is_visible_and_settable():
    table = lw.Tensor(np.zeros((4, 2)), requires_grad=True)
    table.grad = _core.RowSparse(np.array([3, 1, 3]), np.ones((3, 2), dtype=np.float32), (4, 2))
    assert isinstance(table.grad, F.RowSparse)
    np.testing.assert_array_equal(table.grad.ids, [3, 1, 3])
    dense = [[0, 0], [1, 1], [0, 0], [2, 2]]
    np.testing.assert_array_equal(np.asarray(table.grad), dense)
    np.testing.assert_array_equal(np.asarray(table.grad.to_dense()), dense)


@pytest.mark.parametrize(
    ("ids", "rows", "message"),
    [
        ([4], np.ones((1, 2)), "row_sparse: ids must be in 0..3, got 4"),
        (
            [0, 1],
            np.ones((1, 2)),
            "row_sparse: ids [n] and rows [n, dim] must fit a table [rows, dim], got (2,), (1, 2) and (4, 2)",
        ),
    ],
)
def test_a_row_sparse_gradient_must_fit_its_table(ids, rows, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        _core.RowSparse(ids, rows, (4, 2))
    assert str(caught.value) == message


def test_more_than_thirty_two_inputs_have_their_gradients():
    parts = [lw.Tensor([float(i)], requires_grad=True) for i in range(50)]
    F.sum(F.concatenate(parts) * np.arange(50)).backward()
    assert [float(part.grad) for part in parts] == list(range(50))


# Dropout --------------------------------------------------------------------------------------------------------------
def test_dropout_keeps_the_share_and_the_mean():
    y = np.asarray(F.dropout(np.ones((300, 400)), 0.3, key=7))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1) / (np.float32(1) - np.float32(0.3))}
    # Five standard errors of 120,000 draws.
    assert abs((y == 0).mean() - 0.3) < 5 * np.sqrt(0.21 / y.size)


def test_dropout_depends_on_key_and_offset_alone():
    x = np.ones(1000)
    first = np.asarray(F.dropout(x, 0.5, key=1, offset=2))
    np.testing.assert_array_equal(first, F.dropout(x, 0.5, key=1, offset=2))
    assert (first != np.asarray(F.dropout(x, 0.5, key=1, offset=3))).any()
    assert (first != np.asarray(F.dropout(x, 0.5, key=2, offset=2))).any()
    # A longer input continues the same draws.
    np.testing.assert_array_equal(first, np.asarray(F.dropout(np.ones(1003), 0.5, key=1, offset=2))[:1000])


def test_the_gradient_of_dropout_draws_the_same_mask():
    x = lw.Tensor(np.ones((33, 257)), requires_grad=True)
    y = F.dropout(x, 0.4, key=3)
    F.sum(y).backward()
    np.testing.assert_array_equal(np.asarray(x.grad), np.asarray(y))


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_dropout_rates_are_below_one(rate):
    with pytest.raises(ValueError, match=r"dropout: rate must be in \[0, 1\), got"):
        F.dropout(np.ones(3), rate, key=0)


@pytest.mark.parametrize(
    "operator", ["__add__", "__rsub__", "__mul__", "__rtruediv__", "__pow__", "__lt__", "__ge__", "__matmul__"]
)
def test_operators_refuse_none(operator):
    with pytest.raises(TypeError, match="must be an array, got None"):
        getattr(lw.Tensor([1.0, 2.0]), operator)(None)


def test_a_failed_backward_leaves_no_part_of_a_gradient():
    a, w = lw.Tensor([1.0, 2.0], requires_grad=True), lw.Tensor([3.0, 4.0], requires_grad=True)
    total = F.add(F.add(F.sum(F.multiply(a, w)), 0.0), F.sum(F.multiply(a, 3.0)))
    w.assign([0.0, 0.0])
    with pytest.raises(RuntimeError, match="changed in place"):
        total.backward()
    assert a.grad is None
    assert w.grad is None


def in_threads(count, body):
    failures = []

    def guarded():
        try:
            body()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_several_threads_add_to_clear_and_use_the_gradients_of_the_same_leaves():
    w, table = lw.Tensor(np.ones((64, 64)), requires_grad=True), lw.Tensor(np.ones((50, 8)), requires_grad=True)
    x, optimizer = np.ones((40, 64), dtype=np.float32), lw.optimizers.Adam()

    def body():
        for _ in range(100):
            F.add(F.sum(F.matmul(x, w)), F.sum(F.embedding(table, [1, 2, 1]))).backward()
            optimizer.step({"w": w, "table": table})
            w.grad = None
            assert table.grad is None or table.grad.shape == (50, 8)

    assert in_threads(4, body) == []


def test_two_threads_cannot_use_one_graph():
    for _ in range(50):
        w = lw.Tensor(np.ones((64, 64)), requires_grad=True)
        loss = w
        for _ in range(20):
            loss = F.multiply(loss, 1.0)
        loss = F.sum(loss)
        failures = in_threads(3, loss.backward)
        assert all(isinstance(error, RuntimeError) for error in failures)
        assert len(failures) >= 1


FORKS = """
import os, sys, threading, time
import numpy as np
from likewise import functional as F

a = np.ones(8192, dtype=np.float32)
w = F.Tensor(np.ones(64), requires_grad=True)
stop = False

def busy():
    while not stop:
        F.add(a, a)
        F.sum(F.multiply(w, w)).backward()

threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        F.add(a, a)
        F.sum(F.multiply(w, w)).backward()
        os._exit(0)
    deadline = time.monotonic() + 20
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, 9)
            print("hangs")
            os._exit(1)
        time.sleep(0.001)
stop = True
for thread in threads:
    thread.join()
print("done")
"""


def test_a_child_forked_while_others_compute_does_not_hang(counted):
    done = subprocess.run(
        [sys.executable, "-c", FORKS, "100"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.strip() == "done", done.stderr
    counted("children forked while other threads compute", 100)


@pytest.mark.parametrize(
    "call",
    [
        lambda: F.matmul(np.zeros((2**31, 0), dtype=np.float32), np.zeros((0, 2**30), dtype=np.float32)),
        lambda: F.linear(np.zeros((2**33, 0), dtype=np.float32), np.zeros((0, 2**31), dtype=np.float32)),
        lambda: F.reshape(np.ones(4, dtype=np.float32), (2**62 + 1, 4)),
        lambda: F.broadcast_to(1.0, (2**32, 2**32)),
        lambda: _core.RowSparse([2**60], np.zeros((1, 2), dtype=np.float32), (2**62, 2)).to_dense(),
    ],
    ids=["matmul", "linear", "reshape", "broadcast_to", "to_dense"],
)
def test_sizes_beyond_any_memory_are_errors(call):
    with pytest.raises((ValueError, MemoryError)):
        call()


def test_ids_that_another_thread_changes_are_never_read_unchecked():
    table, ids = np.ones((100, 16), dtype=np.float32), np.zeros(200_000, dtype=np.int64)
    stop = threading.Event()

    def change():
        while not stop.is_set():
            ids[-1] = 2**50
            ids[-1] = 0

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(100):
            with contextlib.suppress(ValueError):
                F.embedding(table, ids)
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lw.Tensor(2**70), "integers must be within 2\\^63"),
        (lambda: F.add(np.array([2**63], dtype=np.uint64), 0.0), "integers must be below 2\\^63"),
        (lambda: F.argmax(np.array([2**24, 2**24 + 1])), "argmax: integers must be within 2\\^24"),
    ],
)
def test_integers_that_would_lose_digits_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_integers_are_taken_for_parameters_and_small_ones_for_ids():
    np.testing.assert_array_equal(F.linear([[1.0, 2.0]], [[1], [2]], [3]), [[8.0]])
    np.testing.assert_array_equal(F.embedding(np.eye(3), np.array([2], dtype=np.uint8)), [[0, 0, 1]])


def test_cross_entropy_takes_probabilities_that_do_not_sum_to_one():
    loss = F.categorical_cross_entropy([[2.0, 2.0, 4.0]], [[1, 0, 0]], reduction="none")
    np.testing.assert_allclose(loss, [np.log(4)], rtol=1e-6)


def test_operations_refuse_a_tensor_that_was_never_initialised():
    made = lw.Tensor.__new__(lw.Tensor)
    for call in (lambda: F.add(made, 1.0), lambda: F.concatenate([made, made]), lambda: np.add(1.0, made)):
        with pytest.raises(TypeError, match=r"this likewise\._core\.Tensor was never initialised"):
            call()
    with pytest.raises(TypeError, match=r"this likewise\._core\.StepOptions was never initialised"):
        _core.sgd_step(lw.Tensor([1.0]), _core.StepOptions.__new__(_core.StepOptions), 0.1, 0.0, False)
