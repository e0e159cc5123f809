"""What the engine thread says to main: in order, and main is woken once for what belongs together."""

from __future__ import annotations

from collections.abc import Mapping

from earwitness.events import Event, StreamEvent, StreamLost, StreamOpened
from earwitnessd.handover import FromEngine, Publish
from earwitnessd.listening.remembering import Remembering
from earwitnessd.listening.verifier import StreamVerifier
from earwitnessd.mailbox import Mailbox
from earwitnessd.profiles.custody import Custody
from earwitnessd.settings.root import Evidence


class Telling:
    """Owned by the engine thread. Main wants the interpreter when it wakes: events wait for `wake`."""

    def __init__(
        self,
        outbox: Mailbox[FromEngine],
        streams: Mapping[str, StreamVerifier],
        custody: Custody,
        evidence: Evidence,
    ) -> None:
        self._outbox = outbox
        self._streams = streams
        self._custody = custody
        self._remembering = Remembering(evidence) if evidence.keep else None
        self._came_or_went = False
        # a stream, of which no pulse has told yet

    def take_came_or_went(self) -> bool:
        """Whether a stream was told to have opened or to be lost since the last call."""
        told, self._came_or_went = self._came_or_went, False
        return told

    def say(self, word: FromEngine) -> None:
        """At once."""
        self._outbox.put(word)

    def publish(self, events: list[Event]) -> None:
        """For everybody; who is written about and what evidence is wanted is noted on the way."""
        if not events:
            return
        self._custody.on_events(events)
        for event in events:
            self._outbox.lay(Publish(event))
            self._came_or_went |= isinstance(event, StreamOpened | StreamLost)
            if self._remembering and isinstance(event, StreamEvent):
                self._remembering.note(event)
                if isinstance(event, StreamLost):  # before its ring is another's
                    self.cut_evidence(over=True, stream=event.stream)

    def cut_evidence(self, *, over: bool = False, stream: str | None = None) -> None:
        """Hand over the audio around verdicts that is complete, or will never be more because it is over."""
        if self._remembering is None:
            return
        for name, verifier in self._streams.items():
            if stream in {None, name}:
                for clip in self._remembering.cut(verifier.hearing, over=over):
                    self._outbox.put(clip)

    def wake(self) -> None:
        """Main, if there is something for it."""
        self._outbox.wake()
