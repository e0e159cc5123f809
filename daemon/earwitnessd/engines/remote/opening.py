"""Opens a link to remote engines, and refuses those that compute anything else than this machine would."""

from __future__ import annotations

import numpy as np

from earwitnessd.engines import Embedder, Vectors
from earwitnessd.engines.exactness import difference
from earwitnessd.engines.remote.first import WARM_WITHIN_S, Gate, RemoteFirst, Terms
from earwitnessd.engines.remote.link import Link, Place, RemoteError, Tally
from earwitnessd.engines.remote.wire import Identity, from_int16, to_int16
from earwitnessd.engines.speech import speech_windows
from earwitnessd.models import Model
from earwitnessd.models.model import RATE
from earwitnessd.models.record import sha256_of

UP_WITHIN_S = 4.0
_TRIED_S = 3.0
# of recorded speech, at each opening
AWAY = 1e-3
# of a vector's largest component: another device rounds otherwise, another model is far beyond it


def identity_of(model: Model) -> Identity:
    """Reads the whole file of weights."""
    return Identity(model_id=model.model_id, weights=sha256_of(model.weights))


def open_remote(model: Model, local: Embedder | None, place: Place, terms: Terms) -> RemoteFirst:
    """Remote engines for `model`; `local` computes in their place, None: nobody does.

    They need not be there yet. They are used when they compute this very model and give, of a stretch of
    speech, the vector that this machine computes.
    """
    expects = Identity(model_id=local.model_id if local else model.model_id, weights=sha256_of(model.weights))
    tally = Tally()
    speech = to_int16(speech_windows(1, round(_TRIED_S * RATE)))
    expected = local.embed(from_int16(speech)) if local else None

    def open_gate() -> Gate:
        link = Link(place, expects, tally)
        try:
            link.wait_until_up(UP_WITHIN_S)
            check(link.ask(speech, WARM_WITHIN_S), expected, expects)
        except RemoteError:
            link.close()
            raise
        return link

    name = " and ".join(place.addresses)
    return RemoteFirst(name, expects.model_id, open_gate, local, terms, tally)


def check(answer: tuple[Vectors | None, str], expected: Vectors | None, expects: Identity) -> None:
    """`RemoteError` if what a link gave is no vector, or not the one that this machine computes."""
    found, trouble = answer
    if found is None:
        raise RemoteError(trouble)
    if not np.isfinite(found).all() or np.abs(np.linalg.norm(found, axis=1) - 1.0).max() > AWAY:
        raise RemoteError("what comes back is no vector of length 1: the engine there miscomputes")
    if expected is None:
        return
    if found.shape != expected.shape:
        raise RemoteError(
            f"vectors of {found.shape[1]} dimensions come back: {expects} has {expected.shape[1]}"
        )
    away = difference(found, expected)
    if not away.relative <= AWAY:
        raise RemoteError(
            f"the engine there calls itself {expects}, but its vectors are off by {away.relative:.1e}: "
            "look at its precision and its device"
        )
