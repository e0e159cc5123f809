"""The composition root: which concrete part stands behind each seam."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from earwitnessd.access.to_gate import place_of
from earwitnessd.calibration import Calibration, CalibrationError, Calibrator, read_calibrator
from earwitnessd.decide import Rules
from earwitnessd.decision import GroupWish, OwnPoint, Point, Targets
from earwitnessd.engines import Embedder, open_embedder, open_overlap_detector
from earwitnessd.engines.remote.first import Terms
from earwitnessd.engines.remote.opening import open_remote
from earwitnessd.evidence.folder import EvidenceFolder
from earwitnessd.listening.overlapping import OverlapWatch
from earwitnessd.listening.parts import Parts
from earwitnessd.models import Model, open_model
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.aside import moved_aside, open_or_move_aside
from earwitnessd.profiles.ledger import make_own
from earwitnessd.profiles.people import People
from earwitnessd.settings.root import Decision, OwnTargets, Settings
from earwitnessd.settings.root import Engine as EngineSettings
from earwitnessd.settings.validate import SettingsError
from earwitnessd.speech import open_gate
from earwitnessd.templates.key_file import KeyPlace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """A model that computes. Its embeddings belong to the embedder's model id, which also says how."""

    model: Model
    embedder: Embedder

    def calibrator(self, decision: Decision) -> Calibrator | None:
        """As `find_calibrator`, for the embeddings that are computed here."""
        return find_calibrator(decision, self.embedder.model_id, self.model.directory)

    def rules(self, decision: Decision, calibrator: Calibrator | None) -> Rules:
        """As `rules_for`, with what this model suggests."""
        return rules_for(decision, self.model.threshold, self.model.name, calibrator)


def open_engine(settings: Settings, *, steady: bool = False) -> Engine:
    """As the settings ask for, or `Engine.steady` of them."""
    model, engine = open_model(settings.model), settings.engine
    engine, remote = engine.steady() if steady else engine, engine.remote
    if remote is None:
        return Engine(model, _open_here(model, engine))
    place, terms = place_of(remote), Terms(remote.deadline_s, remote.failures)
    local = _open_here(model, engine) if remote.fallback == "local" else None
    return Engine(model, open_remote(model, local, place, terms))


def _open_here(model: Model, engine: EngineSettings) -> Embedder:
    return open_embedder(model, engine.device, engine.threads, engine.precision, engine.backend, engine.amx)


def open_parts(settings: Settings) -> Parts:
    """Model, profiles and rules, as the settings ask for; called in the engine thread."""
    engine = open_engine(settings)
    open_gate(settings.speech_gate)  # what it compiles, it compiles now, not when the first stream comes
    calibrator = engine.calibrator(settings.decision)
    rules = engine.rules(settings.decision, calibrator)
    store, model_id = open_store(settings), engine.embedder.model_id
    if settings.follow is None and make_own(store.database):
        log.warning("the profiles were another daemon's, and are this one's own from now on (no `follow`)")
    turning = store.turning(model_id)
    people = People(
        store,
        model_id,
        rules.threshold,
        turning.calibrator(calibrator),
        require_consent=settings.templates.require_consent,
    )
    if people.matrix.names:
        turning.turn(people.matrix.blocks[0].vectors[:1])  # makes the matrix now, not with the first window
    return Parts(
        embedder=engine.embedder,
        people=people,
        rules=rules,
        model=engine.model,
        profiles_damaged=moved_aside(profile_file(settings)),
        turning=turning,
        overlap=open_overlap(settings),
    )


def open_overlap(settings: Settings) -> OverlapWatch | None:
    """What hears whether two people speak at once; None: nobody asked for it."""
    overlap = settings.overlap
    if not overlap.model:
        return None
    detector = open_overlap_detector(
        open_model(overlap.model),
        settings.engine.device if overlap.device == "auto" else overlap.device,
        overlap.least_probability,
    )
    return OverlapWatch(detector, overlap.max_share)


def open_store(settings: Settings) -> ProfileStore:
    """The enrolled people; a damaged database is moved aside, and an empty one takes its place."""
    file = profile_file(settings)
    key = KeyPlace.find(settings.templates.key_file, file)
    return open_or_move_aside(file, lambda: ProfileStore(file, key=key))


def reopen_store(settings: Settings) -> ProfileStore:
    """The same database once more, for another thread; it is there, and whole."""
    file = profile_file(settings)
    return ProfileStore(file, key=KeyPlace.find(settings.templates.key_file, file))


