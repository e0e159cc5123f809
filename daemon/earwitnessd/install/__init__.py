"""`earwitnessd install` and `uninstall`: the daemon as a service of systemd."""
