"""Attention."""

from itertools import pairwise

import numpy as np
from tests.cases import Error, Operation

from likewise import functional as F


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


def one_sequence(q, k, v, heads, causal, seen=None):
    """softmax(q k^T / sqrt(size)) v in each head of a sequence [rows, dim]; a query that sees nothing gives 0."""
    parts = [np.split(each, heads, axis=1) for each in (q, k, v)]
    found = []
    for q_head, k_head, v_head in zip(*parts, strict=True):
        may = np.ones((len(q), len(k)), dtype=bool) if seen is None else np.tile(seen, (len(q), 1))
        if causal:
            may &= np.tri(len(q), len(k), dtype=bool)
        scores = np.where(may, q_head @ k_head.T / np.sqrt(q_head.shape[1]), -np.inf)
        highest = np.where(may.any(axis=1), scores.max(axis=1, initial=-np.inf), 0)
        weights = np.where(may, np.exp(scores - highest[:, None]), 0)
        total = weights.sum(axis=1, keepdims=True)
        found.append(weights / np.where(total > 0, total, 1) @ v_head)
    return np.concatenate(found, axis=1)


def lengths_of(batch, steps):
    return np.random.default_rng(batch).integers(0, steps + 1, size=batch)


def mask_of(batch, steps):
    return np.random.default_rng(batch + 1).random((batch, steps)) < 0.6


def offsets_of(rows):
    """Sequences of all lengths, one of them empty."""
    cuts = np.sort(np.random.default_rng(rows).integers(0, rows + 1, size=4))
    return np.concatenate([[0], cuts[:2], cuts[1:2], cuts[2:], [rows]])


def padded(heads, causal, kind):
    def call(q, k, v):
        batch, steps = k.shape[:2]
        options = {
            "lengths": {"key_lengths": lengths_of(batch, steps)},
            "mask": {"key_mask": mask_of(batch, steps)},
            "all": {},
        }[kind]
        return F.attention(q, k, v, num_heads=heads, causal=causal, **options)

    def reference(q, k, v):
        batch, steps = k.shape[:2]
        seen = {
            "lengths": np.arange(steps) < lengths_of(batch, steps)[:, None],
            "mask": mask_of(batch, steps),
            "all": np.ones((batch, steps), dtype=bool),
        }[kind]
        found = [one_sequence(*each, heads, causal, mine) for *each, mine in zip(q, k, v, seen, strict=True)]
        return np.stack(found) if found else np.zeros((0, q.shape[1], v.shape[2]))

    return call, reference


def both_lengths(q, k, v):
    lengths = lengths_of(*q.shape[:2])
    found = np.zeros((*q.shape[:2], v.shape[2]))
    for row, count in enumerate(lengths):
        found[row, :count] = one_sequence(q[row, :count], k[row, :count], v[row, :count], 2, True)
    return found


def packed(q, k, v):
    offsets = offsets_of(len(q))
    found = [one_sequence(q[a:b], k[a:b], v[a:b], 2, True) for a, b in pairwise(offsets)]
    return np.concatenate(found)


