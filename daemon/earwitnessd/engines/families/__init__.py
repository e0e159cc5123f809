"""From a checkpoint as its makers left it to a model's directory of ours; one module a family."""

from __future__ import annotations

from earwitnessd.engines.families.importing import convert_checkpoint

__all__ = ["convert_checkpoint"]
