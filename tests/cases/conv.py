"""Convolutions."""

import numpy as np
from tests.cases import Error, Operation

from likewise import functional as F


def zeros(*shape):
    return np.zeros(shape, dtype=np.float32)


def sizes_of(shape, kernel, strides, padding, dilation):
    """For each direction: places of the output, zeros before and after."""
    found = []
    for size, taps, stride, step in zip(shape, kernel, strides, dilation, strict=True):
        reach = (taps - 1) * step + 1
        if padding == "valid":
            found.append(((size - reach) // stride + 1, 0, 0))
        else:
            out = -(-size // stride)
            missing = max((out - 1) * stride + reach - size, 0)
            before = reach - 1 if padding == "causal" else missing // 2
            found.append((out, before, max(missing - before, 0) + reach))
    return found


def reference(x, kernel, bias, strides, padding, dilation, groups):
    """Tap by tap, channels last, in one and two directions."""
    if x.ndim == 3:
        args = (1, *strides), padding, (1, *dilation), groups
        return reference(x[:, None], kernel[None], bias, *args)[:, 0]
    directions = sizes_of(x.shape[1:3], kernel.shape[:2], strides, "same" if padding == "causal" else padding, dilation)
    if padding == "causal":
        directions = [(1, 0, 0), *sizes_of(x.shape[2:3], kernel.shape[1:2], strides[1:], "causal", dilation[1:])]
    (height, top, bottom), (width, left, right) = directions
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    per_group, filters = kernel.shape[2], kernel.shape[3] // groups
    y = np.zeros((len(x), height, width, kernel.shape[3])) + bias
    for a in range(kernel.shape[0]):
        for b in range(kernel.shape[1]):
            rows = a * dilation[0] + strides[0] * np.arange(height)
            columns = b * dilation[1] + strides[1] * np.arange(width)
            seen = x[:, rows[:, None], columns]
            for g in range(groups):
                part = slice(g * filters, (g + 1) * filters)
                y[..., part] += seen[..., g * per_group : (g + 1) * per_group] @ kernel[a, b, :, part]
    return y


def torch_conv(strides, padding, dilation, groups):
    def call(x, kernel, bias):
        import torch

        directions = x.ndim - 2
        sizes = sizes_of(x.shape[1:-1], kernel.shape[:directions], strides, padding, dilation)
        x = torch.movedim(x, -1, 1)
        pads = [side for _, before, after in reversed(sizes) for side in (before, after)]
        kernel = torch.movedim(kernel, (-1, -2), (0, 1))
        conv = torch.nn.functional.conv1d if directions == 1 else torch.nn.functional.conv2d
        y = conv(torch.nn.functional.pad(x, pads), kernel, bias, strides, 0, dilation, groups)
        y = y[(slice(None), slice(None), *(slice(out) for out, _, _ in sizes))]
        return torch.movedim(y, 1, -1)

    return call


def operation(name, cases, strides, padding="valid", dilation=None, groups=1, **more):
    """One setting; a case is (batch, places.., channels), (taps.., filters)."""
    dilation = dilation or (1,) * len(strides)
    function = F.conv1d if len(strides) == 1 else F.conv2d
    settings = {"padding": padding, "groups": groups}
    settings["strides"], settings["dilation_rate"] = (
        (strides[0], dilation[0]) if len(strides) == 1 else (strides, dilation)
    )
    shapes = [(x, (*kernel[:-1], x[-1] // groups, kernel[-1]), (kernel[-1],)) for x, kernel in cases]
    return Operation(
        name,
        lambda x, kernel, bias: function(x, kernel, bias, **settings),
        lambda x, kernel, bias: reference(x, kernel, bias, strides, padding, dilation, groups),
        shapes,
        torch=torch_conv(strides, padding, dilation, groups),
        flops=lambda x, kernel, bias: 2 * int(np.prod(x[:-1])) * int(np.prod(kernel)),
        tolerance=4e-6,
        **more,
    )


# Lengths, channels and filters around tiles of 6 and 8 places and panels of 8 and 16 filters; even and odd taps; next
# to no filters.
ONE = [
    ((0, 5, 3), (3, 4)),
    ((1, 9, 1), (1, 1)),
    ((2, 9, 3), (3, 4)),
    ((1, 15, 16), (3, 15)),
    ((2, 17, 15), (3, 16)),
    ((3, 31, 7), (4, 17)),
    ((2, 33, 16), (2, 31)),
    ((1, 9, 33), (5, 33)),
    ((5, 12, 4), (3, 8)),
    ((33, 40, 12), (3, 20)),
    ((1, 130, 5), (3, 40)),
    ((2, 30, 6), (4, 9)),
    ((3, 77, 2), (5, 16)),
    ((3, 20, 33), (3, 3)),
    ((2, 13, 64), (2, 1)),
]
TWO = [
    ((0, 5, 5, 3), (3, 3, 4)),
    ((1, 7, 7, 1), (1, 1, 1)),
    ((2, 7, 9, 3), (3, 2, 5)),
    ((1, 9, 8, 2), (3, 3, 15)),
    ((2, 8, 7, 16), (3, 3, 16)),
    ((1, 11, 13, 5), (2, 4, 17)),
    ((3, 6, 6, 7), (3, 3, 31)),
    ((1, 6, 17, 16), (3, 5, 33)),
    ((2, 15, 6, 3), (5, 1, 8)),
    ((20, 14, 14, 8), (3, 3, 20)),
    ((2, 7, 9, 20), (3, 3, 2)),
    ((1, 6, 7, 43), (3, 2, 4)),
    ((2, 9, 9, 16), (3, 3, 1)),
]
BY_FOUR = [(((*x[:-1], 4 * x[-1])), (*kernel[:-1], 4 * kernel[-1])) for x, kernel in TWO[:9]]
ALONE = [((*x[:-1], max(x[-1], 2)), (*kernel[:-1], max(x[-1], 2))) for x, kernel in TWO] + [
    ((2, 9, 19, 21), (5, 5, 21)),
    ((1, 11, 12, 24), (3, 3, 24)),
]

OPERATIONS = [
    operation(
        "conv1d",
        ONE,
        (1,),
        errors=[
            Error(
                lambda: F.conv1d(zeros(2, 3), zeros(3, 3, 4)),
                ValueError,
                "conv1d: x must have shape (batch, places, channels), got (2, 3)",
            ),
            Error(
                lambda: F.conv1d(zeros(2, 9, 3), zeros(3, 4, 4)),
                ValueError,
                "conv1d: kernel takes 4 channels, x has 3 in 1 group",
            ),
            Error(
                lambda: F.conv1d(zeros(2, 2, 3), zeros(3, 3, 4)),
                ValueError,
                "conv1d: the kernel reaches over 3 places, x has 2",
            ),
            Error(
                lambda: F.conv1d(zeros(2, 9, 3), zeros(3, 3, 4), strides=0),
                ValueError,
                "conv1d: strides must be at least 1, got (0,)",
            ),
            Error(
                lambda: F.conv1d(zeros(2, 9, 3), zeros(3, 3, 4), padding="full"),
                ValueError,
                "conv1d: padding must be 'valid', 'same' or 'causal', got 'full'",
            ),
        ],
    ),
    operation("conv1d same, stride 2", ONE, (2,), "same"),
    operation("conv1d causal, dilation 2", ONE, (1,), "causal", (2,)),
    operation("conv1d causal, stride 3, dilation 2", ONE, (3,), "causal", (2,)),
    operation(
        "conv1d same, stride and dilation 2, 3 groups",
        [(((*x[:-1], 3 * x[-1])), (taps, 3 * filters)) for x, (taps, filters) in ONE],
        (2,),
        "same",
        (2,),
        groups=3,
    ),
    operation(
        "conv2d",
        TWO,
        (1, 1),
        errors=[
            Error(
                lambda: F.conv2d(zeros(2, 5, 5, 4), zeros(3, 3, 2, 4), zeros(3), groups=2),
                ValueError,
                "conv2d: bias must have shape (4,), got (3,)",
            ),
            Error(
                lambda: F.conv2d(zeros(2, 5, 5, 4), zeros(3, 3, 4, 4), groups=3),
                ValueError,
                "conv2d: groups must divide 4 channels and 4 filters, got 3",
            ),
            Error(
                lambda: F.conv2d(zeros(2, 5, 5, 4), zeros(3, 3, 4, 4), padding="causal"),
                ValueError,
                "conv2d: padding must be 'valid' or 'same', got 'causal'",
            ),
        ],
    ),
    operation("conv2d same", TWO, (1, 1), "same"),
    operation("conv2d, stride 2 x 3", TWO, (2, 3)),
    operation("conv2d same, stride 3 x 2", TWO, (3, 2), "same"),
    operation("conv2d same, dilation 2 x 3", TWO, (1, 1), "same", (2, 3)),
    operation("conv2d same, stride 2, dilation 3 x 2", TWO, (2, 2), "same", (3, 2)),
    operation("conv2d of patches", [((x[0] % 3, 8, 12, x[-1]), (4, 4, f)) for x, (*_, f) in TWO], (4, 4)),
    operation("conv2d same, 4 groups", [*BY_FOUR, ((2, 5, 5, 12), (3, 3, 8))], (1, 1), "same", groups=4),
    operation("conv2d, stride 2, 4 groups", [*BY_FOUR, ((2, 5, 5, 12), (3, 3, 8))], (2, 2), groups=4),
] + [
    Operation(
        f"conv2d {padding}, depthwise, strides {strides}, dilation {dilation}",
        lambda x, kernel, bias, settings=(padding, strides, dilation): F.conv2d(
            x,
            kernel,
            bias,
            padding=settings[0],
            strides=settings[1],
            dilation_rate=settings[2],
            groups=x.shape[-1],
        ),
        lambda x, kernel, bias, settings=(padding, strides, dilation): reference(
            x, kernel, bias, settings[1], settings[0], settings[2], x.shape[-1]
        ),
        [(x, (*kernel[:-1], 1, kernel[-1]), (kernel[-1],)) for x, kernel in ALONE],
        tolerance=4e-6,
    )
    for padding, strides, dilation in (
        ("same", (1, 1), (1, 1)),
        ("same", (2, 2), (1, 1)),
        ("valid", (1, 3), (1, 1)),
        ("valid", (1, 1), (2, 1)),
    )
]
