"""What a follower makes of a letter: whether it goes on from what is known, or why it is refused. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from earwitnessd.profiles.ledger import Standing
from earwitnessd.sharing.letter import Header, Kind, Transfer

ANEW = "`earwitness profiles follow-anew` takes the writer's people as they are now"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for."""

    known: Standing
    # the point of the writer's history that is in force here; no lineage: none
    model_id: str
    # in use here
    kind: Transfer | None = None
    # of the pages that came so far; None: this is the first
    after: int = 0
    # they reach up to this version


def why_refused(asked: Asked, header: Header) -> str:
    """Empty: it may be taken."""
    if header.model_id != asked.model_id:
        return (
            f"the writer uses the model {header.model_id}, and here it is {asked.model_id}: embeddings of "
            "different models cannot be compared. Set the same `model` on both"
        )
    known = asked.known
    if known.lineage and header.lineage != known.lineage:
        return f"the writer has another database than the one that was followed until now: {ANEW}"
    if header.newest < known.version:
        return (
            f"the writer's database is older (version {header.newest}) than what was followed "
            f"({known.version}): a backup was restored there? What is here stays; {ANEW}"
        )
    if header.kind == "differs":
        return (
            f"the writer's people changed otherwise after version {known.version} than what was followed: a "
            f"backup was restored there? What is here stays; {ANEW}"
        )
    first = known.version if header.kind == "changes" else 0
    after = first if asked.kind is None else asked.after
    if header.after != after or not header.after <= header.version <= header.newest:
        return "what came is another page than was asked for"
    if asked.kind not in {None, header.kind} or (header.kind == "changes" and not known.lineage):
        return f"{header.kind} came where something else was asked for"
    return ""


def kind_for(own: Standing, known: Standing, mark: str | None) -> Kind:
    """At the writer: what suits a follower that knows this; `mark` is the one remembered for its version."""
    if not known.lineage:
        return "snapshot"
    if known.lineage != own.lineage or known.version > own.version:
        return "differs"
    if known.version == 0 or mark == known.mark:
        return "changes"
    return "snapshot" if mark is None else "differs"
