"""What an evaluation refuses, told to the person who started it."""


class EvaluationError(Exception):
    """A trial list or an audio file that cannot be used; the message names file and line."""
