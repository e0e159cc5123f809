"""What there is to record from: sound server, sound cards, and the right to use them."""

from __future__ import annotations

import grp
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from earwitnessd.doctor.finding import Finding

CARDS = Path("/proc/asound/cards")
SYSTEM_PULSE = Path("/run/pulse/native")


def sound_server(environ: Mapping[str, str]) -> Finding:
    """Which one answers this user, by its socket."""
    session = Path(environ.get("XDG_RUNTIME_DIR") or "/nowhere")
    sockets = {
        "PipeWire": session / "pipewire-0",
        "PulseAudio": session / "pulse" / "native",
        "PulseAudio for the whole system": SYSTEM_PULSE,
    }
    found = [name for name, socket in sockets.items() if socket.is_socket()]
    if asked := environ.get("PULSE_SERVER"):
        found.append(f"PULSE_SERVER = {asked}")
    return Finding("sound server", "ok", ", ".join(found) or "none; microphones are opened by ALSA itself")


def sound_cards(user: str, cards: Path = CARDS) -> Iterator[Finding]:
    """By the kernel's word; and whether the daemon's user may open them."""
    try:
        lines = cards.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition("]: ")[2].strip() for line in lines if "]: " in line]
    if not names:
        yield Finding(
            "sound cards", "note", "the kernel knows none", "plug one in; lsusb and dmesg tell if it is seen"
        )
        return
    yield Finding("sound cards", "ok", "; ".join(names))
    if user != "root" and not _is_in("audio", user):
        yield Finding(
            "group audio",
            "note",
            f"{user} is not in it, and so may not open sound cards without a sound server",
            f"usermod -aG audio {user}, then log in again",
        )


def _is_in(group: str, user: str) -> bool:
    try:
        found = grp.getgrnam(group)
    except KeyError:
        return True  # this system has another way
    return user in found.gr_mem or (os.getegid() == found.gr_gid)
