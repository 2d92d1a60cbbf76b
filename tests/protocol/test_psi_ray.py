"""engine="ray": a cluster of two workers gives what one machine gives, errors and interruptions included."""

from __future__ import annotations

import numpy as np
import pytest
import ray
from ray.cluster_utils import Cluster
from typer.testing import CliRunner

from isthmus import errors, psi
from isthmus.cli.app import app
from isthmus.groups import group
from isthmus.items import SecretSeed
from isthmus.party import run_in_memory
from isthmus.protocol.matching import BatchWork
from isthmus.psi.ray_engine import RayEngine
from isthmus.tables import read_table
from tests.cli.parties import PARTIES, introduce, start, write_tables

IDS_A = [f"customer-{i}" for i in range(20_000)]
IDS_B = [f"customer-{i}" for i in range(15_000, 30_000)]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    """A head that computes nothing, and two workers."""
    small = {"object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    for _ in range(2):
        cluster.add_node(num_cpus=1, **small)
    cluster.wait_for_nodes()
    ray.init(cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.parametrize("reveal", ["rows", "size"])
def test_a_cluster_and_one_machine_meet(cluster, reveal):
    call = psi.intersect if reveal == "rows" else psi.intersection_size
    found = run_in_memory(
        {
            "bank": lambda session: call(session, IDS_A, role="both", engine="ray"),
            "fund": lambda session: call(session, IDS_B, role="both"),
        }
    )
    assert found["bank"].size == found["fund"].size == 5000
    if reveal == "rows":
        rows = zip(found["bank"].indices, found["fund"].indices, strict=True)
        assert all(IDS_A[a] == IDS_B[b] for a, b in rows)


def test_the_work_of_a_batch_is_spread_and_the_same(cluster):
    digests = np.random.default_rng(0).integers(0, 256, (64, 32), dtype=np.uint8)
    mask = BatchWork("mask", "ristretto255", SecretSeed(), b"domain")
    with RayEngine() as engine:
        assert engine.depth == 4
        batches = [engine.submit(mask, digests[start : start + 8]) for start in range(0, 64, 8)]
        found = np.concatenate([batch.result() for batch in batches])
    assert np.array_equal(found, mask(digests))


def test_a_bad_element_is_refused_with_its_row(cluster):
    points = group("ristretto255").hash_to_group([b"a", b"b", b"c"], b"dst")
    points[1] = 0
    double = BatchWork("double", "ristretto255", SecretSeed(), b"domain")
    with RayEngine() as engine, pytest.raises(errors.PointInvalid) as caught:
        engine.submit(double, points).result()
    assert caught.value.row == 1


def test_nothing_that_is_shipped_prints_the_seed(cluster):
    seed = SecretSeed(b"\x41" * 32)
    work = BatchWork("mask", "ristretto255", seed, b"domain")
    with RayEngine() as engine:
        engine.submit(work, np.zeros((1, 32), dtype=np.uint8)).result()
        assert "AAAA" not in repr(ray.get(engine._shipped[work]))
    assert "AAAA" not in repr(work)


def two_parties(folder):
    introduce(lambda *given, **more: CliRunner().invoke(app, [str(each) for each in given], **more), folder)
    write_tables(folder)


def run_commands(folder, **addresses):
    """Run ``isthmus psi run`` at both parties, at those with an address on the cluster there.

    Returns both outputs and both statuses.
    """
    own = {"bank": "bank.csv", "fund": "fund.parquet"}
    started = {}
    for name in PARTIES:
        fixed = ["psi", "run", "--party", f"{name}.toml", "--job", "june", "--input", own[name]]
        engine = ["--engine", "ray"] if name in addresses else []
        environment = {"RAY_ADDRESS": addresses[name]} if name in addresses else {}
        arguments = [*fixed, "--id", "customer", "--out", "aligned.parquet", *engine]
        started[name] = start(folder / name, arguments, **environment)
    outputs = [process.communicate(timeout=100)[0] for process in started.values()]
    return outputs, [process.returncode for process in started.values()]


@pytest.mark.timeout(120)
def test_the_command_computes_on_the_cluster_that_ray_address_names(cluster, tmp_path):
    two_parties(tmp_path)
    drivers = len(ray._private.state.jobs())
    outputs, statuses = run_commands(tmp_path, bank=cluster.address)
    assert statuses == [0, 0], outputs
    assert len(ray._private.state.jobs()) == drivers + 1
    found = [read_table(tmp_path / name / "aligned.parquet")["customer"].to_pylist() for name in PARTIES]
    assert found[0] == found[1] and len(found[0]) == 480


@pytest.mark.timeout(120)
def test_a_cluster_that_is_not_there_is_a_resource_error(tmp_path):
    two_parties(tmp_path)
    outputs, statuses = run_commands(tmp_path, bank="here:there")
    assert statuses == [1, 1] and "ERR_RESOURCE: no Ray cluster could be reached" in outputs[0], outputs
