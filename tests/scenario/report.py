"""`python -m tests.scenario.report FIGURES [--write]`: what each fault cost, as the scenario measured it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.figures import read, show, table

PAGE = Path(__file__).parent / "README.md"


def page(file: Path) -> str:
    """The whole page."""
    return f"""\
# Three rooms, one daemon, one cluster

Three satellites in network namespaces of their own, each behind a veth, play recordings that are known
sample by sample; one daemon hears them over tcp and CURVE; one Ray head embeds, by `earwitnessd
serve-embeddings`. One test cuts, kills and restarts one after the other, and then asserts, from what a
subscriber was told, that

- every stream came back, and every event of every start of the daemon came, numbered without a jump;
- each sample that a satellite says it heard was heard here, or lies in a gap that `stream.gap` named with
  its reason, or between two openings whose `source_position` says so; the heartbeat's counters say the same;
- each window without a gap held exactly what was played at its place (its level, to 0.01 dB);
- windows were embedded here while the cluster was away, between `engine.degraded` and `engine.restored`,
  and each window counts as embedded there, here, or nowhere.

Measured on {datetime.now(UTC).date().isoformat()}, 2 shared cores, by

```sh
EARWITNESS_FAULT_FIGURES=figures.jsonl .venv/bin/pytest -m '' -s tests/scenario
.venv/bin/python -m tests.scenario.report figures.jsonl --write
```

{table(read(file))}

Of a daemon that ends nobody knows what it heard after its last word (a heartbeat a second, a window each
hop): so much is "at most".
"""


if __name__ == "__main__":
    sys.exit(show(page, PAGE, __doc__, sys.argv[1:]))
