"""Rows of tables, and the softmax over all of them. Messages of errors: tests/functional/test_tables.py."""

import itertools

import numpy as np
from tests.cases import Error, Operation, integers, normal, positive

from likewise import functional as F

ROWS = 5  # every table has at least these; ids are among them, so that they repeat


def offsets(rng, shape):
    """Where bags of six ids or more begin: at 0 first."""
    inner = np.sort(rng.integers(0, 7, size=shape))
    return np.where(np.arange(len(inner)) == 0, 0, inner)


def scatter_add(table, ids, rows):
    result = table.copy()
    np.add.at(result, ids, rows)
    return result


def bags(starts, n):
    return [slice(begin, end) for begin, end in itertools.pairwise([*starts, n])]


def bag_sum(table, ids, starts, weights):
    sums = [weights[bag] @ table[ids[bag]] for bag in bags(starts, len(ids))]
    return np.array(sums).reshape(len(starts), table.shape[1])


def bag_mean(table, ids, starts, weights):
    totals = [weights[bag].sum() or 1.0 for bag in bags(starts, len(ids))]
    return bag_sum(table, ids, starts, weights) / np.array(totals).reshape(-1, 1)


def softmax_loss(states, table, targets, bias, weights):
    scores = (states @ table.T + bias).reshape(-1, len(table))
    highest = scores.max(axis=1)
    of_targets = scores[np.arange(len(scores)), targets.ravel()]
    losses = np.log(np.exp(scores - highest[:, None]).sum(axis=1)) + highest - of_targets
    return (weights.ravel() * losses).sum() / weights.sum()


def softmax_loss_of_torch(states, table, targets, bias, weights):
    import torch

    scores = (states @ table.T + bias).reshape(-1, len(table))
    losses = torch.nn.functional.cross_entropy(scores, targets.ravel(), reduction="none")
    return (weights.ravel() * losses).sum() / weights.sum()


SIZES = [(5, 1), (5, 3), (6, 15), (7, 16), (8, 17), (9, 31), (10, 33), (20, 64), (30, 130), (2000, 40)]
IDS = [(1,), (), (0,), (7,), (3, 4), (2, 3, 2), (33,), (40,), (5,), (3000,)]
BAGS = [(1, 6), (0, 0), (2, 6), (3, 9), (4, 10), (1, 30), (6, 8), (5, 33), (7, 40), (3, 20)]
POSITIONS = [(1,), (), (3,), (7,), (3, 4), (2, 3, 2), (33,), (65,), (40,), (1200,)]

OPERATIONS = [
    Operation(
        "embedding",
        F.embedding,
        lambda table, ids: table[ids],
        list(zip(SIZES, IDS, strict=True)),
        draws=(normal, integers(ROWS)),
        torch=lambda table, ids: table[ids],
        errors=[Error(lambda: F.embedding(np.ones((5, 2)), [5]), ValueError, "embedding: ids must be in 0..4, got 5")],
    ),
    Operation(
        "scatter_add",
        F.scatter_add,
        scatter_add,
        [(table, ids, (*ids, table[1])) for table, ids in zip(SIZES, IDS, strict=True)],
        draws=(normal, integers(ROWS), normal),
    ),
    *(
        Operation(
            f"embedding_bag_{mode}",
            lambda table, ids, starts, weights, mode=mode: F.embedding_bag(table, ids, starts, mode, weights),
            reference,
            [(table, (n,), (count,), (n,)) for table, (count, n) in zip(SIZES, BAGS, strict=True)],
            draws=(normal, integers(ROWS), offsets, positive),
        )
        for mode, reference in (("sum", bag_sum), ("mean", bag_mean))
    ),
    Operation(
        "softmax_loss",
        F.softmax_loss,
        softmax_loss,
        [((*at, table[1]), table, at, (table[0],), at) for table, at in zip(SIZES, POSITIONS, strict=True)],
        draws=(normal, normal, integers(ROWS), normal, positive),
        gradients=(0, 1, 3),
        torch=softmax_loss_of_torch,
        flops=lambda states, table, *rest: 6 * int(np.prod(states)) * table[0],
    ),
]
