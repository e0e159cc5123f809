"""Which earwitness this is."""

from importlib.metadata import version

VERSION = version("earwitness")
