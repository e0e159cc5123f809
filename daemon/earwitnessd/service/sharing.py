"""The main thread's side of sharing profiles: requests go to the sharing thread, answers come back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import zmq
from zmq.utils import z85

from earwitness.control import FollowProfiles
from earwitnessd.handover import Answer, Refusal
from earwitnessd.mailbox import Mailbox
from earwitnessd.profiles import ProfileStore
from earwitnessd.settings.sharing import ShareSettings
from earwitnessd.sharing.giver import Finish, FromGiver, Gave, Giver, Look, Request, ToGiver
from earwitnessd.sharing.signing import read_secret

FINISH_S = 1.0  # a page of people is read in less


class Sharing:
    """Owned by the main thread."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        settings: ShareSettings,
        open_store: Callable[[], ProfileStore],
        model_id: str,
    ) -> None:
        signing = read_secret(Path(settings.signing_key_file).expanduser())
        self._inbox: Mailbox[ToGiver] = Mailbox(context, "to-sharing")
        self._outbox: Mailbox[FromGiver] = Mailbox(context, "from-sharing")
        self._giver = Giver(open_store, signing, model_id, self._inbox, self._outbox)
        self._giver.start()

    @property
    def receiver(self) -> zmq.Socket[bytes]:
        """Readable when there is an answer."""
        return self._outbox.receiver

    def ask(self, token: int, method: FollowProfiles, key: bytes, who: str) -> None:
        """A daemon follows; `key` is its own, in Z85."""
        until_s = time.monotonic() + method.wait_s
        self._inbox.put(Request(token, method, z85.decode(key), who, until_s))

    def look(self) -> None:
        """The profiles may have changed: whoever waits for that is told."""
        self._inbox.put(Look())

    def answers(self) -> list[Answer | Refusal | Gave]:
        """What has come back."""
        return list(self._outbox.drain())

    @property
    def alive(self) -> bool:
        """Its thread runs."""
        return self._giver.is_alive()

    def close(self) -> None:
        """The thread ends with the page that it reads."""
        self._inbox.put(Finish())
        self._giver.join(FINISH_S)
        if not self.alive:
            self._inbox.close()
            self._outbox.close()
