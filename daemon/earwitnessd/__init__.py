"""The earwitness daemon."""
