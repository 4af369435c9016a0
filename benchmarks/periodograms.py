"""Cost of the period search: ``python benchmarks/periodograms.py``, one process, one thread.

The task is the full search of ZTF: sources of one quadrant over 500 shared exposures in 1,700 days,
each of them seen in nine exposures of ten, and 816,000 frequencies. Of the grid, stretches are
computed, spread evenly over it, and the time is scaled to the whole. All ratios are of one run.
"""

import argparse
import sys
import time as clock
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import nifty_ls
import numpy as np
import usual_loops
from astropy.timeseries import LombScargle
from scipy.special import xlogy

from jobs.common.config import CONF
from udfs.light_curve_features import FeatureSettings, light_curve_features
from udfs.periodograms.aov import aov
from udfs.periodograms.aov import block_cpu as aov_block
from udfs.periodograms.conditional_entropy import block_cpu as entropy_block
from udfs.periodograms.conditional_entropy import conditional_entropy, magnitude_bins
from udfs.periodograms.curves import scaled_curve
from udfs.periodograms.exposures import exposure_block, shared_exposures
from udfs.periodograms.folding import fold_exposures
from udfs.periodograms.grid import PeriodSearchSettings, full_grid
from udfs.periodograms.lomb_scargle import block_cpu as lomb_scargle_block
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.periodograms.multi_harmonic import block_cpu as multi_harmonic_block
from udfs.periodograms.multi_harmonic import multi_harmonic
from udfs.periodograms.search import search_periods
from udfs.periodograms.tiles import TILE
from udfs.periods.trees import read_ranking_model
from udfs.ragged import FloatArray, IntArray

BASELINE_DAY = 1700.0
SETTINGS = PeriodSearchSettings()
# Half of the grid fits one harmonic, a sixth two, a third three: six stretches keep the shares.
STRETCHES = 6
REPEATS = 3


@dataclass(frozen=True)
class Sky:
    """Light curves of one quadrant, flat, and the number of exposures that they share."""

    time: FloatArray
    mag: FloatArray
    magerr: FloatArray
    offsets: IntArray
    exposures: int

    @property
    def sources(self) -> int:
        """Number of light curves."""
        return self.offsets.size - 1


def quadrant(sources: int, exposures: int) -> Sky:
    """Pulsating stars, seen in nine exposures of ten, at times a few seconds apart."""
    rng = np.random.default_rng(sources)
    shared = 58000 + np.sort(rng.uniform(0, BASELINE_DAY, exposures))
    seen = rng.random((sources, exposures)) < 0.9
    seen[:, [0, -1]] = True
    offsets = np.concatenate([[0], np.cumsum(seen.sum(axis=1))]).astype(np.int64)
    source, exposure = np.nonzero(seen)
    time = shared[exposure] + rng.uniform(-3, 3, source.size) / 86_400
    period = rng.uniform(0.2, 2.0, sources)[source]
    mag = 17 + 0.3 * np.sin(2 * np.pi * time / period) + rng.normal(0, 0.05, time.size)
    return Sky(time, mag, rng.uniform(0.03, 0.07, time.size), offsets, exposures)


def stretches(length: int) -> list[FloatArray]:
    """Parts of the full grid, spread evenly over it."""
    grid = full_grid(BASELINE_DAY, SETTINGS)
    centres = (np.arange(STRETCHES) + 0.5) / STRETCHES * grid.size
    return [grid[int(c) : int(c) + length] for c in centres]


