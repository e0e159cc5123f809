"""`earwitnessd serve-embeddings` as people mistype it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHIN_S = 60.0


def said(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "earwitnessd", "serve-embeddings", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--listen", "tcp://0.0.0.0:7803"), "tcp needs --secret-key and --clients"),
        (("--listen", "ipc:///tmp/g", "--replicas", "many"), "--replicas many: expected a number such as 2"),
        (("--listen", "ipc:///tmp/g", "--model", "nobody/knows"), "is not on this machine"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(arguments: tuple[str, ...], says: str) -> None:
    status, told = said(*arguments)
    assert status == 2
    assert says in told
    assert len(told.strip().splitlines()) == 1


def test_a_cluster_that_is_not_there_ends_it_at_once(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    status, told = said("--listen", f"ipc://{tmp_path}/g", "--address", "127.0.0.1:1")
    assert status == 3
    assert "--address 127.0.0.1:1: no Ray head there" in told
