"""Losses over a few items."""

import numpy as np
from tests.cases import Error, Operation, integers, normal, positive

from likewise import functional as F

ITEMS = 7
TABLES = [
    (ITEMS, 1),
    (ITEMS, 3),
    (8, 15),
    (9, 16),
    (10, 17),
    (11, 31),
    (12, 33),
    (20, 64),
    (ITEMS, 130),
    (30, 5),
    (500, 40),
]
LEADING = [(1,), (), (0,), (7,), (3, 4), (2, 3, 2), (33,), (40,), (5,), (4,), (300,)]
COUNTS = [1, 2, 3, 5, 1, 4, 17, 9, 33, 6, 20]


def ones(*shape):
    return np.ones(shape, dtype=np.float32)


def softplus(x):
    return np.logaddexp(0, x)


def scores_of(states, table, bias, targets, negatives):
    """Of positions [n], in one row each: of targets [n, 1], and of negatives [n, m], which may be shared."""
    rows = states.reshape(targets.size, states.shape[-1])
    own = negatives.shape[:-1] == targets.shape
    drawn = negatives if own else np.tile(negatives, (len(rows), 1))
    drawn = drawn.reshape(len(rows), drawn.shape[-1])
    every = rows @ table.T + bias
    wanted = targets.reshape(-1, 1)
    return np.take_along_axis(every, wanted, 1), np.take_along_axis(every, drawn, 1), drawn == wanted, drawn, wanted


def mean(losses, weights):
    shares = weights.reshape(-1)
    return np.float64((losses * shares).sum() / shares.sum()) if len(shares) else np.float64(0)


def log_q(items):
    return np.log(np.arange(1, items + 1) / items).astype(np.float32)


def sampled_softmax(states, table, targets, negatives, bias, weights):
    wanted, drawn, hits, ids, targets = scores_of(states, table, bias, targets, negatives)
    drawn = np.where(hits, -np.inf, drawn - log_q(len(table))[ids])
    wanted = wanted - log_q(len(table))[targets]
    return mean(np.logaddexp.reduce(np.concatenate([wanted, drawn], 1), 1) - wanted[:, 0], weights)


def gbce(states, table, targets, negatives, bias, weights):
    wanted, drawn, *_ = scores_of(states, table, bias, targets, negatives)
    return mean((0.3 * softplus(-wanted[:, 0]) + softplus(drawn).sum(1)) / (1 + drawn.shape[1]), weights)


def bpr_max(states, table, targets, negatives, bias, weights):
    wanted, drawn, hits, *_ = scores_of(states, table, bias, targets, negatives)
    wanted, drawn = (np.where(x > 0, x, 0.5 * np.expm1(np.minimum(x, 0))) for x in (wanted, drawn))
    exponentials = np.exp(drawn - 1e9 * hits - (drawn - 1e9 * hits).max(axis=1, keepdims=True, initial=-np.inf))
    shares = exponentials / exponentials.sum(1, keepdims=True)
    shares = np.where(hits.all(1, keepdims=True), 0, shares)
    above = (shares / (1 + np.exp(drawn - wanted))).sum(1)
    losses = -np.log(np.where(hits.all(1), 1, above)) + 0.7 * (shares * drawn**2).sum(1)
    return mean(losses, weights)


def in_batch(queries, items):
    scores = queries @ items.T - log_q(len(items))
    ids = np.arange(len(items)) // 2
    same = (ids[:, None] == ids) & ~np.eye(len(ids), dtype=bool)
    scores = np.where(same, -np.inf, scores)
    return np.float64((np.logaddexp.reduce(scores, 1) - np.diag(scores)).mean())


def loss(name, call, reference, shared, errors=()):
    drawn = [(count,) if shared else (*at, count) for at, count in zip(LEADING, COUNTS, strict=True)]
    kept = [i for i, at in enumerate(LEADING) if not (shared and at == ())]  # one position has negatives of its own
    return Operation(
        f"{name}, {'shared' if shared else 'own'} negatives",
        call,
        reference,
        [((*LEADING[i], TABLES[i][1]), TABLES[i], LEADING[i], drawn[i], (TABLES[i][0],), LEADING[i]) for i in kept],
        draws=(normal, normal, integers(ITEMS), integers(ITEMS), normal, positive),
        gradients=(0, 1, 4),
        errors=errors,
        tolerance=4e-6,
    )


