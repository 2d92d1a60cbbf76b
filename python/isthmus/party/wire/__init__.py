"""Wire messages of channels and sessions; ``link.proto`` is the source."""
