"""What the writer's database holds, a follower's holds too: all of it, or nothing new."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from earwitnessd.decision.roster import OwnPoint
from earwitnessd.profiles import ProfileStore, giving
from earwitnessd.profiles.giving import Page, read_page
from earwitnessd.profiles.keeping import Consent
from earwitnessd.profiles.ledger import followed, make_own, mark_of, standing
from earwitnessd.profiles.taking import PageError, begin, lay_aside, put_into_force
from tests.profiles.making import MODEL, OTHER_MODEL, exemplar, voice

from .making import carry, enrol, opened, pages_after


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[ProfileStore]:
    with closing(opened(tmp_path, "writer")) as store:
        yield store


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[ProfileStore]:
    with closing(opened(tmp_path, "follower")) as store:
        yield store


def names(store: ProfileStore) -> list[str]:
    return [person.name for person in store.profiles()]


def test_everything_about_a_person_arrives(writer: ProfileStore, follower: ProfileStore) -> None:
    enrol(writer, "anna", 1)
    enrol(writer, "anna", 2)
    writer.join("anna", "family")
    writer.set_point("anna", OwnPoint(target_fmr=0.001))
    consent = Consent(at="2026-01-01T00:00:00Z", by="uid 1", text="form 12")
    writer.keep("anna", lambda kept: msgspec.structs.replace(kept, consent=consent, keep_until="2099-01-01"))
    carry(writer, follower)
    sent, came = writer.profile("anna"), follower.profile("anna")
    assert (came.groups, came.own, came.created) == (sent.groups, sent.own, sent.created)
    assert came.keeping.consent == consent
    assert came.keeping.keep_until == "2099-01-01"
    assert [(each.label, each.created, each.speech_s) for each in came.exemplars] == [
        (each.label, each.created, each.speech_s) for each in sent.exemplars
    ]


def test_templates_arrive_sealed_and_turned_by_the_followers_own_key(
    writer: ProfileStore, follower: ProfileStore
) -> None:
    enrol(writer, "anna", 1)
    carry(writer, follower)
    assert follower.key_id != writer.key_id
    theirs, ours = writer.profile("anna").exemplars[0].vector, follower.profile("anna").exemplars[0].vector
    assert not np.allclose(theirs, ours, atol=0.1)
    assert np.allclose(ours, follower.turning(MODEL).turn(voice(1)), atol=1e-5)


def test_only_what_changed_is_sent_again(writer: ProfileStore, follower: ProfileStore) -> None:
    for number in range(5):
        enrol(writer, f"person{number}", number)
    carry(writer, follower)
    enrol(writer, "person3", 33)
    known = followed(follower.database)
    assert known is not None
    [page] = pages_after(writer, known.version)
    assert [person.name for person in page.people] == ["person3"]
    taken = carry(writer, follower)
    assert (taken.added, taken.changed_names, taken.people) == (0, (("person3", "person3"),), 5)


def test_what_the_writer_deleted_is_deleted_and_not_in_the_file_any_more(
    writer: ProfileStore, follower: ProfileStore
) -> None:
    enrol(writer, "Annabellissima", 1)
    enrol(writer, "ben", 2)
    carry(writer, follower)
    writer.delete("Annabellissima")
    assert carry(writer, follower).removed_names == ("Annabellissima",)
    assert names(follower) == ["ben"]
    follower.close()
    assert b"Annabellissima" not in follower.file.read_bytes()


def test_names_that_are_swapped_at_the_writer_are_swapped_here(
    writer: ProfileStore, follower: ProfileStore
) -> None:
    enrol(writer, "anna", 1)
    enrol(writer, "ben", 2)
    carry(writer, follower)
    for name, new_name in (("anna", "third"), ("ben", "anna"), ("third", "ben")):
        writer.rename(name, new_name)
    taken = carry(writer, follower)
    assert taken.changed_names == (("anna", "ben"), ("ben", "anna"))
    turned = follower.turning(MODEL).turn(voice(1))
    assert np.allclose(follower.profile("ben").exemplars[0].vector, turned, atol=1e-5)


def test_what_this_machine_counted_of_a_person_stays(writer: ProfileStore, follower: ProfileStore) -> None:
    enrol(writer, "anna", 1)
    carry(writer, follower)
    follower.keep(
        "anna",
        lambda kept: msgspec.structs.replace(
            kept, failed_checks=4, check_again=99.0, last_heard="2026-02-03"
        ),
    )
    enrol(writer, "anna", 2)
    carry(writer, follower)
    kept = follower.profile("anna").keeping
    assert (kept.failed_checks, kept.check_again, kept.last_heard) == (4, 99.0, "2026-02-03")
    assert writer.profile("anna").keeping.last_heard == date.today().isoformat()  # noqa: DTZ011


def test_being_heard_is_no_change_that_is_shared(writer: ProfileStore) -> None:
    enrol(writer, "anna", 1)
    before = standing(writer.database)
    writer.keep("anna", lambda kept: msgspec.structs.replace(kept, last_heard="2026-02-03", failed_checks=2))
    assert standing(writer.database) == before


def test_each_change_has_a_version_and_a_mark(writer: ProfileStore) -> None:
    enrol(writer, "anna", 1)
    seen = [standing(writer.database)]
    changes = (
        lambda: writer.rename("anna", "anne"),
        lambda: writer.join("anne", "family"),
        lambda: writer.leave("anne", "family"),
        lambda: writer.set_point("anne", OwnPoint(prior=0.3)),
        lambda: writer.keep("anne", lambda kept: msgspec.structs.replace(kept, keep_until="2099-01-01")),
        lambda: writer.delete("anne"),
    )
    for change in changes:
        change()
        seen.append(standing(writer.database))
    versions = [each.version for each in seen]
    assert versions == sorted(set(versions))
    assert len({each.mark for each in seen}) == len(seen)
    assert mark_of(writer.database, versions[2]) == seen[2].mark


def test_half_a_snapshot_changes_nothing(
    writer: ProfileStore, follower: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "MOST_PEOPLE", 2)
    enrol(writer, "anna", 0)
    carry(writer, follower)
    for number in range(5):
        enrol(writer, f"person{number}", number)
    known = followed(follower.database)
    assert known is not None
    first = read_page(writer.database, writer.vault, known.version)
    assert first.more
    lay_aside(follower.database, follower.vault, first.page)
    assert names(follower) == ["anna"]
    assert followed(follower.database) == known
    again = ProfileStore(follower.file)
    assert names(again) == ["anna"]
    again.close()
    assert carry(writer, follower).added == 5


def test_pages_are_one_moment_even_when_the_writer_goes_on_between_them(
    writer: ProfileStore, follower: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "MOST_PEOPLE", 2)
    for number in range(5):
        enrol(writer, f"person{number}", number)
    begin(follower.database)
    stretch = read_page(writer.database, writer.vault, 0)
    lay_aside(follower.database, follower.vault, stretch.page)
    writer.delete("person0")
    writer.rename("person1", "person0")
    enrol(writer, "person9", 9)
    while stretch.more:
        stretch = read_page(writer.database, writer.vault, stretch.reaches.version)
        if stretch.more:
            lay_aside(follower.database, follower.vault, stretch.page)
    put_into_force(follower.database, follower.vault, stretch.page, stretch.reaches, instead=True)
    assert names(follower) == names(writer) == ["person0", "person2", "person3", "person4", "person9"]
    assert standing(writer.database) == followed(follower.database)


def test_a_page_that_does_not_fit_changes_nothing(writer: ProfileStore, follower: ProfileStore) -> None:
    enrol(writer, "anna", 1)
    carry(writer, follower)
    known = followed(follower.database)
    assert known is not None
    enrol(writer, "ben", 2)
    good = read_page(writer.database, writer.vault, known.version).page.people[0]
    [session] = good.sessions
    long = msgspec.structs.replace(session, vector=(2 * voice(2)).astype("<f4").tobytes())
    for people in (
        (msgspec.structs.replace(good, name="anna"),),
        (msgspec.structs.replace(good, sessions=(long,)),),
        (msgspec.structs.replace(good, sessions=(msgspec.structs.replace(session, vector=b"abc"),)),),
    ):
        with pytest.raises(PageError):
            put_into_force(follower.database, follower.vault, Page(people=people), known, instead=False)
        assert names(follower) == ["anna"]
        assert followed(follower.database) == known


def test_sessions_of_other_models_come_too(writer: ProfileStore, follower: ProfileStore) -> None:
    for model_id, dimension in ((MODEL, 16), (OTHER_MODEL, 32)):
        plain = voice(1, dimension)
        writer.add("anna", exemplar(writer.turning(model_id).turn(plain), model_id))
    carry(writer, follower)
    assert [each.model_id for each in follower.profile("anna").exemplars] == [MODEL, OTHER_MODEL]


def test_what_does_not_open_at_the_writer_is_left_out(writer: ProfileStore, follower: ProfileStore) -> None:
    enrol(writer, "anna", 1)
    enrol(writer, "anna", 2)
    writer.database.execute("UPDATE exemplar SET vector = zeroblob(92) WHERE id = 1")
    carry(writer, follower)
    assert len(follower.profile("anna").exemplars) == 1


def test_a_follower_that_follows_no_more_has_a_history_of_its_own(
    writer: ProfileStore, follower: ProfileStore
) -> None:
    enrol(writer, "anna", 1)
    carry(writer, follower)
    lineage = standing(follower.database).lineage
    assert standing(follower.database).version == 0, "what was taken over is no change of its own"
    assert make_own(follower.database)
    assert not make_own(follower.database)
    enrol(follower, "ben", 2)
    own = standing(follower.database)
    assert own.lineage not in {lineage, standing(writer.database).lineage}
    assert [person.name for page in pages_after(follower, 0) for person in page.people] == ["anna", "ben"]


def test_deletions_of_long_ago_are_remembered_no_longer(writer: ProfileStore) -> None:
    enrol(writer, "anna", 1)
    first = standing(writer.database)
    with closing(sqlite3.connect(writer.file)) as database:
        for _ in range(10_001):
            database.execute("INSERT INTO change (mark) VALUES ('x')")
        database.commit()
    assert mark_of(writer.database, first.version) is None
    (kept,) = writer.database.execute("SELECT count(*) FROM change").fetchone()
    assert kept == 10_000
