"""People who are another daemon's: nobody changes them here, and what came of them is told."""

from __future__ import annotations

from earwitness.control import (
    AddToGroup,
    AnyMethod,
    DeleteProfile,
    EnrollAudio,
    EnrollLive,
    ImportProfile,
    KeepProfile,
    RemoveFromGroup,
    RemoveSession,
    RenameProfile,
    SetProfile,
)
from earwitness.events import Event, ProfileDeleted, ProfileEnrolled, ProfilesFollowed, ProfileUpdated
from earwitnessd.profiles import ProfileError
from earwitnessd.profiles.people import People
from earwitnessd.profiles.taking import Taken
from earwitnessd.settings.sharing import FollowSettings

CHANGES = (
    AddToGroup,
    DeleteProfile,
    EnrollAudio,
    EnrollLive,
    ImportProfile,
    KeepProfile,
    RemoveFromGroup,
    RemoveSession,
    RenameProfile,
    SetProfile,
)


def refuse_changes(settings: FollowSettings | None, method: AnyMethod) -> None:
    """ProfileError for what only the writer can do."""
    if settings and isinstance(method, CHANGES):
        raise ProfileError(
            "refused",
            f"{method.method}: the people here are those of the daemon at {settings.writer} (follow.writer): "
            "ask that one, and the change comes by itself",
        )


def read_anew(taken: Taken, people: People) -> None:
    """Whoever is different; everybody, where those are many."""
    named = [*taken.removed_names, *taken.added_names]
    named += [name for pair in taken.changed_names for name in pair]
    if taken.anything and not named:
        people.reload()
    for name in dict.fromkeys(named):
        people.reread(name)


def events_of(taken: Taken, writer: str, people: People) -> list[Event]:
    """What subscribers are told, once the people are read anew."""
    followed = ProfilesFollowed(
        writer=writer,
        version=taken.reached.version,
        added=taken.added,
        changed=taken.changed,
        removed=taken.removed,
        people=taken.people,
    )
    return [
        *(ProfileDeleted(speaker=name, reason="followed") for name in taken.removed_names),
        *(event for before, name in taken.changed_names if (event := _updated(people, before, name))),
        *(event for name in taken.added_names if (event := _enrolled(people, name))),
        followed,
    ]


def _updated(people: People, before: str, name: str) -> Event | None:
    try:
        person = people.store.profile(name)
    except ProfileError:
        return None  # it has changed again
    renamed = before if before != name else None
    sessions = len(person.exemplars)
    return ProfileUpdated(speaker=name, exemplars=sessions, renamed_from=renamed, groups=list(person.groups))


def _enrolled(people: People, name: str) -> Event | None:
    try:
        sessions = people.store.profile(name).exemplars
    except ProfileError:
        return None
    speech_s = sum(session.speech_s for session in sessions)
    return ProfileEnrolled(speaker=name, exemplars=len(sessions), speech_s=speech_s)
