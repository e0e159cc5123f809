"""Say an event or a notice in one line of plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from . import events as e
from . import notices as n

MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"

Tone = Literal["good", "bad", "warn", "news", "calm"]

REASONS = {
    "too_little_speech": "too little speech",
    "gap": "a gap in the audio",
    "clipped": "clipped, too loud",
    "overlap": "two voices at once",
    "low_snr": "too noisy",
    "margin": "two profiles too close",
    "undecided": "not enough evidence",
    "channel_mismatch": "another channel than enrolled",
    "spoof_suspected": "may be a recording",
    "another_voice": "another voice",
}


class Line(msgspec.Struct, frozen=True):
    """What to show for one event."""

    text: str
    tone: Tone = "calm"


def clean(text: str) -> str:
    """Make foreign text safe for a terminal: device names and reasons come from elsewhere."""
    return "".join(c if c.isprintable() else " " for c in text)


def reasons(codes: Iterable[str]) -> str:
    """Say why a window decides nothing."""
    return clean(", ".join(REASONS.get(code, code.replace("_", " ")) for code in codes))


def number(value: float | None, form: str = ".2f") -> str:
    """Show a number; what is absent or not finite as a dash."""
    if value is None or not math.isfinite(value):
        return ABSENT
    return format(value, form).replace("-", MINUS)


def span(seconds: float | None) -> str:
    """Show a duration with no more digits than anybody reads."""
    if seconds is None or not math.isfinite(seconds):
        return ABSENT
    whole = round(seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def day(time: str) -> str:
    """Show an RFC 3339 time as local date and minute; what is none as it is."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return clean(time)


def verdict(event: e.SpeakerVerified) -> str:
    """Say how sure the daemon is."""
    margin = "" if event.margin is None else f" · {number(event.margin, '+.2f')} margin"
    posterior = "" if event.posterior is None else f" · p {number(event.posterior, '.3f')}"
    return f"verified · {number(event.score)}{margin}{posterior} · {span(event.evidence_s)} of evidence"


def unknown_voice(event: e.SpeakerUnknown) -> str:
    """Say how far from the nearest."""
    nearest = ""
    if event.nearest is not None:
        nearest = f" · nearest {clean(event.nearest)} {measured(event)}"
    return f"unknown voice{nearest}"


def link(state: e.LinkState) -> str:
    """Say how the link to a satellite is, and how far its audio is behind."""
    if state.state != "up":
        return f"satellite {clean(state.key)} {state.state.replace('_', ' ')}"
    waiting = f", {span(state.waiting_s)} still to come" if state.waiting_s >= 1.0 else ""
    return f"satellite {clean(state.key)}, {number(state.round_trip_ms, '.0f')} ms away{waiting}"


def sessions(count: int) -> str:
    """How often somebody was enrolled."""
    return f"{count} session{'' if count == 1 else 's'}"


def anyone(event: e.GroupVerified | e.WatchlistHit) -> str:
    """Say that it is anyone of a group, who that may be, and how sure the daemon is."""
    posterior = "" if event.posterior is None else f" · p {number(event.posterior, '.3f')}"
    of_whom = f"most like {clean(event.likeliest)} of {event.members}"
    return f"{of_whom} · {measured(event)}{posterior} · {span(event.evidence_s)} of evidence"


def somebody(event: e.GroupVerified) -> str:
    """Say of which group somebody is heard, where it is not decided who."""
    return f"anyone of {clean(event.group)} · most like {clean(event.likeliest)} · {measured(event)}"


def measured(event: e.SpeakerVerified | e.SpeakerUnknown | e.GroupVerified | e.WatchlistHit) -> str:
    """Say what decided, and what it has to reach: evidence if there was any, else the score."""
    if event.llr is None:
        return f"{number(event.score)}, needs {number(event.threshold)}"
    evidence, bound = number(event.llr, "+.1f"), number(event.llr_bound, "+.1f")
    return f"{number(event.score)} · evidence {evidence}, bound {bound}"


