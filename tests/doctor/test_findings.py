from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from earwitness.events import StreamState
from earwitness.schema.examples import HEARTBEAT
from earwitnessd.access.sockets import Endpoints
from earwitnessd.capture.probe import Probe
from earwitnessd.doctor.access import access
from earwitnessd.doctor.clock import clock
from earwitnessd.doctor.disk import disk, judged
from earwitnessd.doctor.finding import Finding, worst
from earwitnessd.doctor.parts import of_device, of_gate, of_people, template_key
from earwitnessd.doctor.sound import sound_cards
from earwitnessd.doctor.streams import of_probe, of_running, streams
from earwitnessd.doctor.unit import judged as judged_unit
from earwitnessd.doctor.unit import unit
from earwitnessd.install.places import users_places
from earwitnessd.kernel_clock import UNSYNCHRONISED, kernel_status
from earwitnessd.settings.root import Settings
from earwitnessd.settings.sources import FileReplay, Pipe
from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.speech import open_gate
from earwitnessd.speech.silero import PackagedNetwork, SileroGate
from earwitnessd.templates.key import TemplateKey
from earwitnessd.templates.key_file import KeyPlace, write_key
from tests.daemon.conftest import recording

__all__ = ["recording"]
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_the_worst_finding_counts() -> None:
    ok, note, wrong = (Finding("x", verdict, "") for verdict in ("ok", "note", "wrong"))
    assert worst([ok, ok]) == "ok"
    assert worst([ok, note]) == "note"
    assert worst([wrong, note, ok]) == "wrong"


def test_sessions_that_do_not_open_are_wrong_and_named_by_their_number() -> None:
    assert of_people(HEARTBEAT).verdict != "wrong"
    found = of_people(msgspec.structs.replace(HEARTBEAT, sessions_unreadable=2))
    assert found.verdict == "wrong"
    assert "2 sessions of theirs do not open" in found.says
    assert found.fix.startswith("earwitness profiles show NAME")


def test_a_clock_without_a_battery_is_wrong_and_one_that_drifts_is_noted() -> None:
    assert clock(datetime(1970, 1, 1, 0, 3, tzinfo=UTC), 0).verdict == "wrong"
    assert clock(NOW, UNSYNCHRONISED).verdict == "note"
    assert clock(NOW, 0).verdict == "ok"
    assert clock(NOW, None).verdict == "note"


def test_the_kernel_tells_of_its_clock() -> None:
    assert kernel_status() is not None


@pytest.mark.parametrize(("free_mb", "verdict"), [(10.0, "wrong"), (100.0, "note"), (5000.0, "ok")])
def test_a_disk_without_room_is_told(free_mb: float, verdict: str) -> None:
    assert judged(Path("/x"), free_mb, read_only=False).verdict == verdict


def test_a_read_only_disk_is_wrong_however_much_room_there_is(tmp_path: Path) -> None:
    assert judged(Path("/x"), 5000.0, read_only=True).verdict == "wrong"
    assert "GB free" in disk(tmp_path / "not" / "there" / "yet").says


def test_a_recording_is_opened_for_a_second_and_its_level_told(recording: str) -> None:
    settings = Settings(streams={"talk": FileReplay(path=recording)})
    (found,) = streams(settings, None)
    assert found.verdict == "ok"
    assert "16000 Hz x 1" in found.says
    assert "dBFS" in found.says


def test_a_source_that_is_not_there_is_wrong_and_says_what_mends_it(tmp_path: Path) -> None:
    settings = Settings(
        streams={"a": FileReplay(path=str(tmp_path / "no.wav")), "b": Pipe(path=str(tmp_path / "fifo"))}
    )
    for found in streams(settings, None):
        assert found.verdict == "wrong"
        assert found.fix


def test_a_muted_microphone_and_one_that_clips_are_told() -> None:
    def heard(level_dbfs: float, peak_dbfs: float) -> Finding:
        probe = Probe(device="USB", rate=48_000, channels=2, level_dbfs=level_dbfs, peak_dbfs=peak_dbfs)
        return of_probe("stream mic", probe, microphone=True)

    assert heard(-120.0, -120.0).verdict == "wrong"
    assert heard(-10.0, 0.0).verdict == "note"
    assert heard(-40.0, -20.0) == Finding("stream mic", "ok", "USB, 48000 Hz x 2, -40 dBFS")


def test_what_the_running_daemon_says_of_a_stream_is_believed() -> None:
    state: StreamState = HEARTBEAT.streams[0]
    assert of_running("stream mic", state).verdict == "ok"


