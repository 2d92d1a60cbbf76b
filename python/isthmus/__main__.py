"""``isthmus``, and ``python -m isthmus``: the command line."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C while it loads ends it as it does later: in a line, with status 130."""
    try:
        from isthmus.cli import app

        app.main()
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was released\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
