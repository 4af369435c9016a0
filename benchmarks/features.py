"""All features but the periods, in light curves per second: ``python benchmarks/features.py``.

Three programs see the same curves in the same run, each on one thread: this one; the same
statistics written with SciPy, as the published pipeline has them (``curve_fit`` for each order of
the Fourier series, ``shapiro``, ``anderson``, ``histogram2d`` of all pairs); and the package
``light-curve`` (pip) with the nearest features that it has: no Shapiro-Wilk, no Fourier series, and
its own bins for dmdt. Times are processor time, the best of several runs.
"""

import argparse
import sys
import time as clock
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import light_curve as lc
import numpy as np
from scipy import stats
from scipy.optimize import curve_fit

from udfs.features.dmdt import DM_EDGES, DT_EDGES_DAY, dmdt_histograms
from udfs.features.fourier import fourier_features
from udfs.features.statistics import basic_statistics
from udfs.modes import SCOPE
from udfs.ragged import FloatArray, IntArray
from udfs.schemas import PERIOD_ALGORITHMS

BASELINE_DAY = 1700
REPEATS = 3
# Epochs (all curves together) that each program gets: enough to time, few enough to wait for.
EPOCHS = 500_000
SLOW_EPOCHS = 10_000
Curve = tuple[FloatArray, FloatArray, FloatArray, float]


@dataclass(frozen=True)
class Curves:
    """Light curves of equal length, flat, each with one period."""

    time: FloatArray
    mag: FloatArray
    magerr: FloatArray
    offsets: IntArray
    period: FloatArray

    def one(self, i: int) -> Curve:
        """Time, magnitude, error and period of one curve."""
        part = slice(self.offsets[i], self.offsets[i + 1])
        return self.time[part], self.mag[part], self.magerr[part], float(self.period[i])


def say(line: str) -> None:
    """Print one line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def random_curves(n_lc: int, n: int) -> Curves:
    """Periodic stars of 0.02 to 0.5 mag, one epoch in each of n nights drawn from 1700."""
    rng = np.random.default_rng(n)
    nights = np.sort(rng.integers(0, BASELINE_DAY, (n_lc, n)), axis=1)
    time = np.sort(58000 + nights + rng.uniform(0, 0.35, (n_lc, n)), axis=1)
    period = 10 ** rng.uniform(-1, 1.5, n_lc)
    angle = 2 * np.pi * time / period[:, None]
    magerr = rng.uniform(0.01, 0.04, (n_lc, n))
    amplitude = rng.uniform(0.02, 0.5, (n_lc, 1))
    shape = np.sin(angle) + 0.3 * np.sin(2 * angle + 1)
    mag = 17 + amplitude * shape + magerr * rng.normal(size=time.shape)
    offsets = np.arange(n_lc + 1, dtype=np.int64) * n
    return Curves(time.ravel(), mag.ravel(), magerr.ravel(), offsets, period)


def seconds_per_curve(run: Callable[[], object], n_lc: int) -> float:
    """Processor seconds per light curve of the fastest of several runs."""
    run()
    seconds = []
    for _ in range(REPEATS):
        start = clock.process_time()
        run()
        seconds.append(clock.process_time() - start)
    return min(seconds) / n_lc


def our_statistics(c: Curves) -> FloatArray:
    """The 22 statistics."""
    return basic_statistics(c.time, c.mag, c.magerr, c.offsets)


def our_fourier(c: Curves) -> FloatArray:
    """The series at the periods of all algorithms."""
    fits = [
        fourier_features(c.time, c.mag, c.magerr, c.offsets, c.period, mode=SCOPE)
        for _ in PERIOD_ALGORITHMS
    ]
    return fits[0]


def our_dmdt(c: Curves) -> FloatArray:
    """The images."""
    return dmdt_histograms(c.time, c.mag, c.offsets)


def scipy_statistics(curve: Curve) -> FloatArray:
    """The 22 statistics, each as its definition reads."""
    t, m, e, _ = curve
    n = m.size
    w = 1 / e**2
    median, mean = np.median(m), np.average(m, weights=w)
    wstd = np.sqrt(np.average((m - mean) ** 2, weights=w))
    chi = (m - mean) / e
    faint, bright = np.max(m - e), np.min(m + e)
    percentiles = [np.subtract(*np.percentile(m, [100 - p, p])) for p in (25, 20, 15, 10, 5)]
    weights = np.diff(t) ** -2.0
    eta = np.sum(weights * np.diff(m) ** 2) / (np.sum(weights) * wstd**2)
    delta = np.sqrt(n / (n - 1)) * chi
    product = delta[1:] * delta[:-1]
    return np.array([
        n, median, mean, np.sum(chi**2) / (n - 1), np.sum(np.abs(m - median) / e) / (n - 1), wstd,
        (faint - bright) / (faint + bright), np.sum((m - mean) ** 2 - e**2) / (n * mean**2),
        np.median(np.abs(m - median)), *percentiles, n / ((n - 1) * (n - 2)) * np.sum(chi**3),
        n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * np.sum(chi**4)
        - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)),
        1 / eta, np.sum(product), np.sum(np.sign(product) * np.sqrt(np.abs(product))),
        np.mean(np.abs(delta)) / np.sqrt(np.mean(delta**2)),
        stats.anderson(m / e).statistic, stats.shapiro(m / e).statistic,
    ])  # fmt: skip


def series(t: FloatArray, period: float, *parameters: float) -> FloatArray:
    """Trend and harmonics."""
    model = parameters[0] + parameters[1] * (t - t.min())
    for n in range(1, len(parameters) // 2):
        angle = 2 * np.pi * n * t / period
        a, b = parameters[2 * n], parameters[2 * n + 1]
        model = model + a * np.cos(angle) + b * np.sin(angle)
    return model


def scipy_fourier(curve: Curve) -> list[float]:
    """Power and BIC at the best order, once for each algorithm's period."""
    t, m, e, period = curve
    for _ in PERIOD_ALGORITHMS:
        fits = []
        for order in range(6):
            start = [np.median(m), 1e-6] + [0.1] * (2 * order)
            found, _ = curve_fit(
                lambda t, *p: series(t, period, *p), t, m, start, e, absolute_sigma=True
            )
            chi2 = np.sum(((m - series(t, period, *found)) / e) ** 2)
            fits.append((chi2 + np.log(m.size) * (2 + 2 * order), chi2))
        bic, chi2 = min(fits)
    return [(fits[0][1] - chi2) / fits[0][1], bic]


