"""Which family a checkpoint is of, by the names of its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from earwitnessd.engines.families import ecapa, microsoft, rawnet, transformers_heads
from earwitnessd.engines.families.converted import Converted, Found, Given
from earwitnessd.models.families import Family
from earwitnessd.models.model import ModelError

_SHOWN = 4


@dataclass(frozen=True, slots=True)
class _Known:
    says: str
    lacks: Callable[[Found, Given], tuple[str, ...]]
    convert: Callable[[Found, Given], Converted]


def _transformers(family: Family) -> _Known:
    return _Known(
        says=f"transformers' {family}",
        lacks=lambda found, _: transformers_heads.lacks(found, family),
        convert=partial(transformers_heads.convert, family=family),
    )


# those with a head first: a WavLM without one lies in all of them
_KNOWN = (
    _Known(Family.ECAPA.says, ecapa.lacks, ecapa.convert),
    _Known(Family.RAWNET.says, lambda found, _: rawnet.lacks(found), rawnet.convert),
    _transformers(Family.XVECTOR),
    _transformers(Family.FRAMES),
    _transformers(Family.BACKBONE),
    _Known(
        "Microsoft's original WavLM (microsoft/unilm)",
        lambda found, _: microsoft.lacks(found),
        microsoft.convert,
    ),
)


def recognised(found: Found, given: Given) -> Converted:
    """In our layout; a checkpoint of no family is refused with what each of them lacks in it."""
    for known in _KNOWN:
        if not known.lacks(found, given):
            return known.convert(found, given)
    families = "\n".join(f"  {known.says}: lacks {_shortened(known.lacks(found, given))}" for known in _KNOWN)
    raise ModelError(
        f"{found.called}: of no family that can be imported. It holds {len(found.weights)} weights, such as "
        f"{_shortened(tuple(found.weights))}. The families, and what is missing for each:\n{families}"
    )


def _shortened(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
