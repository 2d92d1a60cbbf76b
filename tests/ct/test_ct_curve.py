"""Scalar multiplication and hashing to the group do not branch or index on secrets."""

import pytest

from isthmus._core.system import available_backends


@pytest.fixture(scope="module")
def program(build_probe):
    return build_probe("ct_curve")


@pytest.mark.parametrize(
    ("group", "mode"),
    [
        (group, mode)
        for group in ("ristretto255", "X25519", "P-256", "SM2")
        for mode in ("mult", "map", "invert")
    ]
    + [(group, "each") for group in ("ristretto255", "P-256", "SM2")],
)
@pytest.mark.parametrize("backend", ["", "portable"])
def test_no_branch_or_address_depends_on_a_secret(program, memcheck, group, mode, backend):
    reported, output, report = memcheck(program, group, mode, ISTHMUS_BACKEND=backend)
    assert not reported, report
    # Valgrind knows AVX2 and not AVX-512; it passes on which of them the machine has.
    assert output.split()[0] == (backend or ("avx2" if "avx2" in available_backends() else "portable"))


@pytest.mark.parametrize("group", ["ristretto255", "P-256", "SM2"])
@pytest.mark.parametrize("mode", ["leaky-branch", "leaky-lookup"])
def test_the_leaky_twins_are_reported(program, memcheck, group, mode):
    reported, _, report = memcheck(program, group, mode)
    assert reported, report
