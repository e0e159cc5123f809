"""How long a follower takes for its first snapshot, and until somebody enrolled at the writer counts there.

    python -m tests.benchmarks.following --people 1000 --people 100000

Two real daemons on this machine, tcp with keys, a tiny model, templates of 192 values. Times are told as they
are, and as ratios to copying the writer's database file in the same run.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tests.models import making
from tests.sharing.daemons import FollowerDaemon, Writer, bring

from earwitness.events import Heartbeat, ProfileEnrolled, ProfilesFollowed
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.carrying import Session
from earwitnessd.profiles.giving import Page, Shared, Stretch, read_page
from earwitnessd.profiles.ledger import NOTHING, make_own
from earwitnessd.profiles.taking import lay_aside, put_into_force
from earwitnessd.sharing.letter import Header, new_nonce, write

DIMENSION = 192
BATCH = 1000
ENROLMENTS = 15
WITHIN_S = 600.0


def main() -> None:
    """One round for each number of people."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, action="append")
    people = parser.parse_args().people or [1000]
    for count in people:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), count)


def measure(folder: Path, count: int) -> None:
    """Print a line for each figure."""
    model = tiny_model(folder)
    writer = Writer(folder / "writer", model)
    hall = FollowerDaemon(folder / "hall", writer)
    with writer:
        model_id = writer.control.status().heartbeat.engine.model_id
        writer.stop()
        crowd(writer.folder / "profiles.db", count, model_id)
        size_mb = (writer.folder / "profiles.db").stat().st_size / 1e6
        began_s = time.monotonic()
        shutil.copyfile(writer.folder / "profiles.db", folder / "copy.db")
        copy_s = time.monotonic() - began_s
        sent_mb, pages = letters(writer.folder / "profiles.db")
        writer.start()
        with hall:
            begun_s = time.monotonic()  # it is ready, and has just begun to ask
            hall.wait_for(ProfilesFollowed, lambda event: event.people == count, WITHIN_S)
            snapshot_s = time.monotonic() - begun_s
            hall.wait_for(Heartbeat, lambda beat: beat.profiles == count, WITHIN_S)
            delays_s = [delay(writer, hall, number, model_id) for number in range(ENROLMENTS)]
    print(f"{count} people, {size_mb:.1f} MB of SQLite at the writer (copied in {copy_s:.2f} s)")
    print(f"  first snapshot: {sent_mb:.1f} MB in {pages} letters, before base64")
    print(f"  first snapshot in force after {snapshot_s:.1f} s ({snapshot_s / copy_s:.0f} x the copy)")
    p50_ms, worst_ms = 1000 * statistics.median(delays_s), 1000 * max(delays_s)
    print(
        f"  one enrolment counts at the follower after p50 {p50_ms:.0f} ms, at most {worst_ms:.0f} ms",
        flush=True,
    )


def letters(database: Path) -> tuple[float, int]:
    """How much is sent for everybody."""
    store, signing = ProfileStore(database), Ed25519PrivateKey.generate()
    recipient = X25519PrivateKey.generate().public_key().public_bytes_raw()
    sent = pages = 0
    stretch = read_page(store.database, store.vault, 0)
    while True:
        sent += len(write(header_of(stretch), stretch.page, signing, recipient))
        pages += 1
        if not stretch.more:
            store.close()
            return sent / 1e6, pages
        stretch = read_page(store.database, store.vault, stretch.reaches.version)


def header_of(stretch: Stretch) -> Header:
    """Of a snapshot's page."""
    reaches = stretch.reaches
    return Header(
        kind="snapshot",
        lineage=reaches.lineage,
        after=0,
        version=reaches.version,
        mark=reaches.mark,
        newest=stretch.newest,
        newest_mark=reaches.mark,
        model_id="tiny@0123456789ab",
        nonce=new_nonce(),
    )


def delay(writer: Writer, hall: FollowerDaemon, number: int, model_id: str) -> float:
    """From the writer's answer to the follower's word that it compares with this person."""
    name = f"late{number}"
    bring(writer.control, name, number, model_id, DIMENSION)
    answered_s = time.monotonic()
    hall.wait_for(ProfileEnrolled, lambda event: event.speaker == name, WITHIN_S)
    return max(0.0, time.monotonic() - answered_s)


def tiny_model(folder: Path) -> str:
    """Random weights: nobody has to be told apart."""
    directory = folder / "tiny"
    making.write_model(directory)
    card = {"name": "tiny", "threshold": 0.0, "licence": "Apache-2.0"}
    (directory / "earwitness.json").write_bytes(msgspec.json.encode(card))
    return str(directory)


def crowd(database: Path, count: int, model_id: str) -> None:
    """So many people with a session each, straight into the database."""
    generator = np.random.default_rng(1)
    store = ProfileStore(database)
    for first in range(0, count, BATCH):
        vectors = generator.standard_normal((min(BATCH, count - first), DIMENSION)).astype("<f4")
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        people = tuple(person(first + row, vector, model_id) for row, vector in enumerate(vectors))
        lay_aside(store.database, store.vault, Page(people=people))
    put_into_force(store.database, store.vault, Page(), NOTHING, instead=True)
    make_own(store.database)
    store.close()


def person(number: int, vector: np.ndarray, model_id: str) -> Shared:
    """Somebody."""
    session = Session(
        model_id=model_id,
        vector=vector.tobytes(),
        created="2026-01-01T00:00:00Z",
        label="",
        source="file",
        speech_s=12.0,
        windows=7,
        consistency=None,
        snr_db=None,
        circumstances="{}",
    )
    return Shared(
        uid=f"{number:032x}",
        name=f"person{number}",
        created="2026-01-01T00:00:00Z",
        consent=None,
        keep_until=None,
        groups=(),
        own=(None, None, None),
        sessions=(session,),
    )


if __name__ == "__main__":
    main()
