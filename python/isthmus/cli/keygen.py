"""``isthmus keygen``."""


def keygen() -> None:
    """Make a Paillier key."""
