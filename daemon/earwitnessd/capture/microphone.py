"""A capture device, opened by PortAudio at its native rate: samples, losses, stalls and its death."""

from __future__ import annotations

import time
from typing import Any

from earwitnessd.capture.devices import Device, find_device, import_sounddevice, list_devices
from earwitnessd.capture.messages import LossReason
from earwitnessd.capture.sample_clock import SampleClock
from earwitnessd.capture.source import Chunk, Health, Origin, SourceEndedError
from earwitnessd.capture.wakeup import Wakeup
from earwitnessd.ring import Frames, OverrunError, Ring
from earwitnessd.settings import sources

BLOCK_S = 0.032
KEPT_S = 10.0  # how long the engine may be away before samples are lost
LARGEST_CHUNK_S = 0.25
FIRST_SAMPLE_WITHIN_S = 5.0
NOTICED_STALL_S = 0.5
LOOK_S = 0.25  # look for a stall this often
FALLBACK_RATES = (48_000, 44_100, 16_000, 32_000, 8_000)
NS = 1_000_000_000


class Microphone:
    """The callback runs on PortAudio's thread and touches only the ring, `_progress` and `_overflows`."""

    def __init__(self, settings: sources.Microphone) -> None:
        self._settings = settings
        self._wakeup = Wakeup()
        self._progress = (0, 0)  # (frames received, monotonic ns), swapped as one
        self._overflows = 0
        self._finished = False
        self._flagged = 0
        self._cursor = 0
        self._lost = 0
        self._stalls = 0
        self._quiet_since_ns = 0
        self._looked_at_ns = 0

    def open(self) -> Origin:
        """The first rate and channel count that the device takes."""
        try:
            device = find_device(list_devices(), self._settings.device)
        except LookupError as error:
            raise SourceEndedError(str(error), final=False) from error
        self._stream, rate, channels = self._start(device)
        self._rate = rate
        self._clock = SampleClock(rate)
        self._quiet_since_ns = self._looked_at_ns = time.monotonic_ns()
        return Origin(description=device.name, rate=rate, channels=channels, paced=True)

    def _start(self, device: Device) -> tuple[Any, int, int]:
        sd = import_sounddevice()
        tried: list[str] = []
        for rate, channels in ladder(device, self._settings.channel):
            self._channels = channels
            self._ring = Ring(round(KEPT_S * rate), channels)
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

    def _on_block(self, frames: Frames, count: int, _time: object, status: Any) -> None:
        self._ring.write(frames[:, 0] if self._channels == 1 else frames)
        self._progress = (self._progress[0] + count, time.monotonic_ns())
        if status.input_overflow:
            self._overflows += 1
        self._wakeup.ring()

    def _on_finished(self) -> None:
        self._finished = True
        self._wakeup.ring()

    def fileno(self) -> int | None:
        """Rung by the callback."""
        return self._wakeup.read_fd

    def due_in_s(self, now_ns: int) -> float:
        """A stopped device rings nothing."""
        return max(0.0, LOOK_S - (now_ns - self._looked_at_ns) / NS)

    def read(self, now_ns: int) -> Chunk | None:
        """At most `LARGEST_CHUNK_S` of what the callback has left in the ring."""
        self._wakeup.drain()
        if now_ns - self._looked_at_ns > 2 * LOOK_S * NS:
            self._quiet_since_ns = now_ns  # it was this process that stood still
        self._looked_at_ns = now_ns
        received, at_ns = self._progress
        if received == self._cursor:
            self._check_alive(now_ns)
            return None
        reason = self._note_arrival(received, at_ns)
        return self._take(received, reason)

    def _note_arrival(self, received: int, at_ns: int) -> LossReason | None:
        if self._cursor and at_ns - self._quiet_since_ns > NOTICED_STALL_S * NS:
            self._stalls += 1
        self._quiet_since_ns = max(self._quiet_since_ns, at_ns)
        overflowed = self._overflows > self._flagged
        if overflowed:
            self._flagged = self._overflows
            self._clock.flag()
        flagged = self._clock.flagged
        lost = self._clock.on_samples(received + self._lost, at_ns / NS)
        self._lost += lost
        if not lost:
            return None
        return "overflow" if flagged else "clock"

    def _take(self, received: int, reason: LossReason | None) -> Chunk:
        count = min(received - self._cursor, round(LARGEST_CHUNK_S * self._rate))
        while True:
            try:
                frames = self._ring.read(self._cursor, count)
                break
            except OverrunError as overrun:
                # Half a second of room, so that the callback does not overtake the next read at once.
                self._cursor = min(overrun.oldest + self._rate // 2, received)
                count = min(received - self._cursor, round(LARGEST_CHUNK_S * self._rate))
                reason = "overrun"
        position = self._cursor + self._lost
        self._cursor += count
        return Chunk(position, frames.reshape(count, self._channels), reason)

    def _check_alive(self, now_ns: int) -> None:
        quiet_s = (now_ns - self._quiet_since_ns) / NS
        if self._finished or not self._stream.active:
            raise SourceEndedError(
                "the device stopped: unplugged, or its sound server went away", final=False
            )
        if self._cursor == 0 and quiet_s > FIRST_SAMPLE_WITHIN_S:
            raise SourceEndedError(
                f"the device opened but gave no sample within {quiet_s:.1f} s", final=False
            )
        if self._cursor > 0 and quiet_s > self._settings.stall_after_s:
            raise SourceEndedError(
                f"the device stopped delivering ({quiet_s:.1f} s without a sample)", final=False
            )

    def health(self, now_ns: int) -> Health:
        """Counters, and how far the samples are behind the clock."""
        return Health(self._overflows, self._stalls, self._clock.lag_s(now_ns / NS))


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
