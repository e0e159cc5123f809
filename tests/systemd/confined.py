"""Commands in a second service that is confined as ours is: what a unit denies is tried, not read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.systemd.machine import Machine

OURS = ("ExecStart=", "ExecReload=", "Type=", "NotifyAccess=", "WatchdogSec=", "Restart", "RuntimeDirectory")
# what belongs to the program and not to how it is confined


def within(machine: Machine, unit: str, commands: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Their exit statuses and what they say."""
    text = machine.path(f"/etc/systemd/system/{unit}.service").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(OURS)]
    probe = ["Type=oneshot", "RemainAfterExit=yes", "ReadWritePaths=-/run/earwitness"]
    probe += ["ExecStart=/bin/sh /usr/local/probe.sh", "StandardOutput=truncate:/run/probe.said"]
    at = lines.index("[Service]") + 1
    probe_unit = machine.path("/run/systemd/system/probe.service")
    probe_unit.write_text("\n".join([*lines[:at], *probe, *lines[at:], ""]), encoding="utf-8")
    script = "".join(f"( {command} ) 2>&1\necho @@ $?\n" for command in commands)
    machine.path("/usr/local/probe.sh").write_text(script, encoding="utf-8")
    machine.does("systemctl", "daemon-reload")
    machine.does("systemctl", "restart", "probe")
    said = machine.path("/run/probe.said").read_text(encoding="utf-8")
    machine.does("systemctl", "stop", "probe")
    parts = re.findall(r"(.*?)^@@ (\d+)$", said, re.DOTALL | re.MULTILINE)
    assert len(parts) == len(commands), said
    return {command: (int(ended), text) for command, (text, ended) in zip(commands, parts, strict=True)}
