"""Whether the machine that runs the tests stands still, as shared and virtual ones now and then do."""
