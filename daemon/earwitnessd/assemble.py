"""The composition root: which concrete part stands behind each seam."""

from __future__ import annotations

import os
from pathlib import Path

from earwitnessd.decide import Rules
from earwitnessd.engines import open_embedder
from earwitnessd.evidence.folder import EvidenceFolder
from earwitnessd.listening.listener import Parts
from earwitnessd.models import open_model
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.people import People
from earwitnessd.settings.root import Decision, Settings
from earwitnessd.settings.validate import SettingsError


def open_parts(settings: Settings) -> Parts:
    """Model, profiles and rules, as the settings ask for; called in the engine thread."""
    model = open_model(settings.model)
    rules = rules_for(settings.decision, model.threshold, model.name)
    store = ProfileStore(profile_file(settings))
    embedder = open_embedder(model, settings.engine.device, settings.engine.threads)
    people = People(store, embedder.model_id, rules.threshold)
    return Parts(embedder=embedder, people=people, rules=rules, model=model)


def rules_for(decision: Decision, suggested: float | None, model: str) -> Rules:
    """The decision settings, with the model's threshold where they say "auto"."""
    threshold = suggested if decision.threshold == "auto" else decision.threshold
    if threshold is None:
        raise SettingsError(
            f"decision.threshold = auto: the model {model} suggests none; set a cosine, such as 0.86, "
            "after looking at the scores of your own voices"
        )
    return Rules(
        threshold=threshold,
        hysteresis=decision.hysteresis,
        min_margin=decision.min_margin,
        verify_windows=decision.verify_windows,
        unknown_windows=decision.unknown_windows,
        ttl_s=decision.ttl_s,
    )


def profile_file(settings: Settings) -> Path:
    """The database: as set, or in the state directory."""
    if settings.profiles != "auto":
        return Path(settings.profiles).expanduser()
    return state_directory() / "profiles.db"


def evidence_folder(settings: Settings) -> EvidenceFolder | None:
    """Where evidence is kept; None where none is: then nothing that lies there from before is touched."""
    evidence = settings.evidence
    if not evidence.keep:
        return None
    return EvidenceFolder(evidence_directory(settings), evidence.retention_days, evidence.max_files)


def evidence_directory(settings: Settings) -> Path:
    """As set, or in the state directory."""
    if settings.evidence.directory != "auto":
        return Path(settings.evidence.directory).expanduser()
    return state_directory() / "evidence"


def state_directory() -> Path:
    """Where things that must survive a restart lie."""
    if under_systemd := os.environ.get("STATE_DIRECTORY"):
        return Path(under_systemd.split(":")[0])
    data_home = os.environ.get("XDG_DATA_HOME")
    return (Path(data_home) if data_home else Path.home() / ".local" / "share") / "earwitness"
