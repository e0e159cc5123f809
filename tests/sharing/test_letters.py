"""A letter is believed if it is signed, sealed for us, an answer to us, and goes on from what we know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import zmq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from zmq.utils import z85

from earwitnessd.profiles.giving import Page, Shared
from earwitnessd.profiles.ledger import NOTHING, Standing
from earwitnessd.sharing.errors import SharingError
from earwitnessd.sharing.judging import Asked, kind_for, why_refused
from earwitnessd.sharing.letter import Header, Signed, new_nonce, read, write
from earwitnessd.sharing.signing import new_signing_key, read_public, read_secret

SIGNING = Ed25519PrivateKey.generate()
PUBLIC, SECRET = (z85.decode(half) for half in zmq.curve_keypair())
NONCE = new_nonce()
KNOWN = Standing("desk", 41, "m41")
HEADER = Header(
    kind="changes",
    lineage="desk",
    after=41,
    version=43,
    mark="m43",
    newest=43,
    newest_mark="m43",
    model_id="small@1111",
    nonce=NONCE,
)
ANNA = Shared(
    uid="1",
    name="Annabellissima",
    created="2026-01-01T00:00:00Z",
    consent=None,
    keep_until=None,
    groups=("family",),
    own=(0.01, None, None),
    sessions=(),
)
PAGE = Page(people=(ANNA,), gone=("2",))
ASKED = Asked(KNOWN, "small@1111")


def letter() -> bytes:
    return write(HEADER, PAGE, SIGNING, PUBLIC)


def test_what_is_written_can_be_read_by_whom_it_is_for() -> None:
    assert read(letter(), SIGNING.public_key(), SECRET, NONCE) == (HEADER, PAGE)


def test_nothing_of_a_person_can_be_read_on_the_way() -> None:
    assert b"Annabellissima" not in letter()
    assert b"family" not in letter()


def test_another_signature_is_refused() -> None:
    with pytest.raises(SharingError, match="not signed with the writer's key"):
        read(letter(), Ed25519PrivateKey.generate().public_key(), SECRET, NONCE)


def test_a_letter_for_another_follower_is_refused() -> None:
    other = z85.decode(zmq.curve_keypair()[1])
    with pytest.raises(SharingError, match="not sealed for this daemon's key"):
        read(letter(), SIGNING.public_key(), other, NONCE)


def test_a_letter_sent_again_is_refused() -> None:
    with pytest.raises(SharingError, match="answers another request"):
        read(letter(), SIGNING.public_key(), SECRET, new_nonce())


def test_a_changed_byte_anywhere_is_refused() -> None:
    signed = msgspec.msgpack.decode(letter(), type=Signed)
    for place in range(0, len(signed.letter), 7):
        forged = bytearray(signed.letter)
        forged[place] ^= 1
        content = msgspec.msgpack.encode(Signed(letter=bytes(forged), signature=signed.signature))
        with pytest.raises(SharingError, match="not signed"):
            read(content, SIGNING.public_key(), SECRET, NONCE)


@pytest.mark.parametrize("content", [b"", b"\x00", b"{}", b"\xc1" * 40, letter()[:-9]])
def test_garbage_is_refused(content: bytes) -> None:
    with pytest.raises(SharingError):
        read(content, SIGNING.public_key(), SECRET, NONCE)


def test_what_goes_on_from_what_is_known_is_taken() -> None:
    assert why_refused(ASKED, HEADER) == ""
    everybody = msgspec.structs.replace(HEADER, kind="snapshot", after=0)
    assert why_refused(ASKED, everybody) == ""
    assert why_refused(Asked(NOTHING, "small@1111"), everybody) == ""
    next_page = msgspec.structs.replace(everybody, after=20)
    assert why_refused(replace(ASKED, kind="snapshot", after=20), next_page) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"model_id": "large@2222"}, "embeddings of different models cannot be compared"),
        ({"lineage": "other"}, "another database"),
        ({"after": 38, "version": 38, "newest": 38}, r"older \(version 38\) than what was followed \(41\)"),
        ({"kind": "differs", "after": 43}, "changed otherwise after version 41"),
        ({"after": 40}, "another page"),
        ({"version": 44}, "another page"),
        ({"kind": "snapshot"}, "another page"),
    ],
)
def test_what_does_not_go_on_from_what_is_known_is_refused(changed: dict[str, object], why: str) -> None:
    assert_refused(ASKED, msgspec.structs.replace(HEADER, **changed), why)


def test_pages_of_two_transfers_are_not_mixed() -> None:
    asked = replace(ASKED, kind="snapshot", after=41)
    assert_refused(asked, HEADER, "changes came where something else was asked for")


def test_changes_are_not_taken_for_everybody() -> None:
    header = msgspec.structs.replace(HEADER, after=0)
    assert_refused(Asked(NOTHING, "small@1111"), header, "changes came")


def assert_refused(asked: Asked, header: Header, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(why_refused(asked, header))


@pytest.mark.parametrize(
    ("known", "mark", "kind"),
    [
        (NOTHING, None, "snapshot"),
        (Standing("desk", 41, "m41"), "m41", "changes"),
        (Standing("desk", 41, "m41"), "other", "differs"),
        (Standing("desk", 41, "m41"), None, "snapshot"),
        (Standing("desk", 99, "m99"), None, "differs"),
        (Standing("other", 41, "m41"), "m41", "differs"),
        (Standing("desk", 0, ""), None, "changes"),
    ],
)
def test_the_writer_sends_what_suits_the_follower(known: Standing, mark: str | None, kind: str) -> None:
    assert kind_for(Standing("desk", 43, "m43"), known, mark) == kind


def test_a_signing_key_is_its_owners_and_is_not_overwritten(tmp_path: Path) -> None:
    public, secret = new_signing_key(tmp_path, "desk")
    assert secret.stat().st_mode & 0o077 == 0
    assert read_secret(secret).public_key() == read_public(public)
    with pytest.raises(FileExistsError):
        new_signing_key(tmp_path, "desk")
    secret.chmod(0o644)
    with pytest.raises(SharingError, match="chmod 600"):
        read_secret(secret)
    with pytest.raises(SharingError, match=r"\.signing;"):
        read_public(secret)
