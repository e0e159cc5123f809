"""The loop of `earwitness webhook`: events in, POSTs out, the mark moved on."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import msgspec

from ..control import Control, ControlError, NoDaemon, Replay
from ..notices import Connected, Missed, Notice
from ..subscription import Message, Subscription
from ..words import clean, describe, span
from .bookmark import Bookmark
from .outbox import Letter, Mark, Outbox
from .post import Target
from .schedule import Answer, BackOff
from .signature import HEADER, sign

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")  # in a header; the name of a boot comes from elsewhere


class Courier:
    """Owned by the main thread. While a POST awaits its answer, events wait in the subscription's socket."""

    def __init__(
        self,
        subscription: Subscription[Message | Notice],
        target: Target,
        bookmark: Bookmark,
        *,
        topics: list[str],
        control: Callable[[], Control],
        back_off: BackOff,
        secret: bytes | None,
        most: int,
        agent: str,
        say: Callable[[str], object],
    ) -> None:
        self._subscription = subscription
        self._target = target
        self._bookmark = bookmark
        self._topics = topics
        self._control = control
        self._back_off = back_off
        self._secret = secret
        self._agent = agent
        self._say = say
        self._outbox = Outbox(bookmark.mark, most=most)
        self._owed = bookmark.mark
        # from where an earlier run must be made up for; None: done, or there was none
        self._attempts = 0
        self._not_before = 0.0
        self.posted = self.refused = 0

    @property
    def summary(self) -> str:
        """What became of everything."""
        return (
            f"{self.posted} posted, {self.refused} refused, {self._outbox.missed} missed, "
            f"{len(self._outbox)} still to be posted"
        )

    def run(self) -> None:
        """Go on until the subscription is stopped."""
        while not self._subscription.stopped:
            letter = self._outbox.head()
            if letter is None:
                wait_s = None
            elif (wait_s := max(0.0, self._not_before - time.monotonic())) == 0.0:
                self._post(letter)
            item = self._subscription.receive(wait_s)
            if item is not None:
                self._on_item(item)

    def _on_item(self, item: Message | Notice) -> None:
        match item:
            case Message():
                self._outbox.add(item.event.boot, item.event.seq, item.body)
                return
            case Missed():
                self._outbox.add_missed(item.count, "lost on the way from the daemon")
        self._say(describe(item).text)
        if isinstance(item, Connected) and self._owed is not None:
            owed, self._owed = self._owed, None
            self._catch_up(owed)

    def _catch_up(self, owed: Mark) -> None:
        """Ask for what was published while nobody listened, and put it in front of what is said now."""
        letters: dict[tuple[int, int], tuple[str, bytes]] = {}
        try:
            boot, answers = self._ask(owed)
        except (NoDaemon, ControlError) as error:
            self._say(f"what was published since the last run cannot be had: {error}")
            self._outbox.add_missed(None, "the daemon could not be asked")
            return
        first = answers[0]
        if not first.complete:
            here = first.boot == owed.boot
            at_most = max(0, first.gone_before - owed.seq - 1) if here else None
            self._outbox.add_missed(
                None,
                "the daemon keeps them no longer" if here else "the daemon was restarted",
                at_most=at_most,
            )
        for answer in answers:
            for event in answer.events:
                letters[0, event["seq"]] = answer.boot, msgspec.json.encode(event)
        while (item := self._subscription.receive(0)) is not None:
            if not isinstance(item, Message):
                self._on_item(item)
            elif item.event.boot == boot:
                letters.setdefault((0, item.event.seq), (boot, item.body))
            else:
                letters.setdefault((1, item.event.seq), (item.event.boot, item.body))
        for (_, seq), (of_boot, body) in sorted(letters.items(), key=lambda pair: pair[0]):
            self._outbox.add(of_boot, seq, body)
        self._say(f"{sum(len(answer.events) for answer in answers)} events made up for")

    def _ask(self, owed: Mark) -> tuple[str, list[Replay]]:
        answers: list[Replay] = []
        boot, seq = owed.boot, owed.seq
        with self._control() as control:
            while True:
                answer = control.events_since(boot, seq, self._topics)
                answers.append(answer)
                if not answer.more or not answer.events:
                    return answer.boot, answers
                boot, seq = answer.boot, int(answer.events[-1]["seq"])

    def _post(self, letter: Letter) -> None:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._agent,
            "Idempotency-Key": _UNSAFE.sub("_", letter.key),
        }
        if self._secret is not None:
            headers[HEADER] = sign(self._secret, letter.body, int(time.time()))
        answer = self._target.post(letter.body, headers)
        if answer.fate == "again":
            self._again(answer)
            return
        self._attempts = 0
        self._not_before = 0.0
        self._outbox.done()
        if letter.mark is not None:
            self._bookmark.save(letter.mark)
        if answer.fate == "taken":
            self.posted += 1
        else:
            self.refused += 1
            self._say(f"{letter.key} was refused and is left out: {clean(str(answer))}")

    def _again(self, answer: Answer) -> None:
        self._attempts += 1
        wait_s = self._back_off.wait_s(self._attempts, random.random(), answer.retry_after_s)  # noqa: S311
        self._not_before = time.monotonic() + wait_s
        if not self._subscription.stopped:
            waiting = f"{len(self._outbox)} waiting"
            self._say(f"{self._target.url}: {clean(str(answer))}; again in {span(wait_s)}, {waiting}")
