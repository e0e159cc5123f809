"""The capture process: takes chunks from one source, makes them 16 kHz mono, tells the engine everything."""

from __future__ import annotations

import logging
import select
import signal
import time

from earwitnessd.capture.gathering import Gathering
from earwitnessd.capture.hint import SpeechHint
from earwitnessd.capture.hush import Hush
from earwitnessd.capture.job import Exit, Job, Pulse
from earwitnessd.capture.lifeline import Heartbeat, orphaned
from earwitnessd.capture.messages import Alive, Audio, Ended, Lost, Opened, Samples
from earwitnessd.capture.outbox import Outbox
from earwitnessd.capture.resample import Resampler, silence_unusable, to_mono
from earwitnessd.capture.source import AudioSource, Chunk, Origin, SourceEndedError
from earwitnessd.capture.words import STOPPED
from earwitnessd.wakeup import Wakeup

ALIVE_EVERY_S = 1.1
ALIVE_EARLY_S = 0.2  # with audio it goes so much sooner: then nobody is woken twice
CHUNKS_A_TURN = 8  # then look at the signals and the heartbeat again
HAND_OVER_LIVE_S = 0.3
HAND_OVER_RECORDING_S = 60.0  # what has an end loses nothing, however slow the engine
NS = 1_000_000_000

log = logging.getLogger(__name__)


