"""How long whoever has failed must wait before the next check: pure."""

from __future__ import annotations

FREE = 5  # failures in a row before anybody has to wait (NIST SP 800-63B-4 allows no more for biometrics)
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 3600.0


def delay_s(failures: int) -> float:
    """After so many failures in a row: nothing; then half a minute, doubling, at most an hour."""
    if failures < FREE:
        return 0.0
    return min(FIRST_WAIT_S * 2.0 ** min(failures - FREE, 20), LONGEST_WAIT_S)


def left_s(check_again: float, failures: int, now: float) -> float:
    """Seconds to wait still; never more than the delay itself, should the clock have been set back."""
    return max(0.0, min(check_again - now, delay_s(failures)))
