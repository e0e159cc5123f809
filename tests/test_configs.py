"""The example deployments are settings that work as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitnessd.settings.load import load
from earwitnessd.settings.sources import Microphone

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
DEPLOYMENTS = sorted(file for file in CONFIGS.glob("*.y*ml") if not file.name.startswith(("train-", "mic")))
NAMES = [file.name for file in DEPLOYMENTS]


@pytest.mark.parametrize("file", DEPLOYMENTS, ids=NAMES)
def test_every_example_deployment_is_valid(file: Path) -> None:
    assert load(file).streams


@pytest.mark.parametrize("file", DEPLOYMENTS, ids=NAMES)
def test_every_example_says_first_what_it_is_for(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("# ")


def test_the_examples_are_what_their_names_say() -> None:
    laptop, box, network = (
        load(CONFIGS / f"{name}.yaml") for name in ("laptop", "edge-box", "network-curve")
    )
    assert laptop.streams["mic"] == Microphone(label="laptop")
    assert len(box.streams) == 2
    assert box.sockets.group == "earwitness"
    audit = load(CONFIGS / "audit.yaml")
    assert (audit.evidence.keep, audit.metrics.listen) == (True, "127.0.0.1:9464")
    assert not any(load(file).evidence.keep for file in DEPLOYMENTS if file.name != "audit.yaml")
    assert network.sockets.curve is not None
    assert not network.sockets.insecure
