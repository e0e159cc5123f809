"""The main thread's side of sharing profiles: requests go to the sharing thread, answers come back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from zmq.utils import z85

from earwitness.control import FollowProfiles
from earwitness.events import FollowerState
from earwitnessd.beside import Beside
from earwitnessd.handover import Answer, Refusal
from earwitnessd.profiles import ProfileStore
from earwitnessd.settings.sharing import ShareSettings
from earwitnessd.sharing.giver import FromGiver, Gave, Giver, Look, Request, ToGiver
from earwitnessd.sharing.signing import read_secret

FINISH_S = 1.0  # a page of people is read in less


class Sharing:
    """Owned by the main thread."""

    def __init__(
        self,
        settings: ShareSettings,
        open_store: Callable[[], ProfileStore],
        model_id: str,
    ) -> None:
        self._asked: dict[str, tuple[int, float]] = {}
        # by follower, whose keys are few: the version that it knows, and when it asked; monotonic
        signing = read_secret(Path(settings.signing_key_file).expanduser())
        self._giver: Beside[ToGiver, FromGiver] = Beside(
            lambda inbox, outbox: Giver(open_store, signing, model_id, inbox, outbox)
        )

    def fileno(self) -> int:
        """Readable when there is an answer."""
        return self._giver.fileno()

    def ask(self, token: int, method: FollowProfiles, key: bytes, who: str) -> None:
        """A daemon follows; `key` is its own, in Z85."""
        self._asked[who.rpartition("key ")[2]] = method.known.version, time.monotonic()
        until_s = time.monotonic() + method.wait_s
        self._giver.put(Request(token, method, z85.decode(key), who, until_s))

    @property
    def followers(self) -> list[FollowerState]:
        """For the heartbeat."""
        now_s = time.monotonic()
        return [
            FollowerState(follower=name, version=version, heard_s=now_s - asked_s)
            for name, (version, asked_s) in sorted(self._asked.items())
        ]

    def look(self) -> None:
        """The profiles may have changed: whoever waits for that is told."""
        self._giver.put(Look())

    def answers(self) -> list[Answer | Refusal | Gave]:
        """What has come back."""
        return list(self._giver.said())

    @property
    def alive(self) -> bool:
        """Its thread runs."""
        return self._giver.alive

    def finish(self) -> None:
        """The thread ends with the page that it reads."""
        self._giver.finish()

    def close(self, within_s: float) -> None:
        """Wait for that; one that waits for its disk is left behind."""
        self._giver.close(min(FINISH_S, within_s))
