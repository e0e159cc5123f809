"""Recordings through a whole daemon at full speed: the same events each time."""
