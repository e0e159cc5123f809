"""Pages show commands that are there, and every command that is there is shown."""

from __future__ import annotations

import importlib.util
import re

import pytest

from .commands import calls, existing, shown
from .page import NAMES, PAGES, ROOT, Page

SHOWN = {page.name: list(shown(page)) for page in PAGES}
SCRIPT = re.compile(r"(?<![\w/])tests/[\w/]+\.(?:py|sh)\b")
MODULE = re.compile(r"python -m ((?:tests|earwitnessd?)\.[\w.]*\w)")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_shows_commands_and_options_that_exist(page: Page) -> None:
    for call in SHOWN[page.name]:
        call.path()


@pytest.mark.parametrize("command", existing())
def test_every_command_is_shown(command: str) -> None:
    assert command in {call.path() for calls_of_page in SHOWN.values() for call in calls_of_page}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_names_scripts_and_modules_that_exist(page: Page) -> None:
    missing = [script for script in SCRIPT.findall(page.text) if not (ROOT / script).is_file()]
    missing += [module for module in MODULE.findall(page.text) if importlib.util.find_spec(module) is None]
    assert missing == []


def test_every_benchmark_is_listed_with_the_figures() -> None:
    listed = Page("tests/benchmarks/README.md").text
    assert [
        script.name for script in (ROOT / "tests/benchmarks").glob("*.py") if script.name not in listed
    ] == []


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    [command] = re.findall(r"^bash tests/run\.sh$", "\n".join(Page("README.md").blocks("sh")), re.MULTILINE)
    assert f"\n{command}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_calls_are_found_however_they_are_joined() -> None:
    script = "python3 -m venv v && sudo v/bin/earwitnessd demo; A=b earwitness tail | jq . # earwitness on\n"
    assert [str(call) for call in calls(script)] == ["earwitnessd demo", "earwitness tail"]


def test_a_command_or_option_that_does_not_exist_is_found() -> None:
    [unknown] = calls("earwitnessd modle list")
    with pytest.raises(LookupError, match="modle"):
        unknown.path()
    [option] = calls("earwitness profiles set anna --target-fnr 0.1")
    with pytest.raises(Exception, match="--target-fnr"):
        option.path()
