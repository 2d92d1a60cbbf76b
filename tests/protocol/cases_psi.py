"""Every registered protocol for private set intersection, in every role and with both kinds of result."""

from isthmus.protocol.registry import PSI_PROTOCOLS
from isthmus.protocol.suites import PSI_SUITES
from tests.protocol.cases import ProtocolCase
from tests.protocol.psi_parties import COUNTERPART, PsiParty

A_IDS = [f"customer-{i}" for i in range(23)]
B_IDS = [f"customer-{i}" for i in range(30, 14, -1)]
SHARED = {f"customer-{i}" for i in range(15, 23)}
IDS = {"a": A_IDS, "b": B_IDS}


def party(name):
    return PsiParty(IDS[name], seed=ord(name))


def learned(name, match):
    return [IDS[name][row] for row in party(name).rows(match)]


def check(role_a, reveal):
    def check_results(a, b):
        assert (a.peer_count, b.peer_count) == (len(B_IDS), len(A_IDS))
        assert a.released
        assert b.released
        roles = {"a": role_a, "b": COUNTERPART[role_a]}
        for name, match in (("a", a), ("b", b)):
            assert match.size == (None if roles[name] == "sender" else len(SHARED))
            if roles[name] == "sender" or reveal == "size":
                assert match.positions is None
            else:
                assert set(learned(name, match)) == SHARED
        if role_a == "both" and reveal == "rows":
            assert learned("a", a) == learned("b", b)

    return check_results


def make_steps(row, name, role, reveal):
    # Six items to a message, so that several messages are in flight.
    return lambda: party(name).steps(role, reveal=reveal, min_result=1, batch_items=6, protocol=row.steps)


CASES = [
    ProtocolCase(
        name=f"{row.name}-{role}-{COUNTERPART[role]}-{reveal}",
        protocol=row.protocol,
        make_steps_a=make_steps(row, "a", role, reveal),
        make_steps_b=make_steps(row, "b", COUNTERPART[role], reveal),
        check=check(role, reveal),
        parameters={"suite": PSI_SUITES["ristretto255"].identifier},
    )
    for row in PSI_PROTOCOLS.values()
    for role, reveal in (("receiver", "rows"), ("sender", "rows"), ("both", "rows"), ("both", "size"))
    if role in row.roles and reveal in row.reveals
]
