"""What decides in the commands has no socket, file, thread or clock."""

from __future__ import annotations

import pytest

from tests.test_architecture import CLIENT, IMPURE, imports_any

PURE = [
    "checking.py",
    "durations.py",
    "verdicts.py",
    *(f"reacting/{name}.py" for name in ("settling", "waiting", "wish")),
    *(f"mqtt/{name}.py" for name in ("discovery", "home", "names", "retained", "states")),
    *(f"webhook/{name}.py" for name in ("outbox", "schedule", "signature")),
]


@pytest.mark.parametrize("name", PURE)
def test_what_decides_is_pure(name: str) -> None:
    assert not imports_any(CLIENT / name, {*IMPURE, "subprocess", "os", "http", "paho"})


def test_only_the_broker_module_needs_the_extra() -> None:
    guilty = {file.name for file in CLIENT.rglob("*.py") if imports_any(file, {"paho"})}
    assert guilty == {"broker.py"}
