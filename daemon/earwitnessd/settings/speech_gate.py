"""What counts as speech, and how much of it a window needs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Probability = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class SpeechGateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `speech_gate`."""

    type: Literal["silero", "energy"] = "silero"
    # silero knows speech; energy knows only what is louder than the room, and costs next to nothing
    threshold: Probability = 0.5
    # speech starts where the probability reaches this
    stop_threshold: Probability = 0.35
    # and lasts until it falls below this
    min_run_s: Annotated[float, msgspec.Meta(ge=0.0, le=2.0)] = 0.096
    # a shorter run of speech is a click, and counts for nothing
    hangover_s: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.4
    # a pause of this length ends the speech (speech.stopped); a shorter one only does not count as speech
    min_speech_s: Annotated[float, msgspec.Meta(ge=0.0, le=60.0)] = 1.0
    # net speech that a window needs to be embedded

    def __post_init__(self) -> None:
        if self.stop_threshold > self.threshold:
            raise ValueError(
                f"stop_threshold = {self.stop_threshold:g}: must not be above threshold = {self.threshold:g}"
            )
