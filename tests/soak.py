"""Minutes or hours with a fault every few seconds: memory, descriptors, threads and latency stay flat.

python tests/soak.py --minutes 60 --streams 4 --json soak.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.soaking.soak import Plan, Soak
from tests.soaking.verdict import judge, table


def main(arguments: list[str]) -> int:
    """0: flat; 1: not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--fault-every", type=float, default=5.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args(arguments)
    plan = Plan(asked.minutes, asked.streams, asked.fault_every, asked.seed, asked.model)
    verdict = judge(Soak(plan).run())
    print(f"{plan.minutes:g} minutes, {plan.streams} streams, a fault every {plan.fault_every_s:g} s\n")
    print(table(verdict))
    if asked.json:
        asked.json.write_text(json.dumps(verdict.as_json(), indent=1) + "\n", encoding="utf-8")
    return 1 if verdict.objections else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
