"""The front door: two processes, a bank and a fund, train and score models across both tables.

``run`` does the work and returns a typed result; the command line shows it.
"""

from __future__ import annotations

from isthmus.demo.result import DemoResult, ModelResult
from isthmus.demo.run import DemoOptions, run

__all__ = ["DemoOptions", "DemoResult", "ModelResult", "run"]
