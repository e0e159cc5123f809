"""`python -m tests.golden.regenerate` writes the golden events anew: look at the difference."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.golden.making import CLEARANCE, GOLDEN, Set, clearance, conversation, events_of, write


def main() -> None:
    """Replay, and write."""
    with tempfile.TemporaryDirectory() as folder:
        done = Set.make(Path(folder)).replay("--json", conversation())
    if done.returncode:
        sys.exit(done.stderr)
    events = events_of(done.stdout)
    if clearance(events) < CLEARANCE:
        sys.exit(
            f"a cosine is {clearance(events):.1e} from where it decides otherwise: choose other DECISION"
        )
    write(events, GOLDEN)
    print(f"{GOLDEN}: {len(events)} events")
    for kind, count in Counter(event["type"] for event in events).items():
        print(f"{count:>5} {kind}")


if __name__ == "__main__":
    main()
