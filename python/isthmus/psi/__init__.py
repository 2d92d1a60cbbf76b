"""Private set intersection: which customers two parties share, and nothing else of their lists.

``isthmus.items`` knows identifiers and masks, :mod:`isthmus.protocol` the messages; here they meet a session,
a user's columns, and the memory and disk of this machine.
"""

from __future__ import annotations

from isthmus.psi.calls import PsiResult, PsiSize, intersect, intersection_size
from isthmus.psi.star import StarResult, star_intersect, star_join

__all__ = [
    "PsiResult",
    "PsiSize",
    "StarResult",
    "intersect",
    "intersection_size",
    "star_intersect",
    "star_join",
]
