"""Which model is meant: a name becomes a directory whose weights are known by their hash."""

from earwitnessd.models.find import open_model
from earwitnessd.models.model import Model, ModelError

__all__ = ["Model", "ModelError", "open_model"]
