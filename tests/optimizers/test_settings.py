"""State, configuration, schedules and errors of optimizers."""

import math

import numpy as np
import pytest

import likewise as lw
from likewise import optimizers
from likewise.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from likewise.optimizers.schedules import CosineDecay, ExponentialDecay, PolynomialDecay

MAKERS = [
    lambda: SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0),
    lambda: Adagrad(0.1, l2=0.01),
    lambda: RMSprop(momentum=0.5, centered=True, clipvalue=1.0),
    lambda: Adam(ExponentialDecay(0.1, 3, 0.5), amsgrad=True, exact=True),
    lambda: AdamW(CosineDecay(0.1, 20, 0.1, warmup_target=0.2, warmup_steps=4), global_clipnorm=0.5, l1=0.1),
]


def train(optimizer, parameters, steps, first=0):
    for step in range(first, first + steps):
        rng = np.random.default_rng(step)
        dense, table = parameters.values()
        dense.grad = lw.Tensor(rng.standard_normal(dense.shape))
        ids, rows = rng.integers(0, 9, 5), rng.standard_normal((5, 4)).astype("float32")
        table.grad = lw.functional.RowSparse(ids, rows, table.shape)
        optimizer.step(parameters)
    return {path: np.array(value) for path, value in parameters.items()}


def parameters_from(values):
    return {path: lw.Tensor(value, requires_grad=True) for path, value in values.items()}


START = {"dense": np.arange(6.0).reshape(2, 3), "table": np.ones((9, 4))}


@pytest.mark.parametrize("make", MAKERS)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(make):
    whole = train(make(), parameters_from(START), 10)
    optimizer = make()
    half = train(optimizer, parameters_from(START), 5)
    state = optimizer.state_dict()
    resumed = make()
    resumed.load_state_dict(state)
    for path, value in train(resumed, parameters_from(half), 5, first=5).items():
        np.testing.assert_array_equal(value, whole[path])


@pytest.mark.parametrize("make", MAKERS)
def test_a_configuration_makes_the_same_optimizer(make):
    optimizer = make()
    config = optimizer.get_config()
    same = type(optimizer).from_config(config)
    assert same.get_config() == config
    also = optimizers.get({"class_name": type(optimizer).__name__, "config": config})
    results = [train(each, parameters_from(START), 4) for each in (optimizer, same, also)]
    for path in START:
        np.testing.assert_array_equal(results[0][path], results[1][path])
        np.testing.assert_array_equal(results[0][path], results[2][path])


@pytest.mark.parametrize("kind", [SGD, Adagrad, RMSprop, Adam, AdamW])
def test_a_name_gives_an_optimizer_with_defaults(kind):
    optimizer = optimizers.get(kind.__name__.lower())
    assert type(optimizer) is kind
    assert optimizer.get_config() == kind().get_config()
    assert optimizers.get(optimizer) is optimizer


def test_defaults_are_those_of_keras():
    assert SGD().learning_rate == 0.01
    assert (Adam().learning_rate, Adam().beta_1, Adam().beta_2, Adam().epsilon) == (0.001, 0.9, 0.999, 1e-7)
    assert (RMSprop().rho, Adagrad().initial_accumulator_value, AdamW().weight_decay) == (0.9, 0.1, 0.004)


SCHEDULES = [
    (ExponentialDecay(0.1, 10, 0.5), {0: 0.1, 5: 0.1 * math.sqrt(0.5), 10: 0.05, 20: 0.025}),
    (ExponentialDecay(0.1, 10, 0.5, staircase=True), {0: 0.1, 9: 0.1, 10: 0.05, 19: 0.05}),
    (CosineDecay(0.4, 8), {0: 0.4, 4: 0.2, 8: 0.0, 99: 0.0}),
    (CosineDecay(0.4, 8, alpha=0.5), {0: 0.4, 4: 0.3, 8: 0.2}),
    (CosineDecay(0.1, 8, warmup_target=0.5, warmup_steps=4), {0: 0.1, 2: 0.3, 4: 0.5, 8: 0.25, 12: 0.0}),
    (PolynomialDecay(0.4, 8, end_learning_rate=0.0), {0: 0.4, 2: 0.3, 8: 0.0, 99: 0.0}),
    (PolynomialDecay(0.5, 10, end_learning_rate=0.1, power=2.0), {0: 0.5, 5: 0.2, 10: 0.1, 15: 0.1}),
    (PolynomialDecay(0.4, 8, end_learning_rate=0.0, cycle=True), {0: 0.4, 8: 0.0, 12: 0.1, 16: 0.0}),
]


@pytest.mark.parametrize(("schedule", "rates"), SCHEDULES)
def test_schedules_pass_through_known_rates(schedule, rates):
    for step, rate in rates.items():
        assert schedule(step) == pytest.approx(rate, abs=1e-12)


def test_a_schedule_may_be_any_function_of_the_steps_made():
    optimizer = SGD(lambda step: 1.0 / (1 + step))
    parameter = lw.Tensor(np.zeros(1), requires_grad=True)
    for _ in range(3):
        parameter.grad = lw.Tensor(np.ones(1))
        optimizer.step([parameter])
    assert float(parameter) == pytest.approx(-(1 + 1 / 2 + 1 / 3))
    assert optimizer.learning_rate == 0.25