def in_torch(states, table, ids, bias):
    return (table[ids] * states.unsqueeze(-2)).sum(-1) + bias[ids]


ERRORS = [
    Error(
        lambda: F.gbce_loss(ones(2, 3), ones(4, 3), np.zeros(3, dtype=int), np.zeros(5, dtype=int)),
        ValueError,
        "gbce_loss: targets must have shape (2,), got (3,)",
    ),
    Error(
        lambda: F.gbce_loss(ones(2, 3), ones(4, 3), np.zeros(2, dtype=int), np.zeros((3, 5), dtype=int)),
        ValueError,
        "gbce_loss: negatives must have shape (m,), or that of targets, (2,), and one more, got (3, 5)",
    ),
    Error(
        lambda: F.gbce_loss(ones(2, 3), ones(4, 3), np.zeros(2), np.zeros(5, dtype=int)),
        TypeError,
        "gbce_loss: targets must be int32, int64 or uint8, got float32",
    ),
]

OPERATIONS = [
    Operation(
        "candidate_scores",
        F.candidate_scores,
        lambda states, table, ids, bias: np.einsum("...d,...cd->...c", states, table[ids]) + bias[ids],
        [
            ((*at, table[1]), table, (*at, count), (table[0],))
            for at, table, count in zip(LEADING, TABLES, COUNTS, strict=True)
        ],
        draws=(normal, normal, integers(ITEMS), normal),
        torch=in_torch,
        flops=lambda states, table, ids, bias: 6 * int(np.prod(ids)) * table[1],
        errors=[
            Error(
                lambda: F.candidate_scores(ones(2, 3), ones(4, 3), np.zeros((3, 1), dtype=int)),
                ValueError,
                "candidate_scores: ids must have shape (2,) and one more, got (3, 1)",
            ),
            Error(
                lambda: F.candidate_scores(ones(2, 3), ones(4, 3), np.full((2, 1), 4)),
                ValueError,
                "candidate_scores: ids must be in 0..3, got 4",
            ),
            Error(
                lambda: F.candidate_scores(ones(2, 5), ones(4, 3), np.zeros((2, 1), dtype=int)),
                ValueError,
                "candidate_scores: table has dim 3, states have shape (2, 5)",
            ),
        ],
    ),
    *(
        loss(
            "sampled_softmax_loss",
            lambda states, table, targets, negatives, bias, weights: F.sampled_softmax_loss(
                states, table, targets, negatives, bias, log_q=log_q(np.shape(table)[0]), weights=weights
            ),
            sampled_softmax,
            shared,
        )
        for shared in (False, True)
    ),
    *(
        loss(
            "gbce_loss",
            lambda states, table, targets, negatives, bias, weights: F.gbce_loss(
                states, table, targets, negatives, bias, beta=0.3, weights=weights
            ),
            gbce,
            shared,
            ERRORS if shared else (),
        )
        for shared in (False, True)
    ),
    *(
        loss(
            "bpr_max_loss",
            lambda states, table, targets, negatives, bias, weights: F.bpr_max_loss(
                states, table, targets, negatives, bias, regularization=0.7, elu_alpha=0.5, weights=weights
            ),
            bpr_max,
            shared,
        )
        for shared in (False, True)
    ),
    Operation(
        "in_batch_softmax_loss",
        lambda queries, items: F.in_batch_softmax_loss(
            queries, items, ids=np.arange(np.shape(items)[0]) // 2, log_q=log_q(np.shape(items)[0])
        ),
        in_batch,
        [
            ((n, d), (n, d))
            for n, d in [(1, 1), (2, 3), (3, 5), (7, 15), (16, 16), (17, 4), (33, 8), (5, 33), (9, 2), (64, 20)]
        ],
        tolerance=4e-6,
        errors=[
            Error(
                lambda: F.in_batch_softmax_loss(ones(2, 3), ones(3, 3)),
                ValueError,
                "in_batch_softmax_loss: queries and items must have the same shape (n, dim), got (2, 3) and (3, 3)",
            )
        ],
    ),
]
