"""What can go wrong with profiles: with the database, and with what is asked of it."""

from __future__ import annotations

from earwitness.control import ErrorCode


class StoreError(Exception):
    """The database cannot be used: says why and what to do."""


class ProfileError(Exception):
    """The request does not fit what is stored; `code` is the control protocol's."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