def test_a_function_that_drifts_downhill_arrives():
    x = lw.Tensor(np.array([3.0, -2.0]), requires_grad=True)
    optimizer = Adam(0.1)
    for _ in range(400):
        lw.functional.sum(lw.functional.square(x)).backward()
        optimizer.step({"x": x})
    assert np.abs(x).max() < 1e-3


def state_of_another_kind():
    optimizer = SGD()
    train(optimizer, parameters_from(START), 1)
    SGD(momentum=0.5).load_state_dict(optimizer.state_dict())


def step_with_state_of_another_shape():
    optimizer, parameter = Adagrad(), lw.Tensor(np.ones(3), True)
    optimizer.load_state_dict(
        {
            "class_name": "Adagrad",
            "iterations": 1,
            "learning_rate": 0.1,
            "slots": {"0": {"accumulator": np.ones(2, "f4")}},
        }
    )
    parameter.grad = lw.Tensor(np.ones(3))
    optimizer.step([parameter])


def set_a_scheduled_rate():
    Adam(lambda step: 0.1).learning_rate = 0.2


ERRORS = [
    (lambda: SGD(-1), ValueError, "SGD: learning_rate must be a finite number, 0 or more, got -1"),
    (lambda: SGD(math.nan), ValueError, "learning_rate must be a finite number"),
    (lambda: SGD(momentum=2), ValueError, r"SGD: momentum must be in \[0, 1\], got 2"),
    (lambda: Adam(beta_1=1), ValueError, r"Adam: beta_1 must be in \[0, 1\), got 1"),
    (lambda: AdamW(beta_2=-0.1), ValueError, r"AdamW: beta_2 must be in \[0, 1\), got -0.1"),
    (lambda: Adam(epsilon=0), ValueError, "Adam: epsilon must be greater than 0, got 0"),
    (lambda: RMSprop(rho=1.5), ValueError, r"RMSprop: rho must be in \[0, 1\), got 1.5"),
    (lambda: Adagrad(initial_accumulator_value=-1), ValueError, "initial_accumulator_value must be 0 or more, got -1"),
    (lambda: Adam(l2=-1), ValueError, "Adam: l2 must be 0 or more, got -1"),
    (lambda: Adam(weight_decay=-1), ValueError, "Adam: weight_decay must be 0 or more, got -1"),
    (lambda: Adam(clipnorm=0), ValueError, "Adam: clipnorm must be greater than 0, got 0"),
    (
        lambda: Adam(clipnorm=1, clipvalue=1),
        ValueError,
        "only one kind of clipping can be used, got clipnorm and clipv",
    ),
    (lambda: Adam(momentum=0.9), TypeError, "momentum"),
    (lambda: CosineDecay(0.1, 0), ValueError, "CosineDecay: decay_steps must be greater than 0, got 0"),
    (lambda: PolynomialDecay(0.1, 0), ValueError, "PolynomialDecay: decay_steps must be greater than 0, got 0"),
    (
        lambda: optimizers.get("adm"),
        ValueError,
        "optimizer must be one of adagrad, adam, adamw, rmsprop, sgd, got 'adm'",
    ),
    (lambda: optimizers.get(7), TypeError, "optimizer must be a name, a configuration or an Optimizer, got 7"),
    (
        lambda: Adam(lambda step: 0.1).get_config(),
        ValueError,
        "a learning rate that is a function has no configuration",
    ),
    (lambda: Adam().step(lw.Tensor(np.ones(2), True)), TypeError, "parameters must be a dict or a list of tensors"),
    (set_a_scheduled_rate, TypeError, "learning_rate follows a schedule"),
    (state_of_another_kind, ValueError, "SGD: state of dense must hold"),
    (
        step_with_state_of_another_shape,
        ValueError,
        r"adagrad: state must have the parameter's shape \(3,\), got \(2,\)",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS, ids=[message for _, _, message in ERRORS])
def test_bad_settings_name_the_argument_what_is_required_and_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_arguments_by_position_are_those_of_keras():
    assert (
        AdamW(0.1, 0.2, 0.3, 0.4).get_config()
        == AdamW(learning_rate=0.1, weight_decay=0.2, beta_1=0.3, beta_2=0.4).get_config()
    )
    assert Adam(0.1, 0.2, 0.3).get_config() == Adam(learning_rate=0.1, beta_1=0.2, beta_2=0.3).get_config()


def test_a_class_and_a_name_of_ones_own():
    assert lw.optimizers.get(AdamW).get_config() == AdamW().get_config()
    assert Adam().name == "adam"
    assert lw.optimizers.get({"class_name": "Adam", "config": Adam(name="mine").get_config()}).name == "mine"


def test_a_refused_state_changes_nothing():
    adam, adamw = Adam(0.1), AdamW(0.2)
    train(adam, parameters_from(START), 1)
    with pytest.raises(ValueError, match="AdamW: the state is of Adam"):
        adamw.load_state_dict(adam.state_dict())
    assert adamw.state_dict() == AdamW(0.2).state_dict()
