"""``isthmus bench`` and ``isthmus version``."""

import pytest


@pytest.mark.slow
def test_bench_prints_a_rate_per_operation(run, monkeypatch):
    monkeypatch.setattr("isthmus.cli.bench._TARGET_SECONDS", 1e-9)  # one run of each
    done = run("bench")
    assert done.exit_code == 0, done.output
    for operation in ("encrypt, public key", "decrypt, fast key", "bucket_sum", "hash and mask, SM2"):
        line = next(line for line in done.stdout.splitlines() if operation in line)
        assert float(line.split()[-1].replace(",", "")) > 1


def test_version_says_what_runs(run):
    import isthmus

    done = run("version")
    assert done.exit_code == 0
    for part in (f"isthmus   {isthmus.__version__}", "backend   ", "threads", "python"):
        assert part in done.output
