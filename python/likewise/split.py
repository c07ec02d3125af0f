"""`lw.split`: divides a log into parts for training, validation and test."""

from likewise.data.split import by_time, by_user, k_fold, leave_last, new_users, random

__all__ = ["by_time", "by_user", "k_fold", "leave_last", "new_users", "random"]