def of_torch(heads, causal):
    def call(q, k, v):
        import torch

        parts = [each.reshape(*each.shape[:2], heads, each.shape[2] // heads).transpose(1, 2) for each in (q, k, v)]
        found = torch.nn.functional.scaled_dot_product_attention(*parts, is_causal=causal)
        return found.transpose(1, 2).reshape(*q.shape[:2], v.shape[2])

    return call


# Batch, queries, keys, columns of q and k, of v: around blocks of 32 queries and vectors of 16.
SIZES = [
    (0, 3, 3, 4, 4),
    (2, 0, 3, 4, 2),
    (1, 1, 1, 2, 2),
    (3, 4, 5, 6, 2),
    (2, 15, 17, 4, 6),
    (2, 33, 31, 8, 8),
    (1, 32, 64, 10, 32),
    (2, 65, 40, 34, 34),
    (1, 16, 9, 66, 18),
    (2, 100, 100, 20, 20),
    (5, 40, 47, 16, 30),
    (40, 20, 20, 8, 8),
]
CROSS = [((b, t, d), (b, s, d), (b, s, e)) for b, t, s, d, e in SIZES]
SELF = [((b, t, d), (b, t, d), (b, t, e)) for b, t, _, d, e in SIZES]
ROWS = [(1, 2, 2), (3, 4, 2), (5, 6, 6), (16, 8, 4), (33, 10, 10), (64, 4, 12), (70, 34, 34), (100, 16, 18), (7, 2, 2)]
PACKED = [((n, d), (n, d), (n, e)) for n, d, e in [*ROWS, (600, 20, 20)]]


def flops(q, k, v):
    return 2 * int(np.prod(q[:-1])) * k[-2] * (q[-1] + v[-1])


ERRORS = [
    Error(
        lambda: F.attention(zeros(2, 3), zeros(2, 3), zeros(2, 3)),
        ValueError,
        "attention: packed rows need offsets; padded ones have shape (batch, steps, dim)",
    ),
    Error(
        lambda: F.attention(zeros(2, 3, 4), zeros(2, 5, 4), zeros(2, 5, 4), num_heads=3),
        ValueError,
        "attention: num_heads 3 must divide the columns of query and value, got 4 and 4",
    ),
    Error(
        lambda: F.attention(zeros(2, 3, 4), zeros(2, 5, 6), zeros(2, 5, 4)),
        ValueError,
        "attention: query has 4 columns, key has 6",
    ),
    Error(
        lambda: F.attention(zeros(2, 3, 4), zeros(2, 5, 4), zeros(2, 6, 4)),
        ValueError,
        "attention: key has rows (2, 5), value (2, 6)",
    ),
    Error(
        lambda: F.attention(zeros(5, 4), zeros(5, 4), zeros(5, 4), offsets=[0, 3, 4]),
        ValueError,
        "attention: offsets must go from 0 to the 5 rows, got 0 to 4",
    ),
    Error(
        lambda: F.attention(zeros(5, 4), zeros(5, 4), zeros(5, 4), offsets=[0, 4, 3, 5]),
        ValueError,
        "attention: offsets must not fall, got 4 before 3",
    ),
    Error(
        lambda: F.attention(zeros(2, 3, 4), zeros(2, 5, 4), zeros(2, 5, 4), lengths=[1, 6]),
        ValueError,
        "attention: lengths must lie in 0 to 3, got 6",
    ),
    Error(
        lambda: F.attention(zeros(2, 3, 4), zeros(2, 3, 4), zeros(2, 3, 4), lengths=[1.0, 2.0]),
        TypeError,
        "attention: lengths must be integers, got float32",
    ),
    Error(
        lambda: F.attention(zeros(2, 3, 4), zeros(2, 5, 4), zeros(2, 5, 4), key_mask=np.ones((2, 3), dtype=bool)),
        ValueError,
        "attention: key_mask must have shape (2, 5), got (2, 3)",
    ),
    Error(
        lambda: F.attention(zeros(2, 3, 4), zeros(2, 3, 4), zeros(2, 3, 4), dropout=1.0),
        ValueError,
        "attention: dropout must lie in [0, 1), got 1",
    ),
]

OPERATIONS = [
    *(
        Operation(
            f"attention, {heads} heads{', causal' * causal}{'' if kind == 'all' else ', ' + kind}",
            *padded(heads, causal, kind),
            CROSS,
            torch=of_torch(heads, causal) if kind == "all" and not causal else None,
            errors=ERRORS if (heads, causal, kind) == (1, False, "all") else (),
            tolerance=4e-6,
            flops=flops,
        )
        for heads, causal, kind in [
            (1, False, "all"),
            (2, False, "all"),
            (2, True, "all"),
            (2, False, "lengths"),
            (1, True, "mask"),
        ]
    ),
    Operation(
        "attention over padded sequences",
        lambda q, k, v: F.attention(q, k, v, num_heads=2, causal=True, lengths=lengths_of(*q.shape[:2])),
        both_lengths,
        SELF,
        tolerance=4e-6,
    ),
    Operation(
        "attention over packed sequences",
        lambda q, k, v: F.attention(q, k, v, num_heads=2, causal=True, offsets=offsets_of(len(q))),
        packed,
        PACKED,
        tolerance=4e-6,
    ),
]
