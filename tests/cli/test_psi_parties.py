"""``isthmus psi run`` at two parties: each its own process, its own files, mutual TLS between them."""

import pyarrow as pa
import pytest

from isthmus.party.audit import verify_audit_file
from isthmus.tables import read_table, write_table
from tests.cli.parties import OUT, PARTIES, STATE, dying, psi_arguments, start, succeeded, together


@pytest.mark.timeout(120)
def test_psi_writes_the_same_customers_in_one_order(world):
    done = together(world, psi_arguments())
    succeeded(done)
    tables = {name: read_table(world / name / "aligned.parquet") for name in PARTIES}
    assert tables["bank"]["customer"].to_pylist() == tables["fund"]["customer"].to_pylist()
    assert tables["bank"].num_rows == 480
    assert tables["bank"].column_names == ["customer", "defaulted", "noise", "city"]
    assert (
        "480 customers are shared; this party's file has 540 rows" in done["bank"][1]
        and "align" in done["bank"][1]
    )
    assert all(verify_audit_file(world / name / "audit.jsonl") > 0 for name in PARTIES)


@pytest.mark.timeout(120)
def test_a_sender_learns_nothing_and_writes_nothing(world):
    receiver = ["--role", "receiver", "--out", "aligned.csv"]
    done = together(world, psi_arguments(bank=receiver, fund=["--role", "sender"]))
    succeeded(done)
    assert read_table(world / "bank" / "aligned.csv").num_rows == 480
    assert not list((world / "fund").glob("aligned*")) and "shared" not in done["fund"][1]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("suite", ["ristretto255", "P-256"])
def test_a_sender_proves_its_answers(world, suite):
    agreed = ["--protocol", "voprf", "--suite", suite]
    receiver = ["--role", "receiver", "--out", "aligned.csv", *agreed]
    done = together(world, psi_arguments(bank=receiver, fund=["--role", "sender", *agreed]))
    succeeded(done)
    found = read_table(world / "bank" / "aligned.csv")["customer"].to_pylist()
    theirs = set(read_table(world / "fund" / "fund.parquet")["customer"].to_pylist())
    mine = read_table(world / "bank" / "bank.csv")["customer"].to_pylist()
    assert found == [customer for customer in mine if customer in theirs] and len(found) == 480
    assert not list((world / "fund").glob("aligned*")) and "shared" not in done["fund"][1]
    assert all(verify_audit_file(world / name / "audit.jsonl") > 0 for name in PARTIES)


@pytest.mark.timeout(120)
def test_a_count_names_nobody(world):
    done = together(world, psi_arguments(bank=["--count-only"], fund=["--count-only"]))
    succeeded(done)
    for name in PARTIES:
        assert "480 customers are shared" in done[name][1] and not list((world / name).glob("aligned*"))


@pytest.mark.timeout(120)
def test_repeated_rows_normalisation_and_another_suite(world):
    """Identifiers of several forms, a customer in two rows, and values as they stood in the file."""
    (world / "bank" / "bank.csv").write_text("customer,amount\n a1 ,1.10\nA1,007\nb2,3\nc3,\n")
    write_table(pa.table({"customer": ["C3 ", "d4", "a1"]}), world / "fund" / "fund.parquet")
    options = ["--normalize", "customer=trim,lower", "--suite", "X25519", "--memory", "64M"]
    done = together(
        world,
        psi_arguments(
            bank=["--out", "aligned.csv.gz", "--duplicates", "all", *options], fund=[*OUT, *options]
        ),
    )
    succeeded(done)
    rows = read_table(world / "bank" / "aligned.csv.gz", text=["customer", "amount"])
    assert sorted(rows["amount"].to_pylist()) == ["", "007", "1.10"]
    assert read_table(world / "fund" / "aligned.parquet").num_rows == 2
    assert sorted(path.name for path in (world / "bank").glob(".*")) == []


@pytest.mark.timeout(120)
def test_composite_keys_of_any_type_match_and_keep_their_types(world):
    """Text and numbers of a CSV file against a dictionary and integers, spilled to disk, one order."""
    numbers = [f"{7 * n % 100}" for n in range(100)]
    lines = [f"b{int(number) % 3},{number},{number}.50" for number in numbers]
    (world / "bank" / "bank.csv").write_text("branch,number,amount\r\n" + "\r\n".join(lines) + "\r\n")
    table = {
        "n": pa.array(range(20, 120), pa.int32()),
        "b": pa.array([f"b{n % 3}" for n in range(20, 120)]).dictionary_encode(),
    }
    write_table(pa.table(table), world / "fund" / "fund.parquet")
    ids = {"bank": ["--id", "branch", "--id", "number"], "fund": ["--id", "b", "--id", "n"]}
    given = {
        name: [part for part in arguments if part not in ("--id", "customer")]
        + ids[name]
        + ["--memory", "1K"]
        for name, arguments in psi_arguments().items()
    }
    succeeded(together(world, given))
    bank, fund = (read_table(world / name / "aligned.parquet") for name in PARTIES)
    assert fund["n"].type == pa.int32() and bank["number"].type == pa.string()
    assert [int(number) for number in bank["number"].to_pylist()] == fund["n"].to_pylist()
    assert sorted(fund["n"].to_pylist()) == list(range(20, 100))


