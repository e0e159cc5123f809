"""Making templates: from a live stream or a recording, one session at a time."""
