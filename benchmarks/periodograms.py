"""Time per frequency and epoch of each periodogram: ``python benchmarks/periodograms.py``.

The compiled kernels, the brute-force reference and astropy see the same curves and frequencies in
the same run, on one core. Each time is the best of several.
"""

import argparse
import sys
import time as clock
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from astropy.timeseries import LombScargle

from udfs.periodograms.aov import aov
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.grid import PeriodSearchSettings, frequency_grid
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.ragged import FloatArray

BASELINE_DAY = 1700.0
# The reference is slow: it gets a stretch of the grid of this length.
REFERENCE_POINTS = 2000
REPEATS = 3


def say(line: str) -> None:
    """Print one line of the report."""
    sys.stdout.write(line + "\n")


def random_curve(n: int) -> tuple[FloatArray, FloatArray]:
    """An RR Lyrae star as seen in clear nights."""
    rng = np.random.default_rng(n)
    time = 58000 + np.sort(rng.uniform(0, BASELINE_DAY, n))
    return time, 17 + 0.4 * np.sin(2 * np.pi * time / 0.5612) + rng.normal(0, 0.05, n)


def best_ns(run: Callable[[], object], evaluations: int) -> float:
    """Nanoseconds per evaluation of the fastest of several runs."""
    run()
    seconds = []
    for _ in range(REPEATS):
        start = clock.perf_counter()
        run()
        seconds.append(clock.perf_counter() - start)
    return 1e9 * min(seconds) / evaluations


def main(argv: Sequence[str] | None = None) -> None:
    """Time all kernels and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[100, 500, 1000])
    parser.add_argument("--frequencies", type=int, default=40_000)
    options = parser.parse_args(argv)
    freq = frequency_grid(BASELINE_DAY, PeriodSearchSettings())[: options.frequencies]
    few = freq[:REFERENCE_POINTS]
    for n in options.points:
        time, mag = random_curve(n)
        offsets = np.array([0, n])
        for algorithm in (lomb_scargle, conditional_entropy, aov):
            run = partial(algorithm, time, mag, offsets)
            fast = best_ns(partial(run, freq, backend="cpu"), n * freq.size)
            slow = best_ns(partial(run, few, backend="reference"), n * few.size)
            say(
                f"n={n} algorithm={algorithm.__name__} cpu_ns={fast:.2f} reference_ns={slow:.1f} "
                f"reference/cpu={slow / fast:.0f}"
            )
            if algorithm is lomb_scargle:
                compare_astropy(time, mag, freq, fast)


def compare_astropy(time: FloatArray, mag: FloatArray, freq: FloatArray, fast: float) -> None:
    """Time astropy's exact and its approximate (FFT) Lomb-Scargle on the same curve."""
    judge = LombScargle(time - time[0], mag, fit_mean=False)
    for method in ("cython", "fast"):
        part = freq if method == "fast" else freq[:REFERENCE_POINTS]
        run = partial(judge.power, part, method=method, normalization="psd")
        slow = best_ns(partial(run, assume_regular_frequency=True), time.size * part.size)
        say(
            f"n={time.size} algorithm=lomb_scargle cpu_ns={fast:.2f} "
            f"astropy_{method}_ns={slow:.2f} astropy/cpu={slow / fast:.1f}"
        )


if __name__ == "__main__":
    main()
