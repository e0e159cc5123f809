"""Ask the daemon, and wait for its answer."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import msgspec
import zmq

from ..endpoints import Keys, default_endpoint, keys_for, secure
from .custody import CheckBegun, Exported
from .envelope import ControlError, Reply, Request
from .requests import (
    AddStream,
    AddToGroup,
    AnyMethod,
    BeginCheck,
    CancelEnrollment,
    DeleteProfile,
    EndCheck,
    EnrollAudio,
    EnrollLive,
    EventsSince,
    ExportProfile,
    FollowAnew,
    GetStatus,
    ImportProfile,
    KeepProfile,
    ListGroups,
    ListProfiles,
    PauseStream,
    Reload,
    RemoveFromGroup,
    RemoveSession,
    RemoveStream,
    RenameProfile,
    ResumeStream,
    SetProfile,
    ShowProfile,
)
from .results import Done, Enrolled, Enrolment, Groups, Profile, Profiles, Reloaded, Replay, Status

TIMEOUT_S = 5.0
CONNECT_S = 2.0  # a daemon that runs accepts connections at once, even when it is busy
ENROLL_AUDIO_S = 120.0  # a long recording on a slow machine is embedded window by window
MAX_REPLY = 16 << 20  # bytes

Result = TypeVar("Result")


class NoDaemon(Exception):  # noqa: N818 - it says what is the matter
    """Nothing answers at the control socket."""

    def __init__(self, endpoint: str, message: str) -> None:
        super().__init__(message)
        self.endpoint = endpoint


class Control:
    """A connection to the daemon's control socket; belongs to one thread."""

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        keys: Keys | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.endpoint = endpoint or default_endpoint("control")
        self._timeout_s = timeout_s
        self._context = zmq.Context()
        try:
            self._socket = self._connect(keys)
        except BaseException:
            self.close()
            raise

    def _connect(self, keys: Keys | None) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        socket.linger = 0
        # A request waits here, not in a queue: one that timed out must not be obeyed when a daemon comes up.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_REPLY)
        socket.setsockopt(zmq.RECONNECT_IVL, 100)
        secure(socket, self.endpoint, keys or keys_for(self.endpoint))
        try:
            socket.connect(self.endpoint)
        except zmq.ZMQError as error:
            raise ValueError(f"{self.endpoint!r} is not an endpoint: {error}") from error
        return socket

    def close(self) -> None:
        """Free the socket; twice is fine."""
        self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def status(self) -> Status:
        """The daemon's whole state, as in the heartbeat."""
        return self._ask(GetStatus(), Status)

    def profiles(self) -> Profiles:
        """Everybody who is enrolled."""
        return self._ask(ListProfiles(), Profiles)

    def profile(self, name: str) -> Profile:
        """One person with all exemplars."""
        return self._ask(ShowProfile(name=name), Profile)

    def delete_profile(self, name: str) -> Done:
        """Forget a person."""
        return self._ask(DeleteProfile(name=name), Done)

    def rename_profile(self, name: str, new_name: str) -> Done:
        """Give a person another name."""
        return self._ask(RenameProfile(name=name, new_name=new_name), Done)

    def set_profile(
        self,
        name: str,
        *,
        target_fmr: float | None = None,
        target_fnmr: float | None = None,
        prior: float | None = None,
        clear: bool = False,
    ) -> Profile:
        """Decide about a person by an operating point of their own; None: as it was."""
        method = SetProfile(
            name=name, target_fmr=target_fmr, target_fnmr=target_fnmr, prior=prior, clear=clear
        )
        return self._ask(method, Profile)

    def groups(self) -> Groups:
        """All groups, and who belongs to them."""
        return self._ask(ListGroups(), Groups)

    def add_to_group(self, group: str, name: str) -> Done:
        """Make a person one of a group."""
        return self._ask(AddToGroup(group=group, name=name), Done)

    def remove_from_group(self, group: str, name: str) -> Done:
        """Take a person out of a group."""
        return self._ask(RemoveFromGroup(group=group, name=name), Done)

    def remove_session(self, name: str, session: int) -> Done:
        """Forget one session of a person."""
        return self._ask(RemoveSession(name=name, session=session), Done)

    def keep_profile(self, name: str, *, consent: str | None = None, keep_until: str | None = None) -> Done:
        """Record a person's consent, or the day (2027-01-31) they are deleted on; "": no such day."""
        return self._ask(KeepProfile(name=name, consent=consent, keep_until=keep_until), Done)

    def export_profile(self, name: str, passphrase: str) -> Exported:
        """A person with all sessions, encrypted."""
        return self._ask(ExportProfile(name=name, passphrase=passphrase), Exported)

    def import_profile(self, content: bytes, passphrase: str, name: str | None = None) -> Done:
        """Take in an exported person."""
        return self._ask(ImportProfile(passphrase=passphrase, name=name), Done, attachment=content)

    def follow_anew(self) -> Done:
        """Ask a follower to take its writer's people as they are now, in place of everybody it has."""
        return self._ask(FollowAnew(), Done)

    def begin_check(self, name: str, *, group: bool = False) -> CheckBegun:
        """Ask whether somebody may be checked now; counts as failed until `end_check` tells otherwise."""
        return self._ask(BeginCheck(name=name, group=group), CheckBegun)

    def end_check(
        self,
        name: str,
        attempt: str,
        outcome: Literal["verified", "other", "inconclusive"],
        *,
        group: bool = False,
    ) -> Done:
        """Tell how a check ended."""
        return self._ask(EndCheck(name=name, group=group, attempt=attempt, outcome=outcome), Done)

    def enroll_live(
        self,
        name: str,
        stream: str | None = None,
        *,
        speech_s: float = 12.0,
        timeout_s: float = 120.0,
        consent: str | None = None,
    ) -> Enrolment:
        """Begin to enrol from a running stream; progress comes as `enroll.progress` events."""
        method = EnrollLive(name=name, stream=stream, speech_s=speech_s, timeout_s=timeout_s, consent=consent)
        return self._ask(method, Enrolment)

    def cancel_enrollment(self, enrolment: str) -> Done:
        """End a running enrolment without a profile."""
        return self._ask(CancelEnrollment(enrolment=enrolment), Done)

    def enroll_audio(
        self,
        name: str,
        recording: bytes | Path,
        *,
        label: str = "",
        source: str = "",
        consent: str | None = None,
    ) -> Enrolled:
        """Enrol from a recording: a sound file, or its bytes."""
        if isinstance(recording, Path):
            source = source or recording.name
            recording = recording.read_bytes()
        return self._ask(
            EnrollAudio(name=name, label=label, source=source, consent=consent),
            Enrolled,
            attachment=recording,
            timeout_s=max(self._timeout_s, ENROLL_AUDIO_S),
        )

    def pause(self, stream: str) -> Done:
        """Let go of a stream's device."""
        return self._ask(PauseStream(stream=stream), Done)

    def resume(self, stream: str) -> Done:
        """Open a paused stream again."""
        return self._ask(ResumeStream(stream=stream), Done)

    def add_stream(self, stream: str, source: dict[str, Any]) -> Done:
        """Listen to one more stream until the daemon ends; `source` as in the settings, below the name."""
        return self._ask(AddStream(stream=stream, source=source), Done)

    def remove_stream(self, stream: str) -> Done:
        """Listen to a stream no longer."""
        return self._ask(RemoveStream(stream=stream), Done)

    def reload(self) -> Reloaded:
        """Make the daemon read settings and profiles again."""
        return self._ask(Reload(), Reloaded)

    def events_since(self, boot: str, seq: int, topics: list[str] | None = None) -> Replay:
        """The state-bearing events after `seq`, as far as the daemon keeps them."""
        return self._ask(EventsSince(boot=boot, seq=seq, topics=topics or []), Replay)

    def _ask(
        self,
        method: AnyMethod,
        result: type[Result],
        *,
        attachment: bytes | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        request = Request(
            id=uuid.uuid4().hex, method=method.method, params=msgspec.Raw(msgspec.json.encode(method))
        )
        frames = [b"", msgspec.json.encode(request)]
        connect_s = min(timeout_s, CONNECT_S)
        if not self._socket.poll(round(1000 * connect_s), zmq.POLLOUT):
            raise NoDaemon(self.endpoint, self._nobody(connect_s))
        self._socket.send_multipart(frames if attachment is None else [*frames, attachment])
        reply = self._await_reply(request.id, timeout_s)
        if reply.error is not None:
            raise ControlError(reply.error.code, reply.error.message)
        try:
            return msgspec.json.decode(reply.result, type=result)
        except msgspec.DecodeError as error:
            raise ControlError(
                "internal", f"cannot read the answer to {method.method} (another version?): {error}"
            ) from error

    def _await_reply(self, request_id: str, timeout_s: float) -> Reply:
        end = time.monotonic() + timeout_s
        while self._socket.poll(max(0, round(1000 * (end - time.monotonic())))):
            try:
                reply = msgspec.json.decode(self._socket.recv_multipart()[-1], type=Reply)
            except msgspec.DecodeError:
                continue  # not for us: a daemon's replies carry our id
            if reply.id == request_id:  # others answer requests that we gave up on
                return reply
        raise NoDaemon(
            self.endpoint,
            f"earwitnessd at {self.endpoint} took the request but did not answer within {timeout_s:g} s: "
            "it may hang, see `systemctl status earwitnessd` or its log",
        )

    def _nobody(self, waited_s: float) -> str:
        advice = (
            "start it with `earwitnessd run`, or say where it listens with --control or $EARWITNESS_CONTROL"
        )
        if self.endpoint.startswith("tcp://"):
            advice += "; over tcp it also needs keys that it accepts (--key, --server-key)"
        return f"nothing answers at {self.endpoint} within {waited_s:g} s: is earwitnessd running? {advice}"
