"""Streams that come and go by request: the settings with one more or one less. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from earwitness.control import ErrorCode
from earwitnessd.settings.load import checked
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import AnySource
from earwitnessd.settings.validate import SettingsError


class GuestError(Exception):
    """A stream that cannot be added or removed: says why and what to do."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code


class Guests:
    """Owned by the main thread. Added streams stay until they are removed or the daemon ends."""

    def __init__(self) -> None:
        self._sources: dict[str, AnySource] = {}

    def add(self, settings: Settings, name: str, source: dict[str, Any]) -> Settings:
        """One more, checked like the settings file."""
        if name in settings.streams:
            raise GuestError(
                "conflict", f"there is a stream {name!r} already: remove it, or take another name"
            )
        tree = msgspec.to_builtins(settings)
        tree["streams"] = {**tree["streams"], name: source}
        try:
            wider = checked(tree)
        except SettingsError as error:
            raise GuestError("bad_request", str(error)) from None
        self._sources[name] = wider.streams[name]
        return msgspec.structs.replace(settings, streams={**settings.streams, name: self._sources[name]})

    def remove(self, settings: Settings, name: str) -> Settings:
        """One less; the others are left alone."""
        if name not in settings.streams:
            raise GuestError(
                "not_found", f"there is no stream {name!r}; there are: {', '.join(settings.streams)}"
            )
        if len(settings.streams) == 1:
            raise GuestError("refused", f"{name} is the only stream: pause it, or add another first")
        self._sources.pop(name, None)
        left = {other: source for other, source in settings.streams.items() if other != name}
        return msgspec.structs.replace(settings, streams=left)

    def seated(self, settings: Settings) -> Settings:
        """Settings that were read anew, with the guests; where the file names one by now, the file counts."""
        self._sources = {name: each for name, each in self._sources.items() if name not in settings.streams}
        return msgspec.structs.replace(settings, streams={**settings.streams, **self._sources})
