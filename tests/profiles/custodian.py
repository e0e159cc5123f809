"""People who are kept on terms, by a clock that tests can turn."""

from __future__ import annotations

from earwitness.control import (
    BeginCheck,
    CheckBegun,
    EndCheck,
    Profile,
    ShowProfile,
)
from earwitness.events import Event, ProfileDeleted, SpeakerVerified
from earwitnessd.profiles.custody import Custody
from earwitnessd.profiles.people import People
from earwitnessd.settings.root import Templates
from earwitnessd.trusted_clock import Clock

from .making import exemplar, voice

DAY_S = 86_400.0
BEGAN_S = 1_800_000_000.0  # 2027-01-15


class Time:
    """Wall and monotonic clock, which go together until somebody sets the wall's."""

    def __init__(self) -> None:
        self.wall_s = BEGAN_S
        self.monotonic_s = 1000.0
        self.synchronised = True

    def pass_(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.wall_s, lambda: self.monotonic_s, lambda: self.synchronised)


def custody(people: People, time_: Time, settings: Templates | None = None) -> Custody:
    return Custody(people, settings or Templates(), time_.clock)


def enrol(people: People, *names: str) -> None:
    for seed, name in enumerate(names):
        people.store.add(name, exemplar(voice(seed)))
    people.reload()


def kept(people: People, of: Custody, name: str) -> Profile:
    answer, _ = people.answer(ShowProfile(name=name))
    shown = of.shown(answer)
    assert isinstance(shown, Profile)
    return shown


def begin(of: Custody, name: str = "anna") -> CheckBegun:
    answer, _ = of.answer(BeginCheck(name=name), b"", "")
    assert isinstance(answer, CheckBegun)
    return answer


def fail(of: Custody, name: str = "anna") -> None:
    of.answer(EndCheck(name=name, attempt=begin(of, name).attempt, outcome="other"), b"", "")


def deleted(events: list[Event]) -> list[tuple[str, str]]:
    assert all(isinstance(event, ProfileDeleted) for event in events)
    return [(event.speaker, event.reason) for event in events if isinstance(event, ProfileDeleted)]


def verified(name: str) -> SpeakerVerified:
    return SpeakerVerified(
        stream="desk",
        stream_id="desk-1",
        start=0,
        stop=48_000,
        speaker=name,
        score=0.9,
        threshold=0.7,
        runner_up=None,
        margin=None,
        evidence_s=3.0,
        since=0,
        ttl_s=6.0,
    )
