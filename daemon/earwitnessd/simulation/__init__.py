"""Make conversations of recorded speakers, with who spoke when: something to judge a daemon by."""
