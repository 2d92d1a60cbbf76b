"""One party of secretflow's PSI over SM2 (spu 0.9.3b0; later wheels refuse that curve), as `psi.py` starts
it.

    python psi_spu_sm2.py CURVE RANK PORT0 PORT1 IN.csv OUT.csv
"""

import sys
import time

from psi_spu import link_of, without_jax


def main():
    curve, rank, port0, port1, source, target = sys.argv[1:]
    libspu, psi = without_jax("libspu", "psi")
    link = link_of(libspu, int(rank), (port0, port1))
    config = psi.BucketPsiConfig(
        psi_type=psi.PsiType.ECDH_PSI_2PC,
        broadcast_result=True,
        receiver_rank=0,
        input_params=psi.InputParams(path=source, select_fields=["id"]),
        output_params=psi.OutputParams(path=target, need_sort=False),
        curve_type=getattr(psi.CurveType, curve),
    )
    began = time.perf_counter()
    report = psi.bucket_psi(link, config)
    print("RESULT", time.perf_counter() - began, report.intersection_count, flush=True)
    link.stop_link()


if __name__ == "__main__":
    main()
