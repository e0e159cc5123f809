"""What one stream's speech comes through of late, and whether the likeliest person is known over it."""

from __future__ import annotations

from earwitnessd.channel import NOTHING, RATE, Channel, kind_of, remembered, speech_powers
from earwitnessd.hearing import HeardWindow
from earwitnessd.score import ProfileMatrix

SELDOM = 3  # windows that are all new
MISMATCH = "channel_mismatch"
CALLED = {"telephone": "a telephone", "wideband": "a wideband microphone"}


class ChannelWatch:
    """Owned by the engine thread. It listens to a window when all of it is new: spectra take their time.

    Once it knows, it listens to one in `SELDOM`: the same opening of a source seldom becomes another channel.
    """

    def __init__(self) -> None:
        self.kind: Channel = ""
        self._powers = NOTHING
        self._stream_id = ""
        self._start = 0
        # of the last window that it listened to

    def hear(self, heard: HeardWindow) -> None:
        """Take a window with speech; another opening of the source may be another channel."""
        window = heard.window
        if window.stream_id != self._stream_id:
            self._stream_id, self._powers = window.stream_id, NOTHING
        elif window.start - self._start < len(window.samples) * (SELDOM if self.kind else 1):
            return
        after_s = (window.start - self._start) / RATE
        self._powers = remembered(self._powers, speech_powers(window.samples), max(0.0, after_s))
        self._start = window.start
        self.kind = kind_of(self._powers)


def mismatched(kind: Channel, speaker: str | None, matrix: ProfileMatrix) -> bool:
    """Whether this person is known over other kinds of channel only; what cannot be told is no mismatch."""
    known = matrix.channels.get(speaker or "", frozenset())
    return bool(kind and known) and kind not in known


def advice(kind: Channel, speaker: str, stream: str, matrix: ProfileMatrix) -> str:
    """For people."""
    known = " and ".join(CALLED[each] for each in sorted(matrix.channels[speaker]))
    return (
        f"{speaker} is enrolled over {known} only, and this sounds like {CALLED[kind]}: "
        f"add a session over it (earwitness enroll {speaker} --stream {stream})"
    )
