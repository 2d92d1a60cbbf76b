"""Line breaks within the values of a CSV file: found as its bytes pass by, whichever columns are read.

A quoted value may hold line breaks (RFC 4180, section 2, item 6). In a file where any does, every quote must
then open a value, close it, or be doubled within it (items 5 and 7): else a quote that is never closed would
swallow the rows after it, up to the next quote.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_QUOTE, _LF, _CR = b'"\n\r'
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BESIDE_QUOTES = np.zeros(256, dtype=np.bool_)  # what may stand before an opening and after a closing quote
_BESIDE_QUOTES[list(b',\n\r"')] = True

Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]


class LineCounter:
    """A source of bytes for a reader of CSV; it counts lines, empty ones aside, and watches the quotes."""

    closed = False

    def __init__(self, source: Any) -> None:
        self._source = source
        self._kept = _read(source, len(_BYTE_ORDER_MARK)).removeprefix(_BYTE_ORDER_MARK)
        self._last = _LF  # the byte before the next one: a file begins as a line does
        self._lines = 0
        self._rows = 0  # lines, but for those that end within quotes
        self._inside = False
        self._stray: int | None = None

    def read(self, size: int) -> bytes:
        """Return the next bytes, the last of which end a line; none at the end.

        A block does not end between the two bytes of a line break: a reader would drop the second one, though
        it were part of a value.
        """
        data, self._kept = self._kept[:size], self._kept[size:]
        data += _read(self._source, size - len(data))
        if len(data) < size:
            if (data[-1] if data else self._last) not in (_LF, _CR):
                data += b"\n"
        elif size > 1 and data[-1] == _CR:
            data, self._kept = data[:-1], b"\r" + self._kept
        if data:
            self._look(np.frombuffer(data, dtype=np.uint8), has_quotes=b'"' in data)
        return data

    def readable(self) -> bool:
        """Say yes, as the reader asks."""
        return True

    def close(self) -> None:
        """Leave the source to whoever opened it."""

    def unclosed(self, rows: int | None = None) -> int | None:
        """Return the row, the header being 1, where a quote is not closed; None where there is none.

        ``rows`` is how many the reader made of all lines; None if it gave up.
        """
        if self._stray is None:
            return self._rows + 1 if self._inside else None
        return None if rows == self._lines else self._stray

    def _look(self, data: Bytes, *, has_quotes: bool) -> None:
        ends = (data == _LF) | (data == _CR)
        ended = ends.copy()
        ended[1:] &= ~ends[:-1]
        ended[0] &= self._last not in (_LF, _CR)
        count = int(np.count_nonzero(ended))
        self._lines += count
        if has_quotes or self._last == _QUOTE:
            if self._stray is None:
                self._judge(data, np.flatnonzero(data == _QUOTE), np.flatnonzero(ended))
        elif not self._inside:
            self._rows += count
        self._last = int(data[-1])

    def _judge(self, data: Bytes, quotes: NDArray[np.int64], ended: NDArray[np.int64]) -> None:
        """Find the first stray quote, taking quotes to open and close by turns, as they do if none is."""
        within = ((np.searchsorted(quotes, ended) + self._inside) & 1).astype(np.bool_)
        opening, closing = quotes[int(self._inside) :: 2], quotes[int(not self._inside) :: 2]
        strays = [opening[~_BESIDE_QUOTES[np.where(opening > 0, data[opening - 1], self._last)]]]
        closing = closing[closing + 1 < len(data)]
        strays.append(closing[~_BESIDE_QUOTES[data[closing + 1]]])
        if self._last == _QUOTE and not self._inside and not _BESIDE_QUOTES[data[0]]:
            strays.append(np.zeros(1, dtype=np.int64))  # the block before ended with a closing quote
        if found := [int(positions[0]) for positions in strays if len(positions)]:
            before = np.searchsorted(ended, min(found))
            self._stray = self._rows + 1 + int(np.count_nonzero(~within[:before]))
        self._rows += int(np.count_nonzero(~within))
        self._inside ^= len(quotes) % 2 == 1


def _read(source: Any, size: int) -> bytes:
    """Read so many bytes, or as many as there are."""
    data = b""
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return data
