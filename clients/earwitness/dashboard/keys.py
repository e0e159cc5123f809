"""Turns what a terminal sends into names of keys: pure."""

from __future__ import annotations

from collections.abc import Iterator

NAMED = {
    b"\x1b[5~": "page_up",
    b"\x1b[6~": "page_down",
    b"\x1b[A": "page_up",
    b"\x1bOA": "page_up",
    b"\x1b[B": "page_down",
    b"\x1bOB": "page_down",
    b"\x1b[H": "home",
    b"\x1bOH": "home",
    b"\x1b[1~": "home",
    b"\x1b[F": "end",
    b"\x1bOF": "end",
    b"\x1b[4~": "end",
    b"\r": "enter",
    b"\n": "enter",
    b"\x7f": "backspace",
    b"\x08": "backspace",
    b"\x03": "quit",
    b"\x04": "quit",
}
ESCAPE = 0x1B


def keys_of(sent: bytes) -> Iterator[str]:
    """One after the other: a character, or a name; an escape sequence that nobody knows is skipped whole."""
    while sent:
        known = next((code for code in NAMED if sent.startswith(code)), None)
        if known is not None:
            yield NAMED[known]
            sent = sent[len(known) :]
        elif sent[0] != ESCAPE:
            text, sent = _character(sent)
            yield from text
        elif len(sent) == 1:
            yield "escape"
            sent = b""
        else:
            sent = _after_sequence(sent[1:])


def _character(sent: bytes) -> tuple[str, bytes]:
    """The first one, as UTF-8; what is none, and control characters, are left out."""
    width = next((width for lead, width in ((0xF0, 4), (0xE0, 3), (0xC0, 2)) if sent[0] >= lead), 1)
    try:
        text = sent[:width].decode()
    except UnicodeDecodeError:
        return "", sent[1:]
    return (text if text.isprintable() else ""), sent[width:]


def _after_sequence(sent: bytes) -> bytes:
    """What follows an escape sequence: it ends with a letter or a tilde."""
    body = sent[1:] if sent[:1] in (b"[", b"O") else sent
    end = next((at for at, byte in enumerate(body) if 0x40 <= byte <= 0x7E), len(body) - 1)
    return body[end + 1 :]
