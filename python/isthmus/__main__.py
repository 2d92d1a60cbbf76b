"""``python -m isthmus``: the command line, where the console script is not on the path."""

from isthmus.cli.app import main

main()
