"""`earwitnessd run`: the daemon, in the foreground."""

from __future__ import annotations

import faulthandler
import os
import sys

from earwitnessd.cli.options import CANNOT_START, ENGINE_FAILED, ConfigOption, SetOption, one_line


def run(config: ConfigOption = None, overrides: SetOption = None) -> None:
    """Listen, decide and publish until stopped (SIGTERM, Ctrl-C); SIGHUP reads the settings again.

    Exit status: 0 stopped, 1 the engine failed, 3 it could not start.
    """
    # Before numpy is loaded: its products here are small, and a second thread would only wait in a loop.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from earwitnessd.access.sockets import SocketError
    from earwitnessd.logs import last_words, log_to_stderr
    from earwitnessd.service.errors import EngineFailedError, StartError
    from earwitnessd.service.service import Service
    from earwitnessd.settings.load import load
    from earwitnessd.settings.validate import SettingsError

    status = 0
    faulthandler.enable()  # when the watchdog bites (SIGABRT), the log shows where each thread was
    try:
        settings = load(config, overrides or ())
        log_to_stderr(settings.log_level)
        Service(settings, lambda: load(config, overrides or ())).run()
    except (SettingsError, SocketError, StartError) as error:
        last_words(one_line(error))
        status = CANNOT_START
    except EngineFailedError as error:
        last_words(f"the engine failed: {one_line(error)}")
        status = ENGINE_FAILED
    # Everything of ours is closed. Taking torch down would last longer than all that, and for ever if a
    # thread is stuck in the model.
    sys.stderr.flush()
    os._exit(status)
