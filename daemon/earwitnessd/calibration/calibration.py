"""The numbers that turn a normalised score into a log-likelihood ratio, and where they come from."""

from __future__ import annotations

import math
from itertools import pairwise

import msgspec

VERSION = 1
SPEECH_RANGE_S = (0.5, 30.0)  # beyond, the mapping would be a guess
ENROLLED_RANGE_S = (2.0, 30.0)
SNR_RANGE_DB = (0.0, 40.0)
REFERENCE_SPEECH_S = 3.0
REFERENCE_ENROLLED_S = 10.0
REFERENCE_SNR_DB = 20.0  # where there is no pause to measure it by, it counts as this
TAIL = 3.0  # so much larger is the share of the point by which the last one's tail is judged
LEAST_STEEPNESS = 0.3
LLR_LIMIT = 20.0  # nats: no recording makes one surer than that


class CalibrationError(Exception):
    """A calibration that cannot be used or made: says why and what to do."""


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """intercept + score * (s + oddity * o + cosine * c) + what length, duration and cleanness add."""

    intercept: float
    score: float
    # for each unit of the normalised score `s`
    oddity: float = 0.0
    # o: how odd both voices are together (`Cohort.oddity`)
    cosine: float = 0.0
    # c: the plain cosine in tenths, which no cohort has a say in
    enrolled: float = 0.0
    # length: natural logarithm of the net speech that was enrolled over 10 s
    speech: float = 0.0
    # duration: natural logarithm of net speech in the window over 3 s
    snr: float = 0.0
    # cleanness: SNR above 20 dB, in units of 10 dB


class Share(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point of a distribution: so many strangers reach so much, or so many enrolled fall so low."""

    share: float
    # of recordings, 0 to 1
    llr: float
    # nats


class Points(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is reached in fact, the largest share first, on speakers that the weights were not fitted on."""

    strangers: tuple[Share, ...]
    # reach at least this
    enrolled: tuple[Share, ...]
    # fall at least to this

    def accept(self, target_fmr: float, target_fnmr: float) -> float:
        """The LLR that this share of strangers reaches; never more than Wald's bound asks for."""
        return min(_at(self.strangers, target_fmr, 1.0), math.log((1.0 - target_fnmr) / target_fmr))

    def reject(self, target_fmr: float, target_fnmr: float) -> float:
        """The LLR that this share of the enrolled falls to; never less than Wald's bound asks for."""
        return max(_at(self.enrolled, target_fnmr, -1.0), math.log(target_fnmr / (1.0 - target_fmr)))


def _at(points: tuple[Share, ...], share: float, towards: float) -> float:
    """Between two points by the logarithm of the share; beyond the last as the last of them go on."""
    last = points[-1]
    if share <= last.share:
        return last.llr + towards * _steepness(points) * math.log(last.share / share)
    for more, less in pairwise(points):
        if share >= less.share:
            part = math.log(share / less.share) / math.log(more.share / less.share)
            return less.llr + min(part, 1.0) * (more.llr - less.llr)
    return points[0].llr


def _steepness(points: tuple[Share, ...]) -> float:
    """Nats for each time that the share falls to 1 / e of itself: a calibrated tail has at most one."""
    last = points[-1]
    before = next((point for point in reversed(points) if point.share >= TAIL * last.share), None)
    if before is None:
        return 1.0
    nats = abs(last.llr - before.llr) / math.log(before.share / last.share)
    return min(max(nats, LEAST_STEEPNESS), 1.0)


class Figures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How good it is, measured on speakers that the weights were not fitted on."""

    trials: int
    targets: int
    speakers: int
    eer: float
    # fraction
    cllr: float
    # bits
    min_cllr: float
    # bits: what the best mapping of the same scores would reach


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of calibration.json: one model's, together with one cohort."""

    version: int
    model_id: str
    cohort_sha256: str
    # of cohort.safetensors
    weights: Weights
    trials: Points
    # of one LLR for a whole recording
    turns: Points
    # of the highest, or lowest, that the sequential test says within a recording
    window_correlation: float
    # between what two windows of one recording say that share no audio, 0 to 1
    threshold: float
    # cosine that a single window of a stranger reaches one time in a hundred
    prior: float
    # of a target, that the regression was weighted to
    data: str
    # what it was fitted on, for people
    made: str
    # RFC 3339 date
    figures: Figures

    @property
    def summary(self) -> str:
        """Where it comes from and how good it is, for people."""
        figures = self.figures
        return (
            f"{self.made}, {figures.trials} trials of {figures.speakers} speakers: EER {figures.eer:.1%}, "
            f"Cllr {figures.cllr:.3f} (at best {figures.min_cllr:.3f}); {self.data}"
        )

    def llr(self, score: float, enrolled_s: float, speech_s: float, snr_db: float | None) -> float:
        """Natural-log likelihood ratio of a calibrator's score, given the quality of both recordings."""
        return llr_of(
            self.weights, score, 0.0, 0.0, length_term(enrolled_s), *quality_terms(speech_s, snr_db)
        )


def llr_of(
    weights: Weights,
    score: float,
    oddity: float,
    cosine: float,
    length: float,
    duration: float,
    cleanness: float,
) -> float:
    """What the weights make of a normalised score."""
    llr = max(0.0, weights.score) * (score + weights.oddity * oddity + weights.cosine * cosine)
    llr += weights.enrolled * length + shift_of(weights, duration, cleanness)
    return min(max(llr, -LLR_LIMIT), LLR_LIMIT)


def shift_of(weights: Weights, duration: float, cleanness: float) -> float:
    """What the weights make of a window, whoever it is compared with."""
    return weights.intercept + weights.speech * duration + weights.snr * cleanness


def length_term(enrolled_s: float) -> float:
    """The net speech of an enrolment as the regression sees it: zero for 10 s."""
    least_s, most_s = ENROLLED_RANGE_S
    return math.log(min(max(enrolled_s, least_s), most_s) / REFERENCE_ENROLLED_S)


def quality_terms(speech_s: float, snr_db: float | None) -> tuple[float, float]:
    """Net speech and SNR as the regression sees them: zero for an ordinary window."""
    least_s, most_s = SPEECH_RANGE_S
    duration = math.log(min(max(speech_s, least_s), most_s) / REFERENCE_SPEECH_S)
    least_db, most_db = SNR_RANGE_DB
    snr = REFERENCE_SNR_DB if snr_db is None else min(max(snr_db, least_db), most_db)
    return duration, (snr - REFERENCE_SNR_DB) / 10.0
