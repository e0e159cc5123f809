"""Serves embeddings to daemons from a Ray cluster: replicas of an engine, and the gate before them."""
