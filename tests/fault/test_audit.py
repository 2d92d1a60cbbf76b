"""The audit file when a disk is full, a process is killed, or it is none (fault cases 49 and 51)."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import subprocess
import sys
import tarfile
import tracemalloc

import numpy as np
import pytest

from isthmus import errors
from isthmus.party.audit import AuditTrail, verify_audit_file

STATEMENT = "fund learned which of its identifiers both have: é"


@pytest.fixture
def path(tmp_path):
    """An audit file of three records."""
    path = tmp_path / "audit.jsonl"
    fill(path, 3)
    return path


def fill(path, count):
    trail = AuditTrail(path, job="june")
    for _ in range(count):
        trail.add("disclosure", statement=STATEMENT)


def events(path):
    return [json.loads(line)["event"] for line in path.read_bytes().splitlines()]


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- disks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 20, -1, None], ids=["first-byte", "middle", "last-byte", "nothing"])
def test_case_49_a_full_disk_leaves_the_records_that_were_there(path, monkeypatch, size):
    trail, before, write = AuditTrail(path), path.read_bytes(), os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda handle, data: write(handle, data[:size]) if size else full())
        with pytest.raises(errors.StorageError, match="in part" if size else "No space"):
            trail.add("disclosure")
    assert path.read_bytes() == before and trail.records == []
    AuditTrail(path).add("job started")
    assert verify_audit_file(path) == 4


def test_a_record_that_did_not_reach_the_disk_is_taken_back(path, monkeypatch):
    trail, before = AuditTrail(path), path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(errors.StorageError):
            trail.add("disclosure")
    assert path.read_bytes() == before
    trail.add("disclosure")
    assert verify_audit_file(path) == 4


# --- killed processes -------------------------------------------------------------------------------------


def test_a_record_torn_anywhere_is_cut_off_and_that_is_recorded(path):
    whole = path.read_bytes()
    begin = whole.rindex(b"\n", 0, -1) + 1
    for end in range(begin + 1, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(errors.StorageError, match="line 3 was not written whole; the next session"):
            verify_audit_file(path)
        AuditTrail(path, job="july").add("job started")
        assert verify_audit_file(path) == 4
        assert events(path) == ["disclosure", "disclosure", "cut off", "job started"]
        record = json.loads(path.read_bytes().splitlines()[2])
        assert record["bytes"] == str(end - begin) and record["job"] == "july"


@pytest.mark.parametrize("sectors", ["all", "last", "first"])
def test_a_record_of_which_sectors_are_zeros_is_cut_off(path, sectors):
    """As when the machine lost power: the length is there, and not all sectors are."""
    AuditTrail(path).add("disclosure", statement="x" * 2000)
    whole = path.read_bytes()
    begin = whole.rindex(b"\n", 0, -1) + 1
    edge = (begin // 512 + 1) * 512
    zeros = {"all": (begin, len(whole)), "last": (edge, len(whole)), "first": (begin, edge)}[sectors]
    path.write_bytes(whole[: zeros[0]] + bytes(zeros[1] - zeros[0]) + whole[zeros[1] :])
    AuditTrail(path)
    assert verify_audit_file(path) == 4
    assert events(path)[-1] == "cut off"


@pytest.mark.parametrize("count", [1, 3])
def test_a_whole_record_without_its_newline_is_kept(path, count):
    whole = b"".join(path.read_bytes().splitlines(keepends=True)[:count])
    path.write_bytes(whole[:-1])
    with pytest.raises(errors.StorageError, match=f"line {count} lacks its newline"):
        verify_audit_file(path)
    AuditTrail(path)
    assert path.read_bytes() == whole and verify_audit_file(path) == count


def test_a_cut_that_could_not_be_recorded_is_told(path, monkeypatch):
    path.write_bytes(path.read_bytes()[:-9])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(
            errors.StorageError, match=r"were cut off, and the record .* could not be written"
        ):
            AuditTrail(path)
    assert verify_audit_file(path) == 2


def test_a_file_moved_aside_while_its_lock_is_awaited_is_not_written_to(path, monkeypatch):
    trail, flock, before = AuditTrail(path), fcntl.flock, path.read_bytes()
    aside = path.with_name("aside.jsonl")

    def moved(handle, lock):
        flock(handle, lock)
        if not aside.exists():
            path.rename(aside)

    monkeypatch.setattr(fcntl, "flock", moved)
    trail.add("disclosure")
    assert aside.read_bytes() == before and verify_audit_file(path) == 1


def test_a_trail_goes_on_after_another_process_tore_its_record(path):
    trail = AuditTrail(path)
    with path.open("ab") as file:
        file.write(path.read_bytes()[:50])
    trail.add("disclosure")
    assert verify_audit_file(path) == 5 and events(path)[3] == "cut off"


def test_a_first_record_that_was_torn_is_cut_off(path):
    path.write_bytes(path.read_bytes()[:50])
    AuditTrail(path)
    assert events(path) == ["cut off"] and verify_audit_file(path) == 1


WRITER = """
import os, pathlib, signal, sys
from isthmus.party.audit import AuditTrail
path, dies_at = pathlib.Path(sys.argv[1]), int(sys.argv[2])
trail, write, written = AuditTrail(path), os.write, 0
def torn(handle, data):
    global written
    written += 1
    if written == dies_at:
        write(handle, data[:60])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(handle, data)
