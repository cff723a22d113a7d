"""Judges: whether what a network cannot tell apart is wanted, decided by classifiers independent of it."""
