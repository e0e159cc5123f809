"""A new template among the enrolled: does it fit its person, could it be taken for another; pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from earwitnessd.calibration import Calibrator
from earwitnessd.enroll import words
from earwitnessd.enroll.collector import Template
from earwitnessd.enroll.errors import EnrolmentRefusedError
from earwitnessd.enroll.likeness import Agreement
from earwitnessd.score import Heard, ProfileMatrix, Score
from earwitnessd.settings.enrolment import Enrolment, Policy
from earwitnessd.settings.root import Decision


@dataclass(frozen=True, slots=True)
class Alike:
    """From where on two templates count as one voice."""

    cosine: float
    llr: float | None
    # nats; None: there is no calibration

    @classmethod
    def by(cls, threshold: float, calibrator: Calibrator | None, decision: Decision) -> Alike:
        """What a recording of that length has to reach at the settings' error rates."""
        if calibrator is None:
            return cls(threshold, None)
        trials = calibrator.calibration.trials
        return cls(threshold, trials.accept(decision.target_fmr, decision.target_fnmr))

    def __str__(self) -> str:
        """For people."""
        return f"{self.cosine:.2f}" if self.llr is None else f"{self.llr:+.1f}"

    def reached_by(self, agreement: Agreement) -> bool:
        """Whether it counts as one voice."""
        if agreement.llr is None or self.llr is None:
            return agreement.cosine >= self.cosine
        return agreement.llr >= self.llr

    def contradicted_by(self, agreement: Agreement) -> bool:
        """Whether two voices are likelier than one."""
        return agreement.cosine < self.cosine if agreement.llr is None else agreement.llr < 0.0


def company_of(name: str, template: Template, matrix: ProfileMatrix) -> dict[str, Agreement]:
    """How much a template sounds like this person and whoever else is most alike, the most alike first."""
    scores = matrix.evidence(template.vector, Heard(template.speech_s, template.snr_db))
    own = scores.row(name)
    chosen = [*scores.first(2), *([] if own is None else [scores.at(own)])]
    return {score.speaker: agreement_of(score) for score in chosen}


def agreement_of(score: Score) -> Agreement:
    """The same without its person."""
    return Agreement(score.cosine, score.llr)


def judged(name: str, company: dict[str, Agreement], alike: Alike, settings: Enrolment) -> tuple[str, ...]:
    """What to warn of; EnrolmentRefusedError where the settings say so."""
    said: list[str] = []
    own = company.get(name)
    if own is not None and alike.contradicted_by(own):
        said += _say(settings.other_person, lambda: words.other_person(name, str(own)))
    others = [(other, agreement) for other, agreement in company.items() if other != name]
    if others and alike.reached_by(others[0][1]):
        other, agreement = others[0]
        said += _say(settings.similar, lambda: words.sounds_like(other, str(agreement), str(alike)))
    return tuple(said)


def _say(policy: Policy, text: Callable[[], str]) -> list[str]:
    if policy == "refuse":
        raise EnrolmentRefusedError(text())
    return [text()] if policy == "warn" else []
