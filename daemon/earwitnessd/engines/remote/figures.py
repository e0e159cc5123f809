"""What became of the windows that were to be embedded elsewhere, as counters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from earwitnessd.engines.remote.link import Tally


@dataclass(slots=True)
class RemoteFigures:
    """Since the start. Windows: all = remote + local + dropped. Requests: sent = answered + failed + late."""

    remote: int = 0
    # windows embedded there
    local: int = 0
    # windows embedded here in their place
    dropped: int = 0
    # windows embedded nowhere: there was no time
    failures: int = 0
    # batches that did not wholly come back
    last_failure: str = ""
    # why, for people
    requests: int = 0
    # sent
    requests_failed: int = 0
    # answered, but not with embeddings that may be used
    requests_late: int = 0
    # not answered in time
    round_trip_ms: float = 0.0
    # of the last answer

    def with_requests(self, tally: Tally) -> RemoteFigures:
        """A copy, with what the links counted."""
        return replace(
            self,
            requests=tally.sent,
            requests_failed=tally.failed,
            requests_late=tally.late,
            round_trip_ms=tally.round_trip_ms,
        )
