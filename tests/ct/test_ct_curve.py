"""Scalar multiplication and hashing to the group do not branch or index on secrets."""

import pytest


@pytest.fixture(scope="module")
def program(build_probe):
    return build_probe("ct_curve")


@pytest.mark.parametrize("mode", ["mult", "map"])
def test_no_branch_or_address_depends_on_a_secret(program, memcheck, mode):
    reported, _, report = memcheck(program, mode)
    assert not reported, report


@pytest.mark.parametrize("mode", ["leaky-branch", "leaky-lookup"])
def test_the_leaky_twins_are_reported(program, memcheck, mode):
    reported, _, report = memcheck(program, mode)
    assert reported, report
