"""``keras.optimizers.schedules``."""

from likewise.optimizers.schedules import CosineDecay, ExponentialDecay, LearningRateSchedule

__all__ = ["CosineDecay", "ExponentialDecay", "LearningRateSchedule"]
