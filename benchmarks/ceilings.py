"""How near the block kernels come to what the core can do: ``python benchmarks/ceilings.py``.

Two ceilings are measured in the same run, on one thread: the multiply-adds of a plain matrix
product in single precision, and the bytes of a tile of sources read in order from the second-level
cache. Of each kernel the work per (frequency, exposure, source) is counted; count times ceiling is
the floor. What the kernels do besides (interpolation, solving, closing the bins) is in the measured
time alone.
"""

import sys
from typing import Any

import numba
import numpy as np
from periodograms import BASELINE_DAY, SETTINGS, Sky, block_costs, quadrant, say, seconds

from udfs.lanes import load, plus, store, zeros
from udfs.periodograms.exposures import exposure_block, shared_exposures
from udfs.periodograms.grid import full_grid
from udfs.periodograms.lomb_scargle import block_cpu as lomb_scargle_block
from udfs.periodograms.multi_harmonic import block_cpu as multi_harmonic_block
from udfs.periodograms.tiles import TILE

SOURCES, EXPOSURES, LENGTH = 512, 500, 2048
# What AOV reads of a source in an exposure: a float32 and a count of 16 bits; conditional entropy:
# ten counts of 4 bits.
AOV_BYTES, ENTROPY_BYTES = 6, 5


@numba.njit
def _read_in_order(rows: Any, times: int, out: Any) -> None:
    for _ in range(times):
        total = zeros(rows, 64)
        for start in range(0, rows.size, 64):
            total = plus(total, load(rows, start, 64))
        store(total, out, 0)


def ns_per_multiply_add() -> float:
    """Of a product as large as those of the nodes of a stretch."""
    rng = np.random.default_rng(0)
    waves = rng.random((1024, EXPOSURES), np.float32)
    tile = rng.random((EXPOSURES, TILE), np.float32)
    return 1e9 * seconds(lambda: waves @ tile, 20) / (waves.size * TILE)


def ns_per_byte() -> float:
    """Of reading what AOV reads of a tile, in order."""
    rows, out = np.ones(EXPOSURES * TILE * AOV_BYTES // 4, np.float32), np.empty(64, np.float32)
    return 1e9 * seconds(lambda: _read_in_order(rows, 1000, out), 5) / (1000 * rows.nbytes)


def products(sky: Sky) -> dict[str, float]:
    """Multiply-adds per (frequency, exposure, source): rows of waves per frequency."""
    exposures = shared_exposures(sky.time)
    block = exposure_block(exposures, sky.time, sky.mag, 1 / sky.magerr**2, sky.offsets)
    freq = full_grid(BASELINE_DAY, SETTINGS)[:LENGTH]
    ls = lomb_scargle_block.stretch(lomb_scargle_block.prepare(block), freq)
    fits = {
        k: multi_harmonic_block.stretch(multi_harmonic_block.prepare(block), freq, harmonics=k)
        for k in (1, 2, 3)
    }
    rows = {k: sum(len(w.matrix) for w in (*f.weights, *f.weighted)) for k, f in fits.items()}
    return {
        "Lomb-Scargle": (len(ls.once.matrix) + len(ls.twice.matrix)) / LENGTH,
        # Half of the grid fits one harmonic, a sixth two, a third three.
        "fits of 3 harmonics": (rows[1] / 2 + rows[2] / 6 + rows[3] / 3) / LENGTH,
    }


def main() -> None:
    """Print count, floor, measured time and share of each kernel."""
    sky = quadrant(SOURCES, EXPOSURES)
    multiply_add, byte = ns_per_multiply_add(), ns_per_byte()
    say(f"ceilings: {1 / multiply_add:.0f} billion multiply-adds/s, {1 / byte:.0f} GB/s read")
    floors = {
        name: (f"{count:.2f} multiply-adds", count * multiply_add)
        for name, count in products(sky).items()
    }
    floors["AOV"] = f"{AOV_BYTES} bytes", AOV_BYTES * byte
    floors["conditional entropy"] = f"{ENTROPY_BYTES} bytes", ENTROPY_BYTES * byte
    costs = block_costs(sky, LENGTH)
    for name, (count, floor) in floors.items():
        say(f"{name:20s} {count:20s} floor {floor:.4f} ns  measured {costs[name]:.4f} ns  "
            f"share {100 * floor / costs[name]:.0f} %")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
