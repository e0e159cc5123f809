"""A tiny model with random weights: enough where nobody has to be told apart."""

from __future__ import annotations

import json

import pytest

from earwitnessd.demo.conversation import FOLDER, load_conversation
from tests.models import making


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("tiny") / "tiny"
    making.write_model(directory)
    (directory / "earwitness.json").write_text(
        json.dumps({"name": "tiny", "threshold": 0.0, "licence": "Apache-2.0"}), encoding="utf-8"
    )
    return str(directory)


@pytest.fixture
def recording() -> str:
    """The bundled conversation: speech whenever a test needs some."""
    return str(FOLDER / load_conversation().file)
