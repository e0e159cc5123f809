"""Which key may ask for what on the control socket: who follows does nothing else, and only who is listed."""

from __future__ import annotations

from earwitness.control import AnyMethod, FollowProfiles
from earwitnessd.access.keys import CONTROLLERS, FOLLOWERS, KeyRing


class Permissions:
    """Owned by the main thread. Without a key ring whoever can connect may control, and nobody follow."""

    def __init__(self, keys: KeyRing | None) -> None:
        self._keys = keys

    def forbids(self, key: bytes, method: AnyMethod) -> str:
        """Why this key, in Z85, may not ask for this; empty: it may."""
        follows = isinstance(method, FollowProfiles)
        if self._keys is None:
            return (
                "profiles are followed over tcp with keys only: set sockets.control and sockets.curve"
                if follows
                else ""
            )
        if self._keys.allows(FOLLOWERS if follows else CONTROLLERS, key):
            return ""
        name = self._keys.name_of(key)
        if follows:
            return f"the key {name} may not follow: its public half belongs into sockets.curve.followers"
        return f"the key {name} may follow the profiles, and nothing else"
