"""How fast, how prompt and how steady the daemon is on this machine; no part of the running daemon."""
