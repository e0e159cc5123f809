"""`python -m earwitnessd` is `earwitnessd`."""

from earwitnessd.cli import main

main()
