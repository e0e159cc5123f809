"""A source whose library is not installed: says so when it is opened."""

from __future__ import annotations

from earwitnessd.capture.source import Chunk, Health, Origin, SourceEndedError


class Missing:
    """Stands where the source would."""

    def __init__(self, what: str, error: ImportError) -> None:
        self._reason = f"{what} cannot be opened here: {error}; pip install {error.name or 'it'}"

    def open(self) -> Origin:
        """Never."""
        raise SourceEndedError(self._reason, final=True)

    def fileno(self) -> int | None:
        """There is none."""
        return None

    def due_in_s(self, _now_ns: int, _wanted: int) -> float:
        """Nothing comes."""
        return 3600.0

    def read(self, _now_ns: int) -> Chunk | None:
        """Nothing comes."""
        return None

    def health(self, _now_ns: int) -> Health:
        """Nothing came."""
        return Health()
