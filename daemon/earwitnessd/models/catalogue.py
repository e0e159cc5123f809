"""Models that are known to work here: how large they are, under what licence, and what their makers state."""

from __future__ import annotations

import msgspec

from earwitnessd.models.families import Family

_CC_BY_SA = "CC-BY-SA-3.0 (its card points to github.com/microsoft/UniSpeech/blob/main/LICENSE)"
_UNISPEECH = "github.com/microsoft/UniSpeech, downstreams/speaker_verification/README.md"
_RAWNET = "github.com/bunyaminergen/WavLMRawNetXSVBase, README.md"
_UNREAD = "not checked: read its card"
_NO_RATE = "none: its makers state no error rate (0.84 %, often quoted for it, is WavLM and ECAPA-TDNN)"


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """One of them."""

    name: str
    # org/name on the hub, or what its makers call the file
    family: Family
    weights_mb: int
    # as float32, computed from its shape
    licence: str
    published: str
    # error rates that its makers state
    source: str = ""
    # where they do
    note: str = ""
    # what else whoever chooses must know
    stems: tuple[str, ...] = ()
    # names of files, without suffix, that hold it

    @property
    def command(self) -> str:
        """How it is had."""
        if self.stems:
            return f"fetch the file from {self.source.partition(',')[0]}, then: earwitnessd model import FILE"
        return f"earwitnessd model pull {self.name}"


CATALOGUE = (
    Offered(
        name="microsoft/wavlm-base-plus-sv",
        family=Family.XVECTOR,
        weights_mb=402,
        licence=_CC_BY_SA,
        published=_NO_RATE,
        note="fine-tuned on VoxCeleb1; its threshold, 0.86, is a demonstration value: calibrate",
    ),
    Offered(
        name="microsoft/wavlm-base-sv",
        family=Family.XVECTOR,
        weights_mb=402,
        licence=_UNREAD,
        published="none: its makers state no error rate",
        note="its backbone heard 960 hours, that of base-plus 94,000",
    ),
    Offered(
        name="wavlm_large_finetune",
        family=Family.ECAPA,
        weights_mb=1290,
        licence=_UNREAD,
        published="EER 0.431 % Vox1-O, 0.538 % Vox1-E, 1.154 % Vox1-H",
        source=_UNISPEECH,
        stems=("wavlm_large_finetune",),
        note="the lowest that its makers state; 3.2 times the weights of base",
    ),
    Offered(
        name="wavlm_large_nofinetune",
        family=Family.ECAPA,
        weights_mb=1290,
        licence=_UNREAD,
        published="EER 0.75 % Vox1-O, 0.764 % Vox1-E, 1.548 % Vox1-H",
        source=_UNISPEECH,
        stems=("wavlm_large_nofinetune",),
    ),
    Offered(
        name="wavlm_base_plus_nofinetune",
        family=Family.ECAPA,
        weights_mb=403,
        licence=_UNREAD,
        published="EER 0.84 % Vox1-O, 0.928 % Vox1-E, 1.758 % Vox1-H",
        source=_UNISPEECH,
        stems=("wavlm_base_plus_nofinetune",),
        note='the table there calls it "WavLM Base"',
    ),
    Offered(
        name="WavLMRawNetXSVBase",
        family=Family.RAWNET,
        weights_mb=1300,
        licence=_UNREAD,
        published="EER 4.67 % VoxCeleb1",
        source=_RAWNET,
        stems=("wavlmrawnetxsvbase", "wavlmrawnetsvbase"),
    ),
    Offered(
        name="microsoft/wavlm-base-plus-sd",
        family=Family.FRAMES,
        weights_mb=378,
        licence=_UNREAD,
        published="does not apply: it hears who speaks when, not who it is",
        note="for overlap.model",
    ),
)


def offered(name: str) -> Offered | None:
    """By the name it has on the hub."""
    return next((each for each in CATALOGUE if each.name == name), None)


def offered_as(family: Family, stem: str) -> Offered | None:
    """By the name of a file."""
    return next((each for each in CATALOGUE if each.family is family and stem.lower() in each.stems), None)
