"""What the states of a sequence model are trained for: the item that comes next, above others."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise import functional as F
from likewise.functional import Tensor

# The loss of states [n, dim], the table of items [n_items, dim], targets [n] and negatives [n, m], [m] or None.
Objective = Callable[[Tensor, Tensor, Any, Any], Tensor]


def objective_of(loss: str, n_items: int, negatives: int, calibration: float = 0.0) -> Objective:
    """The loss by its name.

    Args:
        loss: "softmax", "sampled_softmax", "bce", "gbce" or "bpr_max".
        n_items: Items in the catalogue.
        negatives: Drawn for each target.
        calibration: t of "gbce", from 0 to 1.
    """
    if loss == "softmax":
        return full_softmax
    if loss == "sampled_softmax":
        return sampled_softmax
    if loss == "bpr_max":
        return bpr_max
    beta = 1.0 if loss == "bce" else gbce_beta(negatives, n_items, calibration)
    low = math.log(beta / negatives)
    return partial(logistic, beta=beta, low=np.full(n_items, low, dtype=np.float32) if low else None)


def gbce_beta(negatives: int, n_items: int, calibration: float) -> float:
    """What the positive's logistic loss counts (Petrov and Macdonald, RecSys 2023, section 5.2).

    beta = a (t (1 - 1/a) + 1/a), with a the share of the other items that are drawn and t the calibration.
    """
    share = min(negatives / max(n_items - 1, 1), 1.0)
    return share * (calibration * (1 - 1 / share) + 1 / share)


def full_softmax(states: Tensor, table: Tensor, targets: Any, negatives: Any) -> Tensor:
    """Cross-entropy over the whole catalogue."""
    return F.softmax_loss(states, table, targets)


def sampled_softmax(states: Tensor, table: Tensor, targets: Any, negatives: Any) -> Tensor:
    """Cross-entropy over the target and its negatives, drawn uniformly."""
    return F.sampled_softmax_loss(states, table, targets, negatives)


def logistic(
    states: Tensor, table: Tensor, targets: Any, negatives: Any, *, beta: float, low: NDArray[np.float32] | None
) -> Tensor:
    """Logistic loss of the target, counted beta times, and of its negatives; summed over them as SASRec's authors do.

    Most candidates are negatives, so all scores have to be low; `low`, a constant beside them, sees to it. Else the
    vectors of all items would take on one common direction, behind which a history can hardly be made out.
    """
    mean = F.gbce_loss(states, table, targets, negatives, low, beta=beta)
    return F.multiply(mean, 1.0 + negatives.shape[-1])


def bpr_max(states: Tensor, table: Tensor, targets: Any, negatives: Any) -> Tensor:
    """The target above the hardest of its negatives, as GRU4Rec's authors have it: behind ELU."""
    return F.bpr_max_loss(states, table, targets, negatives, elu_alpha=1.0)
