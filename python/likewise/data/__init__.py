"""The log of interactions, its splits, and what is known about users and items."""

from likewise.data import augment
from likewise.data.audit import Audit, Finding
from likewise.data.features import Features
from likewise.data.images import read_mnist
from likewise.data.interactions import Interactions
from likewise.data.rows import RejectedRow
from likewise.data.simulate import Simulation, simulate

__all__ = [
    "Audit",
    "Features",
    "Finding",
    "Interactions",
    "RejectedRow",
    "Simulation",
    "augment",
    "read_mnist",
    "simulate",
]
