"""What goes wrong in enrolling."""

from __future__ import annotations


class EnrolmentRefusedError(Exception):
    """This audio makes no template: says why and what to do."""


class RecordingError(Exception):
    """The bytes are not a recording that can be heard: says what was found and expected."""
