"""Every registered protocol for private set intersection, with either party in every role."""

import numpy as np
import pyarrow as pa

from isthmus.protocol.registry import PSI_PROTOCOLS
from tests.protocol.cases import ProtocolCase

A_IDS = pa.chunked_array([[f"customer-{i}" for i in range(23)]])
B_IDS = pa.chunked_array([[f"customer-{i}" for i in range(30, 14, -1)]])
SHARED = {f"customer-{i}" for i in range(15, 23)}


def ids_of(column, rows):
    return column.take(pa.array(rows)).to_pylist()


def check_learned(column, match, ordered):
    found = ids_of(column, match.rows)
    assert set(found) == SHARED
    assert len(found) == len(SHARED)
    assert not ordered or match.rows.tolist() == sorted(match.rows.tolist())


def check(role_a, role_b):
    def check_results(a, b):
        assert (a.peer_count, b.peer_count) == (len(B_IDS), len(A_IDS))
        assert a.released
        assert b.released
        for role, column, match in ((role_a, A_IDS, a), (role_b, B_IDS, b)):
            if role == "sender":
                assert match.rows is None
            else:
                check_learned(column, match, ordered=role == "receiver")
        if role_a == "both":
            assert ids_of(A_IDS, a.rows) == ids_of(B_IDS, b.rows)

    return check_results


def make_steps(protocol, column, role):
    # Six items to a message, so that several messages are in flight.
    return lambda: protocol.steps([column], np.arange(len(column)), role=role, min_result=1, chunk_items=6)


CASES = [
    ProtocolCase(
        name=f"{protocol.name}-{role_a}-{role_b}",
        protocol=protocol.protocol,
        make_steps_a=make_steps(protocol, A_IDS, role_a),
        make_steps_b=make_steps(protocol, B_IDS, role_b),
        check=check(role_a, role_b),
        parameters={"suite": protocol.suite},
    )
    for protocol in PSI_PROTOCOLS.values()
    for role_a, role_b in (("receiver", "sender"), ("sender", "receiver"), ("both", "both"))
]
