"""Reads a checkpoint without running anything that lies in it, and says in plain words what it is instead."""

from __future__ import annotations

import argparse
import json
import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from earwitnessd.engines.families.converted import Found, Settings, Tensors
from earwitnessd.models.model import ModelError
from earwitnessd.models.verify import CONFIG, PREPROCESSOR, WEIGHTS

_CONTAINERS = ("model", "model_state", "state_dict", "model_state_dict")
_PARALLEL = "module."
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
_SHOWN_BYTES = 40
_GLOBAL = re.compile(r"(?:GLOBAL|call) ([\w.]+)|`?([\w.]+)`? was not an allowed global")


def read_checkpoint(path: Path) -> Found:
    """A file, or a directory of transformers."""
    if path.is_dir():
        weights = next((path / name for name in WEIGHTS if (path / name).is_file()), None)
        if weights is None:
            found = ", ".join(sorted(each.name for each in path.iterdir())[:8]) or "nothing"
            raise ModelError(
                f"{path}: no {' or '.join(WEIGHTS)} in it (found: {found}); name the file itself"
            )
        return _read(weights, beside=path)
    if not path.is_file():
        raise ModelError(f"{path}: no such file or directory")
    return _read(path, beside=path.parent if path.name in WEIGHTS else None)


def _read(path: Path, beside: Path | None) -> Found:
    content = _content(path)
    weights = _weights(content)
    if not weights:
        held = (
            ", ".join(map(str, list(content)[:8])) if isinstance(content, Mapping) else type(content).__name__
        )
        raise ModelError(f"{path}: holds no weights (found: {held or 'nothing'})")
    settings = content.get("cfg") if isinstance(content, Mapping) else None
    if isinstance(settings, argparse.Namespace):
        settings = vars(settings)
    return Found(
        called=str(path),
        weights=weights,
        settings=dict(settings) if isinstance(settings, Mapping) else None,
        config=_json(beside / CONFIG) if beside else None,
        preprocessor=_json(beside / PREPROCESSOR) if beside else None,
    )


def _content(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(1024)
    if start[8:9] == b"{" and not start.startswith((_ZIP, _PICKLE)):
        return _safetensors(path)
    if not start.startswith((_ZIP, _PICKLE)):
        raise ModelError(f"{path}: {_described(start)}; expected a checkpoint of torch, or safetensors")
    if start.startswith(_ZIP) and not zipfile.is_zipfile(path):
        raise ModelError(_truncated(path))
    try:
        # a namespace holds values, and runs nothing
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ModelError(_unpicklable(path, str(error))) from error
    except EOFError as error:
        raise ModelError(_truncated(path)) from error
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"{path}: a damaged checkpoint of torch ({reason}); fetch it again") from error


def _safetensors(path: Path) -> Tensors:
    try:
        tensors: Tensors = safetensors.torch.load_file(path)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise ModelError(
            f"{path}: truncated or damaged safetensors, {path.stat().st_size} bytes ({error}); fetch it again"
        ) from error
    return tensors


def _weights(content: Any) -> Tensors:
    """The tensors, which may lie one level deeper."""
    if not isinstance(content, Mapping):
        return {}
    inner = next((content[name] for name in _CONTAINERS if isinstance(content.get(name), Mapping)), content)
    tensors = {str(name): value for name, value in inner.items() if isinstance(value, Tensor)}
    if tensors and all(name.startswith(_PARALLEL) for name in tensors):
        tensors = {name.removeprefix(_PARALLEL): value for name, value in tensors.items()}
    return tensors


def _described(start: bytes) -> str:
    if not start:
        return "the file is empty"
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`"
    if start.lstrip()[:15].lower().startswith((b"<!doctype", b"<html")):
        return "a web page, saved in place of the file: download it again in a browser"
    shown = start[:_SHOWN_BYTES]
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError:
        return f"neither torch's nor safetensors (it begins with {shown[:16].hex(' ')})"
    if all(letter.isprintable() or letter.isspace() for letter in text):
        return f"a text file (it begins with {shown.decode('utf-8', 'ignore')!r})"
    return f"neither torch's nor safetensors (it begins with {shown[:16].hex(' ')})"


def _unpicklable(path: Path, reason: str) -> str:
    named = _GLOBAL.search(reason)
    code = (named.group(1) or named.group(2)) if named else _called(path)
    if code:
        return (
            f"{path}: this pickle holds code ({code}) that would run when it is opened: refused. Ask its "
            "makers for the weights alone (safetensors, or torch.save of a state_dict), or save it so "
            "where you trust it"
        )
    return _truncated(path) if "trunc" in reason else f"{path}: a damaged pickle; fetch it again"


def _called(path: Path) -> str:
    """What a pickle names that is no value, looked at without running it; empty: nothing, or no pickle."""
    found, strings = list[str](), list[str]()
    try:
        for operation, argument, _ in pickletools.genops(path.read_bytes()):
            if operation.name in {"GLOBAL", "INST"}:
                found.append(str(argument).replace(" ", "."))
            elif operation.name == "STACK_GLOBAL":
                found.append(".".join(strings[-2:]))
            elif isinstance(argument, str):
                strings.append(argument)
    except (ValueError, IndexError, UnicodeDecodeError):
        pass  # it breaks off: what was named until there counts
    return ", ".join(dict.fromkeys(found))


def _truncated(path: Path) -> str:
    return f"{path}: truncated, {path.stat().st_size} bytes and the end is missing; fetch it again"


def _json(path: Path) -> Settings | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{path}: not JSON ({error}); fetch it again") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: holds a {type(content).__name__}, expected an object")
    return content
