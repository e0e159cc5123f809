"""The earwitness client."""
