"""Databases to share between, and what goes from one to another."""

from __future__ import annotations

from pathlib import Path

from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.giving import Page, read_page
from earwitnessd.profiles.ledger import followed
from earwitnessd.profiles.taking import Taken, begin, lay_aside, put_into_force
from tests.profiles.making import exemplar, voice


def opened(folder: Path, name: str) -> ProfileStore:
    """A database with a key of its own."""
    return ProfileStore(folder / name / "profiles.db")


def enrol(store: ProfileStore, name: str, seed: int) -> None:
    """One more session: the same voice for the same seed, turned by the store's own key."""
    plain = voice(seed)
    model_id = exemplar(plain).model_id
    store.add(name, exemplar(store.turning(model_id).turn(plain)))


def pages_after(store: ProfileStore, version: int) -> list[Page]:
    """All that changed since."""
    pages, after = [], version
    while True:
        stretch = read_page(store.database, store.vault, after)
        pages.append(stretch.page)
        after = stretch.reaches.version
        if not stretch.more:
            return pages


def carry(writer: ProfileStore, follower: ProfileStore) -> Taken:
    """Everything that is new, from one to the other."""
    known = followed(follower.database)
    after = known.version if known else 0
    begin(follower.database)
    stretch = read_page(writer.database, writer.vault, after)
    while stretch.more:
        lay_aside(follower.database, follower.vault, stretch.page)
        stretch = read_page(writer.database, writer.vault, stretch.reaches.version)
    return put_into_force(
        follower.database, follower.vault, stretch.page, stretch.reaches, instead=known is None
    )
