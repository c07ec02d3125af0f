"""Models that read what a user did in its order."""
