"""What a warm kernel costs while nobody uses it."""

from pathlib import Path

from benchmarks.outside import OutsideServer
from benchmarks.table import Row
from benchmarks.whole import WARM

MB = 2**20


def measure(folder: Path, *, quick: bool) -> list[Row]:
    del quick
    with OutsideServer(folder, warm_kernels=WARM) as server:
        found = server.wait_for_warm_kernel().memory_full_info()
    return [
        Row(
            what="a warm kernel's memory",
            ours=f"{found.rss / MB:.0f} MB RSS, {found.uss / MB:.0f} MB of its own",
        )
    ]
