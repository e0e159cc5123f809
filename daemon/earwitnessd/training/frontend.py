"""Give a new network a first layer that hears like an ear, so that raw-wave training starts fast."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import WavLMForXVector

from earwitnessd.training.errors import TrainingError
from earwitnessd.training.pool import RATE

LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
SHORTEST_WINDOW = 192
# samples; shorter ones would leave parts of the wave unheard between strides
FILTER_GAIN = 0.01
# brings speech near the floor (1e-5) of the layer normalisation that follows, so that silence stays quiet
RECTIFIED_GAIN = 3.0
# wide enough for GELU to rectify bands rather than to square them


def initialise(network: WavLMForXVector, bands: int, phases: int) -> None:
    """Set the first convolution to band-pass filters and scale the layers after the transformer."""
    convolutions = [layer.conv for layer in network.wavlm.feature_extractor.conv_layers]
    with torch.no_grad():
        if bands:
            first = convolutions[0].weight
            if bands * phases > first.shape[0]:
                raise TrainingError(
                    f"model: {bands} bands x {phases} phases exceed conv_dim[0] = {first.shape[0]}"
                )
            filters = bandpass_filters(bands, phases, first.shape[2])
            first[: len(filters), 0] = FILTER_GAIN * torch.from_numpy(filters)
            # Training would drown the narrow low bands in broad-band noise before it improves them.
            convolutions[0].requires_grad_(False)
            if convolutions[0].bias is not None:
                convolutions[0].bias.zero_()
            if network.config.feat_extract_norm == "layer":
                network.wavlm.feature_extractor.conv_layers[0].layer_norm.weight.fill_(RECTIFIED_GAIN)
            _listen_to_bands(convolutions[1].weight, bands, phases)
        # transformers draws these with a deviation of 0.02, which fades the signal layer by layer.
        for layer in [*(tdnn.kernel for tdnn in network.tdnn), network.feature_extractor, network.projector]:
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")


def bandpass_filters(bands: int, phases: int, taps: int) -> NDArray[np.float32]:
    """Windowed tones at mel-spaced frequencies (phases x bands, taps).

    Half-wave rectified phases add up to nearly the tone's magnitude, wherever in its period a frame falls.
    """
    mel = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), bands + 2)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    time = np.arange(taps) - (taps - 1) / 2
    filters = []
    for phase in range(phases):
        for below, centre, above in zip(hertz[:-2], hertz[1:-1], hertz[2:], strict=True):
            # A Hann window of n samples passes a band of about 2 · rate / n.
            width = np.clip(4 * RATE / (above - below), min(SHORTEST_WINDOW, taps), taps)
            window = np.where(np.abs(time) < width / 2, 0.5 + 0.5 * np.cos(2 * np.pi * time / width), 0)
            tone = np.cos(2 * np.pi * (centre * time / RATE + phase / phases))
            # Speech falls by some 6 dB an octave: equal bands would hear little but the lowest.
            emphasis = (centre + 200) / 1000
            filters.append(emphasis * window * tone / np.sqrt((window * window).sum()))
    return np.stack(filters).astype(np.float32)


def _listen_to_bands(second: torch.Tensor, bands: int, phases: int) -> None:
    """Start the second layer with equal weights for all phases of a band, that is, on magnitudes."""
    shared = second[:, :bands].clone()
    for phase in range(phases):
        second[:, phase * bands : (phase + 1) * bands] = shared


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))
