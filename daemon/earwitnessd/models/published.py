"""Error rates that a model's makers state, by the name they gave the file."""

from __future__ import annotations

from pathlib import Path

from earwitnessd.models.families import Family

_UNISPEECH = "github.com/microsoft/UniSpeech, downstreams/speaker_verification"
_STATED = {
    (Family.ECAPA, "wavlm_large_finetune"): f"EER 0.431 % Vox1-O, 0.538 % -E, 1.154 % -H ({_UNISPEECH})",
    (Family.ECAPA, "wavlm_large_nofinetune"): f"EER 0.75 % Vox1-O, 0.764 % -E, 1.548 % -H ({_UNISPEECH})",
    (Family.ECAPA, "wavlm_base_plus_nofinetune"): f"EER 0.84 % Vox1-O, 0.928 % -E, 1.758 % -H ({_UNISPEECH})",
    (
        Family.RAWNET,
        "wavlmrawnetxsvbase",
    ): "EER 4.67 % VoxCeleb1 (github.com/bunyaminergen/WavLMRawNetXSVBase)",
    (
        Family.RAWNET,
        "wavlmrawnetsvbase",
    ): "EER 4.67 % VoxCeleb1 (github.com/bunyaminergen/WavLMRawNetXSVBase)",
}


def published(family: Family, source: Path) -> str | None:
    """What is stated for a file of this name, which is no proof that it is that file; None: nothing known."""
    stated = _STATED.get((family, source.stem.lower()))
    return f"{stated}, for a file of this name" if stated else None
