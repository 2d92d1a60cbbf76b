"""Columns made ready for models: each party prepares its own, and nothing here crosses to the peer.

Every transformer follows scikit-learn's manner (``fit``, ``transform``, ``fit_transform``), remembers the
columns it was fitted on and refuses others, and goes to and from plain JSON for job and model files.
"""

from __future__ import annotations

from isthmus.prep.binner import Binner
from isthmus.prep.one_hot import OneHotEncoder
from isthmus.prep.standardizer import Standardizer
from isthmus.prep.woe import WoeEncoder

__all__ = ["Binner", "OneHotEncoder", "Standardizer", "WoeEncoder"]
