"""Time of the period search and the features on a GPU, and the share of what the card can do.

``python benchmarks/gpu.py`` prints, for a block of sources over shared exposures, nanoseconds per
(frequency, exposure, source) and light curves per second at the full grid of ZTF: 816,000
frequencies, 500 exposures over 1,700 days, a tenth of them missing. For the features it prints
microseconds per light curve, with what the host does for them: sorting, and the copies to and from
the card. Without a CUDA device it stops with an error.

What limits the kernels
-----------------------
Counts per (frequency, exposure, source) at 500 exposures, 20 x 10 bins, 10 frequencies a peak.
Instructions are those of the machine code for sm_90 (numba-cuda 0.30, CUDA 12.9), bytes those that
pass the first cache. An H200 starts 132 SMs x 4 instructions of 32 threads a clock, reads
132 x 128 bytes a clock from first cache or shared memory, and 4.8 TB/s from HBM; at 1.755 GHz that
is 29.7 T instructions (59 TFLOP/s if each were a fused multiply-add) and 29.7 TB/s.

============  ============  =====  ==========
kernel        instructions  bytes  bytes, HBM
============  ============  =====  ==========
CE and AOV    15.4          5.8    0.016
Lomb-Scargle  2.2           1.6    0.02
3 harmonics   19            14     0.3
best points   0.1           0.03   0.03
============  ============  =====  ==========

CE and AOV: 8.8 an exposure (two words loaded, shifted, added), an eighth more for gaps between the
bins; 280 to close a bin of two sources, once in 50 exposures. Lomb-Scargle: 0.6 nodes a frequency,
2.75 a node for 2 multiply-adds (8 nodes x 4 sources in registers); 300 to interpolate. Harmonics:
5.4 nodes a frequency, 1,000 to interpolate 9 pairs of sums, 900 to solve the normal equations. Best
points: each value is read once more, in double precision.

Instructions are the ceiling of all of them, at 816,000 x 500 points a curve: 4,700 light curves a
second for CE and AOV, 33,000 for Lomb-Scargle, 3,800 for three harmonics; 4,100 for the first three
searches together, 2,000 with the harmonics. The shares that are printed are shares of this ceiling,
for the card and the clock at hand. As products of one-hot matrices, AOV would be 40 and conditional
entropy 400 operations a point: on tensor cores some 12,000 curves a second for the latter at the
full rate of 8-bit numbers, but numba has no such instructions.

Of the features dmdt has most instructions, some 250 for each pair of epochs: at that ceiling a
microsecond a light curve of 500 epochs. The host's sorting and the copies take longer.
"""

import argparse
import sys
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import cuda

from udfs.devices import cuda_device_name
from udfs.features.dmdt import dmdt_histograms
from udfs.features.fourier import fourier_features
from udfs.features.statistics import basic_statistics
from udfs.modes import FIXED
from udfs.periodograms import binned_cuda
from udfs.periodograms.aov import aov
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.exposures import ExposureBlock, exposure_block, shared_exposures
from udfs.periodograms.folding_cuda import fold_exposures
from udfs.periodograms.grid import PeriodSearchSettings, frequency_grid
from udfs.periodograms.lomb_scargle import block_cuda as lomb_scargle_block
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.periodograms.multi_harmonic import block_cuda as multi_harmonic_block
from udfs.periodograms.multi_harmonic import multi_harmonic
from udfs.periodograms.running_best_cuda import RunningBestCuda
from udfs.schemas import PERIOD_ALGORITHMS

BASELINE_DAY = 1700.0
FULL_GRID = 816_000
FULL_EPOCHS = 500
REPEATS = 5
HARMONICS = 3
# Instructions of 32 threads that an SM starts a clock.
ISSUE = 4


@dataclass(frozen=True)
class Timed:
    """One line of the report."""

    name: str
    run: Callable[[], object]
    sources: int
    """Light curves that a run computes."""
    instructions: float | None = None
    """Per frequency, exposure and source."""


