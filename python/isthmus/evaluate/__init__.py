"""How good is a score: AUC, KS, lift, gains, calibration and stability, on the screen and as an HTML page.

Everything here runs on one party's own labels and scores; nothing is sent to anyone.
"""

from __future__ import annotations

from isthmus.evaluate.binary import BinaryReport, binary_report
from isthmus.evaluate.page import Entry, Fact, Learned, StageRow, write_html

__all__ = ["BinaryReport", "Entry", "Fact", "Learned", "StageRow", "binary_report", "write_html"]
