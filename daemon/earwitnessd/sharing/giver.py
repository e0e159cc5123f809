"""The sharing thread of a writer: answers daemons that follow, at once or when something has changed."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from earwitness.control import FollowedPoint, FollowProfiles, ProfileLetter
from earwitnessd.beside import Finish
from earwitnessd.handover import Answer, Refusal
from earwitnessd.mailbox import Mailbox
from earwitnessd.profiles import ProfileStore, StoreError
from earwitnessd.profiles.giving import Page, Stretch, read_page
from earwitnessd.profiles.ledger import Standing, mark_of, standing
from earwitnessd.profiles.opening import reading
from earwitnessd.sharing.judging import kind_for
from earwitnessd.sharing.letter import Header, Kind, write

log = logging.getLogger(__name__)

LONGEST_S = 60.0  # without anything to do


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody follows."""

    token: int
    method: FollowProfiles
    key: bytes
    # the public CURVE key that asks, 32 bytes
    who: str
    # its name
    until_s: float
    # monotonic: an answer is due then, changed or not


@dataclass(frozen=True, slots=True)
class Look:
    """The profiles may have changed."""


@dataclass(frozen=True, slots=True)
class Gave:
    """Templates have left this machine."""

    who: str
    version: int
    people: int
    gone: int


ToGiver = Request | Look
FromGiver = Answer | Refusal | Gave


class Giver(threading.Thread):
    """Owns a connection of its own to the profile database, which it only reads."""

    def __init__(
        self,
        open_store: Callable[[], ProfileStore],
        signing: Ed25519PrivateKey,
        model_id: str,
        inbox: Mailbox[ToGiver | Finish],
        outbox: Mailbox[FromGiver],
    ) -> None:
        super().__init__(name="sharing", daemon=True)
        self._open_store = open_store
        self._signing = signing
        self._model_id = model_id
        self._inbox = inbox
        self._outbox = outbox
        self._waiting: list[Request] = []
        self._stopping = False

    def run(self) -> None:
        """Until told to finish."""
        try:
            store = self._open_store()
        except StoreError as error:
            log.error("the profiles are not shared: %s", error)
            return
        try:
            while not self._stopping:
                self._inbox.wait(self._wait_s())
                self._take()
                self._answer_due(store)
        except Exception:
            log.exception("the profiles are shared no longer, until the daemon is started anew")
        finally:
            store.close()

    def _wait_s(self) -> float:
        due_s = min((request.until_s for request in self._waiting), default=time.monotonic() + LONGEST_S)
        return max(0.0, due_s - time.monotonic())

    def _take(self) -> None:
        for word in self._inbox.drain():
            match word:
                case Request():
                    self._waiting.append(word)
                case Finish():
                    self._stopping = True

    def _answer_due(self, store: ProfileStore) -> None:
        """Whom there is something to tell, and who has waited long enough."""
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            try:
                if not self._answer(store, request):
                    self._waiting.append(request)
            except sqlite3.Error as error:
                problem = f"the profiles cannot be read at present: {error}"
                self._outbox.put(Refusal(request.token, "unavailable", problem))

    def _answer(self, store: ProfileStore, request: Request) -> bool:
        """False: nothing has changed, and there is still time."""
        method = request.method
        with reading(store.database):
            now = standing(store.database)
            known = Standing(method.known.lineage, method.known.version, method.known.mark)
            if method.kind is None:
                kind = kind_for(now, known, mark_of(store.database, known.version))
                after = known.version if kind == "changes" else 0
            elif _goes_on(method.begun, now, mark_of(store.database, method.begun.version)):
                kind, after = method.kind, method.after
            else:
                self._outbox.put(Refusal(request.token, "conflict", "too much has changed: begin anew"))
                return True
            if kind == "changes" and after == now.version and time.monotonic() < request.until_s:
                return False
            stretch = (
                Stretch(Page(), now, now.version)
                if kind == "differs"
                else read_page(store.database, store.vault, after)
            )
        self._send(request, kind, after if kind != "differs" else now.version, now, stretch)
        return True

    def _send(self, request: Request, kind: Kind, after: int, now: Standing, stretch: Stretch) -> None:
        header = Header(
            kind=kind,
            lineage=now.lineage,
            after=after,
            version=stretch.reaches.version,
            mark=stretch.reaches.mark,
            newest=now.version,
            newest_mark=now.mark,
            model_id=self._model_id,
            nonce=request.method.nonce,
        )
        content = write(header, stretch.page, self._signing, request.key)
        if stretch.page.people or stretch.page.gone:
            people, gone = len(stretch.page.people), len(stretch.page.gone)
            self._outbox.put(Gave(request.who, header.version, people, gone))
        self._outbox.put(Answer(request.token, ProfileLetter(content=content)))


def _goes_on(begun: FollowedPoint, now: Standing, mark: str | None) -> bool:
    """Whether a transfer that began there can be ended: nothing since was forgotten or taken back."""
    return begun.lineage == now.lineage and (begun.version == 0 or mark == begun.mark)
