"""Learning rate, margin and loss weights as functions of how much of the run is done."""

from __future__ import annotations

from earwitnessd.training.settings import MarginSettings, ScheduleSettings


def share_done(settings: ScheduleSettings, step: int, minutes: float) -> float:
    """How much of the run is done (0-1), by whichever limit is nearer."""
    by_steps = step / settings.max_steps if settings.max_steps > 0 else 0.0
    by_time = minutes / settings.max_minutes if settings.max_minutes > 0 else 0.0
    return min(1.0, max(by_steps, by_time))


def rate_share(settings: ScheduleSettings, step: int, done: float) -> float:
    """The learning rate as a share of its peak: linear warm-up over steps, flat, then linear to the end."""
    warm = min(1.0, (step + 1) / max(1, settings.warmup_steps))
    fall = min(1.0, (1.0 - done) / max(settings.cool_down, 1e-9))
    return warm * max(settings.lowest_share, fall)


def margin_weight(settings: MarginSettings, done: float) -> float:
    """The weight of the margin softmax, which joins gradually."""
    return settings.weight * _ramp(settings.joins, done)


def margin(settings: MarginSettings, done: float) -> float:
    """The margin, which grows once speakers are roughly apart."""
    return settings.margin * _ramp(settings.margin_grows, done)


def _ramp(between: tuple[float, float], done: float) -> float:
    start, stop = between
    return 1.0 if done >= stop else max(0.0, (done - start) / max(stop - start, 1e-9))
