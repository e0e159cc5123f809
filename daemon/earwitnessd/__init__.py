"""The earwitness daemon: capture, ring, windows, speech gate, embed, score, decide, publish."""
