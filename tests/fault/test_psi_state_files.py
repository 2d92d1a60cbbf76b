"""The files of a state folder: logs that were torn or damaged, the lock, and who may use the folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from isthmus import errors
from isthmus.psi import state_files
from isthmus.psi.state_files import Folder, Log, Seal

# --- logs -------------------------------------------------------------------------------------------------

RECORDS = [b"first" * 30, b"second", b"", b"fourth" * 5]


@pytest.fixture
def log_file(tmp_path):
    """A log of four records, and a function that reads it again."""
    folder, seal = Folder(tmp_path / "state"), Seal(bytes(32))
    log = Log(folder.path, "own.log", seal, b"run", new=True)
    ends = [0]
    path = tmp_path / "state" / "own.log"
    for record in RECORDS:
        log.append(record)
        ends.append(path.stat().st_size)
    log.close()

    def read():
        again = Log(folder.path, "own.log", seal, b"run")
        try:
            return list(again.read())
        finally:
            again.close()

    yield path, ends, read, lambda: Log(folder.path, "own.log", seal, b"run")
    folder.release()


def test_a_log_torn_at_any_byte_keeps_every_whole_record(log_file):
    path, ends, read, _ = log_file
    data = path.read_bytes()
    for size in range(len(data) + 1):
        for tail in (b"", bytes(len(data) - size)):
            path.write_bytes(data[:size] + tail)
            whole = sum(end <= size for end in ends[1:])
            # A length that reached the disk while the content did not leaves zeros.
            if tail and size not in ends and not ends[-2] < size <= ends[-2] + 8:
                continue
            assert read() == RECORDS[:whole], size


def test_a_torn_log_goes_on_after_its_last_whole_record(log_file):
    path, ends, read, reopen = log_file
    path.write_bytes(path.read_bytes()[: ends[-1] - 3])
    log = reopen()
    assert list(log.read()) == RECORDS[:3]
    log.append(b"again")
    log.close()
    assert read() == [*RECORDS[:3], b"again"]


SECTOR = 512


@pytest.fixture
def long_log(log_file):
    """The log with a last record of several sectors; also, where that begins and what the log holds."""
    path, ends, read, reopen = log_file
    log = reopen()
    assert list(log.read()) == RECORDS
    log.append(bytes(4 * SECTOR))
    log.close()
    assert ends[-1] + 8 + 16 < SECTOR
    return path, ends[-1], read


def test_a_last_record_without_some_of_its_sectors_is_torn(long_log):
    path, begin, read = long_log
    data = path.read_bytes()
    for start in range(0, len(data), SECTOR):
        lost = bytearray(data)
        first, end = max(start, begin + 8), min(start + SECTOR, len(data))
        lost[first:end] = bytes(end - first)
        path.write_bytes(lost)
        assert read() == RECORDS


def test_a_changed_last_record_is_damage_and_not_torn(long_log):
    """It may have been answered; taken for torn, it would be asked for, and answered, again."""
    path, begin, read = long_log
    data = path.read_bytes()
    for position in (begin + 8, begin + 9, begin + 1000, len(data) - 1):
        changed = bytearray(data)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(errors.CheckpointError):
            read()


def test_damage_before_the_last_record_is_refused(log_file):
    path, ends, read, _ = log_file
    data = path.read_bytes()
    for position in range(ends[-2]):
        changed = bytearray(data)
        changed[position] ^= 0x40
        path.write_bytes(bytes(changed))
        with pytest.raises(errors.CheckpointError):
            read()


# --- locks ------------------------------------------------------------------------------------------------


def test_case_52_the_lock_of_a_dead_process_is_recovered(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from isthmus.psi.state_files import Folder;"
        "folder = Folder(Path(sys.argv[1])); print('held', flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "state")], capture_output=True, check=False
    )
    assert done.stdout == b"held\n"
    assert (tmp_path / "state" / "lock").exists()
    Folder(tmp_path / "state").release()


def test_a_lock_file_that_was_removed_meanwhile_does_not_count(tmp_path, monkeypatch):
    first = Folder(tmp_path / "state")
    locks = iter([first.release])
    real = state_files.fcntl.flock

    def flock(descriptor, flags):
        next(locks, lambda: None)()  # the holder leaves between the opening and the locking
        (tmp_path / "state").mkdir(mode=0o700, exist_ok=True)
        return real(descriptor, flags)

    monkeypatch.setattr(state_files.fcntl, "flock", flock)
    second = Folder(tmp_path / "state")
    with pytest.raises(errors.BusyError):
        Folder(tmp_path / "state")
    second.release()


def test_a_new_folder_is_on_disk_before_it_is_used(tmp_path, monkeypatch):
    flushed, real = [], os.fsync

    def fsync(descriptor):
        flushed.append(os.fstat(descriptor).st_ino)
        return real(descriptor)

    monkeypatch.setattr(state_files.os, "fsync", fsync)
    Folder(tmp_path / "state").release()
    assert flushed == [tmp_path.stat().st_ino]


@pytest.mark.parametrize("kind", ["file", "link", "open"])
def test_only_a_private_folder_will_do(tmp_path, kind):
    path = tmp_path / "state"
    if kind == "file":
        path.write_text("")
    elif kind == "link":
        (tmp_path / "target").mkdir(mode=0o700)
        path.symlink_to(tmp_path / "target")
    else:
        path.mkdir()
        path.chmod(0o750)
    with pytest.raises(errors.PathError):
        Folder(path)
