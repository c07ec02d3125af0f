"""Causal attention, forward and backward, and the block of SASRec around it, beside PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from bench.timing import Work
from torch.nn.functional import dropout, linear, relu, scaled_dot_product_attention

import likewise as lw
from likewise import functional as F

# Batch, steps, dim, heads; the first is that of SASRec.
SHAPES = [(128, 200, 50, 1), (64, 50, 64, 2), (32, 512, 128, 4)]
RATE = 0.2


def works(threads: int) -> Iterator[Work]:
    """Both sides compute the gradients of all inputs and weights."""
    torch.manual_seed(0)
    yield block(*SHAPES[0])
    for shape in SHAPES:
        for rate in (RATE, 0.0):
            yield attention(*shape, rate)


def attention_flops(batch: int, steps: int, dim: int) -> float:
    """Two products forward and four backward, over the pairs that are seen."""
    return 6.0 * batch * steps * (steps + 1) * dim


def peer_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, rate: float) -> torch.Tensor:
    split = [x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v)]
    return scaled_dot_product_attention(*split, is_causal=True, dropout_p=rate).transpose(1, 2).flatten(2)


def attention(batch: int, steps: int, dim: int, heads: int, rate: float) -> Work:
    inputs = [torch.randn(batch, steps, dim, requires_grad=True) for _ in range(3)]
    dy = torch.randn(batch, steps, dim)
    ours_inputs = [lw.Tensor(x.detach().numpy(), requires_grad=True) for x in inputs]
    ours_dy = lw.Tensor(dy.numpy())

    def ours() -> None:
        for x in ours_inputs:
            x.grad = None
        F.attention(*ours_inputs, num_heads=heads, causal=True, dropout=rate, dropout_key=1).backward(ours_dy)

    def peer() -> None:
        for x in inputs:
            x.grad = None
        peer_attention(*inputs, heads, rate).backward(dy)

    name = f"causal attention {batch} x {steps}, dim {dim}, heads {heads}, dropout {rate:g}"
    return Work(name, ours, peer, attention_flops(batch, steps, dim))


def block(batch: int, steps: int, dim: int, heads: int) -> Work:
    """Projections of query, key, value and output, attention, and two layers with relu; two residual connections."""
    weights = [(torch.randn(dim, dim) * 0.1).requires_grad_() for _ in range(6)]
    biases = [torch.zeros(dim, requires_grad=True) for _ in range(6)]
    x, dy = torch.randn(batch, steps, dim, requires_grad=True), torch.randn(batch, steps, dim)
    ours_weights = [lw.Tensor(np.ascontiguousarray(w.detach().numpy().T), requires_grad=True) for w in weights]
    ours_biases = [lw.Tensor(b.detach().numpy(), requires_grad=True) for b in biases]
    ours_x, ours_dy = lw.Tensor(x.detach().numpy(), requires_grad=True), lw.Tensor(dy.numpy())

    def ours() -> None:
        for each in (ours_x, *ours_weights, *ours_biases):
            each.grad = None
        layers = list(zip(ours_weights, ours_biases, strict=True))
        q, k, v = (F.linear(ours_x, *layer) for layer in layers[:3])
        y = F.attention(q, k, v, num_heads=heads, causal=True, dropout=RATE, dropout_key=1)
        h = F.add(ours_x, F.linear(y, *layers[3]))
        inner = F.dropout(F.linear(h, *layers[4], activation="relu"), RATE, 2)
        F.add(h, F.dropout(F.linear(inner, *layers[5]), RATE, 3)).backward(ours_dy)

    def peer() -> None:
        for each in (x, *weights, *biases):
            each.grad = None
        layers = list(zip(weights, biases, strict=True))
        q, k, v = (linear(x, *layer) for layer in layers[:3])
        h = x + linear(peer_attention(q, k, v, heads, RATE), *layers[3])
        inner = dropout(relu(linear(h, *layers[4])), RATE)
        (h + dropout(linear(inner, *layers[5]), RATE)).backward(dy)

    products = 6 * 3 * 2.0 * batch * steps * dim * dim
    flops = products + attention_flops(batch, steps, dim)
    return Work(f"block of SASRec {batch} x {steps}, dim {dim}", ours, peer, flops, target=">= 57 %, >= 4.5x")
