"""The audit log: who asked for what, and each change of a verdict with its source."""
