"""Somebody, anybody, speaks or has stopped."""

from __future__ import annotations

from .base import StreamEvent


class SpeechStarted(StreamEvent, frozen=True, kw_only=True, tag="speech.started"):
    """Somebody, anybody, speaks since `start`."""

    state_group = "speech"


class SpeechStopped(StreamEvent, frozen=True, kw_only=True, tag="speech.stopped"):
    """Speech lasted from `start` to `stop`."""

    state_group = "speech"
