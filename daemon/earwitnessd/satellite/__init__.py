"""Microphones on other machines: what they send, what is believed of it, how far their clocks are off."""
