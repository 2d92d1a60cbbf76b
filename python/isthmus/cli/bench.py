"""``isthmus bench``."""


def bench() -> None:
    """Measure."""
