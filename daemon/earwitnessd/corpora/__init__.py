"""Folders of recorded speakers, noise and rooms, as people have them."""
