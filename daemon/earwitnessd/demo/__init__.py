"""The demo: a bundled conversation, heard through the same road as any other source."""
