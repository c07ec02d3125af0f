"""python -m tests.cases.outputs FILE: values and gradients of every case, for comparing levels and machines."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from tests.cases import Operation, operations

import likewise as lw


def outputs(operation: Operation, number: int) -> list[np.ndarray[Any, Any]]:
    """The value of a case, then the gradient of each argument that has one, for a fixed output gradient."""
    arguments = operation.arguments(number)
    wanted = operation.differentiable(arguments)
    tensors = [lw.Tensor(a, requires_grad=True) if i in wanted else a for i, a in enumerate(arguments)]
    y = operation.call(*tensors)
    results = [np.array(y)]
    if wanted and y.requires_grad:
        y.backward(output_gradient(y.shape))
        results += [np.array(tensors[i].grad) for i in wanted]
    return results


def output_gradient(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


def main() -> None:
    arrays = {}
    for operation in operations():
        for number in range(len(operation.cases)):
            for part, array in enumerate(outputs(operation, number)):
                arrays[f"{operation.name}/{number}/{part}"] = array
    np.savez(sys.argv[1], **arrays)


if __name__ == "__main__":
    main()
