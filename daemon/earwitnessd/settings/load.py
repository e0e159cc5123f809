"""Reads settings: the file over the defaults, `--set` over the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import yaml

from earwitnessd.settings.addresses import parse_address
from earwitnessd.settings.following import check_sharing
from earwitnessd.settings.root import LEAST_MEMORY_S, Metrics, OwnTargets, PersonDecision, Settings
from earwitnessd.settings.sources import FileReplay, Network
from earwitnessd.settings.tree import override, read_tree
from earwitnessd.settings.validate import SettingsError, to_settings

LEAST_LAG_S = 12.0  # a recording is worked off in batches


def load(file: Path | None, overrides: Sequence[str] = ()) -> Settings:
    """Settings in force for this file and these `key.path=value` overrides."""
    tree = read_tree(file) if file else {}
    for each in overrides:
        override(tree, each)
    try:
        settings = checked(tree)
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}" if file else str(error)) from None
    return settings


def checked(tree: object) -> Settings:
    """Settings from plain values; SettingsError for what cannot be, alone or together."""
    settings = to_settings(tree, Settings)
    _check_together(settings)
    return settings


def dump(settings: Settings) -> str:
    """The effective settings as YAML."""
    tree = msgspec.to_builtins(settings)
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def differences(old: Settings, new: Settings) -> list[str]:
    """The top-level keys that differ; streams are named one by one."""
    found = []
    for key in Settings.__struct_fields__:
        before, after = getattr(old, key), getattr(new, key)
        if key == "streams":
            names = {**before, **after}
            found += [f"streams.{name}" for name in names if before.get(name) != after.get(name)]
        elif before != after:
            found.append(key)
    return found


def _check_together(settings: Settings) -> None:
    windows = settings.windows
    if windows.hop_s > windows.length_s:
        raise SettingsError(
            f"windows.hop_s = {windows.hop_s}: must be at most windows.length_s ({windows.length_s}), "
            "or audio between windows would never be heard"
        )
    if settings.speech_gate.min_speech_s > windows.length_s:
        raise SettingsError(
            f"speech_gate.min_speech_s = {settings.speech_gate.min_speech_s}: must be at most "
            f"windows.length_s ({windows.length_s}), or no window would ever be compared"
        )
    if settings.decision.ttl_s < 2 * windows.hop_s:
        raise SettingsError(
            f"decision.ttl_s = {settings.decision.ttl_s}: must be at least twice windows.hop_s "
            f"({windows.hop_s}), or a decision would run out before it could be said again"
        )
    _check_groups(settings)
    if settings.decision.method == "calibrated" and settings.decision.threshold != "auto":
        raise SettingsError(
            f"decision.threshold = {settings.decision.threshold}: a cosine decides nothing with "
            "decision.method = calibrated; set decision.target_fmr, or decision.method: cosine"
        )
    if not settings.streams:
        raise SettingsError(
            "streams = {}: name at least one stream, or leave it out for the default microphone"
        )
    from_stdin = [name for name, source in settings.streams.items() if getattr(source, "path", None) == "-"]
    for name, source in settings.streams.items():
        if isinstance(source, FileReplay) and source.path == "-":
            raise SettingsError(f"streams.{name}.path = '-': standard input takes raw PCM; use source: pipe")
    if len(from_stdin) > 1:
        raise SettingsError(f"streams {' and '.join(from_stdin)} both read standard input: only one can")
    _check_sockets(settings)
    _check_satellites(settings)
    _check_metrics(settings.metrics)
    _check_evidence(settings)
    check_sharing(settings)


def _check_groups(settings: Settings) -> None:
    hop_s = settings.windows.hop_s
    for name, group in settings.decision.groups.items():
        if group.ttl_s is not None and group.ttl_s < 2 * hop_s:
            raise SettingsError(
                f"decision.groups.{name}.ttl_s = {group.ttl_s}: must be at least twice windows.hop_s "
                f"({hop_s}), or it would run out before it could be said again"
            )
    for name, person in settings.decision.people.items():
        if person == PersonDecision():
            raise SettingsError(
                f"decision.people.{name} = {{}}: set target_fmr, target_fnmr or prior, or leave it out"
            )
    if settings.decision.method != "cosine" and settings.decision.threshold == "auto":
        return
    asked: dict[str, Mapping[str, OwnTargets]] = {
        "people": settings.decision.people,
        "groups": settings.decision.groups,
    }
    for where, named in asked.items():
        for name, own in named.items():
            for rate in ("target_fmr", "target_fnmr", "prior"):
                if getattr(own, rate) is not None:
                    raise SettingsError(
                        f"decision.{where}.{name}.{rate} = {getattr(own, rate)}: a cosine threshold decides, "
                        "which knows no rates; leave it out, or set decision.method: calibrated without a "
                        "threshold"
                    )


def _check_evidence(settings: Settings) -> None:
    evidence = settings.evidence
    if not evidence.keep:
        return
    if not evidence.events:
        raise SettingsError("evidence.events = []: name a verdict to keep, or set evidence.keep: false")
    behind_s = max(settings.engine.max_lag_s, LEAST_LAG_S)
    needed_s = evidence.before_s + settings.windows.length_s + evidence.after_s + behind_s
    if needed_s > max(evidence.memory_s, LEAST_MEMORY_S):
        raise SettingsError(
            f"evidence.memory_s = {evidence.memory_s:g}: must be at least {needed_s:g} to reach back "
            f"evidence.before_s = {evidence.before_s:g} (with the window, evidence.after_s, and the "
            f"{behind_s:g} s by which the engine may be behind)"
        )


def _check_metrics(metrics: Metrics) -> None:
    if not metrics.listen:
        return
    try:
        address = parse_address(metrics.listen)
    except ValueError as error:
        raise SettingsError(f"metrics.listen: {error}; expected such as 127.0.0.1:9464") from None
    if not address.is_loopback and not metrics.insecure:
        raise SettingsError(
            f"metrics.listen = {metrics.listen!r}: other machines could reach it. Use 127.0.0.1, or "
            "`metrics.insecure: true` if everybody who reaches the port may read what this daemon does"
        )


def _check_sockets(settings: Settings) -> None:
    sockets = settings.sockets
    for key in ("events", "control"):
        endpoint: str = getattr(sockets, key)
        if endpoint != "auto" and not endpoint.startswith(("ipc://", "tcp://")):
            raise SettingsError(
                f"sockets.{key} = {endpoint!r}: must be auto, ipc://PATH or tcp://ADDRESS:PORT"
            )
        if endpoint.startswith("tcp://") and sockets.curve is None and not sockets.insecure:
            raise SettingsError(
                f"sockets.{key} = {endpoint!r}: tcp needs sockets.curve (`earwitnessd keys new` makes keys), "
                "or `sockets.insecure: true` if everybody who reaches the port may listen and control"
            )
    if sockets.events != "auto" and sockets.events == sockets.control:
        raise SettingsError(f"sockets.control = {sockets.control!r}: must differ from sockets.events")


def _check_satellites(settings: Settings) -> None:
    sockets = settings.sockets
    keys: dict[str, str] = {}
    for name, source in settings.streams.items():
        if not isinstance(source, Network):
            continue
        if not sockets.satellites:
            raise SettingsError(
                f"streams.{name}.source = network: where does its satellite connect? Set sockets.satellites, "
                "such as tcp://192.168.1.10:5572"
            )
        if (before := keys.setdefault(source.key or name, name)) != name:
            raise SettingsError(
                f"streams.{name}.key = {source.key or name!r}: streams.{before} has it already; each "
                "satellite has a key of its own"
            )
    if not sockets.satellites:
        return
    if not sockets.satellites.startswith("tcp://"):
        raise SettingsError(f"sockets.satellites = {sockets.satellites!r}: must be tcp://ADDRESS:PORT")
    if sockets.curve is None or not sockets.curve.satellites:
        raise SettingsError(
            f"sockets.satellites = {sockets.satellites!r}: needs sockets.curve.satellites, a directory with "
            "the public keys of the microphones that may be heard (`earwitness-mic key` makes one)"
        )
    if sockets.satellites in {sockets.events, sockets.control}:
        raise SettingsError(f"sockets.satellites = {sockets.satellites!r}: another socket has this address")
