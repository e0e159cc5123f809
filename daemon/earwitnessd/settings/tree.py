"""Reads YAML into a tree of plain values, strictly, and puts `--set` over it."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from earwitnessd.settings.validate import SettingsError

NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)  # a 13th month, brackets a thousand deep
MERGE = "tag:yaml.org,2002:merge"


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue  # `<<: *shared` may be given
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, Hashable):
                raise SettingsError(f"line {line}: {key!r} cannot be a key")
            if key in seen:
                raise SettingsError(f"line {line}: {key!r} is given twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_tree(file: Path) -> dict[str, Any]:
    """What a settings file says; SettingsError if it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{file}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from None
    try:
        tree = yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader
    except NOT_YAML as error:
        raise SettingsError(f"{file}: is not YAML: {error}") from None
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"{file}: holds {type(tree).__name__}, expected settings (key: value)")
    return tree


def override(tree: dict[str, Any], text: str) -> None:
    """Put one `key.path=value` over what the tree says."""
    path, equals, value_text = text.partition("=")
    if not equals or not path:
        raise SettingsError(f"--set {text}: must be KEY=VALUE, such as windows.hop_s=0.25")
    try:
        value = yaml.load(value_text, _StrictLoader)  # noqa: S506 - a SafeLoader
    except SettingsError as error:
        raise SettingsError(f"--set {text}: {error}") from None
    except NOT_YAML as error:
        raise SettingsError(f"--set {text}: the value is not YAML: {error}") from None
    *groups, last = path.split(".")
    for group in groups:
        tree = tree.setdefault(group, {})
        if not isinstance(tree, dict):
            raise SettingsError(f"--set {text}: {group} is not a group of settings")
    tree[last] = value
