"""What a training run refuses, told to the person who started it."""


class TrainingError(Exception):
    """A recipe, a pool or a teacher file that cannot be used; the message says what to change."""
