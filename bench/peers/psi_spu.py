"""One party of secretflow's PSI (spu 0.10), as `psi.py` starts it in that package's own environment.

    python psi_spu.py CURVE[:without-ifma] RANK PORT0 PORT1 IN.csv OUT.csv

CSV in, aligned CSV out, the result broadcast: what `isthmus psi run` does when both parties learn.
"""

import importlib
import sys
import time
import types
from importlib.util import find_spec
from pathlib import Path

from spu_without_ifma import hide_ifma


def without_jax(*modules):
    """Import modules of spu without the package itself, which imports jax for other purposes."""
    package = types.ModuleType("spu")
    package.__path__ = [str(Path(find_spec("spu").origin).parent)]
    sys.modules["spu"] = package
    return [importlib.import_module(f"spu.{name}") for name in modules]


def link_of(libspu, rank, ports):
    """Connect with the other party over loopback."""
    description = libspu.link.Desc()
    description.recv_timeout_ms = 60 * 60 * 1000
    for name, port in zip("ab", ports, strict=True):
        description.add_party(name, f"127.0.0.1:{port}")
    return libspu.link.create_brpc(description, rank)


def main():
    curve, rank, port0, port1, source, target = sys.argv[1:]
    curve, _, variant = curve.partition(":")
    libspu, libpsi = without_jax("libspu", "libpsi")
    if variant == "without-ifma":
        hide_ifma(libpsi.__file__)
    link = link_of(libspu, int(rank), (port0, port1))
    config = libpsi.PsiExecuteConfig(
        protocol_conf=libpsi.PsiProtocolConfig(
            protocol=libpsi.PsiProtocol.PROTOCOL_ECDH,
            receiver_rank=0,
            broadcast_result=True,
            ecdh_params=libpsi.EcdhParams(curve=getattr(libpsi.EllipticCurveType, curve)),
        ),
        input_params=libpsi.InputParams(path=source, selected_keys=["id"], keys_unique=True),
        output_params=libpsi.OutputParams(path=target),
    )
    began = time.perf_counter()
    report = libpsi.psi_execute(config, link)
    print("RESULT", time.perf_counter() - began, report.intersection_count, flush=True)
    link.stop_link()


if __name__ == "__main__":
    main()
