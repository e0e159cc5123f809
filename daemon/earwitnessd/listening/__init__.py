"""The engine thread: everything between a block of audio and a decision."""
