"""Recommenders, one file per paper, and the contract they share."""

from likewise.models.behaviour.ease import EASE
from likewise.models.behaviour.ials import IALS
from likewise.models.behaviour.itemknn import ItemKNN
from likewise.models.behaviour.mf import MF
from likewise.models.behaviour.neumf import NeuMF
from likewise.models.behaviour.popularity import Popularity
from likewise.models.recommendations import Recommendation, Recommendations
from likewise.models.recommender import Recommender, load
from likewise.models.sequences.caser import Caser
from likewise.models.sequences.gru4rec import GRU4Rec
from likewise.models.sequences.sasrec import SASRec

__all__ = [
    "EASE",
    "IALS",
    "MF",
    "Caser",
    "GRU4Rec",
    "ItemKNN",
    "NeuMF",
    "Popularity",
    "Recommendation",
    "Recommendations",
    "Recommender",
    "SASRec",
    "load",
]
