"""Control requests: the main thread answers for streams, settings and itself, the engine all others."""

from __future__ import annotations

import os
from collections.abc import Callable

from earwitness.control import (
    AddStream,
    AnyMethod,
    Done,
    EventsSince,
    FollowAnew,
    FollowProfiles,
    GetStatus,
    PauseStream,
    Reload,
    Reloaded,
    RemoveStream,
    ResumeStream,
    Status,
)
from earwitness.events import DaemonReloaded, Heartbeat
from earwitnessd.handover import Ask, ToEngine
from earwitnessd.service.guests import GuestError
from earwitnessd.service.live_settings import LiveSettings
from earwitnessd.service.public import PublicSide
from earwitnessd.service.shared_people import SharedPeople
from earwitnessd.service.streams import Streams, UnknownStreamError
from earwitnessd.version import VERSION


class Requests:
    """Owned by the main thread."""

    def __init__(
        self,
        boot: str,
        public: PublicSide,
        streams: Streams,
        shared: SharedPeople,
        ask_engine: Callable[[ToEngine], None],
        heartbeat: Callable[[], Heartbeat],
        reload: Callable[[], DaemonReloaded],
        live: LiveSettings,
        publish: Callable[[DaemonReloaded], object],
    ) -> None:
        self._boot = boot
        self._public = public
        self._streams = streams
        self._shared = shared
        self._ask_engine = ask_engine
        self._heartbeat = heartbeat
        self._reload = reload
        self._live = live
        self._publish = publish

    def handle(self, token: int, method: AnyMethod, attachment: bytes) -> None:
        """Answer, refuse, or hand on."""
        control = self._public.control
        try:
            match method:
                case GetStatus():
                    control.reply(token, self._status())
                case PauseStream(stream=stream):
                    self._streams.pause(stream)
                    control.reply(token, Done(message=f"stream {stream} is paused"))
                case ResumeStream(stream=stream):
                    self._streams.resume(stream)
                    control.reply(token, Done(message=f"stream {stream} is being opened"))
                case AddStream(stream=stream, source=source):
                    self._publish(self._live.add_stream(stream, source))
                    opened = f"stream {stream} is being opened, until the daemon ends"
                    control.reply(token, Done(message=opened))
                case RemoveStream(stream=stream):
                    self._publish(self._live.remove_stream(stream))
                    control.reply(token, Done(message=f"stream {stream} is removed"))
                case Reload():
                    self._answer_reload(token)
                case EventsSince(boot=boot, seq=seq, topics=topics):
                    control.reply(token, self._public.publisher.since(boot, seq, topics))
                case FollowProfiles() | FollowAnew():
                    self._shared.handle(token, method)
                case _:
                    self._ask_engine(Ask(token, method, attachment, control.caller(token)))
        except UnknownStreamError as error:
            control.refuse(token, "not_found", str(error))
        except GuestError as error:
            control.refuse(token, error.code, str(error))

    def _status(self) -> Status:
        return Status(version=VERSION, pid=os.getpid(), boot=self._boot, heartbeat=self._heartbeat())

    def _answer_reload(self, token: int) -> None:
        event = self._reload()
        if event.error:
            self._public.control.refuse(token, "refused", event.error)
            return
        self._public.control.reply(
            token,
            Reloaded(profiles=event.profiles, changed=event.changed, restart_needed=event.restart_needed),
        )
