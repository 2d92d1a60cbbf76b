"""``isthmus psi star``: a hub and two spokes, each its own process, mutual TLS between hub and spokes."""

from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.party.audit import verify_audit_file
from isthmus.tables import read_table, write_table
from tests.cli.parties import succeeded, together
from tests.ports import free_port

HUB, SPOKES = "bank", ("fund", "shop")
IDS = {
    "bank": [f"k{n:03d}" for n in range(120, 0, -1)],
    "fund": [f"K{n:03d} " for n in range(30, 200)],
    "shop": [f"k{n:03d}" for n in range(1, 90)],
}
SHARED = [f"k{n:03d}" for n in range(89, 29, -1)]


@pytest.fixture
def star(run, tmp_path) -> Path:
    """Three folders; the bank has a party file and a port for each of the others."""
    where = [f"127.0.0.1:{free_port()}" for _ in SPOKES]
    for name, more in ((HUB, ["--listen", where[0]]), *((name, []) for name in SPOKES)):
        (tmp_path / name).mkdir()
        assert run("party", "init", "--name", name, "--folder", tmp_path / name, *more).exit_code == 0
    hub = tmp_path / HUB / "bank.toml"
    second = ["--to", tmp_path / HUB / "bank-shop.toml", "--listen", where[1]]
    for name, address, more in zip(SPOKES, where, ([], second), strict=True):
        certificate = tmp_path / name / f"{name}.crt"
        assert run("party", "trust", certificate, "--party", hub, *more, input="y\n").exit_code == 0
        spoke = ["--party", tmp_path / name / f"{name}.toml", "--address", address]
        assert run("party", "trust", tmp_path / HUB / "bank.crt", *spoke, input="y\n").exit_code == 0
    amount = [f"{n}.10" for n in range(len(IDS[HUB]))]
    write_table(pa.table({"customer": IDS[HUB], "amount": amount}), tmp_path / HUB / "bank.csv")
    write_table(pa.table({"client": IDS["fund"]}), tmp_path / "fund" / "fund.parquet")
    write_table(pa.table({"number": IDS["shop"]}), tmp_path / "shop" / "shop.arrow")
    return tmp_path


FILES = {
    "bank": ["--input", "bank.csv", "--id", "customer"],
    "fund": ["--input", "fund.parquet", "--id", "client"],
    "shop": ["--input", "shop.arrow", "--id", "number"],
}
AS_HUB = ["--party", "bank-shop.toml", "--out", "shared.csv"]


def arguments(**more):
    fixed = ["psi", "star", "--job", "june", "--normalize", "trim,lower"]
    own = {name: [*fixed, "--party", f"{name}.toml", *FILES[name]] for name in FILES}
    return {name: [*own[name], *(AS_HUB if name == HUB else []), *more.get(name, [])] for name in FILES}


@pytest.mark.timeout(120)
def test_the_hub_writes_the_rows_that_all_have_and_all_print_one_code(star):
    done = together(star, arguments(bank=["--memory", "0"], shop=["--memory", "1K"]))
    succeeded(done)
    rows = read_table(star / HUB / "shared.csv", text=["customer", "amount"])
    assert rows["customer"].to_pylist() == SHARED
    assert rows["amount"].to_pylist()[0] == f"{IDS[HUB].index(SHARED[0])}.10"
    codes = {next(line for line in output.splitlines() if "code of" in line) for _, output in done.values()}
    assert len(codes) == 1
    for _, output in done.values():
        assert "60 customers are shared" in output
        assert "bank has 120 customers, fund has 170 customers, shop has 89 customers" in output
    left = {path.name for name in SPOKES for path in (star / name).iterdir()}
    assert not any("shared" in name or name.startswith(".") for name in left)
    assert all(verify_audit_file(star / name / "audit.jsonl") > 0 for name in IDS)


@pytest.mark.timeout(120)
def test_a_party_that_wants_another_minimum_ends_the_run_for_all(star):
    done = together(star, arguments(shop=["--min-result", "70"]))
    assert [status for status, _ in done.values()] == [1, 1, 1]
    assert any("differ in: min_result" in output for _, output in done.values())
    assert not (star / HUB / "shared.csv").exists()


@pytest.mark.parametrize(
    ("name", "more"), [("bank", ["--out", "shared.csv"]), ("bank", AS_HUB[:2]), ("fund", ["--out", "o.csv"])]
)
def test_the_hub_has_an_output_and_a_party_file_for_each_other(run, star, name, more):
    own = ["--party", star / name / f"{name}.toml", *FILES[name]]
    done = run("psi", "star", "--job", "june", *own, *more)
    assert done.exit_code == 1 and "--out is for the hub" in done.output
