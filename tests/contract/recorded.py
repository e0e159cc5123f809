"""What version 1 looked like when it was made; `python -m tests.contract.recorded` keeps what is new.

A file that is there is never written again: it stands for the subscribers and daemons of its day.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from earwitness.events import SCHEMA, encode
from earwitness.schema import examples

FOLDER = Path(__file__).parent / f"v{SCHEMA}"
COMMAND = "python -m tests.contract.recorded"


def of_today() -> dict[Path, bytes]:
    """Every event's body, and every method's request and reply, by the file that keeps it."""
    events = {FOLDER / f"{event.type}.json": encode(event) for event in examples.EVENTS}
    control = {
        FOLDER / "control" / f"{method.method}.json": _exchange(
            examples.request(method), examples.reply(result)
        )
        for method, result in examples.CONTROL
    }
    return events | control


def _exchange(request: dict[str, Any], reply: dict[str, Any]) -> bytes:
    return json.dumps({"request": request, "reply": reply}, ensure_ascii=False).encode()


if __name__ == "__main__":
    for file, body in of_today().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_bytes(body + b"\n")
