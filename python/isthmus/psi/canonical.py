"""Canonical forms: what two parties do to identifiers before these are compared.

Each key column has a rule, a comma-separated list of steps. They are applied in this order, whatever order
they are named in:

``nfkc``
    Unicode compatibility composition: full-width letters and digits, ligatures and the like become the plain
    ones, and composed and decomposed accents the same.
``casefold``, or ``lower``
    Unicode full case folding and composition: ``STRASSE`` and ``straße`` become the same.
``trim``
    White space at both ends goes.
``digits``, or ``digits:CC``
    For telephone numbers: spaces, hyphens, dots, slashes, parentheses and a leading ``+`` go; anything else
    that is no digit is refused. With a country calling code, ``+CC`` and ``00CC`` in front go as well, and
    other countries' ``+`` becomes ``00``, so that for ``digits:86`` ``+86 138-0013-8000`` is ``13800138000``.
    A national trunk prefix stays what it is.

A rule is idempotent: what is canonical stays as it is. Parties compare the rules, column by column, before
anything is hashed. For characters that Unicode has assigned, folding and composition are the same in all its
later versions; unassigned ones are refused, since there two versions of Python could differ.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from isthmus import errors

__all__ = ["Rule", "canonical_batches", "parse_rules"]

Normalize = str | Mapping[str, str]
Form = Literal["NFC", "NFKC"]

_ORDER = ("nfkc", "casefold", "trim", "digits")
_SYNONYMS = {"lower": "casefold"}
_COUNTRY = re.compile(r"[1-9][0-9]{0,2}")
_SEPARATORS = r"[ ()./-]"
_MOST_PASSES = 4


def parse_rules(normalize: Normalize, schema: pa.Schema) -> tuple[Rule, ...]:
    """Return the rule of each key column.

    Parameters
    ----------
    normalize
        One rule for all columns, or rules by the names of columns; columns that it does not name are
        compared as they are. ``""`` is no rule.
    schema
        The key columns.

    Raises
    ------
    InvalidArgument
        A step or a country calling code does not exist.
    SchemaError
        A named column does not exist, or holds no text.
    """
    by_name = dict.fromkeys(schema.names, normalize) if isinstance(normalize, str) else normalize
    if not all(isinstance(text, str) for text in by_name.values()):
        raise errors.InvalidArgument("normalize: a rule is text, such as 'trim,casefold'")
    missing = [name for name in by_name if name not in schema.names]
    if missing:
        raise errors.SchemaError(
            f"normalize names {', '.join(missing)}; the key columns are {', '.join(schema.names)}"
        )
    rules = tuple(_parse(by_name.get(name, "")) for name in schema.names)
    for field, rule in zip(schema, rules, strict=True):
        if rule.steps and not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            raise errors.SchemaError(f"column {field.name} is {field.type}; only text can be normalised")
    return rules


def canonical_batches(
    batches: Iterable[pa.RecordBatch], rules: Sequence[Rule], first_row: int = 0
) -> Iterator[pa.RecordBatch]:
    """Bring the key columns of each batch to their canonical form.

    Raises IdEncoding, with the row counted over all batches from ``first_row``, for a value that its rule
    does not take or leaves nothing of.
    """
    for batch in batches:
        columns = [
            rule.apply(column, first_row) if rule.steps else column
            for rule, column in zip(rules, batch.columns, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
        first_row += batch.num_rows


@dataclass(frozen=True)
class Rule:
    """One key column's canonical form. ``str()`` is what the parties compare."""

    steps: tuple[str, ...] = ()
    country: str = ""

    def __str__(self) -> str:
        named = [f"digits:{self.country}" if s == "digits" and self.country else s for s in self.steps]
        return ",".join(named)

    def apply(self, column: pa.Array, first_row: int = 0) -> pa.Array:
        """Return the text in canonical form; ``first_row`` is added to the row of an error."""
        found = self._shaped(column, first_row)
        if "digits" in self.steps:
            found = self._digits(found, first_row)
        gone = pc.and_(pc.equal(pc.binary_length(found), 0), pc.greater(pc.binary_length(column), 0))
        _refuse_first(gone, "an identifier is empty after normalisation", first_row)
        return found

    def _shaped(self, column: pa.Array, first_row: int) -> pa.Array:
        """Apply the steps before ``digits``: by whole columns where the text is ASCII."""
        plain = pc.string_is_ascii(column)
        if pc.all(plain, min_count=0).as_py():
            return self._ascii(column)
        other = pc.invert(pc.fill_null(plain, True))
        _refuse_malformed(column, other, first_row)
        values = column.filter(other).to_pylist()
        if "nfkc" in self.steps or "casefold" in self.steps:
            _refuse_unassigned(column, values, first_row)
        rest = pa.array([self._unicode(value) for value in values], type=column.type)
        return pc.replace_with_mask(self._ascii(column), other, rest)

    def _ascii(self, column: pa.Array) -> pa.Array:
        if "casefold" in self.steps:
            column = pc.ascii_lower(column)
        # The Unicode function takes U+001C to U+001F for white space, as Unicode text gets it.
        return pc.utf8_trim_whitespace(column) if "trim" in self.steps else column

    def _unicode(self, value: str) -> str:
        form: Form = "NFKC" if "nfkc" in self.steps else "NFC"
        if "casefold" in self.steps:
            value = _folded(value, form)
        elif form == "NFKC":
            value = unicodedata.normalize(form, value)
        return value.strip() if "trim" in self.steps else value

    def _digits(self, column: pa.Array, first_row: int) -> pa.Array:
        number = pc.replace_substring_regex(column, _SEPARATORS, "")
        wrong = pc.invert(pc.match_substring_regex(number, r"^\+?[0-9]+$"))
        _refuse_first(wrong, "an identifier is no telephone number", first_row)
        if not self.country:
            return pc.replace_substring_regex(number, r"^\+", "")
        number = pc.replace_substring_regex(number, r"^\+", "00")
        # Neither a country nor a number starts with 0 after 00, and something must follow.
        wrong = pc.match_substring_regex(number, f"^00(0|$|{self.country}(00|$))")
        _refuse_first(wrong, "an identifier is no telephone number after its country code", first_row)
        return pc.replace_substring_regex(number, f"^00{self.country}", "")


