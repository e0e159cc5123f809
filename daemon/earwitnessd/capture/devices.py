"""Which capture devices there are, and which of them somebody means."""

from __future__ import annotations

from types import ModuleType

import msgspec

from earwitnessd.capture.source import SourceEndedError

INSTALL_PORTAUDIO = (
    "the PortAudio library is missing: install it with `apt-get install libportaudio2` (Debian, Ubuntu), "
    "`dnf install portaudio` (Fedora) or `brew install portaudio` (macOS), then start again"
)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device that can record."""

    index: int
    # of PortAudio; changes when devices come and go
    name: str
    host_api: str
    # "ALSA", "JACK Audio Connection Kit", "Core Audio", ...
    channels: int
    # the most it claims to have
    rate: int
    # Hz, native
    is_default: bool


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What `python -m earwitnessd.capture --list-devices` prints as JSON."""

    devices: list[Device]
    error: str = ""


def import_sounddevice() -> ModuleType:
    """Only a capture process may: importing it starts PortAudio, which can hang, spin or abort."""
    try:
        import sounddevice  # noqa: PLC0415  # starts PortAudio
    except OSError as error:
        raise SourceEndedError(f"{INSTALL_PORTAUDIO} ({error})", final=True) from error
    module: ModuleType = sounddevice
    return module


def list_devices() -> list[Device]:
    """Call it in a capture process only."""
    sd = import_sounddevice()
    default = sd.default.device[0]
    apis = [api["name"] for api in sd.query_hostapis()]
    return [
        Device(
            index=index,
            name=found["name"],
            host_api=apis[found["hostapi"]],
            channels=found["max_input_channels"],
            rate=round(found["default_samplerate"]),
            is_default=index == default,
        )
        for index, found in enumerate(sd.query_devices())
        if found["max_input_channels"] > 0
    ]


def find_device(devices: list[Device], wanted: int | str) -> Device:
    """By index, by a part of the name in any case, or "default"; LookupError lists what there is."""
    if not devices:
        raise LookupError(
            f"device {wanted!r}: there is no capture device at all: is a microphone plugged in, is the sound "
            "server running, and may this user record (group `audio`)?"
        )
    if wanted == "default":
        found = [device for device in devices if device.is_default] or (devices if len(devices) == 1 else [])
    elif isinstance(wanted, int):
        found = [device for device in devices if device.index == wanted]
    else:
        part = wanted.casefold()
        found = [device for device in devices if device.name.casefold() == part]
        found = found or [device for device in devices if part in device.name.casefold()]
    if len(found) == 1:
        return found[0]
    problem = (
        "no such capture device" if not found else f"{len(found)} capture devices match, name one more fully"
    )
    return _refuse(wanted, problem, found or devices)


def _refuse(wanted: int | str, problem: str, devices: list[Device]) -> Device:
    listed = "; ".join(f"{device.index}: {device.name!r} ({device.host_api})" for device in devices)
    raise LookupError(f"device {wanted!r}: {problem}; there is {listed}")
