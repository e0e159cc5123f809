"""The enrolled people, kept in SQLite."""

from earwitnessd.profiles.store import (
    NewExemplar,
    ProfileError,
    ProfileStore,
    StoredExemplar,
    StoredProfile,
    StoreError,
)

__all__ = ["NewExemplar", "ProfileError", "ProfileStore", "StoreError", "StoredExemplar", "StoredProfile"]
