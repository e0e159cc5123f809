"""The main thread: lifecycle, capture processes, public sockets, watchdog."""
