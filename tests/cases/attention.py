"""Softmax attention."""

import numpy as np
from tests.cases import Error, Operation

from likewise import functional as F


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


# What is dropped: word t mod 4 of Philox 4x32-10 at (head, sequence), (t / 4, j) --------------------------------------
def philox(key, counter):
    """Four words of 32 bits, by the definition (Salmon et al., SC 2011); ``counter`` is four arrays."""
    low32 = np.uint64(0xFFFFFFFF)
    c = [np.asarray(each, dtype=np.uint64) for each in counter]
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [
            (b >> np.uint64(32)) ^ c[1] ^ np.uint64(k0),
            b & low32,
            (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k1),
            a & low32,
        ]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def dropout_factors(rate, key, sequence, head, queries, keys):
    t, j = np.meshgrid(np.arange(queries), np.arange(keys), indexing="ij")
    words = philox(key, (j, t // 4, np.full_like(t, sequence), np.full_like(t, head)))
    drawn = np.choose(t % 4, words) >> np.uint64(8)
    return np.where(drawn.astype(np.float32) * np.float32(2**-24) < np.float32(rate), 0.0, 1 / (1 - rate))


# The reference --------------------------------------------------------------------------------------------------------
def one_sequence(q, k, v, sequence, heads, seen, bias, rate, key, scale):
    """q [queries, heads * key_dim] and so on; seen [queries, keys]."""
    queries, keys, parts = len(q), len(k), []
    for head, (qh, kh, vh) in enumerate(zip(*(np.split(each, heads, axis=1) for each in (q, k, v)), strict=True)):
        scores = qh @ kh.T * (qh.shape[1] ** -0.5 if scale is None else scale)
        if bias is not None:
            distance = bias.shape[1] // 2
            apart = np.arange(keys)[None] - np.arange(queries)[:, None]
            scores = scores + bias[head][np.clip(apart, -distance, distance) + distance]
        scores = np.where(seen, scores, -np.inf)
        weights = np.where(seen, np.exp(scores - np.where(seen.any(1), scores.max(1, initial=-1e9), 0)[:, None]), 0)
        p = weights / np.maximum(weights.sum(1, keepdims=True), 1e-300)
        parts.append((p * dropout_factors(rate, key, sequence, head, queries, keys) if rate else p) @ vh)
    return np.concatenate(parts, axis=1)


def reference(q, k, v, sides, key_mask=None, heads=1, causal=False, bias=None, rate=0.0, key=0, scale=None):
    """Over rows; ``sides`` are the first row and the count of queries, and the same of keys, of every sequence."""
    y = np.zeros((len(q), v.shape[1]))
    for s, (first, queries, first_key, keys) in enumerate(sides):
        seen = np.ones((queries, keys), dtype=bool)
        if causal:
            seen = np.tril(seen)
        if key_mask is not None:
            seen = seen & key_mask[first_key : first_key + keys]
        those, these = slice(first, first + queries), slice(first_key, first_key + keys)
        y[those] = one_sequence(q[those], k[these], v[these], s, heads, seen, bias, rate, key, scale)
    return y


def offsets_of(rows, sequences):
    """Cuts at random, so that sequences of many lengths and empty ones come up; some rows belong to none."""
    rng = np.random.default_rng([rows, sequences])
    return np.sort(rng.integers(0, rows + 1, size=sequences + 1))


def packed(what, sequences=5, cross=False, masked=False, torch=None, errors=(), bias=False, sizes=None, **options):
    """Attention of sequences one after the other; ``options`` are those of :func:`reference`."""
    heads = options.get("heads", 1)

    def places(q, k):
        offsets = offsets_of(len(q), sequences)
        key_offsets = offsets_of(len(k), sequences) if cross else offsets
        return offsets, key_offsets

    def mask_of(k):
        return np.random.default_rng(len(k)).random(len(k)) < 0.6 if masked else None

    def call(q, k, v, *rest):
        offsets, key_offsets = places(np.asarray(q), np.asarray(k))
        return F.attention(
            q,
            k,
            v,
            num_heads=heads,
            offsets=offsets,
            key_offsets=key_offsets if cross else None,
            key_mask=mask_of(np.asarray(k)),
            causal=options.get("causal", False),
            scale=options.get("scale"),
            relative_bias=rest[0] if bias else None,
            dropout=options.get("rate", 0.0),
            dropout_key=options.get("key", 0),
        )

    def in_numpy(q, k, v, *rest):
        offsets, key_offsets = places(q, k)
        sides = zip(offsets[:-1], np.diff(offsets), key_offsets[:-1], np.diff(key_offsets), strict=True)
        return reference(q, k, v, sides, mask_of(k), bias=rest[0] if bias else None, **options)

    def shapes(rows, key_rows, key_dim, value_dim):
        biases = ((heads, 2 * 4 + 1),) if bias else ()
        key_rows = key_rows if cross else rows
        return (rows, heads * key_dim), (key_rows, heads * key_dim), (key_rows, heads * value_dim), *biases

    return Operation(
        name=f"attention, {what}",
        call=call,
        reference=in_numpy,
        cases=[shapes(*sizes) for sizes in sizes or SIZES],
        errors=errors,
        tolerance=4e-6,
    )


# Rows, rows of keys, columns of a head: around blocks of 40 queries, vectors of 16 keys, panels of 8 and 16 columns.
SIZES = [
    (0, 3, 2, 2),
    (1, 1, 1, 1),
    (7, 3, 5, 4),
    (15, 20, 8, 8),
    (33, 40, 3, 9),
    (60, 90, 16, 17),
    (100, 30, 7, 7),
    (180, 170, 10, 12),
    (230, 260, 25, 25),
    (400, 300, 33, 15),
    (900, 1000, 13, 13),
]


def padded(what, counted, heads=2, causal=False):
    """[batch, steps, dim] with lengths, a mask, or neither."""

    def keywords(batch, steps):
        rng = np.random.default_rng(batch)
        if counted == "lengths":
            return {"lengths": rng.integers(0, steps + 1, size=batch)}
        return {"key_mask": rng.random((batch, steps)) < 0.5} if counted == "mask" else {}

    def call(q, k, v):
        return F.attention(q, k, v, num_heads=heads, causal=causal, **keywords(q.shape[0], q.shape[1]))

    def in_numpy(q, k, v):
        batch, steps, _ = q.shape
        given = keywords(batch, steps)
        counts = given.get("lengths", np.full(batch, steps))
        sides = [(s * steps, count, s * steps, count) for s, count in enumerate(counts)]
        mask = given["key_mask"].reshape(-1) if "key_mask" in given else None
        rows = (each.reshape(batch * steps, each.shape[-1]) for each in (q, k, v))
        return reference(*rows, sides, mask, heads=heads, causal=causal).reshape(batch, steps, v.shape[-1])

    def in_torch(q, k, v):
        import torch

        split = (each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (q, k, v))
        y = torch.nn.functional.scaled_dot_product_attention(*split, is_causal=causal)
        return y.transpose(1, 2).flatten(2)

    sizes = [(0, 3, 2), (2, 0, 3), (1, 1, 1), (3, 4, 5), (2, 15, 8), (5, 17, 3), (2, 41, 9), (3, 80, 16), (2, 130, 25)]
    return Operation(
        name=f"attention, {what}",
        call=call,
        reference=in_numpy,
        cases=[((batch, steps, heads * dim),) * 3 for batch, steps, dim in [*sizes, (40, 33, 7)]],
        torch=in_torch if counted is None else None,
        tolerance=4e-6,
    )


def attend(q, k, v, **options):
    return lambda: F.attention(zeros(*q), zeros(*k), zeros(*v), **options)


ERRORS = [
    Error(
        attend((4, 6), (4, 6), (4, 6)),
        ValueError,
        "attention: query of shape (4, 6) needs offsets; padded it is (batch, steps, dim)",
    ),
    Error(
        attend((6,), (6,), (6,), offsets=[0, 1]),
        ValueError,
        "attention: query must have shape (rows, dim) or (batch, steps, dim), got (6,)",
    ),
    Error(
        attend((4, 6), (4, 6), (4, 6), offsets=[0, 4], num_heads=4),
        ValueError,
        "attention: query must have a multiple of 4 columns, its heads, got 6",
    ),
    Error(
        attend((4, 6), (4, 6), (4, 6), offsets=[0, 4], num_heads=0),
        ValueError,
        "attention: num_heads must be at least 1, got 0",
    ),
    Error(attend((4, 6), (4, 8), (4, 6), offsets=[0, 4]), ValueError, "attention: query has 6 columns, key has 8"),
    Error(
        attend((4, 6), (4, 6), (5, 6), offsets=[0, 4]),
        ValueError,
        "attention: key and value must have the same rows, got (4, 6) and (5, 6)",
    ),
    Error(
        attend((4, 6), (4, 6), (4, 6), offsets=[0, 5]),
        ValueError,
        "attention: offsets must lie in 0 to 4, the rows of query, got 5",
    ),
    Error(
        attend((4, 6), (4, 6), (4, 6), offsets=[0, 3, 2]),
        ValueError,
        "attention: offsets must not decrease, got 3 before 2",
    ),
    Error(
        attend((4, 6), (9, 6), (9, 6), offsets=[0, 3, 4], key_offsets=[0, 9]),
        ValueError,
        "attention: query has 2 sequences, key has 1",
    ),
    Error(
        attend((4, 6), (4, 6), (4, 6), offsets=[0.0, 4.0]),
        TypeError,
        "attention: offsets must be integers, got float32",
    ),
    Error(
        attend((4, 6), (4, 6), (4, 6), offsets=[0, 4], lengths=[4]),
        ValueError,
        "attention: lengths are of (batch, steps, dim), query has shape (4, 6)",
    ),
    Error(
        attend((2, 4, 6), (2, 4, 6), (2, 4, 6), offsets=[0, 4]),
        ValueError,
        "attention: offsets are of (rows, dim), query has shape (2, 4, 6)",
    ),
    Error(
        attend((2, 4, 6), (2, 4, 6), (2, 4, 6), lengths=[4, 5]),
        ValueError,
        "attention: lengths must lie in 0 to 4, the steps of query, got 5",
    ),
    Error(
        attend((2, 4, 6), (2, 5, 6), (2, 5, 6), lengths=[4, 4]),
        ValueError,
        "attention: lengths are of queries and of keys: give key_lengths, query has 4 steps, key has 5",
    ),
    Error(attend((2, 4, 6), (3, 4, 6), (3, 4, 6)), ValueError, "attention: query has a batch of 2, key of 3"),
    Error(
        attend((2, 4, 6), (2, 4, 6), (2, 4, 6), key_mask=np.ones((2, 5), dtype=bool)),
        ValueError,
        "attention: key_mask must have shape (2, 4), got (2, 5)",
    ),
    Error(
        attend((2, 4, 6), (2, 4, 6), (2, 4, 6), key_mask=zeros(2, 4)),
        TypeError,
        "attention: key_mask must be of bool, got float32",
    ),
    Error(attend((2, 4, 6), (2, 4, 6), (2, 4, 6), scale=0.0), ValueError, "attention: scale must be above 0, got 0"),
    Error(
        attend((2, 4, 6), (2, 4, 6), (2, 4, 6), dropout=1.0), ValueError, "attention: dropout must be in [0, 1), got 1"
    ),
    Error(
        attend((2, 4, 6), (2, 4, 6), (2, 4, 6), relative_bias=zeros(1, 4)),
        ValueError,
        "attention: relative_bias must have shape (1, 2 * distance + 1), got (1, 4)",
    ),
]

OPERATIONS = [
    packed("one head", errors=ERRORS),
    packed("causal", causal=True),
    packed("heads", heads=3, scale=0.3),
    packed("across", cross=True, heads=2),
    packed("across, causal", cross=True, causal=True),
    packed("masked", masked=True, heads=2, causal=True),
    packed("relative bias", bias=True, heads=2, masked=True),
    packed("relative bias, causal", bias=True, causal=True),
    packed("dropout", rate=0.2, key=0x123456789ABCDEF, heads=2, causal=True),
    packed("dropout, masked", rate=0.5, key=11, masked=True),
    padded("padded", None),
    padded("padded, causal", None, causal=True),
    padded("padded, lengths", "lengths", causal=True),
    padded("padded, mask", "mask"),
]