os.write = torn
for _ in range(30):
    trail.add("disclosure")
"""


def test_processes_that_share_a_file_keep_one_chain_though_some_are_killed(path):
    """Two of four die while they write, holding the lock; the others go on."""
    deaths = [0, 0, 7, 15]
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, str(dies_at)]) for dies_at in deaths]
    codes = [writer.wait(60) for writer in writers]
    assert codes == [0, 0, -9, -9]
    AuditTrail(path)
    # Whoever came to a torn record wrote one about it, unless it died over that.
    assert events(path).count("cut off") in (1, 2)
    assert verify_audit_file(path) == len(events(path)) >= 3 + 2 * 30 + 6 + 14


# --- damage -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b"fund", b"bank"),
        lambda line: line[:-20] + b"\n",
        lambda line: b"\n",
        lambda line: b"[1]\n",
        lambda line: b'{"time": "' + b"[" * 100_000 + b"\n",
        lambda line: b"\xff" + line,
        lambda line: line.replace(b"fund", b"f\0nd"),
    ],
    ids=["changed", "cut", "empty", "list", "nested", "not-text", "nul"],
)
@pytest.mark.parametrize("number", [2, 3])
def test_a_damaged_line_is_named_and_left_alone(path, number, change):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number - 1] = change(lines[number - 1])
    path.write_bytes(b"".join(lines))
    with pytest.raises(errors.StorageError, match=f"line {number} .* move the file aside"):
        verify_audit_file(path)
    if number == 3:
        with pytest.raises(errors.StorageError, match=r"line 3 .* move the file aside"):
            AuditTrail(path)
    assert path.read_bytes() == b"".join(lines)


def array():
    """Return a NumPy file."""
    np.save(file := io.BytesIO(), np.zeros(1000))
    return file.getvalue()


def archive():
    """Return a tar file."""
    with tarfile.open(fileobj=(file := io.BytesIO()), mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    return file.getvalue()


OTHER_FILES = {
    "table": b"customer,amount\na,1\n",
    "word": b"notes",
    "text": b"notes\nnot ended",
    "long": b"x" * (3 << 20),
    "long zeros": bytes(3 << 20),
    "zeros": bytes(4096),
    "array": array(),
    "archive": archive(),
    "header": b"header\n" + bytes(80) + b"\1\2payload" * 100,
    "header, ended": b"header\n" + bytes(80) + b"payload\n",
    "log": b'{"time": "2026-01-01", "msg": "a"}\n{"time": "2026-01-02", "msg": "b',
    "object": b'{"time": "2026-01-01", "config": 1}',
    "same time": b'{"time": "2026-01-01T00:00:00.000+00:00", "event": "a"}',
    "begun": b'{"t',
    "payload": bytes(10) + b"\1\2payload" * 100,
}


@pytest.mark.parametrize("content", OTHER_FILES.values(), ids=OTHER_FILES)
def test_another_file_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "bank.csv"
    path.write_bytes(content)
    with pytest.raises(errors.StorageError, match="damaged or no audit record"):
        AuditTrail(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("use", [AuditTrail, verify_audit_file])
@pytest.mark.parametrize("kind", ["/dev/full", "/dev/zero", "/dev/null", "/proc/self/comm", "folder", "fifo"])
def test_case_51_an_audit_file_that_is_no_regular_file_is_a_path_error(tmp_path, use, kind):
    path = {"folder": tmp_path, "fifo": tmp_path / "fifo"}.get(kind, kind)
    if kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(errors.PathError, match="not a regular file"):
        use(tmp_path / path)


# --- long files -------------------------------------------------------------------------------------------


@pytest.fixture
def long(path, monkeypatch):
    """A file of 4,003 records."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        fill(path, 4000)
    assert path.stat().st_size > 1 << 20
    return path


def memory_of(call):
    """Return what a call had in memory at the most."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_of_a_long_file_only_the_end_is_read(long, monkeypatch):
    sizes, pread = [], os.pread
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda *args: sizes.append(args[1]) or pread(*args))
        assert memory_of(lambda: AuditTrail(long).add("disclosure")) < 1 << 17
    assert sum(sizes) < 30_000
    assert verify_audit_file(long) == 4004


def test_a_long_file_is_verified_in_little_memory(long):
    assert memory_of(lambda: verify_audit_file(long)) < 1 << 19


def test_a_record_longer_than_what_is_read_at_once_is_found(path):
    trail = AuditTrail(path)
    trail.add("disclosure", statement="x" * 300_000)
    trail.add("disclosure", statement="y")
    assert verify_audit_file(path) == 5
    with pytest.raises(errors.InvalidArgument):
        trail.add("disclosure", statement="x" * (1 << 20))
    assert verify_audit_file(path) == 5
