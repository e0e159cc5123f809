"""What is said of an enrolment session, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from earwitnessd.enroll.second_voice import Stretch

HINTS = {
    "too_little_speech": "keep talking",
    "gap": "audio was lost: keep talking",
    "clipped": "too loud: move away from the microphone",
    "low_snr": "too noisy: move closer to the microphone or find a quieter place",
    "overlap": "two people speak at once: let one speak alone",
    "not_finite": "the device delivers garbage",
    "not_embedded": "the engine was late: keep talking",
}
LEFT_OUT = {
    "gap": "with lost audio",
    "clipped": "too loud",
    "low_snr": "too noisy",
    "overlap": "with two voices at once",
    "not_finite": "garbage",
    "not_embedded": "missed by the engine",
}
ALONE = "enrol one person alone, without radio or television"
MIN_WINDOWS = 3  # make a template
MUCH_CLIPPED = 0.001  # of the samples: it is heard
AGREEING_LLR = 0.5  # nats: nine in ten sessions of one voice are well above


def hint(reasons: Sequence[str], second_voice: Stretch | None) -> str:
    """For somebody who is talking."""
    if second_voice is not None:
        return f"another voice was heard {second_voice}: {ALONE}"
    return next((HINTS[reason] for reason in reasons if reason in HINTS), "keep talking")


def too_little(speech_s: float, needed_s: float, windows: int, unusable: Mapping[str, int]) -> str:
    """How much is missing, and what kept the rest from counting."""
    missing_s = max(1, math.ceil(needed_s - speech_s))
    what, least = f"{speech_s:.1f} s of net speech", f"{needed_s:.0f} s"
    if speech_s >= needed_s:
        what, least = f"{windows} usable windows", f"{MIN_WINDOWS}"
    text = f"only {what}, at least {least} are needed: speak for another {missing_s} s"
    left_out = {reason: count for reason, count in unusable.items() if reason in LEFT_OUT}
    if not left_out:
        return text
    kinds = ", ".join(f"{count} {LEFT_OUT[reason]}" for reason, count in left_out.items())
    advice = HINTS[next(iter(left_out))]
    return f"{text}. Of {windows + sum(unusable.values())} windows some could not be used ({kinds}): {advice}"


def second_voice(stretch: Stretch) -> str:
    """Where it is."""
    seems = "speaks" if stretch.sure else "may speak"
    return f"a second voice {seems} {stretch}: {ALONE}"


def quality_warnings(
    snr_db: float | None, clipped: float | None, self_llr: float | None, good_snr_db: float
) -> list[str]:
    """What is poor, and what would make it better."""
    found = []
    if snr_db is not None and snr_db < good_snr_db:
        found.append(
            f"noisy: speech is only {snr_db:.0f} dB above the noise, {good_snr_db:.0f} dB are good: "
            "move closer to the microphone or find a quieter place, and enrol again"
        )
    if clipped is not None and clipped > MUCH_CLIPPED:
        found.append(
            f"clipped: {clipped:.1%} of the samples are at full scale: "
            "move away from the microphone or turn its level down, and enrol again"
        )
    if self_llr is not None and self_llr < AGREEING_LLR:
        found.append(
            f"uneven: its parts hardly sound like one voice (evidence {self_llr:+.1f} nats): "
            "speak as you always do, at one distance, and enrol again"
        )
    return found


def sounds_like(other: str, how: str, needed: str) -> str:
    """Another person is close."""
    return (
        f"sounds like {other}, who is already enrolled ({how}, {needed} counts as the same voice): the two "
        "can be taken for each other. Enrol more speech of both, or give them stricter error rates"
    )


def other_person(name: str, how: str) -> str:
    """A further session does not fit."""
    return f"does not sound like the {name} already enrolled ({how}): make sure that it is {name} who speaks"
