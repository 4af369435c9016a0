"""How closely the features agree with the oracle: ``python benchmarks/oracle_agreement.py FOLDER``.

FOLDER holds curves, features, dmdt, periodograms and periods as parquet files.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from udfs.features.dmdt import dmdt_histograms
from udfs.features.fourier import fourier_features
from udfs.features.statistics import basic_statistics
from udfs.modes import SCOPE
from udfs.periodograms.aov import aov
from udfs.periodograms.conditional_entropy import conditional_entropy
from udfs.periodograms.grid import PeriodSearchSettings
from udfs.periodograms.lomb_scargle import lomb_scargle
from udfs.periodograms.search import search_periods
from udfs.ragged import FloatArray, IntArray, from_arrow
from udfs.schemas import FOURIER, STATISTICS

KEY = ["dataset", "object_id", "band"]
Periodogram = Callable[..., FloatArray]
PERIODOGRAMS: dict[str, Periodogram] = {"ls": lomb_scargle, "ce": conditional_entropy, "aov": aov}
ORACLE_ALGORITHMS = ("LS", "CE", "AOV", "ELS_ECE_EAOV")


def say(line: str) -> None:
    """Print one line of the report."""
    sys.stdout.write(line + "\n")


def relative(actual: FloatArray, expected: FloatArray) -> FloatArray:
    """Relative difference; 0 where both are equal, 0 included."""
    scale = np.where(expected == 0, 1.0, np.abs(expected))
    return np.asarray(np.abs(actual - expected) / scale)


def read_curves(folder: Path) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
    """Flat times, magnitudes, errors and offsets of all curves."""
    table = pq.read_table(folder / "curves.parquet")
    time, offsets = from_arrow(table["time"], name="time")
    mag, _ = from_arrow(table["mag"], name="mag")
    magerr, _ = from_arrow(table["magerr"], name="magerr")
    return time, mag, magerr, offsets


def report_statistics(folder: Path) -> None:
    """Largest relative difference of each basic statistic."""
    expected = pq.read_table(folder / "features.parquet").to_pandas()
    actual = basic_statistics(*read_curves(folder))
    for k, name in enumerate(STATISTICS):
        worst = relative(actual[:, k], expected[name].to_numpy()).max()
        say(f"statistics {name:24s} curves={len(expected)} max_relative_difference={worst:.1e}")


def chi_square(
    curve: tuple[FloatArray, FloatArray, FloatArray], period: float, row: FloatArray
) -> float:
    """Chi-square of the 12 parameters of a Fourier series."""
    time, mag, magerr = curve
    model = row[0] + row[1] * (time - time.min())
    for n in range(1, 6):
        angle = 2 * np.pi * n * time / period
        model = model + row[2 * n] * np.cos(angle) + row[2 * n + 1] * np.sin(angle)
    return float(np.sum(((mag - model) / magerr) ** 2))


def report_fourier(folder: Path) -> None:
    """Differences of the Fourier series, and the chi-squares where they differ visibly."""
    table = pq.read_table(folder / "features.parquet").to_pandas()
    time, mag, magerr, offsets = read_curves(folder)
    period, published = table["period_day"].to_numpy(), table[list(FOURIER)].to_numpy()
    ours = fourier_features(time, mag, magerr, offsets, period, mode=SCOPE)
    for k, name in enumerate(FOURIER):
        difference = relative(ours[:, k], published[:, k])
        say(
            f"fourier {name:12s} median={np.median(difference):.1e} "
            f"p99={np.quantile(difference, 0.99):.1e} max={difference.max():.1e}"
        )
    differs = np.flatnonzero(~np.isclose(ours, published, rtol=1e-4, atol=1e-9).all(axis=1))
    excess = []
    for i in differs:
        part = slice(offsets[i], offsets[i + 1])
        curve = (time[part], mag[part], magerr[part])
        linear, optimised = (chi_square(curve, period[i], r[i, 2:]) for r in (ours, published))
        excess.append(linear / optimised - 1)
    say(
        f"fourier curves_differing_by_1e-4={differs.size} of {period.size} "
        f"lower_or_equal_chi2={int(np.sum(np.array(excess) <= 1e-12))} "
        f"chi2_ratio_minus_1=[{min(excess, default=0):.1e}, {max(excess, default=0):.1e}]"
    )


def report_dmdt(folder: Path) -> None:
    """Number of dmdt images that are not exactly equal, in both modes."""
    time, mag, _, offsets = read_curves(folder)
    expected = np.stack(pq.read_table(folder / "dmdt.parquet")["dmdt"].to_pylist())
    for mode in ("fixed", SCOPE):
        actual = dmdt_histograms(time, mag, offsets, mode=mode).reshape(expected.shape)
        unequal = np.sum((actual != expected).any(axis=1))
        say(f"dmdt mode={mode} curves={len(expected)} not_exactly_equal={unequal}")


def report_periodograms(folder: Path) -> None:
    """Differences of the periodograms, the best periods and their significances."""
    tables = [
        pq.read_table(folder / f"{n}.parquet").to_pandas().drop(columns="period_day")
        for n in ("periodograms", "periods", "curves")
    ]
    curves = tables[0].merge(tables[1], on=KEY).merge(tables[2], on=KEY)
    for name, algorithm in PERIODOGRAMS.items():
        for backend in ("cpu", "reference"):
            difference, scale = _periodogram_difference(curves, name, algorithm, backend)
            say(
                f"periodogram {name:3s} backend={backend:9s} points={difference.size} "
                f"max_relative={relative(difference + scale, scale).max():.1e} "
                f"max_absolute={np.abs(difference).max():.1e}"
            )
    found = [_best(row) for _, row in curves.iterrows()]
    for k, name in enumerate(ORACLE_ALGORITHMS):
        period = relative(np.array([f[0][k] for f in found]), curves[f"period_{name}"].to_numpy())
        sigma = np.array([f[1][k] for f in found])
        worst = relative(sigma, curves[f"significance_{name}"].to_numpy()).max()
        say(
            f"period {name:12s} curves={len(found)} same_period={int(np.sum(period < 1e-12))} "
            f"significance_max_relative_difference={worst:.1e}"
        )


def _periodogram_difference(
    curves: pd.DataFrame, name: str, algorithm: Periodogram, backend: str
) -> tuple[FloatArray, FloatArray]:
    actual = [
        algorithm(c.time, c.mag, np.array([0, c.time.size]), c.freq_per_day, backend=backend)[0]
        for _, c in curves.iterrows()
    ]
    expected = np.concatenate(curves[name].tolist())
    return np.concatenate(actual) - expected, expected


def _best(curve: pd.Series) -> tuple[FloatArray, FloatArray]:
    best = search_periods(
        curve["time"],
        curve["mag"],
        np.full(curve["mag"].size, 0.01),
        np.array([0, curve["time"].size]),
        curve["freq_per_day"],
        band=np.array([1]),
        star=np.array([0]),
        settings=PeriodSearchSettings(excluded_per_day=()),
        mode="scope-v0.9.5",
        backend="cpu",
    )
    return best.period[0], best.significance[0]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the oracle")
    folder = parser.parse_args(argv).folder
    report_statistics(folder)
    report_fourier(folder)
    report_dmdt(folder)
    report_periodograms(folder)


if __name__ == "__main__":
    main()
