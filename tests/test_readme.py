"""The README tells every method and command that exists; its events are tested in `contract`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from earwitness.control import METHODS

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
QUOTED = set(re.findall(r"`\"?([a-z_.]+)\"?`", README)) | set(re.findall(r'"([a-z_]+)"', README))


@pytest.mark.parametrize("method", METHODS)
def test_every_control_method_is_described(method: str) -> None:
    assert method in QUOTED


@pytest.mark.parametrize("target", re.findall(r"\]\(([^):#]+)\)", README))
def test_what_the_readme_links_to_is_there(target: str) -> None:
    assert (Path(__file__).parent.parent / target).exists()


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    ci = (Path(__file__).parent.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert "bash tests/run.sh" in README
    assert "\nbash tests/run.sh" in ci
