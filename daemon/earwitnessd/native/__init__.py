"""C of our own, compiled on the machine that runs it, and what its CPU has units for."""
