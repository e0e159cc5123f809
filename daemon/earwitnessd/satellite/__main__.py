"""`python -m earwitnessd.satellite SETTINGS` is the satellite, with the settings as JSON."""

from __future__ import annotations

import faulthandler
import sys
from pathlib import Path

import msgspec

from earwitnessd.logs import last_words, log_to_stderr
from earwitnessd.satellite.keys import LinkKeys, secret_file
from earwitnessd.satellite.satellite import Satellite
from earwitnessd.satellite.settings import SatelliteSettings

PROGRAM = "earwitness-mic"
USAGE, CANNOT_START = 2, 3


def main(arguments: list[str]) -> int:
    """Run until stopped."""
    try:
        (text,) = arguments
        settings = msgspec.json.decode(text, type=SatelliteSettings)
    except (ValueError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"usage: python -m earwitnessd.satellite SETTINGS-AS-JSON ({error})\n")
        return USAGE
    faulthandler.enable()
    log_to_stderr(settings.log_level, PROGRAM)
    try:
        keys = LinkKeys.load(secret_file(settings.key), Path(settings.daemon_key))
    except (OSError, ValueError) as error:
        last_words(f"the keys cannot be used: {error}", PROGRAM)
        return CANNOT_START
    Satellite(settings, keys).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