def _parse(text: str) -> Rule:
    found: dict[str, str] = {}
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        name, _, detail = word.partition(":")
        name = _SYNONYMS.get(name, name)
        if name not in _ORDER or (detail and not (name == "digits" and _COUNTRY.fullmatch(detail))):
            raise errors.InvalidArgument(
                f"normalize: {word!a} is no step; known are {', '.join(_ORDER)}, lower and digits:CC "
                "with a country calling code"
            )
        found[name] = detail
    return Rule(tuple(step for step in _ORDER if step in found), found.get("digits", ""))


def _folded(value: str, form: Form) -> str:
    """Return the caseless form; folding may undo composition and composition folding, so until it stays."""
    for _ in range(_MOST_PASSES):
        before, value = value, unicodedata.normalize(form, unicodedata.normalize(form, value).casefold())
        if value == before:
            break
    return value


def _refuse_unassigned(column: pa.Array, values: Sequence[str], first_row: int) -> None:
    unassigned = {c for c in set("".join(values)) if unicodedata.category(c) == "Cn"}
    if unassigned:
        row = next(i for i, value in enumerate(column.to_pylist()) if value and unassigned & set(value))
        _refuse("an identifier holds a character that this version of Unicode lacks", first_row + row)


def _refuse_first(wrong: pa.BooleanArray, message: str, first_row: int) -> None:
    row = pc.index(wrong, True).as_py()
    if row >= 0:
        _refuse(message, first_row + row)


def _refuse_malformed(column: pa.Array, suspects: pa.Array, first_row: int) -> None:
    binary = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
    for row, value in zip(pc.indices_nonzero(suspects), column.cast(binary).filter(suspects), strict=True):
        try:
            value.as_py().decode()
        except UnicodeDecodeError:
            # The exception holds the identifier.
            message = "an identifier is not valid UTF-8; decode the source with its real character set"
            raise errors.IdEncoding(message, row=first_row + row.as_py()) from None


def _refuse(message: str, row: int) -> NoReturn:
    raise errors.IdEncoding(message, row=row)
