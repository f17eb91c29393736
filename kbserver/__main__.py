"""`python -m kbserver` is `kbserver`."""

from kbserver.cli import main

main()
