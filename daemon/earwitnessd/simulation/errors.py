"""What a simulation refuses, told to the person who started it."""


class SimulationError(Exception):
    """Folders or options that make no conversation; the message says what was found and expected."""
