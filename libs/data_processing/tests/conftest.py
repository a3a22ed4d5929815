"""Hypothesis without a time limit per example: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("purser", deadline=None)
settings.load_profile("purser")