@pytest.mark.timeout(120)
def test_values_that_are_only_copied_may_be_anything(world):
    """Line breaks and another character set in columns that are not matched, into CSV and into Parquet."""
    note = b'"line one\nline ""two""\r\n\xe9"'
    (world / "bank" / "bank.csv").write_bytes(b"customer,note\na,%b\nb,\nc,x\n" % note)
    (world / "fund" / "fund.csv").write_bytes(b"note,customer\nx,c\n%b,a\n" % note)
    given = psi_arguments(bank=["--out", "aligned.csv"])
    given["fund"] = [part.replace("fund.parquet", "fund.csv") for part in given["fund"]]
    succeeded(together(world, given))
    lines = [b'"a",' + note, b'"c","x"']
    written = (world / "bank" / "aligned.csv").read_bytes()
    assert written in [b'"customer","note"\n' + b"\n".join(order) + b"\n" for order in (lines, lines[::-1])]
    fund = dict(zip(*read_table(world / "fund" / "aligned.parquet").to_pydict().values(), strict=True))
    assert fund == {b"x": "c", b'line one\nline "two"\r\n\xe9': "a"}


@pytest.mark.timeout(120)
def test_files_without_rows_match_nobody_where_the_minimum_allows_it(world):
    (world / "bank" / "bank.csv").write_text("customer,amount\n")
    write_table(pa.table({"customer": pa.array([], pa.string())}), world / "fund" / "fund.parquet")
    done = together(
        world,
        psi_arguments(bank=["--out", "aligned.csv", "--min-result", "0"], fund=[*OUT, "--min-result", "0"]),
    )
    succeeded(done)
    assert (world / "bank" / "aligned.csv").read_text() == '"customer","amount"\n'


@pytest.mark.timeout(120)
def test_a_run_that_does_not_begin_leaves_no_state(world):
    (world / "bank" / "bank.csv").write_text("customer\na\na\n")
    done = together(world, psi_arguments(bank=STATE, fund=STATE))
    assert "ERR_DUPLICATE_ID" in done["bank"][1] and done["fund"][0] == 1
    assert not any((world / name / "state").exists() for name in PARTIES)


@pytest.mark.timeout(120)
def test_a_row_of_a_csv_file_is_named_as_an_editor_counts(world):
    (world / "bank" / "bank.csv").write_text("customer\na\nb\na\n")
    done = together(world, psi_arguments())
    assert done["bank"][0] == 1 and "ERR_DUPLICATE_ID" in done["bank"][1] and "row 4" in done["bank"][1]
    (world / "bank" / "bank.csv").write_text("customer\na\nb \n")
    done = together(world, psi_arguments())
    assert done["bank"][0] == 1 and "ERR_ID_ENCODING" in done["bank"][1] and "row 3" in done["bank"][1]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("victim", PARTIES)
def test_the_same_command_goes_on_where_a_killed_one_stopped(world, victim):
    arguments = psi_arguments(bank=STATE, fund=STATE)
    other = next(name for name in PARTIES if name != victim)
    survivor = start(world / other, arguments[other])
    dies = start(world / victim, arguments[victim], dying("Checkpoint.append_peer"))
    assert dies.wait(60) == 9
    assert (world / victim / "state" / "run.state").exists()
    again = start(world / victim, arguments[victim])
    outputs = {survivor: survivor.communicate(timeout=60)[0], again: again.communicate(timeout=60)[0]}
    assert survivor.returncode == again.returncode == 0, outputs
    tables = {name: read_table(world / name / "aligned.parquet") for name in PARTIES}
    assert tables["bank"]["customer"].to_pylist() == tables["fund"]["customer"].to_pylist()
    assert tables["bank"].num_rows == 480
    assert not any((world / name / "state").exists() for name in PARTIES)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("dies_in", ["isthmus.tables.write_rows", "Checkpoint.erase"])
def test_a_party_killed_after_the_protocol_writes_its_rows_without_the_peer(world, dies_in):
    arguments = psi_arguments(bank=STATE, fund=STATE)
    fund = start(world / "fund", arguments["fund"])
    assert start(world / "bank", arguments["bank"], dying(dies_in)).wait(60) == 9
    assert fund.wait(60) == 0
    assert not (world / "bank" / "aligned.parquet").exists()
    # Another command does not take the result for its own.
    other = start(world / "bank", [*arguments["bank"], "--min-result", "7"])
    output = other.communicate(timeout=60)[0]
    assert other.returncode == 1 and "ERR_RESUME_MISMATCH" in output and "min_result" in output
    # The columns that are not matched may be repaired meanwhile.
    own = world / "bank" / "bank.csv"
    own.write_text(own.read_text().replace("south", "the south"))
    again = start(world / "bank", arguments["bank"])
    assert again.wait(60) == 0, again.stdout.read()
    assert "the south" in read_table(world / "bank" / "aligned.parquet")["city"].to_pylist()
    assert read_table(world / "bank" / "aligned.parquet").num_rows == 480
    assert not (world / "bank" / "state").exists()


@pytest.mark.timeout(120)
def test_too_small_a_result_is_refused_to_both(world):
    small = ["--out", "aligned.parquet", "--min-result", "481"]
    done = together(world, psi_arguments(bank=small, fund=small))
    for name in PARTIES:
        status, output = done[name]
        assert status == 1 and "ERR_RESULT_TOO_SMALL" in output and "480" not in output
        assert not (world / name / "aligned.parquet").exists()


@pytest.mark.timeout(120)
def test_different_options_are_named_and_nothing_is_written(world):
    stricter = ["--out", "aligned.parquet", "--min-result", "10"]
    done = together(world, psi_arguments(bank=stricter))
    for name in PARTIES:
        status, output = done[name]
        # Whoever sees it first ends the session; the other may hear of that before it compares for itself.
        assert status == 1 and ("ERR_PARAMETERS" in output or "ERR_PEER_FAILED" in output)
        assert "Traceback" not in output
        assert not (world / name / "aligned.parquet").exists()
    assert any("differ in: min_result" in output for _, output in done.values())
