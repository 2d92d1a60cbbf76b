"""fate-utils' curve, the arithmetic of FATE's PSI, between two objects of one process: no transport, no
files.

    python psi_fate.py CURVE A.csv B.csv
"""

import hashlib
import sys
import time
from pathlib import Path

from fate_utils.psi import Curve25519


def main():
    lists = [Path(name).read_bytes().split()[1:] for name in sys.argv[2:]]
    began = time.perf_counter()
    parties = [Curve25519(), Curve25519()]
    masked = [
        party.encrypt_vec([hashlib.sha256(item).digest() for item in items])
        for party, items in zip(parties, lists, strict=True)
    ]
    first = parties[1].diffie_hellman_vec(masked[0])
    second = set(parties[0].diffie_hellman_vec(masked[1]))
    shared = [row for row, tag in enumerate(first) if tag in second]
    print("RESULT", time.perf_counter() - began, len(shared), flush=True)


if __name__ == "__main__":
    main()