def find_calibrator(decision: Decision, model_id: str, directory: Path) -> Calibrator | None:
    """The calibration to decide by: as set, the operator's own, the model's; None: decide by cosine."""
    if decision.method == "cosine" or decision.threshold != "auto":
        return None
    if decision.calibration != "auto":
        chosen = Path(decision.calibration).expanduser()
        found = read_calibrator(chosen, model_id)
        if found is None:
            raise CalibrationError(
                f"decision.calibration = {decision.calibration!r}: no calibration lies there; "
                f"`earwitnessd calibrate TRIALS --root DIR --output {chosen}` makes one"
            )
        return found
    found = _usable("your own", calibration_directory(), model_id) or _usable(
        "the model's", directory, model_id
    )
    if found is None and decision.method == "calibrated":
        raise CalibrationError(
            f"decision.method = calibrated: the model {model_id} has no calibration. Fit one to your own "
            "recordings with `earwitnessd calibrate TRIALS --root DIR`, or set decision.method: auto"
        )
    return found


def _usable(whose: str, directory: Path, model_id: str) -> Calibrator | None:
    """What lies there by itself keeps nobody from starting: it is said that it is not used."""
    try:
        return read_calibrator(directory, model_id)
    except CalibrationError as error:
        log.warning("%s calibration is not used: %s", whose, error)
        return None


def calibration_directory() -> Path:
    """Where `earwitnessd calibrate` lays a calibration."""
    return state_directory() / "calibration"


def rules_for(
    decision: Decision, suggested: float | None, model: str, calibrator: Calibrator | None
) -> Rules:
    """The decision settings, with the model's threshold where they say "auto", and a calibration's bounds."""
    calibration = calibrator.calibration if calibrator else None
    if suggested is None and calibration:
        suggested = calibration.threshold
    threshold = suggested if decision.threshold == "auto" else decision.threshold
    if threshold is None:
        raise SettingsError(
            f"decision.threshold = auto: the model {model} suggests none; set a cosine, such as 0.86, "
            "after looking at the scores of your own voices"
        )
    targets = targets_for(decision, calibration) if calibration else None
    if targets is None and (idle := _rates(decision)):
        log.warning("%s: without a calibration of %s a cosine decides, and no rate holds", idle, model)
    return Rules(
        threshold=threshold,
        hysteresis=decision.hysteresis,
        min_margin=decision.min_margin,
        verify_windows=decision.verify_windows,
        unknown_windows=decision.unknown_windows,
        ttl_s=decision.ttl_s,
        bounds=targets.bounds() if targets else None,
        targets=targets,
        wishes={
            name: GroupWish(own_point(group), group.watchlist, group.ttl_s)
            for name, group in decision.groups.items()
        },
    )


def targets_for(decision: Decision, calibration: Calibration) -> Targets:
    """What the settings ask for, and what the calibration knows."""
    return Targets(
        point=Point(decision.target_fmr, decision.target_fnmr, decision.prior),
        shared=decision.target_fmr_for == "anybody",
        people=tuple((name, own_point(person)) for name, person in sorted(decision.people.items())),
        turns=calibration.turns,
        lead=decision.min_lead,
        correlation=calibration.window_correlation,
        half_life_s=decision.half_life_s,
    )


def _rates(decision: Decision) -> str:
    """The rates that are asked for one person or group, for people."""
    named: dict[str, Mapping[str, OwnTargets]] = {"people": decision.people, "groups": decision.groups}
    return ", ".join(
        f"decision.{where}.{name}"
        for where, differing in named.items()
        for name, differs in differing.items()
        if not own_point(differs).is_empty
    )


def own_point(differs: OwnTargets) -> OwnPoint:
    """What the settings say of a person or a group."""
    return OwnPoint(differs.target_fmr, differs.target_fnmr, differs.prior)


def profile_file(settings: Settings) -> Path:
    """The database: as set, or in the state directory."""
    if settings.profiles != "auto":
        return Path(settings.profiles).expanduser()
    return state_directory() / "profiles.db"


def audit_file(settings: Settings) -> Path:
    """The audit log: as set, or beside the profiles."""
    if settings.audit.file != "auto":
        return Path(settings.audit.file).expanduser()
    return profile_file(settings).parent / "audit.jsonl"


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
