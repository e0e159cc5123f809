from __future__ import annotations

from .standing.plugin import pytest_configure, pytest_runtest_protocol, pytest_terminal_summary

__all__ = ["pytest_configure", "pytest_runtest_protocol", "pytest_terminal_summary"]
