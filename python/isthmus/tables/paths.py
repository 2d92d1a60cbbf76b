"""Which files may be read or written, and which format a name stands for."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from isthmus import errors
from isthmus.regular import is_regular

PathLike = str | os.PathLike[str]

_KINDS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}


@dataclass(frozen=True)
class FileFormat:
    """``kind`` is ``"csv"``, ``"parquet"`` or ``"arrow"``."""

    kind: str
    compressed: bool


def file_format(path: Path) -> FileFormat:
    """Return the format that the name's ending stands for; PathError if it stands for none."""
    compressed = path.suffix.lower() == ".gz"
    ending = "".join(path.suffixes[-2:] if compressed else path.suffixes[-1:]).lower()
    kind = _KINDS.get(ending)
    if kind is None:
        raise errors.PathError(f"{path.name}: the name must end in one of {', '.join(_KINDS)}")
    return FileFormat(kind, compressed)


def regular_file(path: PathLike) -> Path:
    """Return the path of a file that holds bytes.

    Raises
    ------
    PathError
        Nothing is there, or something that is not a regular file.
    EmptyInput, StorageError
        The file has no bytes, or the system does not let it be looked at.
    """
    path = Path(path)
    try:
        status = path.stat()
        regular = is_regular(path, status)
    except FileNotFoundError:
        raise errors.PathError(f"{path.name} does not exist") from None
    except (OSError, ValueError, RuntimeError) as cause:
        raise errors.StorageError(f"{path.name} cannot be read") from cause
    if not regular:
        raise errors.PathError(f"{path.name} is not a regular file")
    if status.st_size == 0:
        raise errors.EmptyInput(f"{path.name} holds no bytes")
    return path


def select_columns(present: Sequence[str], wanted: Sequence[str] | None, name: str) -> list[str]:
    """Return the columns to read, or raise a SchemaError that lists what is wrong with them."""
    repeated = sorted(column for column, times in Counter(present).items() if times > 1)
    if repeated:
        raise errors.SchemaError(f"{name} has columns with the same name: {', '.join(repeated)}")
    twice = sorted(column for column, times in Counter(wanted or ()).items() if times > 1)
    if twice:
        raise errors.SchemaError(f"{name}: named more than once: {', '.join(twice)}")
    missing = [column for column in wanted or () if column not in present]
    if missing:
        raise errors.SchemaError(
            f"{name} lacks the columns {', '.join(missing)}; it has {', '.join(present)}"
        )
    return list(present if wanted is None else wanted)


@contextlib.contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn pyarrow's errors into ours, without the excerpts of data that its messages quote."""
    try:
        yield
    except pa.ArrowInvalid:
        kind = file_format(path).kind
        raise errors.DecodeError(f"{path.name} is damaged or not a {kind} file") from None
    except OSError as cause:
        # A decompressor's complaint is an OSError too, but not one of the operating system.
        if cause.errno is None and file_format(path).compressed:
            raise errors.DecodeError(f"{path.name} is damaged or not a gzip file") from None
        raise errors.StorageError(f"{path.name} cannot be read") from cause
