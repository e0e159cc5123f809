"""Train or fine-tune a `WavLMForXVector`; part of the `train` extra, never imported by the daemon."""
