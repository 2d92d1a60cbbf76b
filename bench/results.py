"""Where measurements are kept: one line of JSON per row, and the tables made of them.

Every script here takes ``--json FILE`` and appends its rows. A line holds the table it belongs to, the
fields that say which row it is (``key``), and the figures (``values``). Of several lines for one row the last
counts, so a part can be measured again without the rest. ``report.py`` makes the tables and plots of them.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Measured:
    """One row: which it is, what it measured, and where and when."""

    table: str
    key: dict[str, Any]
    values: dict[str, Any]
    where: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.key[name] if name in self.key else self.values[name]


class Recorder:
    """Keeps rows, and appends them to a file if it was given one."""

    def __init__(self, path: Path | None) -> None:
        self.rows: list[Measured] = []
        self._path = path
        self._where = {"machine": machine(), "commit": _commit()}

    def add(self, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Append one row."""
        where = {**self._where, "when": time.strftime("%Y-%m-%d %H:%M", time.gmtime())}
        row = Measured(table, dict(key), dict(values), where)
        self.rows.append(row)
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def load(path: Path) -> list[Measured]:
    """Return the last line of every row, in the order of their first lines."""
    found: dict[str, Measured] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = Measured(**json.loads(line))
        found[json.dumps([row.table, row.key], sort_keys=True)] = row
    return list(found.values())


def select(rows: list[Measured], table: str, **key: Any) -> Iterator[Measured]:
    """Yield the rows of a table whose key has these fields."""
    for row in rows:
        if row.table == table and all(row.key.get(name) == value for name, value in key.items()):
            yield row


def machine() -> str:
    """Describe this machine's processor, its cores and memory."""
    info = _cpu_info()
    model = f"{info.get('model name', platform.processor())}"
    if "cpu family" in info:
        model += f" (family {info['cpu family']}, model {info['model']})"
    cores = sum(1 for line in _proc("cpuinfo").splitlines() if line.startswith("processor"))
    memory = re.search(r"MemTotal:\s*(\d+)", _proc("meminfo"))
    gib = f", {int(memory[1]) / (1 << 20):.0f} GiB" if memory else ""
    return f"{model}, {cores} cores{gib}"


def default_path() -> Path:
    """Return the file of this kind of processor."""
    info = _cpu_info()
    words = [info.get("model name", platform.machine()), info.get("cpu family", ""), info.get("model", "")]
    slug = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
    return HERE / "results" / f"{slug}.jsonl"


def _cpu_info() -> dict[str, str]:
    lines = _proc("cpuinfo").split("\n\n", 1)[0].splitlines()
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _proc(name: str) -> str:
    path = Path("/proc") / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _commit() -> str:
    command = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip()
