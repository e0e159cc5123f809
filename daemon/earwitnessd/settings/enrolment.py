"""What a recording has to be like to make a profile."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Policy = Literal["refuse", "warn", "ignore"]


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one session; verdicts by evidence where the model has a calibration, else by cosine."""

    min_speech_s: Annotated[float, msgspec.Meta(ge=2.0, le=300.0)] = 10.0
    # less net speech makes no profile
    good_snr_db: Annotated[float, msgspec.Meta(ge=-20.0, le=60.0)] = 10.0
    # a noisier session is stored with a warning
    second_voice: Policy = "refuse"
    # somebody else speaks in a part of the recording
    similar: Policy = "warn"
    # the voice could be taken for somebody else who is enrolled
    other_person: Policy = "warn"
    # a further session does not sound like those that the person has
    keep_audio: bool = False
    # true: what was said is stored too, encrypted as the templates are, for the day the model is changed
