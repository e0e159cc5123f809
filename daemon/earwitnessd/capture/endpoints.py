"""Where audio is brought: what comes in real time never queues behind what comes as fast as it is taken."""

from __future__ import annotations

from earwitnessd.settings.sources import AnySource, FileReplay


def recorded_endpoint(audio_endpoint: str) -> str:
    """Of the recordings that do not wait for the clock; `audio_endpoint` is everybody else's."""
    return f"{audio_endpoint}.recorded"


def endpoint_for(source: AnySource, audio_endpoint: str) -> str:
    """Where this source's capture process connects."""
    if isinstance(source, FileReplay) and source.pace == "fast":
        return recorded_endpoint(audio_endpoint)
    return audio_endpoint
