"""An intersection with a state folder: damage, other inputs, full disks, two processes (cases 46 to 52)."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from contextlib import suppress

import pytest

from isthmus import errors, psi
from isthmus.party.audit import verify_audit_file
from isthmus.party.channel import memory_pair
from isthmus.party.session import Session
from isthmus.protocol.psi_ecdh import ecdh_psi
from isthmus.psi import state_files
from isthmus.psi.checkpoint import Checkpoint
from isthmus.psi.state_files import Folder
from tests.protocol.conformance import NAMES, PATIENT_SECONDS, QUICK, Cut, CutChannel, proposals

IDS = {"alpha": [f"customer-{i}" for i in range(60)], "beta": [f"customer-{i}" for i in range(100, 30, -1)]}
SHARED = set(IDS["alpha"]) & set(IDS["beta"])
CUT = 45


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setitem(ecdh_psi.__kwdefaults__, "batch_items", 6)


@pytest.fixture
def run(tmp_path):
    """Return a function that intersects with a state folder per party, and returns each one's outcome."""

    def run(*, cut_after=None, ids=IDS, options=None, on_session=None, audit=None):
        ends = memory_pair()
        ends = CutChannel(ends[0], Cut(cut_after)), ends[1]
        outcomes = {}

        def work(channel, proposal):
            name = proposal.party
            given = {"role": "both", "state_dir": tmp_path / name, **(options or {}).get(name, {})}
            audit_file = audit / f"{name}.jsonl" if audit else None
            try:
                with Session(channel, proposal, audit_file=audit_file) as session:
                    if on_session:
                        on_session(session)
                    found = psi.intersect(session, ids[name], **given)
                    outcomes[name] = [ids[name][row] for row in found.indices]
                    outcomes[f"{name}-messages"] = session.stages[-1].messages
            except errors.IsthmusError as error:
                outcomes[name] = error

        threads = [
            threading.Thread(target=work, args=arguments, daemon=True)
            for arguments in zip(ends, proposals("grpc", QUICK), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * PATIENT_SECONDS)
            assert not thread.is_alive(), "a party hangs"
        return outcomes

    return run


@pytest.fixture
def interrupted(run, tmp_path):
    """The folders of a run that lost its connection in the middle."""
    outcomes = run(cut_after=CUT)
    assert all(isinstance(outcomes[name], errors.PeerGone) for name in NAMES)
    return {name: tmp_path / name for name in NAMES}


def records(log):
    """The number of records in a log, each of which begins with the length of what follows its header."""
    data, count = log.read_bytes(), 0
    while data:
        data = data[8 + int.from_bytes(data[:4], "big") :]
        count += 1
    return count


def check(outcomes, tmp_path):
    assert outcomes["alpha"] == outcomes["beta"], outcomes
    assert set(outcomes["alpha"]) == SHARED
    assert not any(tmp_path.iterdir())


def test_another_process_goes_on_where_the_run_stopped(run, interrupted, tmp_path):
    written = sum(records(tmp_path / "beta" / name) for name in ("own.log", "peer.log"))
    resumed = run()
    check(resumed, tmp_path)  # the folders are gone
    assert written > 0
    assert resumed["alpha-messages"] <= run()["alpha-messages"] - written


def test_what_lies_on_disk_is_private_and_sealed(interrupted):
    for folder in interrupted.values():
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        names = {path.name for path in folder.iterdir()}
        assert names == {"run.state", "own.log", "peer.log"}
        for path in folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            data = path.read_bytes()
            assert not any(word in data for word in (b"customer", b'"seed"', b"min_result"))


def test_a_party_that_lost_its_folder_starts_again_with_the_other(run, interrupted, tmp_path):
    for path in interrupted["alpha"].iterdir():
        path.unlink()
    outcomes = run()
    assert set(outcomes["alpha"]) == SHARED == set(outcomes["beta"])


def test_a_run_that_takes_the_place_of_another_has_another_order(run, interrupted, tmp_path, monkeypatch):
    orders = []
    real = Checkpoint.begin

    def begin(checkpoint, begun):
        before = checkpoint._own.digests(0, len(SHARED)).tobytes()
        real(checkpoint, begun)
        if checkpoint._session.party == "beta":
            orders.append((before, checkpoint._own.digests(0, len(SHARED)).tobytes()))

    monkeypatch.setattr(Checkpoint, "begin", begin)
    for path in interrupted["alpha"].iterdir():
        path.unlink()
    outcomes = run(cut_after=CUT)
    assert all(isinstance(outcomes[name], errors.PeerGone) for name in NAMES)
    ((before, after),) = orders
    assert before != after
    check(run(), tmp_path)  # the new order was written down
    assert len(orders) == 1


@pytest.mark.parametrize(
    ("ids", "options", "named"),
    [
        ({**IDS, "alpha": [*IDS["alpha"][:-1], "another"]}, {}, "input"),
        ({**IDS, "alpha": IDS["alpha"][::-1]}, {}, "input"),
        (IDS, {"min_result": 2}, "min_result"),
        (IDS, {"duplicates": "first"}, "duplicates"),
        (IDS, {"role": "receiver"}, "learn, role"),
    ],
    ids=["input", "order", "minimum", "duplicates", "role"],
)
def test_case_48_another_input_or_other_arguments_do_not_resume(run, interrupted, ids, options, named):
    outcomes = run(ids=ids, options={"alpha": options})
    assert type(outcomes["alpha"]) is errors.ResumeMismatch
    assert named in str(outcomes["alpha"])
    assert "customer" not in str(outcomes["alpha"])
    assert outcomes["beta"].peer_code == errors.ResumeMismatch.code
    assert set(run()["alpha"]) == SHARED


def test_a_party_that_has_lost_what_it_answered_is_refused(run, interrupted):
    (interrupted["alpha"] / "peer.log").write_bytes(b"")
    outcomes = run()
    assert any(type(outcomes[party]) is errors.ResumeMismatch for party in NAMES)
    assert all(isinstance(outcomes[party], errors.IsthmusError) for party in NAMES)


@pytest.mark.parametrize("name", ["own.log", "peer.log"])
def test_a_state_without_its_logs_is_refused(run, interrupted, name):
    (interrupted["alpha"] / name).unlink()
    outcomes = run()
    assert type(outcomes["alpha"]) is errors.CheckpointError
    assert isinstance(outcomes["beta"], errors.PeerFailed)


def test_a_crash_at_any_moment_of_a_replacement_never_leaves_secrets_without_their_logs(
    run, interrupted, tmp_path, monkeypatch
):
    """What lies on disk at each change of a name: a state only beside both of its logs."""
    seen = []
    for call in ("replace", "unlink", "open"):
        real = getattr(os, call)

        def watched(*arguments, real=real, **options):
            found = real(*arguments, **options)
            with suppress(FileNotFoundError):
                seen.append({path.name for path in (tmp_path / "beta").iterdir()})
            return found

        monkeypatch.setattr(state_files.os, call, watched)
    for path in interrupted["alpha"].iterdir():
        path.unlink()
    run()
    assert any("run.state" not in names for names in seen)
    assert all({"own.log", "peer.log"} <= names for names in seen if "run.state" in names)


def test_an_answer_that_was_torn_comes_again(run, interrupted, tmp_path):
    path = interrupted["alpha"] / "own.log"
    path.write_bytes(path.read_bytes()[:-5])
    check(run(), tmp_path)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other"])
def test_case_46_a_damaged_state_is_refused(run, interrupted, damage):
    path = interrupted["alpha"] / "run.state"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    changed = {"flip": data, "cut": data[:-1], "empty": b""}.get(damage)
    if changed is None:
        changed = (interrupted["beta"] / "run.state").read_bytes()  # sealed by another party
    path.write_bytes(bytes(changed))
    assert type(run()["alpha"]) is errors.CheckpointError


def test_a_log_of_another_run_is_refused(run, interrupted):
    path = interrupted["alpha"] / "own.log"
    path.write_bytes((interrupted["alpha"] / "peer.log").read_bytes())
    assert type(run()["alpha"]) is errors.CheckpointError


def test_case_52_two_runs_in_one_folder(run, interrupted):
    held = Folder(interrupted["alpha"])
    outcomes = run()
    assert type(outcomes["alpha"]) is errors.BusyError
    assert outcomes["beta"].peer_code == "ERR_INTERNAL"
    held.release()


def test_case_52_a_cancelled_run_can_be_resumed(run, interrupted, tmp_path):
    def cancel(session):
        if session.party == "alpha":
            session.on_progress = lambda progress: progress.done > 90 and session.cancel()

    began = time.monotonic()
    outcomes = run(on_session=cancel)
    assert time.monotonic() - began < PATIENT_SECONDS
    assert all(type(outcomes[name]) is errors.CancelledError for name in NAMES)
    check(run(), tmp_path)


def test_a_result_that_the_peer_calls_too_small_leaves_nothing_on_disk(run, tmp_path, monkeypatch):
    real = Session._send

    def slow(session, message):
        sent = real(session, message)
        if session.party == "beta" and message.DESCRIPTOR.name == "JobEnd":
            time.sleep(0.5)  # alpha ends meanwhile, and beta hears of it before it ends the job
        return sent

    monkeypatch.setattr(Session, "_send", slow)
    outcomes = run(options={name: {"min_result": 50} for name in NAMES})
    assert all(type(outcomes[name]) is errors.ResultTooSmall for name in NAMES)
    assert not any(tmp_path.iterdir())


# --- disks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS], ids=["full", "io", "read-only"])
@pytest.mark.parametrize("call", ["write", "fdatasync", "fsync", "replace"])
def test_case_49_a_disk_that_fails_ends_the_run_and_keeps_it_resumable(
    run, tmp_path, monkeypatch, call, code
):
    real, seen = getattr(os, call), []

    def failing(*arguments, **options):
        seen.append(threading.current_thread().name)
        if len(seen) >= 3:
            raise OSError(code, os.strerror(code))
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(state_files.os, call, failing)
        outcomes = run()
    assert any(type(outcomes[name]) is errors.StorageError for name in NAMES)
    for name in NAMES:
        assert isinstance(outcomes[name], errors.StorageError | errors.PeerFailed | errors.PeerGone)
        if isinstance(outcomes[name], errors.PeerFailed):
            assert outcomes[name].peer_code == "ERR_INTERNAL"
    outcomes = run()
    assert set(outcomes["alpha"]) == SHARED == set(outcomes["beta"])


def test_case_49_a_full_disk_under_the_records_is_a_storage_error(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        outcomes = run(options={name: {"memory_bytes": 0} for name in NAMES})
    assert any(type(outcomes[name]) is errors.StorageError for name in NAMES)
    outcomes = run(options={name: {"memory_bytes": 0} for name in NAMES})
    check(outcomes, tmp_path)


@pytest.mark.parametrize("victims", [("alpha",), ("beta",), NAMES], ids=["alpha", "beta", "both"])
@pytest.mark.parametrize("statement", [1, 2, 3, 4])
def test_case_49_a_disclosure_that_cannot_be_recorded_releases_nothing(
    run, tmp_path, tmp_path_factory, statement, victims
):
    """The disk under the audit file is full once both have matched; when it has room, the run is resumed."""
    write, audit = os.write, tmp_path_factory.mktemp("audit")
    seen, released = dict.fromkeys(NAMES, 0), []

    def full(handle, data):
        for name in victims:
            if b'"event": "disclosure"' in bytes(data) and f'"party": "{name}"'.encode() in bytes(data):
                seen[name] += 1
                if seen[name] >= statement:
                    write(handle, data[:50])
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, data)

    options = {name: {"on_result": lambda result, name=name: released.append(name)} for name in NAMES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", full)
        outcomes = run(audit=audit, options=options)
    for name in victims:
        assert type(outcomes[name]) is errors.StorageError and name not in released
        assert (tmp_path / name / "run.state").exists()
        assert verify_audit_file(audit / f"{name}.jsonl") >= statement
    outcomes = run(audit=audit, options=options)
    check(outcomes, tmp_path)
    assert set(released) == set(NAMES)
    assert all(verify_audit_file(audit / f"{name}.jsonl") > 4 for name in NAMES)


def test_a_party_without_a_key_has_nothing_to_seal_with(tmp_path):
    from isthmus.party import run_in_memory

    with pytest.raises(errors.InvalidArgument):
        run_in_memory(
            {
                name: lambda session: psi.intersect(
                    session, ["a"], role="both", state_dir=tmp_path / session.party
                )
                for name in NAMES
            }
        )
