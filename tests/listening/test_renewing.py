"""Another model takes over: who said something that was kept is known to it, others are named."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from earwitness.control import (
    DeleteProfile,
    EnrollAudio,
    ListProfiles,
    Profile,
    Profiles,
    ProfileSummary,
    RemoveSession,
    ShowProfile,
)
from earwitness.events import ModelSwitched, SpeakerVerified
from earwitnessd.engines import Vectors, Windows
from earwitnessd.handover import Answer, Refusal
from earwitnessd.profiles import ProfileStore
from earwitnessd.profiles.recordings import count_audio, forget_audio
from earwitnessd.settings.enrolment import Enrolment

from ..voices import ANNA_HZ, ToneEmbedder, sound_file, talking
from .engine import PATIENT, Engine, exemplar

KEEPING = msgspec.structs.replace(PATIENT, enrolment=Enrolment(keep_audio=True))
BEN_HZ = 2.2 * ANNA_HZ


class Other(ToneEmbedder):
    """Another model: its vectors mean something else."""

    model_id = "other@2"

    def embed(self, windows: Windows) -> Vectors:
        turned: Vectors = np.roll(super().embed(windows), 7, axis=1)
        return turned


class Later(Engine):
    """The engine at its next start, with another model and the same database."""

    def __init__(self, before: Path, embedder: ToneEmbedder) -> None:
        super().__init__(embedder, settings=KEEPING)
        copy(before, self.profiles)


def copy(database: Path, to: Path) -> None:
    """With its log and its key."""
    for part in database.parent.glob("profiles.db*"):
        (to.parent / part.name).write_bytes(part.read_bytes())
        (to.parent / part.name).chmod(0o600)


def people(engine: Engine) -> list[ProfileSummary]:
    answer = engine.ask(ListProfiles())
    assert isinstance(answer, Answer)
    assert isinstance(answer.result, Profiles)
    return answer.result.profiles


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A database in which anna's audio is kept and ben's is not."""
    with Engine(settings=KEEPING) as engine:
        answer = engine.ask(EnrollAudio(name="anna"), sound_file(talking(ANNA_HZ, 18.0)))
        assert isinstance(answer, Answer)
        copy(engine.profiles, tmp_path / "profiles.db")
    with closing(ProfileStore(tmp_path / "profiles.db")) as store:
        store.add("ben", exemplar(BEN_HZ))
    return tmp_path / "profiles.db"


def test_another_model_learns_who_was_kept_and_names_who_was_not(before: Path) -> None:
    with Later(before, Other()) as engine:
        first = engine.until_said(ModelSwitched)
        assert (first.renewing, first.must_enrol, first.must_enrol_count) == (1, ["ben"], 1)
        last = engine.until_said(ModelSwitched, 2)
        assert (last.model_id, last.renewing, last.renewed, last.must_enrol) == ("other@2", 0, 1, ["ben"])
        mouth = engine.open()
        engine.say(mouth, talking(ANNA_HZ, 6.0))
        assert engine.until_said(SpeakerVerified).speaker == "anna"
        listed = {each.name: each for each in people(engine)}
        assert (listed["anna"].exemplars, listed["anna"].usable) == (1, 1)
        assert (listed["ben"].exemplars, listed["ben"].usable) == (1, 0)


def test_each_model_keeps_its_template_so_that_switching_back_needs_nothing(before: Path) -> None:
    with Later(before, Other()) as engine:
        engine.until_said(ModelSwitched, 2)
        with Later(engine.profiles, ToneEmbedder()) as back:
            mouth = back.open()
            back.say(mouth, talking(ANNA_HZ, 6.0))
            assert back.until_said(SpeakerVerified).speaker == "anna"
            assert back.of(ModelSwitched) == []
            shown = back.ask(ShowProfile(name="anna"))
            assert isinstance(shown, Answer)
            assert isinstance(shown.result, Profile)
            assert [session.usable for session in shown.result.exemplars] == [True]


def test_a_session_is_forgotten_with_its_audio_and_all_its_templates(before: Path) -> None:
    with Later(before, Other()) as engine:
        engine.until_said(ModelSwitched, 2)
        assert isinstance(engine.ask(RemoveSession(name="anna", session=1)), Refusal), "it is the only one"
        engine.ask(DeleteProfile(name="anna"))
        with closing(ProfileStore(engine.profiles)) as store:
            assert [person.name for person in store.profiles()] == ["ben"]
            assert count_audio(store.database) == 0
            (rows,) = store.database.execute("SELECT count(*) FROM exemplar").fetchone()
            assert rows == 1


def test_audio_that_was_changed_is_not_used_and_its_person_must_enrol_again(
    before: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(ProfileStore(before)) as store:
        store.database.execute("UPDATE kept_audio SET sealed = zeroblob(1000)")
    with Later(before, Other()) as engine:
        engine.until_said(ModelSwitched)
        engine.until_pulse(lambda pulse: not pulse.profiles_renewing)
        assert people(engine)[0].usable == 0
    assert "session 1 of anna cannot be made anew" in caplog.text


def test_without_the_operators_word_no_audio_is_kept_and_it_can_be_forgotten(before: Path) -> None:
    with Engine() as engine:
        engine.ask(EnrollAudio(name="anna"), sound_file(talking(ANNA_HZ, 18.0)))
        with closing(ProfileStore(engine.profiles)) as store:
            assert count_audio(store.database) == 0
    with closing(ProfileStore(before)) as store:
        assert count_audio(store.database) == 1
        assert forget_audio(store.database) == 1
        assert count_audio(store.database) == 0
        assert len(store.profiles()) == 2
