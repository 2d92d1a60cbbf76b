"""isthmus' PSI, as `psi.py` starts it: two processes over mutual TLS, CSV in, aligned CSV out, both learn.

    python psi_isthmus.py SUITE A.csv B.csv
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from psi_end_to_end import align_files


def main() -> None:
    """Print the slower party's seconds and the number of shared identifiers."""
    suite, *inputs = sys.argv[1:]
    sources = [Path(name) for name in inputs]
    cost = align_files(sources, [path.with_suffix(".out.csv") for path in sources], suite=suite)
    print("RESULT", cost.seconds, cost.shared, flush=True)


if __name__ == "__main__":
    main()
