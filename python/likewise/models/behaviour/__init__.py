"""Models of behaviour alone: who did what."""