def seconds(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Wall time of the fastest of several runs, after one to compile."""
    run()
    best = np.inf
    for _ in range(repeats):
        start = clock.perf_counter()
        run()
        best = min(best, clock.perf_counter() - start)
    return best


def say(line: str) -> None:
    """Print one line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def block_costs(sky: Sky, length: int) -> dict[str, float]:
    """Nanoseconds per (frequency, exposure, source) of each block kernel, mean of the grid."""
    exposures = shared_exposures(sky.time)
    block = exposure_block(exposures, sky.time, sky.mag, 1 / sky.magerr**2, sky.offsets)
    ls, sums = lomb_scargle_block.prepare(block), aov_block.prepare(block)
    counts = entropy_block.prepare(block, mag_bins=SETTINGS.mag_bins)
    weights = multi_harmonic_block.prepare(block)
    parts = [p[:length] for p in stretches(length)]
    folds = [fold_exposures(block.time, p, phase_bins=SETTINGS.phase_bins) for p in parts]
    harmonics = [int(min(3, SETTINGS.max_freq_per_day // p[-1])) for p in parts]
    tiles = range(-(-sky.sources // TILE))
    points = length * STRETCHES * sky.exposures * sky.sources

    def fold_all() -> None:
        for part in parts:
            fold_exposures(block.time, part, phase_bins=SETTINGS.phase_bins)

    def lomb_scargle_all() -> None:
        for part in parts:
            waves = lomb_scargle_block.stretch(ls, part)
            for tile in tiles:
                lomb_scargle_block.power(ls, tile, waves)

    def fit_all() -> None:
        for part, number in zip(parts, harmonics, strict=True):
            waves = multi_harmonic_block.stretch(weights, part, harmonics=number)
            for tile in tiles:
                multi_harmonic_block.reductions(weights, tile, waves)

    runs: dict[str, Callable[[], object]] = {
        "Lomb-Scargle": lomb_scargle_all,
        "folding (for AOV and CE)": fold_all,
        "AOV": lambda: [aov_block.theta(sums, t, f) for f in folds for t in tiles],
        "conditional entropy": lambda: [
            entropy_block.entropy(counts, t, f) for f in folds for t in tiles],
        "fits of 3 harmonics": fit_all,
    }  # fmt: skip
    return {name: 1e9 * seconds(run) / points for name, run in runs.items()}


def peer_costs(sky: Sky, length: int) -> dict[str, float]:
    """Nanoseconds per (frequency, epoch) of what handles one curve at a time."""
    n = int(sky.offsets[1])
    time, mag, magerr = sky.time[:n], sky.mag[:n], sky.magerr[:n]
    one = (time, mag, np.array([0, n]))
    elapsed, scaled = scaled_curve(time, mag)
    bins = magnitude_bins(scaled, SETTINGS.mag_bins)
    centred = scaled - scaled.mean()
    table = xlogy(np.arange(n + 1), np.arange(n + 1))
    freq = full_grid(BASELINE_DAY, SETTINGS)
    part, few = freq[:length], freq[:500]
    judge = LombScargle(elapsed, mag, magerr)

    def astropy_fast(**how: object) -> object:
        return judge.power(freq, method="fast", assume_regular_frequency=True, **how)

    def nifty(dtype: str) -> object:
        curve = (a.astype(dtype) for a in (elapsed, mag, magerr))
        return nifty_ls.lombscargle(
            *curve, fmin=freq[0], fmax=freq[-1], Nf=freq.size, nthreads=1
        )  # fmt: skip

    loops = usual_loops
    runs: dict[str, tuple[Callable[[], object], int]] = {
        "Lomb-Scargle, ours": (lambda: lomb_scargle(*one, part, backend="cpu"), length),
        "Lomb-Scargle, nifty-ls": (lambda: nifty("f8"), freq.size),
        "Lomb-Scargle, nifty-ls in float32": (lambda: nifty("f4"), freq.size),
        "Lomb-Scargle, astropy fasper": (
            lambda: astropy_fast(method_kwds={"algorithm": "fasper"}), freq.size),
        "Lomb-Scargle, numpy reference": (
            lambda: lomb_scargle(*one, few, backend="reference"), few.size),
        "AOV, ours": (lambda: aov(*one, part, backend="cpu"), length),
        "AOV, usual numba loop": (lambda: loops.aov(elapsed, centred, part, 20), length),
        "AOV, numpy reference": (lambda: aov(*one, few, backend="reference"), few.size),
        "conditional entropy, ours": (
            lambda: conditional_entropy(*one, part, backend="cpu"), length),
        "conditional entropy, usual numba loop with table": (
            lambda: loops.conditional_entropy(elapsed, bins, part, 20, table), length),
        "conditional entropy, usual numba loop with logarithms": (
            lambda: loops.conditional_entropy(elapsed, bins, part, 20, table[:0]), length),
        "conditional entropy, numpy reference": (
            lambda: conditional_entropy(*one, few, backend="reference"), few.size),
        "fits of 3 harmonics, ours": (
            lambda: multi_harmonic(time, mag, magerr, one[2], part, backend="cpu"), length),
    }  # fmt: skip
    return {name: 1e9 * seconds(run) / (n * size) for name, (run, size) in runs.items()}


def search_cost(sky: Sky, length: int, mode: str) -> float:
    """Seconds per light curve of all searches over the full grid.

    What does not grow with the grid cancels in the difference of two lengths.
    """
    number = np.arange(sky.sources)
    grid_size = full_grid(BASELINE_DAY, SETTINGS).size

    def run(size: int) -> None:
        for part in stretches(size):
            search_periods(
                sky.time, sky.mag, sky.magerr, sky.offsets, part,
                band=np.zeros_like(number), star=number,
                settings=replace(SETTINGS, times="shared"), mode=mode, backend="cpu",
            )  # fmt: skip

    longer = seconds(lambda: run(2 * length), 1) - seconds(lambda: run(length), 1)
    return longer / sky.sources * grid_size / (length * STRETCHES)


def feature_cost(sky: Sky) -> float:
    """Seconds per light curve of all but the grid: statistics, choice of period, series, dmdt.

    The search of a short grid is part of it, and taken off again.
    """
    number = np.arange(sky.sources)
    low = PeriodSearchSettings(max_freq_per_day=0.2)
    model = read_ranking_model(CONF / "period_choice.json")
    settings = FeatureSettings(period_search=low, min_gap_minutes=0.0, ranking=model)
    flags = np.zeros(sky.time.size, np.int64)

    def whole() -> None:
        light_curve_features(
            sky.time, sky.mag, sky.magerr, flags, sky.offsets,
            band=np.zeros_like(number), star=number,
            baseline_day=BASELINE_DAY, settings=settings,
        )  # fmt: skip

    def search() -> None:
        search_periods(
            sky.time, sky.mag, sky.magerr, sky.offsets, full_grid(BASELINE_DAY, low),
            band=np.zeros_like(number), star=number,
            settings=low, mode="fixed", backend="cpu",
        )  # fmt: skip

    return (seconds(whole, 2) - seconds(search, 2)) / sky.sources


def _search_cost(task: tuple[int, int, int]) -> float:
    sources, exposures, length = task
    return search_cost(quadrant(sources, exposures), length, "fixed")


def report_table(sources: int, exposures: int, length: int) -> None:
    """Each algorithm beside its peers, then the whole row."""
    sky = quadrant(sources, exposures)
    ours, peers = block_costs(sky, length), peer_costs(sky, 4 * length)
    points = exposures * full_grid(BASELINE_DAY, SETTINGS).size
    say(f"{sources} sources, {exposures} exposures, slices of {STRETCHES} x {length} frequencies")
    for name, cost in ours.items():
        rate = 1e9 / (cost * points)
        say(f"block   {name:52s} {cost:8.3f} ns  {rate:9.2f} light curves/s/core")
    for name, cost in peers.items():
        ratio = cost / ours[name.split(",")[0]]
        say(f"curve   {name:52s} {cost:8.3f} ns  {ratio:9.1f} times the block's")
    extra = feature_cost(sky)
    for mode in ("scope-v0.9.5", "fixed"):
        search = search_cost(sky, length, mode)
        say(f"row     mode {mode}: search {search:.4f} s + features {extra:.4f} s a light curve = "
            f"{1 / (search + extra):.2f} light curves/s/core")  # fmt: skip


def report_growth(length: int) -> None:
    """How the search grows with epochs, sources of a block, frequencies and cores."""
    base = {"sources": 512, "exposures": 500, "length": length}
    for name, values in {
        "exposures": (125, 250, 500, 1000, 2000),
        "sources": (16, 64, 256, 1024),
        "length": (length // 4, length // 2, length, 2 * length),
    }.items():
        for value in values:
            task = base | {name: value}
            sky = quadrant(task["sources"], task["exposures"])
            cost = search_cost(sky, task["length"], "fixed")
            say(f"growth  {name}={value}: {cost:.4f} s a light curve at the full grid")
    task_of_one = (512, 500, length)
    alone = _search_cost(task_of_one)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        together = list(pool.map(_search_cost, [task_of_one] * 2))
    say(f"cores   one {1 / alone:.2f}, two {sum(1 / t for t in together):.2f} light curves/s")


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and the growth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--exposures", type=int, default=500)
    parser.add_argument("--length", type=int, default=2048, help="frequencies of a slice")
    parser.add_argument("--no-growth", action="store_true", help="the table alone")
    options = parser.parse_args(argv)
    report_table(options.sources, options.exposures, options.length)
    if not options.no_growth:
        report_growth(options.length)


if __name__ == "__main__":
    main()
