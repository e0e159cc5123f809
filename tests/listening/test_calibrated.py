"""The engine with a calibration: evidence in every window, and verdicts that say what they rest on."""

from __future__ import annotations

from dataclasses import replace

from earwitness.events import SpeakerLost, SpeakerVerified, WindowScored
from earwitnessd.calibration import Calibrator, Cohort
from earwitnessd.decision import Bounds
from earwitnessd.handover import NewRules

from ..calibration.making import calibration
from ..voices import ANNA_HZ, BEN_HZ, TONE_RULES, ToneEmbedder, talking
from .engine import Engine

BOUNDS = Bounds(accept=1.0, reject=-1.0, lead=0.5, correlation=0.6, half_life_s=8.0, prior=0.5)
CALIBRATED = replace(TONE_RULES, bounds=BOUNDS)


def calibrator() -> Calibrator:
    """Strangers at all pitches."""
    embedder = ToneEmbedder()
    strangers = [embedder.embed(talking(150.0 + 70.0 * each, 3.0)[None])[0] for each in range(25)]
    return Calibrator(Cohort.of(embedder.model_id, strangers, 20), calibration(embedder.model_id))


def test_a_calibration_that_is_put_into_force_decides_from_then_on() -> None:
    with Engine(enrolled={"anna": ANNA_HZ, "ben": BEN_HZ}) as engine:
        mouth = engine.open()
        engine.say(mouth, talking(BEN_HZ, 4.0))
        by_cosine = engine.until_said(WindowScored)
        assert {score.llr for score in by_cosine.scores} == {None}
        engine.tell(NewRules(CALIBRATED, calibrator()))
        engine.until_obeyed()
        engine.say(mouth, talking(ANNA_HZ, 5.0))
        verified = engine.until(
            lambda: next((each for each in engine.of(SpeakerVerified) if each.speaker == "anna"), None)
        )
        assert verified.llr is not None
        assert verified.llr >= BOUNDS.accept
        assert verified.posterior is not None
        assert verified.posterior > 0.5
        scored = next(each for each in engine.of(WindowScored) if each.stop == verified.stop)
        first, second = scored.scores
        assert (first.speaker, second.speaker) == ("anna", "ben")
        assert first.llr is not None
        assert second.llr is not None
        assert first.llr > 0.0 > second.llr
        engine.tell(NewRules(TONE_RULES))
        engine.until_obeyed()
        assert not engine.of(SpeakerLost)
