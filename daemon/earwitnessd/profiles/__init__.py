"""The enrolled people, kept in SQLite."""

from earwitnessd.profiles.circumstances import Circumstances
from earwitnessd.profiles.store import (
    NewExemplar,
    ProfileError,
    ProfileStore,
    StoredExemplar,
    StoredProfile,
    StoreError,
)

__all__ = [
    "Circumstances",
    "NewExemplar",
    "ProfileError",
    "ProfileStore",
    "StoreError",
    "StoredExemplar",
    "StoredProfile",
]
