"""What can be wrong with keys and sealed templates."""


class KeyFileError(Exception):
    """The key of the templates cannot be used: says which, why and what to do."""


class SealError(Exception):
    """What was sealed does not open: another key's, changed, or moved to another row or person."""
