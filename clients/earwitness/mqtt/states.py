"""The retained state of each topic."""

from __future__ import annotations

import msgspec

from ..events import SpeakerUnknown, SpeakerVerified
from .home import AnyoneHeard, Home
from .names import Names

ONLINE, OFFLINE = "online", "offline"
ON, OFF = "ON", "OFF"
NOBODY, UNKNOWN = "nobody", "unknown"


def states(home: Home, names: Names) -> dict[str, str]:
    """What every topic should hold; without the daemon there is nothing to say about anybody."""
    if not home.available:
        return {names.status: OFFLINE}
    told = {names.status: ONLINE}
    for stream, view in home.streams.items():
        told[names.stream(stream, "status")] = ONLINE if view.live else OFFLINE
        told[names.stream(stream, "speech")] = ON if view.speaking else OFF
        told[names.stream(stream, "speaker")] = _speaker(home, stream)
        told[names.stream(stream, "speaker/attributes")] = _evidence(home, stream)
        if view.level_dbfs is not None:
            told[names.stream(stream, "level")] = str(view.level_dbfs)
    for name in home.people:
        where = [stream for stream in sorted(home.streams) if _verified(home, stream) == name]
        told[names.person(name, "verified")] = ON if where else OFF
        told[names.person(name, "verified/attributes")] = _json({"streams": where, "assurance": "evidence"})
    for group, watchlist in home.groups.items():
        heard = home.anyone(group)
        topic = names.group(group, watchlist=watchlist)
        told[topic] = ON if heard else OFF
        told[f"{topic}/attributes"] = _of_whom(heard)
    return told


def _of_whom(heard: list[AnyoneHeard]) -> str:
    """Of each stream, who it is most likely: a hint, that is not decided."""
    return _json(
        {
            "streams": [event.stream for event in heard],
            "heard": [
                {
                    "stream": event.stream,
                    "likeliest": event.likeliest,
                    "score": event.score,
                    "threshold": event.threshold,
                    "posterior": event.posterior,
                    "since": event.time,
                }
                for event in heard
            ],
            "assurance": "evidence",
        }
    )


def _verified(home: Home, stream: str) -> str | None:
    verdict = home.verdict(stream)
    return verdict.speaker if verdict is not None else None


def _speaker(home: Home, stream: str) -> str:
    verdict = home.verdict(stream)
    if verdict is None or verdict.kind == "nobody":
        return NOBODY
    return verdict.speaker or UNKNOWN


def _evidence(home: Home, stream: str) -> str:
    told: dict[str, object] = {"assurance": "evidence"}
    match home.decision(stream):
        case SpeakerVerified() as event:
            told |= {"verdict": "verified", "score": event.score, "threshold": event.threshold}
            told |= {"margin": event.margin, "posterior": event.posterior, "since": event.time}
        case SpeakerUnknown() as event:
            told |= {"verdict": "unknown", "score": event.score, "threshold": event.threshold}
            told |= {"nearest": event.nearest, "since": event.time}
        case None:
            told |= {"verdict": "nobody"}
        case event:
            told |= {"verdict": "nobody", "previous": event.previous, "reason": event.reason}
            told |= {"since": event.time}
    return _json(told)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
