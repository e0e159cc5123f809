"""The following thread: asks the writer, checks what it says, and puts it into force in this database."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from earwitness.control import ControlError, FollowedPoint, FollowProfiles
from earwitness.events import FollowingCondition
from earwitnessd.beside import Finish
from earwitnessd.mailbox import Mailbox
from earwitnessd.profiles import ProfileStore, StoreError
from earwitnessd.profiles.giving import Page
from earwitnessd.profiles.ledger import NOTHING, Standing, follow, followed
from earwitnessd.profiles.opening import transaction, wipe
from earwitnessd.profiles.taking import PageError, Taken, begin, lay_aside, put_into_force
from earwitnessd.sharing.errors import SharingError
from earwitnessd.sharing.judging import ANEW, Asked, why_refused
from earwitnessd.sharing.letter import Header, new_nonce, read
from earwitnessd.sharing.link import Link, WriterKeys
from earwitnessd.sharing.trust import Trust

log = logging.getLogger(__name__)

HOLD_S = 3.0  # the writer answers at the latest then, so that both know of each other
ANSWER_WITHIN_S = 6.0
PAUSE_S = 5.0  # after what was not taken


@dataclass(frozen=True, slots=True)
class Anew:
    """Take the writer's people in place of everybody here."""


@dataclass(frozen=True, slots=True)
class Said:
    """How it stands with the writer."""

    state: FollowingCondition
    reason: str
    version: int
    heard_s: float | None
    # monotonic
    refused: int
    distrusts_s: float | None = None
    # monotonic: from then on, unless the writer is heard; None: never


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whether the people here may be compared with."""

    doubt: str
    # why not, for people; empty: they may


FromFollower = Said | Taken | Trusted


class Follower(threading.Thread):
    """Owns the link to the writer, and a connection of its own to the profile database."""

    def __init__(
        self,
        link: Link,
        keys: WriterKeys,
        open_store: Callable[[], ProfileStore],
        model_id: str,
        inbox: Mailbox[Anew | Finish],
        outbox: Mailbox[FromFollower],
        distrust_after_s: float | None = None,
    ) -> None:
        super().__init__(name="following", daemon=True)
        self._link = link
        self._keys = keys
        self._open_store = open_store
        self._model_id = model_id
        self._inbox = inbox
        self._outbox = outbox
        self._stopping = False
        self._known: Standing | None = None
        # None: the people here are this daemon's own
        self._asked: Asked | None = None
        # None: nothing is asked at present
        self._begun: Header | None = None
        # the first page of a transfer
        self._nonce = ""
        self._due_s = 0.0
        # monotonic: when to ask again, or to give up waiting
        self._heard_s: float | None = None
        self._refused = 0
        self._wiped = True
        self._distrust_after_s = distrust_after_s
        self._doubted = False

    def run(self) -> None:
        """Until told to finish."""
        try:
            store = self._open_store()
        except StoreError as error:
            self._link.close()
            self._outbox.put(Said("refuses", str(error), 0, None, 0))
            return
        try:
            self._database, self._vault = store.database, store.vault
            self._trust = Trust(store.file, self._distrust_after_s)
            self._begin()
            while not self._stopping:
                self._turn()
        except Exception as error:
            log.exception("nobody is followed any more, until the daemon is started anew")
            self._say("refuses", f"{error!r}: nobody is followed until the daemon is started anew")
        finally:
            store.close()
            self._link.close()

    def _begin(self) -> None:
        self._known = followed(self._database)
        if self._known is None:
            (people,) = self._database.execute("SELECT count(*) FROM person").fetchone()
            if people:
                self._refuse(
                    f"{people} people were enrolled here: export them, import them at the writer, and then "
                    f"{ANEW}"
                )
                return
            self._forget()
        self._say("connecting", "the writer was not heard yet")

    def _forget(self) -> None:
        """What is here counts as taken from nobody: the next that comes replaces it."""
        with transaction(self._database):
            follow(self._database, NOTHING)
        self._known = NOTHING

    def _judge(self) -> None:
        """Tell when the people here are not to be trusted any more, and when they are again."""
        if self._trust.over == self._doubted:
            return
        self._doubted = self._trust.over
        days = f"{self._trust.days:.3g} days"
        doubt = f"for {days} nothing was taken over from {self._keys.name}" if self._doubted else ""
        self._outbox.put(Trusted(doubt))

    def _turn(self) -> None:
        """Wait for whatever comes first, and attend to it."""
        self._judge()
        now_s = time.monotonic()
        if self._known is not None and now_s >= self._due_s:
            if self._asked is not None:
                self._unanswered()
            self._ask(Asked(self._known, self._model_id), HOLD_S)
        left_s = self._due_s - time.monotonic() if self._known is not None else PAUSE_S
        poller = zmq.Poller()
        poller.register(self._inbox, zmq.POLLIN)
        poller.register(self._link.socket, zmq.POLLIN)
        ready = dict(poller.poll(max(0, int(1000 * left_s) + 1)))
        for word in self._inbox.drain():
            self._obey(word)
        if self._link.socket in ready and not self._stopping:
            self._receive()
        if not self._wiped and not self._stopping:
            self._wiped = wipe(self._database)

    def _unanswered(self) -> None:
        """What is still under way is for nobody; a key that was refused is not tried again by itself."""
        self._link.again()
        if self._heard_s is None:
            self._say(
                "connecting",
                "no answer: it does not run, another machine is asked, or its sockets.curve.followers lacks "
                "the public half of follow.key_file",
            )

    def _obey(self, word: Anew | Finish) -> None:
        match word:
            case Anew():
                self._forget()
                log.warning("the people of %s are taken as they are, in place of all here", self._keys.name)
                self._link.again()
                self._asked, self._due_s = None, 0.0
            case Finish():
                self._stopping = True

    def _ask(self, asked: Asked, wait_s: float) -> None:
        begun = self._begun
        self._asked, self._nonce = asked, new_nonce()
        known = asked.known
        self._link.ask(
            FollowProfiles(
                known=FollowedPoint(lineage=known.lineage, version=known.version, mark=known.mark),
                kind=asked.kind,
                after=asked.after,
                begun=FollowedPoint(lineage=begun.lineage, version=begun.newest, mark=begun.newest_mark)
                if begun and asked.kind
                else FollowedPoint(),
                nonce=self._nonce,
                wait_s=wait_s,
            )
        )
        self._due_s = time.monotonic() + ANSWER_WITHIN_S

    def _receive(self) -> None:
        try:
            content = self._link.answer()
            if content is None or self._asked is None:
                return
            header, page = read(content, self._keys.signer, self._keys.secret, self._nonce)
            self._heard_s = time.monotonic()
            if why := why_refused(self._asked, header):
                self._refuse(why)
            else:
                self._take(self._asked, header, page)
        except ControlError as error:
            self._heard_s = time.monotonic()
            self._refuse(f"the writer says: {error}")
        except (SharingError, PageError) as error:
            self._refuse(str(error))
        except sqlite3.Error as error:
            self._refuse(f"what came cannot be stored: {error}")

    def _take(self, asked: Asked, header: Header, page: Page) -> None:
        if asked.kind is None and (header.more or page != Page() or header.kind == "snapshot"):
            begin(self._database)
            self._begun = header
        if header.more and header.kind != "differs":
            lay_aside(self._database, self._vault, page)
            self._ask(Asked(asked.known, self._model_id, header.kind, header.version), 0.0)
            self._say("follows", f"taking over version {header.version} of {header.newest}")
            return
        if header.reaches != asked.known:
            self._put_into_force(header, page)
        self._asked, self._begun, self._due_s = None, None, 0.0
        self._trust.agreed()
        self._judge()
        self._say("follows", "")

    def _put_into_force(self, header: Header, page: Page) -> None:
        instead = header.kind == "snapshot"
        taken = put_into_force(self._database, self._vault, page, header.reaches, instead=instead)
        self._known = header.reaches
        self._outbox.put(taken)
        if taken.anything:
            self._wiped = wipe(self._database)

    def _refuse(self, why: str) -> None:
        """Nothing of it is taken; asked again after a pause."""
        self._refused += 1
        self._asked, self._begun = None, None
        self._due_s = time.monotonic() + PAUSE_S
        self._say("refuses", why)

    def _say(self, state: FollowingCondition, reason: str) -> None:
        version = self._known.version if self._known else 0
        ends_s = self._trust.ends_s if self._known else None
        self._outbox.put(Said(state, reason, version, self._heard_s, self._refused, ends_s))