def test_a_gpu_that_lies_idle_is_noted_unless_the_cpu_was_asked_for() -> None:
    assert of_device("cpu (3 threads)", gpus=1, wanted="auto").verdict == "note"
    assert of_device("cpu (3 threads)", gpus=1, wanted="cpu").verdict == "ok"
    assert of_device("cpu (3 threads)", gpus=0, wanted="auto").verdict == "ok"
    assert of_device("cuda:0 (H200)", gpus=1, wanted="auto").verdict == "ok"


def test_the_cards_are_read_from_the_kernel(tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    cards.write_text(
        " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n"
        "                      HDA Intel PCH at 0xf7f10000 irq 34\n"
        " 1 [door           ]: USB-Audio - Jabra SPEAK 510 USB\n"
    )
    (found,) = sound_cards("root", cards)
    assert found.says == "HDA-Intel - HDA Intel PCH; USB-Audio - Jabra SPEAK 510 USB"
    (absent,) = sound_cards("root", tmp_path / "none")
    assert absent.verdict == "note"


def test_a_template_key_is_told_by_its_id_never_by_its_content(tmp_path: Path) -> None:
    file, key = tmp_path / "template.key", TemplateKey.new()
    write_key(file, key)
    found = template_key(KeyPlace(file), enrolled=True)
    assert found.verdict == "ok"
    assert key.id in found.says
    assert key.text().strip() not in found.says
    assert template_key(KeyPlace(file, beside=True), enrolled=True).verdict == "note"
    file.chmod(0o644)
    assert template_key(KeyPlace(file), enrolled=True).verdict == "wrong"
    file.unlink()
    assert template_key(KeyPlace(file), enrolled=True).verdict == "wrong"
    assert template_key(KeyPlace(file), enrolled=False).verdict == "ok"


def test_a_socket_that_everybody_may_use_is_wrong(tmp_path: Path) -> None:
    for name, mode in (("events", 0o666), ("control", 0o660)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    endpoints = Endpoints(events=f"ipc://{tmp_path}/events", control=f"ipc://{tmp_path}/control")
    events, control = access(Settings(), endpoints, None)
    assert (events.verdict, events.fix) == ("wrong", f"chmod o= {tmp_path}/events")
    assert control.verdict == "note"  # left behind


def test_the_state_of_the_unit_is_judged() -> None:
    fine = {"ActiveState": "active", "SubState": "running", "UnitFileState": "enabled", "NRestarts": "0"}
    assert (
        judged_unit({**fine, "StatusText": "mic listens"}, user=False).says == "active (running): mic listens"
    )
    assert (
        judged_unit({**fine, "UnitFileState": "disabled"}, user=False).fix == "systemctl enable earwitnessd"
    )
    failed = {**fine, "ActiveState": "failed", "Result": "watchdog", "NRestarts": "10"}
    found = judged_unit(failed, user=True)
    assert found.verdict == "wrong"
    assert "started again 10 times" in found.says
    assert "systemctl --user" in found.fix


def test_a_unit_of_another_version_is_told(tmp_path: Path) -> None:
    places = users_places({"XDG_CONFIG_HOME": str(tmp_path)}, tmp_path)
    (absent,) = unit(places, {places.unit: "new"})
    assert (absent.verdict, absent.fix) == ("note", "earwitnessd install")
    places.unit.parent.mkdir(parents=True)
    places.unit.write_text("old")
    first, *_ = unit(places, {places.unit: "new"})
    assert (first.subject, first.verdict) == ("units", "wrong")
    places.unit.write_text("new")
    first, *_ = unit(places, {places.unit: "new"})
    assert first.verdict == "ok"
    assert os.access(places.unit, os.R_OK)


def test_a_cpus_tiles_that_lie_idle_are_worth_a_word() -> None:
    idle = of_device("cpu (3 threads), float32", gpus=0, wanted="auto", tiles=True)
    assert idle.verdict == "note"
    assert "has AMX" in idle.says
    assert "gcc" in idle.fix
    for says in ("float32 on AMX", "float32 (AMX: no gain)"):
        assert of_device(f"cpu (3 threads), {says}", gpus=0, wanted="auto", tiles=True).verdict == "ok"
    assert of_device("cpu (3 threads), float32", gpus=0, wanted="auto").verdict == "ok"


def test_a_speech_gate_that_could_not_be_compiled_is_worth_a_word() -> None:
    slow = of_gate(SileroGate(PackagedNetwork()))
    assert slow.verdict == "note"
    assert "gcc" in slow.fix
    assert of_gate(open_gate(SpeechGateSettings(type="energy"))).verdict == "ok"
