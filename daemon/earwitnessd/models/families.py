"""The families of WavLM models that can be computed, as config.json names them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Family(StrEnum):
    """The name that stands under `architectures`."""

    XVECTOR = "WavLMForXVector"
    ECAPA = "WavLMWithEcapaTDNN"
    RAWNET = "WavLMWithRawNet"
    BACKBONE = "WavLMModel"
    FRAMES = "WavLMForAudioFrameClassification"

    @property
    def says(self) -> str:
        """For people."""
        return _SAYS[self]

    @property
    def warning(self) -> str | None:
        """What whoever uses its embeddings must know."""
        return _HEADLESS if self is Family.BACKBONE else None

    @property
    def embeds(self) -> bool:
        """Whether it gives one vector for a window."""
        return self is not Family.FRAMES


_HEADLESS = (
    "a WavLM without a head was never trained to tell voices apart: its embedding, the mean of its frames, "
    "mixes voice, words and room. Use a model with a speaker head to verify people"
)
_SAYS = {
    Family.XVECTOR: "WavLM with an x-vector head (transformers' WavLMForXVector)",
    Family.ECAPA: "WavLM with an ECAPA-TDNN head (microsoft/UniSpeech, speaker verification)",
    Family.RAWNET: "WavLM joined with RawNet (bunyaminergen/WavLMRawNetXSVBase)",
    Family.BACKBONE: "WavLM without a head (microsoft/unilm, or transformers' WavLMModel)",
    Family.FRAMES: "frame-wise speaker activity by WavLM (transformers' WavLMForAudioFrameClassification)",
}


def family_of(architectures: Sequence[str]) -> Family | None:
    """The first that is known."""
    known = {family.value: family for family in Family}
    return next((known[name] for name in architectures if name in known), None)
