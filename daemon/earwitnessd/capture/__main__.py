"""`python -m earwitnessd.capture JOB` captures a source; `--list-devices` and `--probe SOURCE` print JSON."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys

import msgspec

from earwitnessd.capture.devices import Listing, list_devices
from earwitnessd.capture.job import Exit, Job
from earwitnessd.capture.lifeline import die_with_parent
from earwitnessd.capture.missing import Missing
from earwitnessd.capture.outbox import Outbox
from earwitnessd.capture.process import CaptureProcess
from earwitnessd.capture.source import AudioSource, SourceEndedError
from earwitnessd.settings import sources

PROBE_S = 1.0


def make_source(settings: sources.LocalSource) -> AudioSource:
    """The implementation that the settings ask for; each loads its library only now."""
    match settings:
        case sources.Microphone():
            from earwitnessd.capture.microphone import Microphone  # noqa: PLC0415  # not needed for files

            return Microphone(settings)
        case sources.FileReplay():
            try:
                from earwitnessd.capture.file import FileReplay  # noqa: PLC0415  # libsndfile
            except ImportError as error:  # a satellite has no use for it
                return Missing("a recording", error)
            return FileReplay(settings)
        case sources.Pipe():
            from earwitnessd.capture.pipe import Pipe  # noqa: PLC0415  # as its siblings

            return Pipe(settings)


def print_devices() -> Exit:
    """One JSON object on standard output."""
    try:
        listing = Listing(devices=list_devices())
    except SourceEndedError as error:
        listing = Listing(devices=[], error=error.reason)
    sys.stdout.buffer.write(msgspec.json.encode(listing) + b"\n")
    sys.stdout.flush()
    return Exit.UNUSABLE if listing.error else Exit.FINISHED


def print_probe(text: str) -> Exit:
    """What comes of a source within a second."""
    from earwitnessd.capture.probe import probe  # noqa: PLC0415  # as its siblings

    source = make_source(msgspec.json.decode(text, type=sources.LocalSource))
    found = probe(source, PROBE_S)
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.flush()
    return Exit.UNUSABLE if found.error else Exit.FINISHED


def main(arguments: list[str]) -> Exit:
    """Run what the one argument says."""
    if arguments == ["--list-devices"]:
        return print_devices()
    if arguments[:1] == ["--probe"]:
        return print_probe(arguments[1])
    try:
        (text,) = arguments
        job = msgspec.json.decode(text, type=Job)
    except (ValueError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"usage: python -m earwitnessd.capture JOB-AS-JSON | --list-devices ({error})\n")
        return Exit.USAGE
    faulthandler.enable()
    # The daemon decides when to stop; a Ctrl-C in its terminal reaches us, too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    if not die_with_parent(job.parent_pid):
        return Exit.ORPHANED
    try:
        outbox = Outbox(job.audio)
    except OSError as error:
        sys.stderr.write(f"nobody takes audio at {job.audio}: {error.strerror}\n")
        return Exit.LOST
    return CaptureProcess(job, make_source(job.source), outbox).run()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # Not sys.exit: PortAudio's and sounddevice's own clean-up at exit hangs on a dead stream.
    os._exit(status)
