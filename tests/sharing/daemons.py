"""A writer and daemons that follow it: keys, settings, and people without audio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from earwitness.control import Control
from earwitness.endpoints import Keys
from earwitness.events import FollowingState, Heartbeat
from earwitnessd.access.keys import new_key_pair
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.carrying import Carried, Session
from earwitnessd.sharing.signing import new_signing_key
from earwitnessd.templates.parcel import pack
from tests.daemon.harness import Daemon
from tests.ports import free_port
from tests.profiles.making import exemplar, voice

PASSPHRASE = "correct horse battery staple"
DIMENSION = 24  # of the tiny model


class Writer(Daemon):
    """Its control socket is tcp with keys; `control` has one that may control."""

    def __init__(self, folder: Path, model: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.keys = folder / "keys"
        self.port = free_port()
        self.model = model
        for name in ("desk", "admin"):
            new_key_pair(self.keys, name)
        self.signing = new_signing_key(self.keys, "desk")[0]
        for listed in ("subscribers", "controllers", "followers"):
            (self.keys / listed).mkdir()
        (self.keys / "controllers" / "admin.key").write_bytes((self.keys / "admin.key").read_bytes())
        super().__init__(folder, {})
        self.control_endpoint = f"tcp://127.0.0.1:{self.port}"
        self.write(self.settings())

    def settings(self) -> dict[str, Any]:
        """The file's content."""
        curve = {
            "secret_key_file": str(self.keys / "desk.key_secret"),
            **{name: str(self.keys / name) for name in ("subscribers", "controllers", "followers")},
        }
        return {
            "model": self.model,
            "streams": quiet(),
            "sockets": {"events": self.events_endpoint, "control": self.control_endpoint, "curve": curve},
            "share": {"signing_key_file": str(self.keys / "desk.signing_secret")},
        }

    def admit(self, follower: str) -> Path:
        """A key pair whose public half may follow; the folder it lies in."""
        folder = self.folder / f"keys of {follower}"
        public, _ = new_key_pair(folder, follower)
        (self.keys / "followers" / public.name).write_bytes(public.read_bytes())
        return folder

    def controlled_by(self, secret: Path) -> Control:
        """As whoever has this key."""
        keys = Keys.load(secret, self.keys / "desk.key")
        return Control(self.control_endpoint, keys=keys, timeout_s=10.0)

    def __enter__(self) -> Writer:
        super().__enter__()
        self.control.close()
        self.control = self.controlled_by(self.keys / "admin.key_secret")
        return self


class FollowerDaemon(Daemon):
    """Follows a writer, by a key of its own."""

    def __init__(
        self, folder: Path, writer: Writer, model: str | None = None, *, hears: str = "", **follow: object
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = folder.name
        keys = writer.admit(name)
        self.follow = {
            "writer": writer.control_endpoint,
            "server_key_file": str(writer.keys / "desk.key"),
            "key_file": str(keys / f"{name}.key_secret"),
            "signed_by": str(writer.signing),
            **follow,
        }
        talk = {"source": "file", "path": hears, "pace": "fast", "paused": True}
        streams = {"talk": talk} if hears else quiet()
        super().__init__(folder, {"model": model or writer.model, "streams": streams, "follow": self.follow})

    def until(
        self, state: str, version: int = 0, within_s: float = 20.0, because: str = ""
    ) -> FollowingState:
        """How it follows, once that is so, for such a reason."""

        def accept(beat: Heartbeat) -> bool:
            following = beat.following
            if following is None or because not in following.reason:
                return False
            return following.state == state and following.version >= version

        following = self.heartbeat(accept, within_s).following
        assert following
        return following

    def names(self) -> list[str]:
        """Who is enrolled."""
        return [profile.name for profile in self.control.profiles().profiles]


def quiet() -> dict[str, Any]:
    """A stream that does nothing."""
    return {"talk": {"source": "pipe", "path": "-", "paused": True}}


def enrol_offline(database: Path, model_id: str, people: dict[str, int]) -> None:
    """Before the daemon starts: a session each, by the seed of its voice."""
    store = ProfileStore(database)
    turning = store.turning(model_id)
    for name, seed in people.items():
        store.add(name, exemplar(turning.turn(voice(seed, DIMENSION)), model_id))
    store.close()


def bring(control: Control, name: str, seed: int, model_id: str, dimension: int = DIMENSION) -> None:
    """Enrol somebody without audio: as if exported elsewhere."""
    session = Session(
        model_id=model_id,
        vector=voice(seed, dimension).astype("<f4").tobytes(),
        created="2026-01-01T00:00:00Z",
        label="headset",
        source="file",
        speech_s=12.0,
        windows=7,
        consistency=None,
        snr_db=None,
        circumstances="{}",
    )
    carried = Carried(
        name=name, created="2026-01-01T00:00:00Z", consent=None, keep_until=None, sessions=(session,)
    )
    control.import_profile(pack(msgspec.json.encode(carried), PASSPHRASE), PASSPHRASE)
