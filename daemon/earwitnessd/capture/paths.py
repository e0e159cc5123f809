"""Where audio is brought: what comes in real time never queues behind what comes as fast as it is taken."""

from __future__ import annotations

from earwitnessd.settings.sources import AnySource, FileReplay


def recorded_path(audio: str) -> str:
    """Of the socket for recordings that do not wait for the clock; `audio` is everybody else's."""
    return f"{audio}.recorded"


def path_for(source: AnySource, audio: str) -> str:
    """Where this source's capture process connects."""
    if isinstance(source, FileReplay) and source.pace == "fast":
        return recorded_path(audio)
    return audio
