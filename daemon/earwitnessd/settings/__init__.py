"""The daemon's settings: dumb frozen values, read once, strictly."""
