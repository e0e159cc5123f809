"""Profiles that travel from one machine to another."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from earwitness.control import (
    Exported,
    ExportProfile,
    ImportProfile,
    KeepProfile,
)
from earwitness.events import ProfileEnrolled
from earwitnessd.profiles import ProfileError, ProfileStore
from earwitnessd.profiles.custody import Custody
from earwitnessd.profiles.people import People
from earwitnessd.settings.root import Templates

from .custodian import Time, custody, enrol, kept
from .making import MODEL, OTHER_MODEL, exemplar, voice

PASSPHRASE = "correct horse battery"


def refusal(of: Custody, method: ExportProfile | ImportProfile, attachment: bytes = b"") -> str:
    with pytest.raises(ProfileError) as refused:
        of.answer(method, attachment, "")
    return str(refused.value)


def test_a_profile_travels_to_another_machine_with_its_key_and_is_compared_there(
    people: People, time_: Time, tmp_path: Path
) -> None:
    here = custody(people, time_)
    turn = people.store.turning(MODEL).turn
    people.store.add("anna", exemplar(turn(voice(1)), label="headset"))
    people.store.add("anna", exemplar(turn(voice(2)), label="phone"))
    here.answer(KeepProfile(name="anna", consent="form 1", keep_until="2030-01-01"), b"", "uid 5")
    exported, _ = here.answer(ExportProfile(name="anna", passphrase=PASSPHRASE), b"", "")
    assert isinstance(exported, Exported)
    for vector in (voice(1), turn(voice(1))):
        assert vector.tobytes() not in exported.content
    assert b"anna" not in exported.content
    with closing(People(ProfileStore(tmp_path / "other" / "profiles.db"), MODEL, 0.7)) as there:
        terms = custody(there, time_)
        _, (event,) = terms.answer(ImportProfile(passphrase=PASSPHRASE), exported.content, "")
        assert isinstance(event, ProfileEnrolled)
        assert (event.speaker, event.exemplars) == ("anna", 2)
        shown = kept(there, terms, "anna")
        assert [each.label for each in shown.exemplars] == ["headset", "phone"]
        assert shown.custody.consent is not None
        assert (shown.custody.consent.text, shown.custody.keep_until) == ("form 1", "2030-01-01")
        theirs = there.store.turning(MODEL).turn
        stored = there.store.profile("anna").exemplars[0].vector
        np.testing.assert_allclose(stored, theirs(voice(1)), atol=1e-5)
        (score,) = there.matrix.scores(theirs(voice(2)))
        assert score.cosine == pytest.approx(1.0, abs=1e-5)
        again = ImportProfile(passphrase=PASSPHRASE)
        assert "already enrolled" in refusal(terms, again, exported.content)
        terms.answer(ImportProfile(passphrase=PASSPHRASE, name="anna2"), exported.content, "")
        assert there.matrix.names == ("anna", "anna2")


def test_an_export_opens_for_its_passphrase_and_unchanged_only(people: People, time_: Time) -> None:
    terms = custody(people, time_)
    enrol(people, "anna")
    exported, _ = terms.answer(ExportProfile(name="anna", passphrase=PASSPHRASE), b"", "")
    assert isinstance(exported, Exported)
    wrong = ImportProfile(passphrase=PASSPHRASE + "!", name="eve")
    assert "does not open" in refusal(terms, wrong, exported.content)
    right = ImportProfile(passphrase=PASSPHRASE, name="eve")
    changed = exported.content.replace(b'"n": 32768', b'"n": 16384')
    assert changed != exported.content
    assert "does not open" in refusal(terms, right, changed)
    greedy = exported.content.replace(b'"n": 32768', b'"n": 1073741824')
    assert "refused" in refusal(terms, right, greedy)
    assert "no exported profile" in refusal(terms, right, b"hello")
    assert "at least 12" in refusal(terms, ExportProfile(name="anna", passphrase="short"))
    assert people.matrix.names == ("anna",)


def test_a_profile_of_another_model_is_refused_with_both_names(
    people: People, time_: Time, tmp_path: Path
) -> None:
    people.store.add("anna", exemplar(voice(1), OTHER_MODEL))
    here = custody(people, time_)
    exported, _ = here.answer(ExportProfile(name="anna", passphrase=PASSPHRASE), b"", "")
    assert isinstance(exported, Exported)
    with closing(People(ProfileStore(tmp_path / "other.db"), MODEL, 0.7)) as there:
        said = refusal(custody(there, time_), ImportProfile(passphrase=PASSPHRASE), exported.content)
        assert OTHER_MODEL in said
        assert MODEL in said
        assert there.store.profiles() == ()


def test_no_template_leaves_where_that_is_forbidden(people: People, time_: Time) -> None:
    terms = custody(people, time_, Templates(allow_export=False))
    enrol(people, "anna")
    assert "allow_export" in refusal(terms, ExportProfile(name="anna", passphrase=PASSPHRASE))


def test_templates_that_are_not_as_long_as_the_models_are_refused(
    people: People, time_: Time, tmp_path: Path
) -> None:
    people.store.add("anna", exemplar(voice(1, dimension=8)))
    exported, _ = custody(people, time_).answer(ExportProfile(name="anna", passphrase=PASSPHRASE), b"", "")
    assert isinstance(exported, Exported)
    with closing(People(ProfileStore(tmp_path / "other.db"), MODEL, 0.7)) as there:
        enrol(there, "ben")
        said = refusal(custody(there, time_), ImportProfile(passphrase=PASSPHRASE), exported.content)
        assert "have 8 values" in said
        assert "have 16" in said
        assert [profile.name for profile in there.store.profiles()] == ["ben"]
