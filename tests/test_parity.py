"""The case table at every instruction-set level, and against PyTorch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.cases import operations
from tests.cases.outputs import output_gradient, outputs

from likewise import _core

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def at_level(tmp_path_factory):
    """Outputs of all cases at a level, each made once in a process of its own."""
    folder = tmp_path_factory.mktemp("outputs")
    made = {}

    def load(level):
        if level not in _core.usable_isa_levels():
            pytest.skip(f"this processor does not have level {level}")
        if level not in made:
            file = folder / f"{level}.npz"
            environment = {**os.environ, "LIKEWISE_ISA": level}
            subprocess.run([sys.executable, "-m", "tests.cases.outputs", file], check=True, cwd=ROOT, env=environment)
            with np.load(file) as arrays:
                made[level] = {name: arrays[name] for name in arrays.files}
        return made[level]

    return load


def test_v3_and_v4_give_the_same_bits(at_level, counted):
    v3, v4 = at_level("v3"), at_level("v4")
    assert v3.keys() == v4.keys()
    different = [name for name in v3 if v3[name].tobytes() != v4[name].tobytes()]
    assert not different
    counted("arrays equal bit for bit at v3 and v4", len(v3))


def test_v2_is_close(at_level, counted):
    v2, best = at_level("v2"), at_level(_core.usable_isa_levels()[-1])
    for name, want in best.items():
        scale = max(1.0, np.abs(want[np.isfinite(want)]).max(initial=0))
        np.testing.assert_allclose(v2[name], want, rtol=0, atol=2e-5 * scale, err_msg=name)
    counted("arrays close at v2", len(best))


TORCH_CASES = [
    pytest.param(operation, number, id=f"{operation.name}-{number}")
    for operation in operations()
    if operation.torch is not None
    for number in range(len(operation.cases))
]


@pytest.mark.parametrize(("operation", "number"), TORCH_CASES)
def test_value_and_gradients_are_those_of_pytorch(operation, number, counted):
    torch = pytest.importorskip("torch")
    arguments = operation.arguments(number)
    wanted = operation.differentiable(arguments)
    theirs = [torch.tensor(a, requires_grad=i in wanted) for i, a in enumerate(arguments)]
    y = operation.torch(*theirs)
    got = outputs(operation, number)
    y.backward(torch.tensor(output_gradient(got[0].shape)))
    for ours, their in zip(got, [y.detach(), *(theirs[i].grad for i in wanted)], strict=True):
        want = their.numpy()
        scale = max(1.0, np.abs(want).max(initial=0))
        np.testing.assert_allclose(ours, want, rtol=0, atol=1e-5 * scale)
    counted("values and gradients equal to PyTorch")