def _window(event: e.WindowScored) -> Line:
    best = ", ".join(f"{clean(score.speaker)} {number(score.cosine)}" for score in event.scores[:3])
    why = reasons(event.inconclusive)
    heard = f"{number(event.speech_s, '.1f')} s speech · {number(event.level_dbfs, '.0f')} dBFS"
    took = f"{number(event.latency_ms.total, '.0f')} ms"
    doubts = reasons(event.doubts)
    said = (best, why and f"inconclusive: {why}", doubts and f"doubtful: {doubts}", heard, took)
    return Line(" · ".join(part for part in said if part))


def _reloaded(event: e.DaemonReloaded) -> Line:
    if event.error is not None:
        return Line(f"reload refused, old settings stay: {event.error}", "bad")
    parts = [f"reloaded, {event.profiles} profiles"]
    if event.changed:
        parts.append(f"changed {', '.join(event.changed)}")
    if event.restart_needed:
        parts.append(f"needs a restart: {', '.join(event.restart_needed)}")
    return Line(" · ".join(parts), "warn" if event.restart_needed else "news")


def _followed(event: e.ProfilesFollowed) -> str:
    counts = ((event.added, "new"), (event.changed, "changed"), (event.removed, "deleted"))
    said = ", ".join(f"{count} {what}" for count, what in counts if count) or "nobody is different"
    return f"profiles as at {clean(event.writer)}: {said}; {event.people} people, version {event.version}"


def following(state: e.FollowingState) -> str:
    """Say whom this daemon follows, and how that stands."""
    heard = "never heard" if state.heard_s is None else f"last heard {span(state.heard_s)} ago"
    trouble = {"refuses": "refuses what it says, ", "distrusts": "compares with nobody, "}.get(
        state.state, ""
    )
    return f"follows {clean(state.writer)}, {trouble}{heard}, version {state.version}"


def _switched(event: e.ModelSwitched) -> Line:
    parts = []
    if event.renewing:
        parts.append(f"{event.renewing} people are being enrolled anew from the audio that was kept")
    elif event.renewed:
        parts.append(f"{event.renewed} sessions were made anew from the audio that was kept")
    if event.must_enrol_count:
        named = ", ".join(event.must_enrol[:8])
        more = f" and {event.must_enrol_count - 8} more" if event.must_enrol_count > 8 else ""
        parts.append(f"enrolled with another model, must enrol again: {named}{more}")
    return Line(
        " · ".join(parts) or "everybody is enrolled with the model in use", "warn" if parts else "good"
    )


def _enrolment(event: e.EnrollProgress) -> Line:
    who = f"enrolling {event.speaker}"
    match event.state:
        case "done":
            return Line(f"{event.speaker} enrolled from {span(event.speech_s)} of speech", "good")
        case "refused":
            return Line(f"{who} refused: {event.hint}", "bad")
        case "cancelled":
            return Line(f"{who} cancelled", "warn")
        case _:
            return Line(
                f"{who}: {number(event.speech_s, '.1f')} of {span(event.needed_s)} · {event.hint}", "news"
            )


def _about_daemon(event: e.AnyEvent) -> Line | None:
    match event:
        case e.DaemonStarted():
            return Line(f"daemon {event.version} started: {event.model} on {event.device}", "good")
        case e.DaemonStopping():
            return Line(f"daemon stopping: {event.reason}", "warn")
        case e.DaemonReloaded():
            return _reloaded(event)
        case e.EngineDegraded():
            return Line(f"{event.device} computes: {event.reason}", "warn")
        case e.EngineRestored():
            return Line(f"{event.device} computes again, after {span(event.away_s)}", "good")
        case e.Heartbeat():
            busy = f"engine {number(100 * event.engine.busy, '.0f')} % busy"
            return Line(f"up {span(event.uptime_s)} · {len(event.streams)} streams · {busy} · {event.status}")
        case _:
            return None


