"""The shipped data: what is in it, and how it is split between two parties."""

from importlib.resources import files

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from isthmus import data
from isthmus.data.make_parquet import convert
from isthmus.errors import InvalidArgument

SHAPES = {"credit-default": (30_000, 34, 6_636), "bank-marketing": (4_521, 18, 521)}


@pytest.mark.parametrize("name", data.NAMES)
def test_tables_are_whole(name):
    table, row = data.load(name), data.describe(name)
    rows, columns, positives = SHAPES[name]
    assert (table.num_rows, table.num_columns) == (rows, columns)
    assert pc.sum(table[row.label]).as_py() == positives
    assert table[row.id_column].null_count == 0 and pc.count_distinct(table[row.id_column]).as_py() == rows
    used = {row.id_column, row.label, *row.active_columns, *row.passive_columns, *row.excluded_columns}
    assert used == set(table.column_names)
    metadata = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
    assert metadata == {"citation": row.citation, "doi": row.doi, "licence": "CC BY 4.0"}


def test_the_files_are_small_and_cited():
    folder = files("isthmus.data")
    sizes = {name: len(folder.joinpath(f"{name}.parquet").read_bytes()) for name in data.NAMES}
    assert sum(sizes.values()) < 1_000_000
    readme = folder.joinpath("README.md").read_text(encoding="utf-8")
    for name in data.NAMES:
        assert data.describe(name).doi in readme and f"{name}.parquet" in readme
    assert "CC BY 4.0" in readme


@pytest.mark.parametrize("name", data.NAMES)
def test_split_gives_each_party_its_own(name):
    split = data.split_for_demo(name, rows=1000, overlap=0.8)
    active, passive = split.active, split.passive
    assert set(active.column_names) == {"customer_id", "label", *split.dataset.active_columns}
    assert set(passive.column_names) == {"customer_id", *split.dataset.passive_columns}
    assert not set(split.dataset.excluded_columns) & {*active.column_names, *passive.column_names}
    bank, fund = active["customer_id"].to_pylist(), passive["customer_id"].to_pylist()
    assert len(set(bank)) == len(bank) == 900 and len(set(fund)) == len(fund) == 900
    shared = set(bank) & set(fund)
    assert len(shared) == 800
    assert [i for i in bank if i in shared] != [i for i in fund if i in shared]


def test_a_customer_keeps_all_its_columns():
    split = data.split_for_demo("credit-default", rows=500)
    joined = split.active.join(split.passive, "customer_id", join_type="inner")
    columns = [*split.dataset.active_columns, *split.dataset.passive_columns]
    source = data.load("credit-default").select(columns).to_pandas()
    merged = (
        joined.select(columns)
        .to_pandas()
        .merge(source.drop_duplicates(), on=columns, how="left", indicator=True)
    )
    assert (merged["_merge"] == "both").all()


def test_split_is_the_same_every_time():
    first, again = (data.split_for_demo("bank-marketing", rows=400) for _ in range(2))
    assert first.active.equals(again.active) and first.passive.equals(again.passive)
    other = data.split_for_demo("bank-marketing", rows=400, seed=1)
    assert not first.active.equals(other.active)


def test_held_out_customers_are_a_fifth_by_a_public_rule():
    ids = data.split_for_demo().active["customer_id"]
    mask = data.is_held_out(ids)
    assert mask.dtype == np.bool_ and mask.mean() == pytest.approx(0.2, abs=0.01)
    assert data.is_held_out(["C10000007", "C10000008", "C10000009"]).tolist() == [True, False, True]


@pytest.mark.parametrize("rows", [0, 9, 30_001])
def test_impossible_sizes_are_refused(rows):
    with pytest.raises(InvalidArgument):
        data.split_for_demo("credit-default", rows=rows)
    with pytest.raises(InvalidArgument, match="credit-default, bank-marketing"):
        data.load("iris")
    with pytest.raises(InvalidArgument):
        data.split_for_demo(overlap=0.0)


def test_the_conversion_keeps_values_and_narrows_types(tmp_path):
    source = tmp_path / "source.csv"
    source.write_text("id,balance,job,y\n0,-5,clerk,no\n1,70000,cook,yes\n", encoding="utf-8")
    out = convert("bank-marketing", source, tmp_path)
    table = pa.parquet.read_table(out)
    assert table.column("balance").type == pa.int32() and table.column("y").to_pylist() == [0, 1]
    assert pa.types.is_dictionary(table.column("job").type)
    assert table.column("job").to_pylist() == ["clerk", "cook"]
