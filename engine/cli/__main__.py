"""`python -m engine.cli` is `finops`."""

from engine.cli import main

main()
