"""Dense matrix products: likewise.functional.matmul and linear beside torch.mm and addmm."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from bench import limits
from bench.timing import Work

import likewise as lw
from likewise import _core

SQUARE = (1024, 2048)
RECOMMENDER = [
    (64, 64, 64), (64, 128, 256), (64, 256, 128), (64, 512, 512),
    (256, 32, 64), (256, 64, 32), (256, 128, 128), (256, 256, 64), (256, 512, 256),
    (1024, 16, 64), (1024, 64, 16), (1024, 32, 32), (1024, 64, 64), (1024, 256, 128), (1024, 128, 512),
    (4096, 16, 32), (4096, 32, 16), (4096, 64, 64), (4096, 128, 32), (4096, 50, 50), (4096, 100, 100),
    (4096, 256, 64), (4096, 64, 256), (4096, 512, 512),
]  # fmt: skip
STACKS = [(128, 200, 200, 50), (512, 50, 64, 64), (4096, 16, 16, 32), (4, 512, 512, 512)]
FEW_ROWS = {(4, 256, 256): ">= 4x", (8, 512, 128): ">= 3x"}


def works(threads: int) -> Iterator[Work]:
    """Shapes are rows x outputs x inputs; both sides allocate their result, as their users do."""
    torch.manual_seed(0)
    for size in SQUARE:
        yield matmul(size, size, size, f">= {88 if size == 1024 else 84} %, >= 1.1x")
    for m, n, k in RECOMMENDER:
        yield matmul(m, n, k, f">= {92 if k >= 64 else 88} %, mean >= 1.35x")
    for m, n, k in RECOMMENDER:
        yield linear_relu(m, n, k, "mean >= 1.45x")
    for (m, n, k), target in FEW_ROWS.items():
        yield matmul(m, n, k, target)
    yield one_row(1024, 256, threads)
    for shape in STACKS:
        yield stack(*shape)


def matmul(m: int, n: int, k: int, target: str) -> Work:
    x, w = torch.randn(m, k), torch.randn(k, n)
    ours_x, ours_w = lw.Tensor(x.numpy()), lw.Tensor(w.numpy())
    product = lw.functional.matmul
    return Work(
        f"{m} x {n} x {k}", lambda: product(ours_x, ours_w), lambda: torch.mm(x, w), 2.0 * m * n * k, target=target
    )


def stack(count: int, m: int, n: int, k: int) -> Work:
    """Products of pairs of matrices, with both gradients."""
    a, b, dy = (torch.randn(count, *sides) for sides in ((m, k), (k, n), (m, n)))
    ours_a, ours_b, ours_dy = (lw.Tensor(each.numpy()) for each in (a, b, dy))
    for each in (a, b, ours_a, ours_b):
        each.requires_grad = True

    def ours() -> None:
        ours_a.grad = ours_b.grad = None
        lw.functional.matmul(ours_a, ours_b).backward(ours_dy)

    def theirs() -> None:
        a.grad = b.grad = None
        torch.bmm(a, b).backward(dy)

    return Work(f"{count} of {m} x {n} x {k}, forward and backward", ours, theirs, 6.0 * count * m * n * k)


def linear_relu(m: int, n: int, k: int, target: str) -> Work:
    x, w, bias = torch.randn(m, k), torch.randn(k, n), torch.randn(n)
    ours = [lw.Tensor(each.numpy()) for each in (x, w, bias)]
    linear = lw.functional.linear
    return Work(
        f"{m} x {n} x {k} + bias, relu",
        lambda: linear(*ours, "relu"),
        lambda: torch.relu_(torch.addmm(bias, x, w)),
        2.0 * m * n * k,
        target=target,
    )


def one_row(n: int, k: int, threads: int) -> Work:
    """Bound by reading the matrix from the second-level cache."""
    x, w = torch.randn(1, k), torch.randn(k, n)
    ours_x, ours_w = lw.Tensor(x.numpy()), lw.Tensor(w.numpy())
    product = lw.functional.matmul
    size = 4 * n * k
    bandwidth = limits.read_bandwidth(_core.isa_level(), threads, size // threads)
    return Work(
        f"1 x {n} x {k} (bytes of the matrix)",
        lambda: product(ours_x, ours_w),
        lambda: torch.mm(x, w),
        traffic=float(size),
        bandwidth=bandwidth,
        target=">= 85 %",
    )