def scipy_dmdt(curve: Curve) -> FloatArray:
    """The image, by numpy."""
    t, m, _, _ = curve
    i, j = np.triu_indices(t.size, 1)
    counts, _, _ = np.histogram2d(m[j] - m[i], t[j] - t[i], bins=[DM_EDGES, DT_EDGES_DAY])
    return np.asarray(counts / np.linalg.norm(counts))


def nearest_of_light_curve() -> lc.Extractor:
    """Statistics of the package that are, or come near, SCoPe's."""
    ranges = [lc.InterPercentileRange(p) for p in (0.25, 0.2, 0.15, 0.1, 0.05)]
    return lc.Extractor(
        lc.ObservationCount(), lc.Median(), lc.WeightedMean(), lc.ReducedChi2(), lc.Roms(),
        lc.StandardDeviation(), lc.Amplitude(), lc.ExcessVariance(),
        lc.MedianAbsoluteDeviation(), *ranges, lc.Skew(), lc.Kurtosis(), lc.EtaE(),
        lc.StetsonK(), lc.AndersonDarlingNormal(),
    )  # fmt: skip


def check_agreement(c: Curves, n_lc: int) -> None:
    """Raise AssertionError unless the SciPy version computes the same numbers."""
    ours = our_statistics(c), our_fourier(c), our_dmdt(c)
    for i in range(n_lc):
        np.testing.assert_allclose(scipy_statistics(c.one(i)), ours[0][i], rtol=1e-6)
        np.testing.assert_allclose(scipy_fourier(c.one(i)), ours[1][i, :2], rtol=1e-6)
        np.testing.assert_array_equal(scipy_dmdt(c.one(i)), ours[2][i])


def families(c: Curves) -> dict[str, tuple[Callable[[Curves], object], ...]]:
    """For each family of features: ours for all curves, then functions of one curve."""
    extractor = nearest_of_light_curve()
    image = lc.DmDt.from_borders(
        min_lgdt=-1.5, max_lgdt=3.3, max_abs_dm=8, lgdt_size=26, dm_size=26, norm=[]
    )
    return {
        "statistics": (
            our_statistics,
            scipy_statistics,
            lambda curve: extractor(*curve[:3], sorted=True, check=False),
        ),
        "fourier": (our_fourier, scipy_fourier),
        "dmdt": (our_dmdt, scipy_dmdt, lambda curve: image.points(curve[0], curve[1])),
    }


def compare(n: int) -> None:
    """Time all families at one number of epochs and print a line for each."""
    c = random_curves(max(EPOCHS // n, 1), n)
    n_slow = max(SLOW_EPOCHS // n, 4)
    check_agreement(c, 2)
    curves = [c.one(i) for i in range(c.period.size)]

    def each(function: Callable[[Curve], object], count: int) -> None:
        for curve in curves[:count]:
            function(curve)

    total = {"ours": 0.0, "scipy": 0.0}
    for family, (ours, by_scipy, *by_package) in families(c).items():
        fast = seconds_per_curve(partial(ours, c), c.period.size)
        slow = seconds_per_curve(partial(each, by_scipy, n_slow), n_slow)
        total["ours"] += fast
        total["scipy"] += slow
        line = f"n={n} family={family} ours_us={1e6 * fast:.1f} scipy_us={1e6 * slow:.0f}"
        line += f" scipy/ours={slow / fast:.0f}"
        for function in by_package:
            package = seconds_per_curve(partial(each, function, c.period.size), c.period.size)
            line += f" light_curve_us={1e6 * package:.0f} light_curve/ours={package / fast:.1f}"
        say(line)
    say(
        f"n={n} family=all ours_per_second={1 / total['ours']:.0f} "
        f"scipy_per_second={1 / total['scipy']:.1f} "
        f"scipy/ours={total['scipy'] / total['ours']:.0f} (bar 50)"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Compare the three programs at each number of epochs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[100, 500, 1000, 2000])
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore", FutureWarning)  # scipy.stats.anderson
    for n in options.points:
        compare(n)


if __name__ == "__main__":
    main()
