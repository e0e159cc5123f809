"""A whole daemon whose windows are embedded by a gate elsewhere, which goes and comes back."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earwitness.events import EngineDegraded, EngineRestored, Heartbeat, RemoteState, WindowScored
from earwitnessd.checks import examine
from earwitnessd.demo.conversation import FOLDER, load_conversation
from earwitnessd.engines import Embedder, open_embedder
from earwitnessd.engines.remote.opening import identity_of
from earwitnessd.engines.remote.wire import from_int16
from earwitnessd.models import open_model
from earwitnessd.serving.gate import Gate
from earwitnessd.serving.work import Answered, Asked
from earwitnessd.settings.load import load
from tests.daemon.harness import Daemon


class Rack:
    """A gate with an engine that can be closed and opened again at its address."""

    def __init__(self, model: str, folder: str) -> None:
        found = open_model(model)
        self.identity = identity_of(found)
        self.engine: Embedder = open_embedder(found, "cpu", 1)
        self.address = f"ipc://{folder}/rack"
        self.open()

    def open(self) -> None:
        self.gate = Gate(self.address, self.identity, self._compute, workers=1)

    def _compute(self, asked: Asked) -> Answered:
        vectors = self.engine.embed(from_int16(asked.samples))
        return Answered(vectors, self.identity, self.engine.device)


@pytest.fixture
def rack(tiny_model: str) -> Iterator[Rack]:
    with tempfile.TemporaryDirectory(prefix="ew") as folder:
        opened = Rack(tiny_model, folder)
        yield opened
        opened.gate.close()


def settings(rack: Rack, tiny_model: str, recording: str, **more: object) -> dict[str, Any]:
    return {
        "model": tiny_model,
        "engine": {"remote": {"addresses": [rack.address], **more}},
        "windows": {"hop_s": 0.2},
        "streams": {"desk": {"source": "file", "path": recording, "loop": True}},
    }


def enrol(daemon: Daemon) -> None:
    first = load_conversation().enrolments[0]
    daemon.control.enroll_audio(first.speaker, FOLDER / first.file)


def remote_of(beat: Heartbeat) -> RemoteState:
    assert beat.engine.remote is not None
    return beat.engine.remote


def adds_up(beat: Heartbeat) -> bool:
    told = remote_of(beat)
    return beat.engine.windows == told.windows + told.windows_local + told.windows_dropped


@pytest.mark.slow
def test_the_gate_goes_and_comes_back_and_no_window_is_missing(
    tmp_path: Path, rack: Rack, tiny_model: str, recording: str
) -> None:
    with Daemon(tmp_path, settings(rack, tiny_model, recording)) as daemon:
        enrol(daemon)
        beat = daemon.heartbeat(lambda beat: remote_of(beat).windows > 12)
        assert rack.address in beat.engine.device
        assert (remote_of(beat).windows_local, beat.engine.degraded) == (0, "")
        rack.gate.close()
        seen = daemon.collect_until(EngineDegraded)
        assert isinstance(seen[-1], EngineDegraded)
        assert seen[-1].reason == f"no connection to {rack.address}" or "broke" in seen[-1].reason
        assert "in place of" in seen[-1].device
        seen += daemon.collect_until(Heartbeat, lambda beat: bool(beat.engine.degraded))
        rack.open()
        seen += daemon.collect_until(EngineRestored)
        before = remote_of(daemon.heartbeat()).windows
        beat = daemon.heartbeat(lambda beat: remote_of(beat).windows > before + 3)
    told = remote_of(beat)
    assert adds_up(beat)
    assert told.windows_local >= 3
    assert told.windows_dropped == beat.streams[0].windows_unembedded == beat.streams[0].windows_skipped == 0
    assert told.failures >= 3
    starts = [event.start for event in seen if isinstance(event, WindowScored)]
    assert {after - before for before, after in itertools.pairwise(starts)} == {3200}


def test_check_says_whether_the_gate_serves_this_model(rack: Rack, tiny_model: str) -> None:
    found = load(None, [f"model={tiny_model}", f"engine.remote.addresses=['{rack.address}']"])
    there = next(each for each in examine(found) if each.subject == "remote")
    assert (there.fine, there.says) == (True, f"{rack.address} serves this model")
    rack.gate.close()
    gone = next(each for each in examine(found) if each.subject == "remote")
    assert (gone.fine, gone.says) == (False, f"nobody answers at {rack.address}")


def test_without_a_local_engine_missing_windows_are_named_and_torch_is_not_loaded(
    tmp_path: Path, rack: Rack, tiny_model: str, recording: str
) -> None:
    with Daemon(tmp_path, settings(rack, tiny_model, recording, fallback="none")) as daemon:
        enrol(daemon)
        daemon.wait_for(WindowScored, lambda event: bool(event.scores))
        assert "libtorch" not in Path(f"/proc/{daemon.pid}/maps").read_text(encoding="utf-8")
        rack.gate.close()
        missed = daemon.wait_for(WindowScored, lambda event: "not_embedded" in event.inconclusive)
        assert missed.scores == []
        beat = daemon.heartbeat(lambda beat: beat.streams[0].windows_unembedded > 2)
        assert beat.engine.device.startswith("nothing, in place of")
        assert beat.streams[0].windows_unembedded == remote_of(beat).windows_dropped
        assert adds_up(beat)
        rack.open()
        daemon.wait_for(EngineRestored)
        daemon.wait_for(WindowScored, lambda event: bool(event.scores))
