"""What is wrong with a folder of recordings."""


class CorpusError(Exception):
    """A folder that cannot be used: says what was found and what was expected."""
