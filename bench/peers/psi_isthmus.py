"""isthmus' PSI, as `psi.py` starts it: two processes over mutual TLS, CSV in, aligned CSV out, both learn.

python psi_isthmus.py SUITE A.csv B.csv
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from psi_end_to_end import Case, Cost, align

from isthmus.party import run_local
from isthmus.party.session import Session


def main() -> None:
    """Print the slower party's seconds and the number of shared identifiers."""
    suite, *names = sys.argv[1:]
    sources = dict(zip(("bank", "fund"), map(Path, names), strict=True))
    case = Case((0, 0), suite, threads=2, format="csv", memory_bytes=1 << 30, state=False, folder=None)

    def work(source: Path) -> Callable[[Session], Cost]:
        return lambda session: align(session, case, source, source.with_suffix(".out.csv"))

    costs = run_local({party: work(source) for party, source in sources.items()})
    shared = sum(1 for _ in sources["bank"].with_suffix(".out.csv").open()) - 1
    print("RESULT", max(cost.seconds for cost in costs.values()), shared, flush=True)


if __name__ == "__main__":
    main()
