"""``isthmus psi run`` over a network that drops the connection: both go on in the middle."""

import contextlib
import json
import socket
import threading

import pytest

from isthmus.tables import read_table
from tests.cli.parties import PARTIES, psi_arguments, succeeded, together, write_tables

CUT_BYTES = 400_000


class DroppingProxy:
    """Passes TCP connections on, and breaks each of the first ``cuts`` after so many bytes."""

    def __init__(self, target: int, cuts: int) -> None:
        self.broken = 0
        self._target = target
        self._cuts = cuts
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # nobody listens there yet; the caller tries again
                near.close()
                continue
            passed = [0]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(*ends, passed), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, passed: list[int]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                if self._cut(passed, len(data)):
                    break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _cut(self, passed: list[int], size: int) -> bool:
        with self._lock:
            passed[0] += size
            cut = self.broken < self._cuts and passed[0] > CUT_BYTES
            self.broken += cut
            return cut


@pytest.mark.timeout(150)
@pytest.mark.parametrize("state", [[], ["--state", "state"]], ids=["in-memory", "written-down"])
def test_a_dropped_link_is_gone_on_with_in_the_middle(world, state):
    write_tables(world, rows=25_000)
    party = world / "fund" / "fund.toml"
    text = party.read_text()
    port = int(text.split('address = "127.0.0.1:')[1].split('"')[0])
    proxy = DroppingProxy(port, cuts=2)
    party.write_text(text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{proxy.port}"))
    options = ["--out", "aligned.parquet", *state]
    try:
        succeeded(together(world, psi_arguments(bank=options, fund=options)))
    finally:
        proxy.close()
    assert proxy.broken == 2
    tables = {name: read_table(world / name / "aligned.parquet") for name in PARTIES}
    assert tables["bank"]["customer"].to_pylist() == tables["fund"]["customer"].to_pylist()
    assert tables["bank"].num_rows == 20_000
    for name in PARTIES:
        events = [
            json.loads(line)["event"] for line in (world / name / "audit.jsonl").read_text().splitlines()
        ]
        assert events.count("reconnected") == 2 and events.count("job finished") == 1
