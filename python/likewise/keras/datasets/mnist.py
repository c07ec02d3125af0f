"""Handwritten digits (LeCun et al., 1998)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.data.images import read_idx
from likewise.data.locate import locate

__all__ = ["load_data"]

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def load_data(path: Any = "mnist.npz") -> tuple[Part, Part]:
    """The images and labels of training, then those of the test.

    They are read from MNIST's four files in the folder "mnist" under LIKEWISE_DATA or the cache; nothing is downloaded.

    Args:
        path: Has no effect.

    Returns:
        ((images, labels), (images, labels)): uint8 of shape [n, 28, 28] in 0..255, and uint8 [n].

    Raises:
        FileNotFoundError: If they are in neither folder.
    """
    train, test = (
        tuple(read_idx(locate("mnist", f"{part}-{kind}-ubyte")) for kind in ("images-idx3", "labels-idx1"))
        for part in ("train", "t10k")
    )
    return (train[0], train[1]), (test[0], test[1])
