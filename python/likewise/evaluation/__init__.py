"""The protocol of evaluation, its metrics, and comparisons of models."""

from likewise.evaluation.comparison import Comparison, compare
from likewise.evaluation.evaluate import evaluate
from likewise.evaluation.report import Protocol, Report

__all__ = ["Comparison", "Protocol", "Report", "compare", "evaluate"]
