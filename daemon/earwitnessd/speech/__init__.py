"""Whether somebody speaks: gates give probabilities chunk by chunk, activity remembers what they decided."""

from __future__ import annotations

from earwitnessd.settings.speech_gate import SpeechGateSettings
from earwitnessd.speech.energy import EnergyGate
from earwitnessd.speech.gate import SpeechGate
from earwitnessd.speech.silero import open_silero

__all__ = ["SpeechGate", "open_gate"]


def open_gate(settings: SpeechGateSettings) -> SpeechGate:
    """The gate that the settings ask for."""
    return open_silero() if settings.type == "silero" else EnergyGate()
