"""A capture device, opened by PortAudio at its native rate; notices when it stalls, stops or goes."""

from __future__ import annotations

import time
from typing import Any

from earwitnessd.capture.devices import Device, find_device, import_sounddevice, list_devices
from earwitnessd.capture.intake import Intake
from earwitnessd.capture.source import Chunk, Health, Origin, SourceEndedError
from earwitnessd.ring import Frames
from earwitnessd.settings import sources
from earwitnessd.wakeup import Wakeup

BLOCK_S = 0.032
FIRST_SAMPLE_WITHIN_S = 5.0
LOOK_S = 0.7  # look for a stall this often: rarely enough not to wake while as much is gathered as ever is
FALLBACK_RATES = (48_000, 44_100, 16_000, 32_000, 8_000)
NS = 1_000_000_000


class Microphone:
    """`_on_block` and `_on_finished` run on PortAudio's thread, the rest on the main thread."""

    def __init__(self, settings: sources.Microphone) -> None:
        self._settings = settings
        self._wakeup = Wakeup()
        self._wanted = 1
        # frames for which the callback wakes us
        self._finished = False
        self._quiet_since_ns = 0
        self._looked_ns = 0

    def open(self) -> Origin:
        """The first rate and channel count that the device takes."""
        try:
            device = find_device(list_devices(), self._settings.device)
        except LookupError as error:
            raise SourceEndedError(str(error), final=False) from error
        self._stream, rate, channels = self._start(device)
        self._quiet_since_ns = self._looked_ns = time.monotonic_ns()
        return Origin(description=device.name, rate=rate, channels=channels, paced=True)

    def _start(self, device: Device) -> tuple[Any, int, int]:
        sd = import_sounddevice()
        tried: list[str] = []
        for rate, channels in ladder(device, self._settings.channel):
            self._intake = Intake(rate, channels, self._settings.latency_s)
            try:
                stream = sd.InputStream(
                    device=device.index,
                    samplerate=rate,
                    channels=channels,
                    dtype="float32",
                    blocksize=round(BLOCK_S * rate),
                    latency=self._settings.latency_s,
                    callback=self._on_block,
                    finished_callback=self._on_finished,
                )
                stream.start()
            except (sd.PortAudioError, ValueError) as error:
                tried.append(f"{rate} Hz x {channels}: {error}")
                continue
            return stream, rate, channels
        raise SourceEndedError(f"cannot open {device.name!r}: tried {'; '.join(tried)}", final=False)

    def _on_block(self, frames: Frames, _count: int, _time: object, status: Any) -> None:
        self._intake.on_block(frames, time.monotonic_ns(), status.input_overflow)
        if self._intake.waiting >= self._wanted:
            self._wakeup.ring()

    def _on_finished(self) -> None:
        self._finished = True
        self._wakeup.ring()

    def fileno(self) -> int | None:
        """Rung by the callback, when it has brought as much as was wanted."""
        return self._wakeup.read_fd

    def due_in_s(self, now_ns: int, wanted: int) -> float:
        """A stopped device rings nothing."""
        self._wanted = wanted
        return max(0.0, LOOK_S - (now_ns - self._looked_ns) / NS)

    def read(self, now_ns: int) -> Chunk | None:
        """What the callback has left in the ring."""
        self._wakeup.drain()
        if now_ns - self._looked_ns > 2 * LOOK_S * NS:
            self._quiet_since_ns = now_ns  # it was this process that stood still
        self._looked_ns = now_ns
        self._quiet_since_ns = max(self._quiet_since_ns, self._intake.arrived_ns)
        chunk = self._intake.take()
        if chunk is None:
            self._check_alive((now_ns - self._quiet_since_ns) / NS)
        return chunk

    def _check_alive(self, quiet_s: float) -> None:
        if self._finished or not self._stream.active:
            raise SourceEndedError(
                "the device stopped: unplugged, or its sound server went away", final=False
            )
        if self._intake.received == 0 and quiet_s > FIRST_SAMPLE_WITHIN_S:
            raise SourceEndedError(
                f"the device opened but gave no sample within {quiet_s:.1f} s", final=False
            )
        if self._intake.received > 0 and quiet_s > self._settings.stall_after_s:
            raise SourceEndedError(
                f"the device stopped delivering ({quiet_s:.1f} s without a sample)", final=False
            )

    def health(self, now_ns: int) -> Health:
        """Counters of this opening."""
        return self._intake.health(now_ns)


def ladder(device: Device, channel: sources.Channel) -> list[tuple[int, int]]:
    """Rates and channel counts to try, best first; a plug-in may claim 32 channels, two are enough to mix."""
    needed = 1 if channel == "mix" else channel + 1
    if needed > device.channels:
        raise SourceEndedError(
            f"channel {channel} of {device.name!r}: it has {device.channels}, counted from 0", final=False
        )
    counts = [max(needed, min(device.channels, 2)), needed, device.channels]
    rates = [device.rate, *FALLBACK_RATES]
    return list(dict.fromkeys((rate, count) for rate in rates for count in counts))
