"""What a burst took is given back."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PIECES = 20_000
PIECE = 4000  # bytes: from the heap, and smaller than what the C library maps by itself
BURST = """
import threading
from earwitnessd.service.memory import GivingBack, resident_mb, share_one_heap
share_one_heap()
giving_back, kept = GivingBack(), []
def burst():
    pieces = [bytes({piece}) for _ in range({pieces})]
    kept.append(pieces[::100])
    return resident_mb()
def in_thread():
    highest.append(burst())
highest = []
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
before = resident_mb()
giving_back.tick()
too_early = resident_mb()
giving_back.now()
print(highest[0], before, too_early, resident_mb())
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs a C library that can be told to give back"
)
def test_what_a_thread_needed_for_a_moment_goes_back_to_the_kernel() -> None:
    program = BURST.format(piece=PIECE, pieces=PIECES)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    highest_mb, before_mb, too_early_mb, after_mb = map(float, ran.stdout.split())
    burst_mb = PIECE * PIECES / 2**20
    assert before_mb > highest_mb - 0.2 * burst_mb  # what was kept holds the rest
    assert too_early_mb == pytest.approx(before_mb, abs=1.0)
    assert after_mb < highest_mb - 0.7 * burst_mb
