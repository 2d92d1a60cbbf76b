"""Job files: what one party brings to a training or scoring run, in TOML; ``docs/jobs.md`` has every key."""

from __future__ import annotations

import collections.abc
import dataclasses
import difflib
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from isthmus.errors import ConfigError, StorageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


@dataclass(frozen=True)
class Input:
    """``[input]``: this party's file and what its columns are."""

    path: Path
    id: tuple[str, ...] = ()  #: columns to align on; none if the file is aligned already
    label: str | None = None  #: only in the label holder's file
    columns: tuple[str, ...] | None = None  #: features; every other column if left out


@dataclass(frozen=True)
class Psi:
    """``[psi]``: how customers are aligned. Both parties give the same values."""

    min_result: int = 1
    duplicates: Literal["error", "first"] = "error"  #: this one may differ
    normalize: str | Mapping[str, Any] = ""  #: steps for all id columns, or by the names of columns
    suite: Literal["ristretto255", "X25519", "P-256", "SM2"] = "ristretto255"


@dataclass(frozen=True)
class Model:
    """``[model]``: the family, and in ``[model.options]`` any argument of its Python class."""

    kind: Literal["logistic", "gbdt"]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainOutput:
    """``[output]`` of a training job."""

    model: Path


@dataclass(frozen=True)
class TrainJob:
    """What ``isthmus train`` reads."""

    party: Path
    job: str
    input: Input
    model: Model
    output: TrainOutput
    psi: Psi = field(default_factory=Psi)


@dataclass(frozen=True)
class PredictOutput:
    """``[output]`` of a scoring job; only the label holder names a file."""

    scores: Path | None = None


@dataclass(frozen=True)
class TrainedModel:
    """``[model]`` of a scoring job: this party's half."""

    path: Path


@dataclass(frozen=True)
class PredictJob:
    """What ``isthmus predict`` reads."""

    party: Path
    job: str
    input: Input
    model: TrainedModel
    output: PredictOutput = field(default_factory=PredictOutput)
    psi: Psi = field(default_factory=Psi)


def load_job(path: Path, kind: type[T]) -> T:
    """Read a job file. Paths in it are relative to the file itself.

    Raises
    ------
    ConfigError
        A key is missing, unknown or of another type; the message names it and says what is expected.
    StorageError
        The file cannot be read.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"cannot read the job file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError("the job file is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the job file is not TOML: {error}") from None
    return _build(kind, content, "", path.parent)


def _build(kind: type[T], content: Any, prefix: str, folder: Path) -> T:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{prefix.rstrip('.')} must be a table, [{prefix.rstrip('.')}]")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in content:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"; did you mean {prefix}{near[0]}?" if near else f"; known: {', '.join(fields)}"
            raise ConfigError(f"{prefix}{key} is not a key{hint}")
    values = {}
    for name, described in fields.items():
        if name in content:
            values[name] = _value(hints[name], content[name], prefix + name, folder)
        elif described.default is dataclasses.MISSING and described.default_factory is dataclasses.MISSING:
            raise ConfigError(f"{prefix}{name} is missing; it needs {_expected(hints[name])}")
    return kind(**values)


def _value(hint: Any, value: Any, name: str, folder: Path) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, f"{name}.", folder)
    options = typing.get_args(hint) if _is_union(hint) else (hint,)
    for option in options:
        origin = typing.get_origin(option)
        if option is Path and isinstance(value, str) and value:
            return folder / value
        if origin is tuple and _is_names(value):
            return (value,) if isinstance(value, str) else tuple(value)
        if origin is Literal and value in typing.get_args(option):
            return value
        if origin is collections.abc.Mapping and isinstance(value, dict):
            return value
        if option in (str, int) and type(value) is option:
            return value
    raise ConfigError(f"{name} needs {_expected(hint)}")


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _is_names(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))


def _expected(hint: Any) -> str:
    if _is_union(hint):
        hint = typing.get_args(hint)[0]
    if dataclasses.is_dataclass(hint):
        return "a table"
    if typing.get_origin(hint) is Literal:
        return " or ".join(f'"{option}"' for option in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return "a column name or a list of column names"
    words = {Path: "a path in quotes", str: "text in quotes", int: "a whole number"}
    return words.get(hint, "a table")
