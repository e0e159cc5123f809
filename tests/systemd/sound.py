"""A sound server inside a throw-away machine, whose microphone we feed from outside."""

from __future__ import annotations

from pathlib import Path

from tests.systemd.machine import Machine, wait_until
from tests.virtual_microphone import ASOUND_CONF, NAME, PULSE_SCRIPT, VirtualMicrophone

FOLDER = "/run/sound"
SCRIPT = f"--realtime=no -F {FOLDER}/earwitness.pa"
UNIT = f"""\
[Service]
Type=exec
Environment=HOME={FOLDER} XDG_RUNTIME_DIR={FOLDER}
ExecStart=/usr/bin/pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no {SCRIPT}
"""
FOR_PROGRAMS = f"PULSE_SERVER=unix:{FOLDER}/pulse.sock ALSA_CONFIG_PATH={FOLDER}/asound.conf"
# what a unit's Environment= needs in order to hear it
STARTS_WITHIN_S = 20.0


class MachineMicrophone(VirtualMicrophone):
    """The machine's own; a server of the whole system, as on a box without a desktop."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(Path(machine.path(FOLDER)))
        self._machine = machine

    def _start_server(self) -> None:
        self._folder.mkdir(mode=0o755, exist_ok=True)
        (self._folder / "asound.conf").write_text(ASOUND_CONF)
        (self._folder / "earwitness.pa").write_text(PULSE_SCRIPT.format(folder=FOLDER, name=NAME))
        self._machine.path("/run/systemd/system/sound.service").write_text(UNIT)
        self._machine.does("systemctl", "daemon-reload")
        self._machine.does("systemctl", "start", "sound")
        wait_until(self._answers, STARTS_WITHIN_S, self._machine.journal_text)

    def _answers(self) -> bool:
        asked = ("env", f"PULSE_SERVER=unix:{FOLDER}/pulse.sock", "pactl", "list", "short", "sources")
        return NAME in self._machine.run(*asked).stdout
