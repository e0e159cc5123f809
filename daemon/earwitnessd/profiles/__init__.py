"""The enrolled people, kept in SQLite."""

from earwitnessd.profiles.circumstances import Circumstances
from earwitnessd.profiles.errors import ProfileError, StoreError
from earwitnessd.profiles.store import ProfileStore
from earwitnessd.profiles.stored import NewExemplar, StoredExemplar, StoredProfile

__all__ = [
    "Circumstances",
    "NewExemplar",
    "ProfileError",
    "ProfileStore",
    "StoreError",
    "StoredExemplar",
    "StoredProfile",
]
