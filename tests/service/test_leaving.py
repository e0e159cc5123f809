"""Whoever is asked to end has the same deadline as all others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from earwitnessd.access.keys import new_key_pair
from earwitnessd.profiles import ProfileStore
from earwitnessd.service.following import Following
from earwitnessd.service.leaving import LEAST_S, Leaving
from earwitnessd.service.sharing import Sharing
from earwitnessd.settings.sharing import FollowSettings, ShareSettings
from earwitnessd.sharing.signing import new_signing_key

WITHIN_S = 10.0
Context = zmq.Context[zmq.Socket[bytes]]
Side = Callable[[Context, Path, Callable[[], ProfileStore]], Sharing | Following]


def sharing(_context: Context, folder: Path, open_store: Callable[[], ProfileStore]) -> Sharing:
    _, secret = new_signing_key(folder, "desk")
    return Sharing(ShareSettings(signing_key_file=str(secret)), open_store, "tones@1")


def following(context: Context, folder: Path, open_store: Callable[[], ProfileStore]) -> Following:
    signing, _ = new_signing_key(folder, "desk")
    for name in ("desk", "hall"):
        new_key_pair(folder, name)
    settings = FollowSettings(
        writer="tcp://127.0.0.1:9",
        server_key_file=str(folder / "desk.key"),
        key_file=str(folder / "hall.key_secret"),
        signed_by=str(signing),
    )
    return Following(context, settings, open_store, "tones@1")


def test_until_the_daemon_stops_there_is_no_hurry() -> None:
    assert Leaving().left_s(for_others_s=5.0) > 3600


def test_what_is_left_shrinks_for_all_together() -> None:
    leaving = Leaving()
    leaving.begin(60.0)
    assert 59.0 < leaving.left_s() <= 60.0
    assert 49.0 < leaving.left_s(for_others_s=10.0) <= 50.0
    leaving.begin(0.0)
    assert leaving.left_s() == LEAST_S  # nobody goes without a look


@pytest.mark.parametrize("side", [sharing, following])
def test_who_waits_for_its_disk_is_left_behind_by_the_deadline(side: Side, tmp_path: Path) -> None:
    answers = threading.Event()

    def open_store() -> ProfileStore:
        answers.wait(WITHIN_S)
        return ProfileStore(tmp_path / "profiles.db")

    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made = side(context, tmp_path, open_store)
    leaving = Leaving()
    leaving.begin(0.0)
    made.finish()
    began_s = time.monotonic()
    made.close(leaving.left_s())
    assert time.monotonic() - began_s < LEAST_S + 0.4
    left_behind = made.alive
    answers.set()
    made.close(WITHIN_S)
    assert left_behind > made.alive
    context.term()
