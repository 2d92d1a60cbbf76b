"""Two public customer data sets inside the package, read without network.

``load`` gives a whole table; ``split_for_demo`` gives each of two parties its own columns, in its own row
order, with customers that only partly overlap. Origins, licences and citations are in ``README.md`` beside
this file.
"""

from __future__ import annotations

from isthmus.data.catalog import NAMES, Dataset, describe, load
from isthmus.data.split import DemoSplit, is_held_out, split_for_demo

__all__ = ["NAMES", "Dataset", "DemoSplit", "describe", "is_held_out", "load", "split_for_demo"]
