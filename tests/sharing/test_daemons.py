"""Real daemons: one writes, others follow."""

from __future__ import annotations

import json
import re
import shutil
import signal
from pathlib import Path

import pytest

from earwitness.control import ControlError, FollowProfiles
from earwitness.events import (
    ProfileDeleted,
    ProfileEnrolled,
    ProfilesFollowed,
    ProfileUpdated,
    SpeakerVerified,
    StreamLost,
)
from earwitnessd.demo.conversation import FOLDER, load_conversation

from .daemons import FollowerDaemon, Writer, bring


def model_of(writer: Writer) -> str:
    return writer.control.status().heartbeat.engine.model_id


@pytest.mark.slow
def test_what_changes_at_the_writer_changes_at_its_followers(tiny_model: str, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "writer", tiny_model)
    hall = FollowerDaemon(tmp_path / "hall", writer)
    with writer, hall:
        model_id = model_of(writer)
        bring(writer.control, "anna", 1, model_id)
        assert hall.wait_for(ProfileEnrolled).speaker == "anna"
        assert hall.wait_for(ProfilesFollowed).people == 1
        bring(writer.control, "ben", 2, model_id)
        hall.wait_for(ProfilesFollowed)
        writer.control.rename_profile("anna", "annabelle")
        assert hall.wait_for(ProfileUpdated).renamed_from == "anna"
        writer.control.add_to_group("family", "ben")
        assert hall.wait_for(ProfileUpdated, lambda event: event.speaker == "ben").groups == ["family"]
        writer.control.delete_profile("annabelle")
        assert hall.wait_for(ProfileDeleted).speaker == "annabelle"
        assert hall.names() == ["ben"]
        assert hall.heartbeat(lambda beat: beat.profiles == 1).status.count("follows desk, last heard") == 1
        with pytest.raises(ControlError, match=r"the people here are those of the daemon at tcp://"):
            hall.control.delete_profile("ben")
        assert writer.control.status().heartbeat.following is None
        (follower,) = writer.control.status().heartbeat.followers
        assert (follower.follower, follower.version > 0, follower.heard_s < 10.0) == ("hall", True, True)
        audit = [json.loads(line) for line in (writer.folder / "audit.jsonl").read_text().splitlines()]
        given = [line for line in audit if line["type"] == "profiles.follow"]
        assert all("key hall" in line["who"] for line in given)
        assert [line["told"]["people"] for line in given] == [1, 1, 1, 1, 0]
    database = (tmp_path / "hall" / "profiles.db").read_bytes()
    assert b"annabelle" not in database


def test_only_a_key_that_may_follow_can_and_it_can_do_nothing_else(tiny_model: str, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "writer", tiny_model)
    folder = writer.admit("hall")
    with writer, writer.controlled_by(folder / "hall.key_secret") as follower:
        with pytest.raises(ControlError, match="the key hall may follow the profiles, and nothing else"):
            follower.profiles()
        asked = FollowProfiles(nonce="0123456789abcdef")
        with pytest.raises(ControlError, match="the key admin may not follow"):
            writer.control._ask(asked, FollowProfiles.result)
        assert follower._ask(asked, FollowProfiles.result)


@pytest.mark.slow
def test_followers_serve_on_when_the_writer_is_gone_and_catch_up(tiny_model: str, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "writer", tiny_model)
    hall, door = FollowerDaemon(tmp_path / "hall", writer), FollowerDaemon(tmp_path / "door", writer)
    with hall, door:
        assert hall.until("connecting").reason == "the writer was not heard yet"
        with writer:
            model_id = model_of(writer)
            bring(writer.control, "anna", 1, model_id)
            hall.wait_for(ProfileEnrolled)
            door.wait_for(ProfileEnrolled)
            writer.stop(signal.SIGKILL)
            silent = hall.until("silent", within_s=30.0)
            assert silent.heard_s is not None
            assert silent.heard_s > 10
            assert hall.names() == door.names() == ["anna"]
            hall.stop()
            hall.start()
            assert hall.until("connecting", silent.version).version == silent.version
            assert hall.names() == ["anna"]
            writer.start()
            bring(writer.control, "ben", 2, model_id)
            for follower in (hall, door):
                follower.wait_for(ProfileEnrolled, lambda event: event.speaker == "ben")
                follower.until("follows", silent.version + 1)


