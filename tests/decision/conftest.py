"""Searches for counterexamples are the same each time, and take as long as a busy machine needs."""

from hypothesis import settings

settings.register_profile("alike", deadline=None, derandomize=True, database=None)
settings.load_profile("alike")
