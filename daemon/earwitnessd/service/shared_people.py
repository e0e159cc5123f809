"""The main thread's side of people whom several daemons share: this one gives, follows, or does neither."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import zmq

from earwitness.control import AnyMethod, Done, FollowAnew, FollowProfiles
from earwitness.events import (
    Event,
    FollowerState,
    FollowingState,
    ProfileDeleted,
    ProfileEnrolled,
    ProfileUpdated,
)
from earwitnessd.assemble import reopen_store
from earwitnessd.control import ControlServer
from earwitnessd.handover import Answer, PeopleDoubted, PeopleFollowed, Refusal, ToEngine
from earwitnessd.profiles import ProfileStore
from earwitnessd.service.engine_side import STOP_S as ENGINE_STOP_S
from earwitnessd.service.following import Following
from earwitnessd.service.leaving import Leaving
from earwitnessd.service.public import Attendants
from earwitnessd.service.sharing import Sharing
from earwitnessd.settings.root import Settings
from earwitnessd.sharing.follower import Trusted
from earwitnessd.sharing.giver import Gave


class SharedPeople:
    """Owned by the main thread."""

    def __init__(
        self,
        settings: Settings,
        control: ControlServer,
        tell_engine: Callable[[ToEngine], None],
        on_given: Callable[[Gave], None],
        leaving: Leaving,
    ) -> None:
        self._settings = settings
        self._control = control
        self._tell_engine = tell_engine
        self._on_given = on_given
        self._leaving = leaving
        self._sharing: Sharing | None = None
        self._following: Following | None = None

    def start(self, context: zmq.Context[zmq.Socket[bytes]], model_id: str, stack: ExitStack) -> Attendants:
        """Once the engine has made or migrated the database; SharingError if a key cannot be used."""
        settings = self._settings
        served: Attendants = {}

        def open_store() -> ProfileStore:
            return reopen_store(settings)

        if settings.share:
            self._sharing = Sharing(settings.share, open_store, model_id)
            stack.callback(self._leave, self._sharing)
            served[self._sharing.fileno()] = self._on_shared
        if settings.follow:
            self._following = Following(context, settings.follow, open_store, model_id)
            stack.callback(self._leave, self._following)
            served[self._following.fileno()] = self._on_followed
        return served

    @property
    def following(self) -> FollowingState | None:
        """For the heartbeat; None: the people are this daemon's own."""
        return self._following.state if self._following else None

    @property
    def followers(self) -> list[FollowerState]:
        """For the heartbeat: who has followed this daemon."""
        return self._sharing.followers if self._sharing else []

    @property
    def stuck(self) -> list[str]:
        """Whose disk does not answer, for people."""
        sides = {"sharing the profiles": self._sharing, "following the profiles": self._following}
        return [what for what, side in sides.items() if side and side.alive]

    def finish(self) -> None:
        """The daemon stops: both threads end while the captures do."""
        for side in (self._sharing, self._following):
            if side:
                side.finish()

    def handle(self, token: int, method: FollowProfiles | FollowAnew) -> None:
        """Answer, refuse, or have it answered when there is something to tell."""
        control = self._control
        if isinstance(method, FollowAnew):
            self._follow_anew(token)
        elif self._sharing:
            self._sharing.ask(token, method, control.key(token), control.caller(token))
        else:
            control.refuse(token, "refused", "this daemon shares no profiles: `share` is not set there")

    def on_done(self, method: AnyMethod, problem: str) -> None:
        """A request was answered: the profiles may be others now."""
        if self._sharing and not problem and not isinstance(method, FollowProfiles):
            self._sharing.look()

    def on_event(self, event: Event) -> None:
        """It was published."""
        if self._sharing and isinstance(event, ProfileEnrolled | ProfileUpdated | ProfileDeleted):
            self._sharing.look()

    def tick(self) -> None:
        """Once a second."""
        if self._following:
            self._following.tell()

    def _leave(self, side: Sharing | Following) -> None:
        side.close(self._leaving.left_s(for_others_s=ENGINE_STOP_S))

    def _follow_anew(self, token: int) -> None:
        if not self._following:
            self._control.refuse(token, "refused", "this daemon follows nobody: `follow` is not set")
            return
        self._following.anew()
        done = f"the people of {self._following.writer} are taken as they are, as soon as it answers"
        self._control.reply(token, Done(message=done))

    def _on_shared(self) -> None:
        """Answers for daemons that follow this one."""
        assert self._sharing
        for word in self._sharing.answers():
            match word:
                case Answer(token, result):
                    self._control.reply(token, result)
                case Refusal(token, code, message):
                    self._control.refuse(token, code, message)
                case Gave():
                    self._on_given(word)

    def _on_followed(self) -> None:
        """Another daemon's people were put into force here."""
        assert self._following
        for word in self._following.words():
            if isinstance(word, Trusted):
                self._tell_engine(PeopleDoubted(word.doubt))
            else:
                self._tell_engine(PeopleFollowed(self._following.writer, word))
        self._following.tell()
