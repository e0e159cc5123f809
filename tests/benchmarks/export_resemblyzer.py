"""Write Resemblyzer 0.1.4 as one TorchScript file, as a teacher for `earwitnessd train`.

Runs in an environment of its own, so that nothing of it reaches ours::

    python3 -m venv peer && peer/bin/pip install 'torch>=2.4,<2.14' numpy scipy librosa soundfile soxr
    peer/bin/pip install --no-deps resemblyzer==0.1.4 webrtcvad-wheels
    peer/bin/python tests/benchmarks/export_resemblyzer.py teacher.pt

The file takes waves (count, samples) at 16 kHz, without pauses, and gives embeddings (count, 256). It is
written only if it agrees with Resemblyzer on coloured noise at a speech-like level.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import torch
from resemblyzer import VoiceEncoder
from torch import Tensor, nn

RATE = 16000
LEVEL_DB = -27.0
# on waves of one level Resemblyzer does a little better than with its own, one-sided levelling
FFT, HOP, BANDS = 400, 160, 40
STRETCH, BETWEEN = 160, 60
# mel frames of what it embeds at once, and about how far apart those are
LARGEST_DIFFERENCE = 0.02


class Teacher(nn.Module):
    """Levelling, mel spectrogram, LSTM and the mean over stretches of 1.6 s."""

    def __init__(self, encoder: VoiceEncoder) -> None:
        super().__init__()
        self.lstm = encoder.lstm.bfloat16()  # three times as fast where the CPU has it
        self.linear = encoder.linear
        self.register_buffer("window", torch.hann_window(FFT))
        self.register_buffer(
            "bank", torch.from_numpy(librosa.filters.mel(sr=RATE, n_fft=FFT, n_mels=BANDS).astype(np.float32))
        )

    def forward(self, waves: Tensor) -> Tensor:
        """Unit-norm embeddings of equally long waves."""
        power = waves.square().mean(1, keepdim=True) + 1e-12
        level = waves * (10 ** (-27.0 / 20)) / power.sqrt()
        window, bank = self.window, self.bank  # TorchScript forbids to say here that these are tensors
        transformed = torch.stft(level, 400, 160, window=window, pad_mode="constant", return_complex=True)  # type: ignore[arg-type]
        mel = torch.matmul(bank, transformed.abs().square()).transpose(1, 2)  # type: ignore[arg-type]
        if mel.shape[1] < 160:
            mel = nn.functional.pad(mel, [0, 0, 0, 160 - mel.shape[1]])
        spare = mel.shape[1] - 160
        count = 1 + (spare + 30) // 60
        stretches: list[Tensor] = []
        for index in range(count):
            first = spare * index // max(1, count - 1)
            stretches.append(mel[:, first : first + 160])
        _, state = self.lstm(torch.cat(stretches).to(torch.bfloat16))
        raw = torch.relu(self.linear(state[0][-1].float()))
        unit = nn.functional.normalize(raw, dim=1)
        total = unit.view(count, waves.shape[0], -1).sum(0)
        return nn.functional.normalize(total, dim=1)


def main() -> None:
    """Write the file if it does as Resemblyzer does."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("output", type=Path)
    given = arguments.parse_args()
    reference = VoiceEncoder("cpu", verbose=False).eval()
    teacher: Any = torch.jit.script(Teacher(VoiceEncoder("cpu", verbose=False)).eval())
    random = np.random.default_rng(0)
    wave = np.cumsum(random.standard_normal(160 * HOP - HOP)).astype(np.float32)
    wave -= np.convolve(wave, np.ones(400) / 400, mode="same").astype(np.float32)
    wave *= np.float32(10 ** (LEVEL_DB / 20)) / np.sqrt(np.mean(wave**2))
    expected = reference.embed_utterance(wave)
    with torch.inference_mode():
        found = teacher(torch.from_numpy(wave)[None])[0].numpy()
    if (difference := 1 - float(expected @ found)) > LARGEST_DIFFERENCE:
        raise SystemExit(f"the export differs from Resemblyzer by a cosine of {difference:.3f}")
    teacher.save(str(given.output))
    print(f"{given.output}: differs from Resemblyzer by a cosine of {difference:.4f}")


if __name__ == "__main__":
    main()
