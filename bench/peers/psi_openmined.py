"""openmined-psi between two objects of one process: it has no transport. Only the client learns.

python psi_openmined.py CURVE A.csv B.csv
"""

import sys
import time
from pathlib import Path

import private_set_intersection.python as psi


def main():
    client_ids, server_ids = (Path(name).read_text().split()[1:] for name in sys.argv[2:])
    began = time.perf_counter()
    client, server = psi.client.CreateWithNewKey(True), psi.server.CreateWithNewKey(True)
    setup = server.CreateSetupMessage(1e-9, len(client_ids), server_ids, psi.DataStructure.RAW)
    response = server.ProcessRequest(client.CreateRequest(client_ids))
    shared = client.GetIntersection(setup, response)
    print("RESULT", time.perf_counter() - began, len(shared), flush=True)


if __name__ == "__main__":
    main()