class CaptureProcess:
    """Everything here belongs to the main thread."""

    def __init__(self, job: Job, source: AudioSource, outbox: Outbox) -> None:
        self._job = job
        self._source = source
        self._outbox = outbox
        self._heartbeat = Heartbeat(job.pulse_fd)
        self._hint = SpeechHint(job.speech_fd)
        self._hush = Hush() if job.manner.speech_only else None
        self._wakeup = Wakeup()
        self._terminated = False
        self._listening = False
        self._alive_due_ns = 0
        self._zero_frames = 0
        self._unusable = 0

    def run(self) -> Exit:
        """Until the source ends, SIGTERM, or the parent is gone."""
        try:
            self._origin = self._source.open()
            self._resampler = Resampler(self._origin.rate)
            self._gathering = Gathering(self._origin.rate, self._resampler, self._job.cadence)
            # Until here SIGTERM just kills: there is nothing to say yet, and opening a device can hang.
            signal.set_wakeup_fd(self._wakeup.write_fd, warn_on_full_buffer=False)
            signal.signal(signal.SIGTERM, self._on_sigterm)
            return self._listen()
        except SourceEndedError as ended:
            return self._end(ended)

    def _on_sigterm(self, _signum: int, _frame: object) -> None:
        self._terminated = True

    def _listen(self) -> Exit:
        while not self._terminated:
            if orphaned(self._job.parent_pid):
                return Exit.ORPHANED
            self._wait()
            self._outbox.pump()
            if self._outbox.gone:
                raise SourceEndedError("the engine takes no more audio", final=False)
            self._take_chunks()
            self._tell_alive()
        self._end(SourceEndedError(STOPPED, final=False, failed=False))
        return Exit.STOPPED

    def _wait(self) -> None:
        now_ns = time.monotonic_ns()
        timeout_s = max(0.0, (self._alive_due_ns - now_ns) / NS)
        poll = select.poll()
        poll.register(self._wakeup.read_fd, select.POLLIN)
        if self._hint.fd is not None:
            poll.register(self._hint.fd, select.POLLIN)
        if self._outbox.blocked:
            poll.register(self._outbox, select.POLLOUT)
        else:
            wanted = self._gathering.worth_waking() if self._origin.paced and self._listening else 1
            timeout_s = min(
                timeout_s, self._source.due_in_s(now_ns, wanted), self._gathering.due_in_s(now_ns)
            )
            if (fd := self._source.fileno()) is not None:
                poll.register(fd, select.POLLIN)
        poll.poll(timeout_s * 1000.0)
        self._wakeup.drain()
        self._gathering.speaking = self._hint.read()

    def _take_chunks(self) -> None:
        for _ in range(CHUNKS_A_TURN):
            if self._outbox.blocked or self._terminated:
                return
            now_ns = time.monotonic_ns()
            chunk = self._source.read(now_ns)
            if chunk is not None:
                self._take(chunk, now_ns)
            if self._gathering.ripe(now_ns) or not self._origin.paced:
                self._hand_on()
                self._tell_alive(early_ns=round(ALIVE_EARLY_S * NS))
            if chunk is None:
                return

    def _take(self, chunk: Chunk, now_ns: int) -> None:
        if not self._listening:
            self._listening = True
            self._outbox.offer(self._opened(self._origin))
            self._alive_due_ns = 0
            self._tell_alive()
        if chunk.position != self._gathering.end:
            self._jump(chunk)
        self._gathering.add(chunk, now_ns)

    def _hand_on(self) -> None:
        """What was gathered, as one message."""
        if not self._gathering:
            return
        frames, unusable = silence_unusable(self._gathering.take())
        self._unusable += unusable
        mono = to_mono(frames, self._job.source.channel)
        self._zero_frames = 0 if mono.any() else self._zero_frames + len(mono)
        position = self._resampler.position
        self._tell_audio(position, self._resampler.push(mono), self._gathering.captured_ns, unusable)

    def _jump(self, chunk: Chunk) -> None:
        self._flush()
        first_lost = self._resampler.position
        self._resampler.start_at(chunk.position)
        self._gathering.begin_at(chunk.position)
        self._outbox.offer(
            Lost(
                stream=self._job.stream,
                stream_id=self._job.stream_id,
                monotonic_ns=time.monotonic_ns(),
                position=first_lost,
                samples=self._resampler.position - first_lost,
                reason=chunk.lost or "clock",
            )
        )

    def _flush(self) -> None:
        """Everything that waits anywhere: this run is over."""
        self._hand_on()
        position = self._resampler.position
        self._tell_audio(position, self._resampler.flush(), time.monotonic_ns())
        if self._hush:
            for silent, _ in self._hush.flush():
                self._outbox.offer(silent)

    def _tell_audio(self, position: int, samples: Samples, captured_ns: int, unusable: int = 0) -> None:
        if len(samples) == 0:
            return
        message = Audio(
            stream=self._job.stream,
            stream_id=self._job.stream_id,
            monotonic_ns=captured_ns,
            position=position,
            unusable=unusable,
            encoding=self._job.manner.encoding,
        )
        for said, block in self._hush.push(message, samples) if self._hush else [(message, samples)]:
            self._outbox.offer(said, block)

    def _opened(self, origin: Origin) -> Opened:
        return Opened(
            stream=self._job.stream,
            stream_id=self._job.stream_id,
            monotonic_ns=time.monotonic_ns(),
            description=origin.description,
            native_rate=origin.rate,
            native_channels=origin.channels,
            paced=origin.paced,
            duration_s=origin.duration_s,
        )

    def _tell_alive(self, early_ns: int = 0) -> None:
        now_ns = time.monotonic_ns()
        if now_ns + early_ns < self._alive_due_ns:
            return
        self._alive_due_ns = now_ns + round(ALIVE_EVERY_S * NS)
        self._heartbeat.beat(Pulse.LISTENING if self._listening else Pulse.WAITING)
        if not self._outbox.blocked:
            self._outbox.offer(self._alive(now_ns))

    def _alive(self, now_ns: int) -> Alive:
        health = self._source.health(now_ns)
        return Alive(
            stream=self._job.stream,
            stream_id=self._job.stream_id,
            monotonic_ns=now_ns,
            overflows=health.overflows,
            stalls=health.stalls,
            zero_run_s=self._zero_frames / self._origin.rate,
            clock_lag_ms=health.clock_lag_s * 1000,
            unusable_samples=self._unusable,
        )

    def _end(self, ended: SourceEndedError) -> Exit:
        # The source is not closed: closing a dead PortAudio stream may hang or abort, exiting does neither.
        if self._listening:
            self._flush()
            self._outbox.offer(self._alive(time.monotonic_ns()))  # what was counted since the last
        self._heartbeat.last_words(ended.reason)
        self._outbox.offer(
            Ended(
                stream=self._job.stream,
                stream_id=self._job.stream_id,
                monotonic_ns=time.monotonic_ns(),
                reason=ended.reason,
                final=ended.final,
                position=self._resampler.position if self._listening else 0,
            )
        )
        complete = not self._terminated and (ended.final or not ended.failed)
        limit_s = HAND_OVER_RECORDING_S if complete else HAND_OVER_LIVE_S
        if not self._outbox.close(limit_s, lambda: self._heartbeat.beat(Pulse.ENDING)):
            log.warning("the engine did not take the last of %s", self._job.stream_id)
        if not ended.final:
            return Exit.LOST
        return Exit.UNUSABLE if ended.failed else Exit.FINISHED
