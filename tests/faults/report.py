"""`python -m tests.faults.report FIGURES [--write]`: the table of faults, from what the tests measured.

EARWITNESS_FAULT_FIGURES=FIGURES .venv/bin/pytest -m '' tests/faults
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from .figures import read, show, table

PAGE = Path(__file__).parent / "README.md"


def page(file: Path) -> str:
    """The whole page."""
    day = datetime.now(UTC).date().isoformat()
    return f"""\
# Faults

Each line is a test in this folder: it makes the fault happen to a real daemon process, asserts what is
promised, and measures what was lost and how long it took until all was as before. Measured on {day} by

```sh
rm -f figures.jsonl
EARWITNESS_FAULT_FIGURES=figures.jsonl .venv/bin/pytest -m '' tests/faults
.venv/bin/python -m tests.faults.report figures.jsonl --write
```

{table(read(file))}
"""


if __name__ == "__main__":
    sys.exit(show(page, PAGE, __doc__, sys.argv[1:]))
