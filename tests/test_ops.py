"""Every operation of the case table: values, gradients, error messages, threads."""

import numpy as np
import pytest
from tests.cases import operations
from tests.cases.outputs import output_gradient, outputs

import likewise as lw

OPERATIONS = operations()
CASES = [
    pytest.param(
        operation, number, id=f"{operation.name}-{'-'.join(map(str, operation.cases[number]))}".replace(" ", "")
    )
    for operation in OPERATIONS
    for number in range(len(operation.cases))
]


def distance(got, want):
    """The largest error relative to the largest value, at least 1; shapes must agree, NaN and infinity must match."""
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    assert got.shape == want.shape
    if got.size == 0:
        return 0.0
    finite = np.isfinite(want)
    np.testing.assert_array_equal(got[~finite], want[~finite])
    return np.abs(got[finite] - want[finite]).max(initial=0) / max(1.0, np.abs(want[finite]).max(initial=0))


def reference_of(operation, arguments):
    return operation.reference(*[a.astype(np.float64) if a.dtype == np.float32 else a for a in arguments])


@pytest.mark.parametrize(("operation", "number"), CASES)
def test_value_is_that_of_the_float64_reference(operation, number, counted):
    arguments = operation.arguments(number)
    got = np.asarray(operation.call(*arguments))
    assert distance(got, reference_of(operation, arguments)) < operation.tolerance
    counted("values equal to a float64 reference")


def derivative(operation, arguments, position, direction, cotangent):
    """d/dstep of <cotangent, reference(.., argument + step direction, ..)> by a central difference."""
    step, sides = operation.step, []
    for sign in (1, -1):
        moved = [a.astype(np.float64) if a.dtype == np.float32 else a for a in arguments]
        moved[position] = moved[position] + sign * step * direction
        sides.append(np.sum(cotangent * operation.reference(*moved)))
    return (sides[0] - sides[1]) / (2 * step)


@pytest.mark.parametrize(("operation", "number"), [case for case in CASES if case.values[0].gradients != ()])
def test_gradient_is_that_of_central_differences(operation, number, counted):
    arguments = operation.arguments(number)
    wanted = operation.differentiable(arguments)
    got = outputs(operation, number)
    cotangent = output_gradient(got[0].shape).astype(np.float64)
    rng = np.random.default_rng(number)
    for position, gradient in zip(wanted, got[1:], strict=True):
        assert gradient.shape == arguments[position].shape
        if gradient.size == 0:
            continue
        # All elements at once along random directions, then some alone.
        directions = [rng.choice([-1.0, 1.0], size=gradient.shape) for _ in range(2)]
        for flat in rng.choice(gradient.size, size=min(6, gradient.size), replace=False):
            one = np.zeros(gradient.size)
            one[flat] = 1
            directions.append(one.reshape(gradient.shape))
        for direction in directions:
            want = derivative(operation, arguments, position, direction, cotangent)
            along = np.sum(gradient.astype(np.float64) * direction)
            scale = max(1.0, np.linalg.norm(gradient.astype(np.float64) * direction))
            assert abs(along - want) < 50 * operation.tolerance * scale, (position, along, want)
    counted("gradients equal to central differences", len(wanted))


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(error, id=f"{operation.name}-{i}")
        for operation in OPERATIONS
        for i, error in enumerate(operation.errors)
    ],
)
def test_bad_input_is_named_with_what_is_required(error, counted):
    with pytest.raises(error.kind) as caught:
        error.call()
    assert str(caught.value) == error.message
    counted("bad inputs named by their error")


@pytest.fixture
def threads():
    before = lw.get_num_threads()
    yield lw.set_num_threads
    lw.set_num_threads(before)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_bits_are_the_same_at_any_number_of_threads(operation, threads, counted):
    runs = []
    for count in (1, 2, 4):
        threads(count)
        runs.append([outputs(operation, number) for number in range(len(operation.cases))])
    for case in zip(*runs, strict=True):
        for one, two, four in zip(*case, strict=True):
            assert one.tobytes() == two.tobytes() == four.tobytes()
        counted("cases equal bit for bit at 1, 2 and 4 threads")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_has_ten_cases(operation):
    assert len(operation.cases) >= 10
