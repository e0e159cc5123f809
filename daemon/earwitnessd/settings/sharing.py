"""One daemon's people for several: who shares them, and who follows."""

from __future__ import annotations

from typing import Annotated

import msgspec


class ShareSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Daemons whose keys lie in sockets.curve.followers may follow this one's profiles."""

    signing_key_file: str
    # what they are signed with; `earwitnessd keys signing` makes it


class FollowSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The people are another daemon's: enrolled, changed and deleted there."""

    writer: str
    # its control socket, tcp://ADDRESS:PORT
    server_key_file: str
    # its public CURVE key (NAME.key); the writer is called NAME
    key_file: str
    # this daemon's own secret CURVE key (*.key_secret), whose public half the writer has
    signed_by: str
    # the writer's public signing key (*.signing)
    distrust_after_days: Annotated[float, msgspec.Meta(gt=0.0, le=3650.0)] | None = 30.0
    # when nothing could be taken over from the writer for so long, nobody is compared with any more: whom it
    # deleted may be here still; null: never
