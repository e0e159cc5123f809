"""The main thread's side of following another daemon: how that stands, and what was put into force."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import zmq

from earwitness.events import FollowingState
from earwitnessd.beside import Beside
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.taking import Taken
from earwitnessd.settings.sharing import FollowSettings
from earwitnessd.sharing.follower import Anew, Follower, FromFollower, Said
from earwitnessd.sharing.link import Link, WriterKeys

log = logging.getLogger(__name__)

SILENT_S = 10.0  # the writer is heard every three seconds
FINISH_S = 1.5  # what is being put into force is there as a whole, or not at all


class Following:
    """Owned by the main thread."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        settings: FollowSettings,
        open_store: Callable[[], ProfileStore],
        model_id: str,
    ) -> None:
        keys = WriterKeys(settings)
        self.writer = keys.name
        self._endpoint = settings.writer
        self._said = Said("connecting", "the writer was not heard yet", 0, None, 0)
        self._taken = 0
        self._logged = ""
        link = Link(context, settings.writer, keys.curve)
        self._follower: Beside[Anew, FromFollower] = Beside(
            context,
            "following",
            lambda inbox, outbox: Follower(link, keys, open_store, model_id, inbox, outbox),
        )

    @property
    def receiver(self) -> zmq.Socket[bytes]:
        """Readable when the following thread has something to say."""
        return self._follower.receiver

    @property
    def state(self) -> FollowingState:
        """For the heartbeat."""
        said = self._said
        heard_s = None if said.heard_s is None else max(0.0, time.monotonic() - said.heard_s)
        silent = said.state == "follows" and heard_s is not None and heard_s > SILENT_S
        return FollowingState(
            writer=self.writer,
            endpoint=self._endpoint,
            state="silent" if silent else said.state,
            reason=f"{self.writer} does not answer: the people stay as they are" if silent else said.reason,
            version=said.version,
            heard_s=heard_s,
            taken=self._taken,
            refused=said.refused,
        )

    def words(self) -> list[Taken]:
        """What was put into force since."""
        taken = []
        for word in self._follower.said():
            if isinstance(word, Taken):
                self._taken += 1
                taken.append(word)
            else:
                self._said = word
        return taken

    def tell(self) -> None:
        """Once a second: log what has changed for good or bad."""
        state = self.state
        now = f"{state.state} {state.reason}" if state.state in {"silent", "refuses"} else state.state
        if now == self._logged:
            return
        self._logged = now
        if state.state == "follows":
            log.info(
                "follows the profiles of %s at %s, version %d", self.writer, self._endpoint, state.version
            )
        elif state.state in {"silent", "refuses"}:
            log.warning("the profiles of %s at %s: %s", self.writer, self._endpoint, state.reason)

    def anew(self) -> None:
        """Take the writer's people in place of everybody here."""
        self._follower.put(Anew())

    @property
    def alive(self) -> bool:
        """Its thread runs."""
        return self._follower.alive

    def finish(self) -> None:
        """The thread ends with what it is putting into force."""
        self._follower.finish()

    def close(self, within_s: float) -> None:
        """Wait for that; one that waits for its disk is left behind."""
        self._follower.close(min(FINISH_S, within_s))
