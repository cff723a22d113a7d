"""`python -m fiberscope` is the command `fiberscope`."""

from fiberscope.cli.app import main

main()