def _about_people(event: e.AnyEvent) -> Line | None:
    match event:
        case e.ModelSwitched():
            return _switched(event)
        case e.ProfileEnrolled():
            return Line(f"{event.speaker} enrolled from {span(event.speech_s)} of speech", "good")
        case e.ProfileUpdated():
            renamed = f", before {event.renamed_from}" if event.renamed_from else ""
            groups = "" if event.groups is None else f", groups: {', '.join(event.groups) or ABSENT}"
            return Line(f"{event.speaker} updated: {sessions(event.exemplars)}{renamed}{groups}", "news")
        case e.ProfilesFollowed():
            return Line(_followed(event), "news")
        case e.ProfileDeleted():
            return Line(f"{event.speaker} deleted", "warn")
        case e.EnrollProgress():
            return _enrolment(event)
        case _:
            return None


def _about_stream(event: e.AnyEvent) -> Line | None:
    match event:
        case e.StreamOpened():
            return Line(
                f"opened: {event.device}, {event.native_rate} Hz {TIMES} {event.native_channels}", "news"
            )
        case e.StreamLost(final=True):
            return Line(f"ended: {event.reason}", "news")
        case e.StreamLost():
            return Line(f"lost: {event.reason}; reopening", "bad")
        case e.StreamGap():
            return Line(f"{number(event.samples / event.rate)} s never heard: {event.reason}", "warn")
        case e.SatelliteCut():
            return Line(f"satellite {event.key} cut off for {span(event.refused_s)}: {event.reason}", "bad")
        case e.SpeechStarted():
            return Line("speech begins")
        case e.SpeechStopped():
            return Line(f"speech ends after {span((event.stop - event.start) / event.rate)}")
        case e.WindowScored():
            return _window(event)
        case _:
            return None


def _about_speaker(event: e.AnyEvent) -> Line | None:
    match event:
        case e.SpeakerVerified():
            return Line(f"{event.speaker} {verdict(event)}", "good")
        case e.SpeakerChanged():
            return Line(f"{event.previous} → {event.speaker or 'somebody unknown'}", "news")
        case e.SpeakerUnknown():
            return Line(unknown_voice(event), "warn")
        case e.SpeakerLost():
            why = reasons([event.reason])
            return Line(f"{event.previous or 'the unknown voice'} no longer heard: {why}")
        case _:
            return None


def _about_group(event: e.AnyEvent) -> Line | None:
    match event:
        case e.GroupVerified():
            return Line(f"anyone of {event.group} verified · {anyone(event)}", "good")
        case e.GroupLost():
            return Line(f"nobody of {event.group} heard any more: {reasons([event.reason])}")
        case e.WatchlistHit():
            return Line(f"watchlist {event.group}: hit · {anyone(event)}", "bad")
        case e.WatchlistLost():
            return Line(f"watchlist {event.group}: no longer heard: {reasons([event.reason])}", "news")
        case _:
            return None


def _about_us(notice: e.AnyEvent | n.Notice) -> Line | None:
    match notice:
        case n.Connected():
            return Line(f"connected to {notice.endpoint}", "good")
        case n.Disconnected():
            return Line(f"{notice.endpoint}: {notice.reason}", "bad")
        case n.Restarted():
            return Line("the daemon was restarted", "warn")
        case n.Missed(topic=None):
            return Line(f"{notice.count} events never arrived here", "warn")
        case n.Missed():
            return Line(f"{notice.count} events of {notice.topic} never arrived here", "warn")
        case n.Skipped():
            return Line(f"the daemon is newer: events of type {notice.type} are left out", "warn")
        case _:
            return None


def describe(event: e.AnyEvent | n.Notice) -> Line:
    """Say what happened."""
    line = _about_us(event)
    if line is None and isinstance(event, e.Event):
        line = (
            _about_speaker(event)
            or _about_group(event)
            or _about_stream(event)
            or _about_people(event)
            or _about_daemon(event)
        )
    assert line is not None, f"no words for {event}"
    return Line(clean(line.text), line.tone)
