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
from earwitnessd.sharing.follower import Anew, Follower, FromFollower, Said, Trusted
from earwitnessd.sharing.link import Link, WriterKeys

log = logging.getLogger(__name__)

SILENT_S = 10.0  # the writer is heard every three seconds
SAID_WITH_REASON = {"silent", "refuses", "distrusts"}
DAY_S = 86_400.0
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
        self._doubt = ""
        # why nobody is compared with; empty: they are
        self._taken = 0
        self._logged = ""
        link = Link(context, settings.writer, keys.curve)
        self._follower: Beside[Anew, FromFollower] = Beside(
            lambda inbox, outbox: Follower(
                link, keys, open_store, model_id, inbox, outbox, distrust_after_s(settings)
            ),
        )

    def fileno(self) -> int:
        """Readable when the following thread has something to say."""
        return self._follower.fileno()

    @property
    def state(self) -> FollowingState:
        """For the heartbeat."""
        said = self._said
        heard_s = None if said.heard_s is None else max(0.0, time.monotonic() - said.heard_s)
        condition, reason = said.state, said.reason
        if condition == "follows" and heard_s is not None and heard_s > SILENT_S:
            condition, reason = "silent", f"{self.writer} does not answer: {self._meanwhile()}"
        if self._doubt:
            condition, reason = "distrusts", f"{self._doubt}: nobody is verified until it is heard again"
        return FollowingState(
            writer=self.writer,
            endpoint=self._endpoint,
            state=condition,
            reason=reason,
            version=said.version,
            heard_s=heard_s,
            taken=self._taken,
            refused=said.refused,
        )

    def words(self) -> list[Taken | Trusted]:
        """What the engine must know: what was put into force since, and whether that may be compared with."""
        told: list[Taken | Trusted] = []
        for word in self._follower.said():
            if isinstance(word, Said):
                self._said = word
                continue
            if isinstance(word, Trusted):
                self._doubt = word.doubt
            else:
                self._taken += 1
            told.append(word)
        return told

    def _meanwhile(self) -> str:
        if self._said.distrusts_s is None:
            return "the people stay as they are"
        left_s = max(0.0, self._said.distrusts_s - time.monotonic())
        return f"the people stay as they are, and are distrusted in {_lasting(left_s)}"

    def tell(self) -> None:
        """Once a second: log what has changed for good or bad."""
        state = self.state
        now = f"{state.state} {state.reason}" if state.state in SAID_WITH_REASON else state.state
        if now == self._logged:
            return
        self._logged = now
        if state.state == "follows":
            log.info(
                "follows the profiles of %s at %s, version %d", self.writer, self._endpoint, state.version
            )
        elif state.state in SAID_WITH_REASON:
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


def distrust_after_s(settings: FollowSettings) -> float | None:
    """None: never."""
    days = settings.distrust_after_days
    return None if days is None else days * DAY_S


def _lasting(seconds: float) -> str:
    """Rounded so that what is said changes seldom."""
    return f"{seconds / DAY_S:.0f} days" if seconds > 2 * DAY_S else f"{seconds / 3600:.0f} hours"
