"""A real MQTT broker of a test's own, and somebody who listens to it."""

from __future__ import annotations

import contextlib
import queue
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.ports import free_port

from .programs import TIMEOUT_S, eventually

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin")

needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="mosquitto is not installed: apt install mosquitto"
)


class Mosquitto:
    """Keeps nothing on disk: after a restart it has forgotten everything."""

    def __init__(
        self, directory: Path, *, password: str | None = None, certificate: Path | None = None
    ) -> None:
        self.port = free_port()
        self._log = directory / "mosquitto.log"
        self._config = directory / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "user root"]
        if password is None:
            lines.append("allow_anonymous true")
        else:
            passwords = directory / "passwords"
            passwords.touch(mode=0o600)
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), "home", password], check=True)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        if certificate is not None:
            lines += [f"certfile {certificate}", f"keyfile {certificate.with_suffix('.key')}"]
        self._config.write_text("\n".join(lines) + "\n")

    def __enter__(self) -> Self:
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._config)], stdout=log, stderr=subprocess.STDOUT
            )
        eventually(self._answers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(TIMEOUT_S)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
            return True
        return False


def self_signed(directory: Path) -> Path:
    """A certificate of 127.0.0.1, its key beside it."""
    certificate = directory / "broker.crt"
    command = [
        "openssl",
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
    ]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate


class Listener:
    """Subscribes to everything, and knows what each topic holds now; empty is forgotten."""

    def __init__(self, port: int, *, password: str | None = None) -> None:
        self.holds: dict[str, str] = {}
        self.history: list[tuple[str, str]] = []
        self._heard: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        if password is not None:
            self._client.username_pw_set("home", password)
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, qos=1, retain=True).wait_for_publish(TIMEOUT_S)

    def until(self, **states: str | None) -> None:
        """Wait until the topics hold this; `__` stands for `/`."""
        wanted = {name.replace("__", "/"): payload for name, payload in states.items()}
        end = time.monotonic() + TIMEOUT_S
        while any(self.holds.get(topic) != payload for topic, payload in wanted.items()):
            try:
                topic, payload = self._heard.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"waited for {wanted}, heard {self.history}") from None
            self.history.append((topic, payload))
            if payload:
                self.holds[topic] = payload
            else:
                self.holds.pop(topic, None)

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        client.subscribe("#", 1)

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._heard.put((message.topic, bytes(message.payload).decode()))