@pytest.mark.slow
def test_a_writer_with_an_older_database_is_refused_until_somebody_says_otherwise(
    tiny_model: str, tmp_path: Path
) -> None:
    writer = Writer(tmp_path / "writer", tiny_model)
    hall = FollowerDaemon(tmp_path / "hall", writer)
    database, backup = writer.folder / "profiles.db", tmp_path / "backup.db"
    with hall, writer:
        model_id = model_of(writer)
        bring(writer.control, "anna", 1, model_id)
        hall.wait_for(ProfileEnrolled)
        writer.stop()
        shutil.copyfile(database, backup)
        writer.start()
        bring(writer.control, "ben", 2, model_id)
        hall.wait_for(ProfileEnrolled, lambda event: event.speaker == "ben")
        writer.stop()
        shutil.copyfile(backup, database)
        writer.start()
        # and not because the one before it was stopping
        hall.until("refuses", within_s=30.0, because="is older")
        assert hall.names() == ["anna", "ben"]
        for number in range(3):  # the restored history overtakes what was followed
            bring(writer.control, f"new{number}", 10 + number, model_id)
        forked = hall.heartbeat(
            lambda beat: bool(beat.following and "changed otherwise" in beat.following.reason)
        )
        assert forked.profiles == 2
        hall.control.follow_anew()
        taken = hall.wait_for(ProfilesFollowed)
        assert (taken.added, taken.changed, taken.removed) == (3, 1, 1)
        assert hall.names() == ["anna", "new0", "new1", "new2"]


@pytest.mark.slow
def test_what_another_key_signed_another_model_and_people_of_its_own_are_refused(
    tiny_model: str, tmp_path: Path
) -> None:
    writer = Writer(tmp_path / "writer", tiny_model)
    impostor = Writer(tmp_path / "impostor", tiny_model)
    forged = FollowerDaemon(tmp_path / "forged", writer, signed_by=str(impostor.signing))
    other = FollowerDaemon(tmp_path / "other", writer, "builtin")
    own = FollowerDaemon(tmp_path / "own", writer)
    plain = {"model": tiny_model, "streams": {"talk": {"source": "pipe", "path": "-", "paused": True}}}
    with writer:
        model_id = model_of(writer)
        bring(writer.control, "anna", 1, model_id)
        with forged:
            assert "not signed with the writer's key" in forged.until("refuses").reason
            assert forged.names() == []
        with other:
            assert "embeddings of different models cannot be compared" in other.until("refuses").reason
        follow = {"follow": own.follow}
        own.write(plain)
        with own:
            bring(own.control, "carl", 3, model_id)
            own.stop()
            own.write({**plain, **follow})
            own.start()
            assert "1 people were enrolled here" in own.until("refuses").reason
            assert own.names() == ["carl"]
            own.control.follow_anew()
            own.wait_for(ProfilesFollowed)
            assert own.names() == ["anna"]
            own.stop()
            own.write(plain)
            own.start()
            own.control.delete_profile("anna")
    impostor.discard()


@pytest.mark.slow
def test_who_is_enrolled_at_the_writer_is_recognised_at_its_followers(tmp_path: Path, recording: str) -> None:
    writer = Writer(tmp_path / "writer", "builtin")
    hall, door = (FollowerDaemon(tmp_path / name, writer, hears=recording) for name in ("hall", "door"))
    people = {each.speaker: FOLDER / each.file for each in load_conversation().enrolments}
    with writer, hall, door:
        for name, spoken in people.items():
            writer.control.enroll_audio(name, spoken)
        for follower in (hall, door):
            follower.heartbeat(lambda beat: beat.profiles == len(people))
            follower.control.resume("talk")
            heard = follower.collect_until(StreamLost, lambda event: event.final, within_s=60.0)
            verified = {event.speaker for event in heard if isinstance(event, SpeakerVerified)}
            assert verified == set(people)


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_follower_that_is_cut_off_for_too_long_compares_with_nobody_until_the_writer_is_heard(
    tiny_model: str, tmp_path: Path
) -> None:
    """Whom the writer has deleted meanwhile may be here still."""
    writer = Writer(tmp_path / "writer", tiny_model)
    hall = FollowerDaemon(tmp_path / "hall", writer, distrust_after_days=6.0 / 86_400)
    with writer, hall:
        bring(writer.control, "anna", 1, model_of(writer))
        hall.wait_for(ProfilesFollowed, lambda event: event.people == 1)
        assert writer.stop() == 0
        doubted = hall.until("distrusts")
        assert re.fullmatch(
            r"for [\d.e-]+ days nothing was taken over from desk: nobody is verified until it is heard again",
            doubted.reason,
        )
        hall.heartbeat(lambda beat: beat.profiles == 0)
        assert hall.names() == ["anna"]  # in the database
        assert hall.stop() == 0
        hall.start()
        hall.until("distrusts")  # time that it did not run counts, too
        hall.heartbeat(lambda beat: beat.profiles == 0)
        writer.start()
        hall.until("follows")
        hall.heartbeat(lambda beat: beat.profiles == 1)
