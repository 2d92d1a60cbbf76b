"""The command line: ``isthmus --help``."""
