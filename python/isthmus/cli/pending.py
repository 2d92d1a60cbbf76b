"""A result whose rows are not written yet: kept in the state folder, so that a crash costs no second run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.errors import CheckpointError, ResumeMismatch
from isthmus.psi import PsiResult
from isthmus.psi.checkpoint import erase_state
from isthmus.tables import write_table

_FILE = "rows.arrow"
_TERMS = b"isthmus"


class Pending:
    """The result of one command; ``terms`` are what must be the same when it is given again."""

    def __init__(self, folder: Path, input: Path, terms: Mapping[str, Any]) -> None:
        status = input.stat()
        self._folder = folder
        self._terms = {**terms, "input": [str(input.resolve()), status.st_size, status.st_mtime_ns]}

    def load(self) -> NDArray[np.int64] | None:
        """Return the rows that are kept, or None; ResumeMismatch if another command kept them."""
        path = self._folder / _FILE
        if not path.exists():
            return None
        try:
            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
                rows: NDArray[np.int64] = reader.read_all()["row"].to_numpy()
                terms = json.loads(reader.schema.metadata[_TERMS])
        except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError):
            raise CheckpointError("the result in the state folder is damaged; delete the folder") from None
        differing = sorted(key for key, value in self._terms.items() if terms.get(key) != value)
        if differing:
            raise ResumeMismatch(f"the interrupted run had another: {', '.join(differing)}")
        return rows

    def save(self, result: PsiResult) -> None:
        """Keep a result's rows; they are on disk when this returns."""
        table = pa.table({"row": result.indices})
        terms = {_TERMS: json.dumps(self._terms).encode()}
        write_table(table.replace_schema_metadata(terms), self._folder / _FILE)

    def discard(self) -> None:
        """Forget the result once its rows are written, and what else is left of the run."""
        (self._folder / _FILE).unlink(missing_ok=True)
        erase_state(self._folder)
        with contextlib.suppress(OSError):
            self._folder.rmdir()