def say(line: str) -> None:
    """Print one line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def synthetic_block(n_exposures: int, n_lc: int) -> ExposureBlock:
    """RR Lyrae stars of one quadrant, each with a tenth of the exposures missing."""
    rng = np.random.default_rng(7)
    exposures = 58000 + np.sort(rng.uniform(0, BASELINE_DAY, n_exposures))
    seen = rng.uniform(size=(n_lc, n_exposures)) < 0.9
    offsets = np.concatenate([[0], np.cumsum(seen.sum(axis=1))])
    time = np.concatenate([exposures[row] for row in seen])
    period_day = np.repeat(rng.uniform(0.3, 0.8, n_lc), np.diff(offsets))
    mag = 17 + 0.3 * np.sin(2 * np.pi * time / period_day) + rng.normal(0, 0.03, time.size)
    weight = np.full(time.size, 1 / 0.03**2)
    return exposure_block(shared_exposures(time), time, mag, weight, offsets)


def best_seconds(run: Callable[[], object]) -> float:
    """The fastest of several runs, after one that compiles."""
    run()
    cuda.synchronize()
    seconds = []
    for _ in range(REPEATS):
        start = clock.perf_counter()
        run()
        cuda.synchronize()
        seconds.append(clock.perf_counter() - start)
    return min(seconds)


def issue_rate() -> float | None:
    """Instructions of one thread that the card can start in a second; None in the simulator."""
    if cuda_device_name() == "simulator":
        return None
    device = cuda.get_current_device()
    return float(device.MULTIPROCESSOR_COUNT * ISSUE * 32 * device.CLOCK_RATE * 1e3)


def over_shared_exposures(block: ExposureBlock, freq: np.ndarray) -> list[Timed]:
    """The kernels of a block, the way :class:`SharedExposuresCuda` calls them."""
    n_lc = block.n.size
    settings = PeriodSearchSettings()
    bins = {"phase_bins": settings.phase_bins, "mag_bins": settings.mag_bins}
    binned = binned_cuda.prepare(block, **bins)
    mags = lomb_scargle_block.prepare(block)
    weights = multi_harmonic_block.prepare(block)
    best = RunningBestCuda(n_lc, settings.top_n)
    entropy, theta = binned_cuda.powers(binned, freq)
    power = lomb_scargle_block.power(mags, freq)

    def all_three() -> None:
        ce, aov_ = binned_cuda.powers(binned, freq)
        best.add(lomb_scargle_block.power(mags, freq), ce, aov_)

    def harmonics() -> object:
        return multi_harmonic_block.reductions(weights, freq, harmonics=HARMONICS)

    return [
        Timed("fold, for all sources", lambda: fold_exposures(
            binned.elapsed, freq, phase_bins=settings.phase_bins), n_lc),
        Timed("CE and AOV, with the fold", lambda: binned_cuda.powers(binned, freq), n_lc, 15.4),
        Timed("Lomb-Scargle", lambda: lomb_scargle_block.power(mags, freq), n_lc, 2.2),
        Timed("best points", lambda: best.add(power, entropy, theta), n_lc, 0.1),
        Timed("LS, CE, AOV and best points", all_three, n_lc, 17.7),
        Timed(f"{HARMONICS} harmonics", harmonics, n_lc, 19.0),
    ]  # fmt: skip


def curve_by_curve(block: ExposureBlock, freq: np.ndarray) -> list[Timed]:
    """The kernels for single curves, with the copies to and from the card."""
    seen = block.seen[:, 0]
    curve = block.time[seen], block.scaled[seen, 0]
    offsets = np.array([0, seen.sum()])
    err = np.full(seen.sum(), 0.03)
    runs: list[tuple[str, Callable[[], object]]] = [
        (algorithm.__name__, lambda a=algorithm: a(*curve, offsets, freq, backend="cuda"))
        for algorithm in (lomb_scargle, conditional_entropy, aov)
    ]
    runs.append(
        ("multi_harmonic", lambda: multi_harmonic(*curve, err, offsets, freq, backend="cuda"))
    )
    return [Timed(f"one curve, {name}", run, 1) for name, run in runs]


def report_features(block: ExposureBlock) -> None:
    """Print the time of the features of all curves of a block, each at its own times."""
    n_lc = block.n.size
    seen = block.seen.T
    time = np.broadcast_to(block.time, seen.shape)[seen]
    mag = 17 + 0.6 * block.scaled.T[seen].astype(np.float64)
    err = np.full(time.size, 0.03)
    offsets = np.concatenate([[0], np.cumsum(block.n)])
    period = 10 ** np.random.default_rng(7).uniform(-1, 1.5, n_lc)

    def series() -> None:
        for _ in PERIOD_ALGORITHMS:
            fourier_features(time, mag, err, offsets, period, mode=FIXED, backend="cuda")

    families: dict[str, Callable[[], object]] = {
        "statistics": lambda: basic_statistics(time, mag, err, offsets, backend="cuda"),
        f"Fourier series at {len(PERIOD_ALGORITHMS)} periods": series,
        "dmdt": lambda: dmdt_histograms(time, mag, offsets, backend="cuda"),
    }
    total = 0.0
    for name, run in families.items():
        seconds = best_seconds(run) / n_lc
        total += seconds
        say(f"sources={n_lc} features={name!r} us_per_light_curve={1e6 * seconds:.3f}")
    say(f"sources={n_lc} features='all' light_curves_per_second={1 / total:.0f}")


def main(argv: Sequence[str] | None = None) -> None:
    """Time all kernels and print one line for each."""
    parser = argparse.ArgumentParser(description="Time the search and the features on a GPU.")
    parser.add_argument("--exposures", type=int, default=FULL_EPOCHS)
    parser.add_argument("--sources", type=int, nargs="+", default=[1024, 4096])
    parser.add_argument("--frequencies", type=int, default=16_384, help="a stretch of the grid")
    options = parser.parse_args(argv)
    try:
        say(f"device={cuda_device_name()}")
    except RuntimeError as error:
        sys.exit(f"{parser.prog}: {error}")
    rate = issue_rate()
    settings = PeriodSearchSettings(excluded_per_day=())
    freq = frequency_grid(BASELINE_DAY, settings)[-options.frequencies :]
    for n_lc in options.sources:
        block = synthetic_block(options.exposures, n_lc)
        timed = over_shared_exposures(block, freq)
        if n_lc == options.sources[-1]:
            timed += curve_by_curve(block, freq)
        for one in timed:
            report(one, freq.size * options.exposures, rate)
        report_features(block)


def report(one: Timed, points: int, rate: float | None) -> None:
    """Print the time of one kernel for so many points of a source."""
    seconds = best_seconds(one.run) / one.sources
    per_second = points / seconds / (FULL_GRID * FULL_EPOCHS)
    share = ""
    if rate and one.instructions:
        share = f" share_of_ceiling={one.instructions * points / seconds / rate:.2f}"
    say(
        f"sources={one.sources} kernel={one.name!r} ns={1e9 * seconds / points:.5f} "
        f"light_curves_per_second={per_second:.0f}{share}"
    )


if __name__ == "__main__":
    main()
