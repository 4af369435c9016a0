"""Plots of the period benchmarks: histograms of periods, and stars whose period was not found."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from period_stars import Star

from udfs.ragged import FloatArray

matplotlib.use("agg")
_PER_PAGE = 5


def plot_histograms(
    path: Path, periods: Mapping[str, FloatArray], *, edges_day: FloatArray
) -> None:
    """Write one histogram of log period per entry, all with the same bins."""
    figure = Figure(figsize=(8, 2.2 * len(periods)), layout="constrained")
    for axis, (name, values) in zip(
        figure.subplots(len(periods), 1, sharex=True, squeeze=False)[:, 0],
        periods.items(), strict=True,
    ):  # fmt: skip
        axis.hist(values[np.isfinite(values)], bins=edges_day, histtype="stepfilled")
        axis.set(xscale="log", ylabel="light curves", title=name)
    axis.set_xlabel("period [day]")
    figure.savefig(path)


def plot_failures(
    path: Path, missed: pd.DataFrame, stars: Mapping[str, Star], *, chosen: str
) -> None:
    """Write a PDF with each star folded at its published and at the chosen period."""
    with PdfPages(path) as pdf:
        for start in range(0, len(missed), _PER_PAGE):
            page = missed.iloc[start : start + _PER_PAGE]
            figure = Figure(figsize=(9, 2.6 * _PER_PAGE), layout="constrained")
            axes = figure.subplots(_PER_PAGE, 2, squeeze=False)
            for pair, (_, row) in zip(axes, page.iterrows(), strict=False):
                star = stars[row["object_id"]]
                title = f"{star.object_id} {star.kind}: published {star.period:.6g} d"
                _folded(pair[0], star, star.period, title)
                behind = f"log-likelihood {row['behind_published']:+.1f}"
                _folded(pair[1], star, row[chosen], f"chosen {row[chosen]:.6g} d, {behind}")
            pdf.savefig(figure)


def _folded(axis: object, star: Star, period: float, title: str) -> None:
    start = min(c[0][0] for c in star.curves)
    for (time, mag, magerr), band in zip(star.curves, star.bands, strict=True):
        phase = np.mod((time - start) / period, 1.0)
        for shift in (0, 1):
            label = band if shift == 0 else None
            axis.errorbar(phase + shift, mag - np.median(mag), magerr, fmt=".", ms=3, lw=0.4,
                          color=f"C{sorted(set(star.bands)).index(band)}", label=label)  # fmt: skip
    axis.invert_yaxis()
    axis.set_title(title, fontsize=8)
