"""People who were enrolled with another model than the one in use."""

from __future__ import annotations

import msgspec

from .base import Event


class ModelSwitched(Event, frozen=True, kw_only=True, tag="model.switched"):
    """Some people are enrolled with another model only. Said at the start, and again once all is made good
    that the audio kept of enrolments allows."""

    state_group = "model"

    model_id: str
    """the model in use; embeddings of another are never compared with its"""
    renewing: int
    """people whose kept enrolment audio is being embedded with it; 0: that is over"""
    renewed: int = 0
    """enrolment sessions that have been, since the start"""
    must_enrol: list[str] = msgspec.field(default_factory=list)
    """who is not recognised until they enrol again: the first hundred by name"""
    must_enrol_count: int = 0
    """how many these are in all"""
