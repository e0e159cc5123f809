"""Makes the README's picture: the demo in a real terminal, caught while the stranger speaks."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tests.terminal_png import draw, screen_of

WIDTH, HEIGHT = 100, 30
MOMENT = "unknown voice"  # on the stream's own line
WITHIN_S = 120
PICTURE = Path(__file__).parent / "dashboard.png"


def main() -> None:
    """Run the demo in tmux until the moment has come, and draw what is on the screen."""
    session = f"earwitness-picture-{os.getpid()}"
    demo = shlex.join([sys.executable, "-m", "earwitnessd", "demo"])
    command = f"LANG=C.UTF-8 TERM=tmux-256color COLORTERM=truecolor {demo}"
    subprocess.run(
        ["tmux", "new-session", "-d", "-s", session, "-x", str(WIDTH), "-y", str(HEIGHT), command], check=True
    )
    try:
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline:
            screen = _capture(session)
            if MOMENT in "\n".join(screen.splitlines()[:8]):
                time.sleep(1.5)  # until the score rows show it too
                draw(screen_of(_capture(session), WIDTH, HEIGHT)).save(PICTURE)
                print(PICTURE)
                return
            time.sleep(0.2)
        raise SystemExit(f"{MOMENT!r} was not seen within {WITHIN_S} s")
    finally:
        subprocess.run(["tmux", "kill-session", "-t", session], check=False)


def _capture(session: str) -> str:
    done = subprocess.run(
        ["tmux", "capture-pane", "-e", "-p", "-t", session], capture_output=True, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
