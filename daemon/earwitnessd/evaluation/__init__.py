"""Judge a speaker model on lists of trials."""
