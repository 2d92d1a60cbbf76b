"""``isthmus evaluate``."""

import numpy as np
import pyarrow as pa
import pytest

from isthmus.tables import write_table


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_evaluate_prints_and_writes(run, tmp_path, suffix):
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 400)
    path = tmp_path / f"scores.{suffix}"
    write_table(pa.table({"y": y, "p": rng.random(400) * 0.5 + y * 0.3}), path)
    page = tmp_path / "report.html"
    done = run("evaluate", path, "--label", "y", "--score", "p", "--reference", path, "--html", page)
    assert done.exit_code == 0, done.output
    assert "AUC" in done.output and "stable" in done.output and page.read_text().startswith("<!doctype html>")


def test_evaluate_refuses_what_is_no_label(run, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("label,score\n1,0.5\n2,0.5\n0,0.1\n")
    done = run("evaluate", path)
    assert done.exit_code == 1 and "ERR_LABEL" in done.output and "row 1" in done.output
    missing = run("evaluate", path, "--score", "p")
    assert missing.exit_code == 1 and "ERR_SCHEMA" in missing.output
