"""Plots of the period benchmarks: histograms of periods, and stars whose period was not found."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from period_stars import Star

from udfs.ragged import FloatArray

matplotlib.use("agg")
_PER_PAGE, _PER_ROW = 30, 3


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
    folder: Path, missed: pd.DataFrame, stars: Mapping[str, Star], *, chosen: str
) -> None:
    """Write, per class, pictures of each star folded at its published and at the chosen period.

    ``SURVEY_CLASS_1.png`` and so on; those whose likelihood speaks most for the published
    period come first.
    """
    for kind, of_kind in missed.sort_values("behind_published").groupby("class"):
        for number, start in enumerate(range(0, len(of_kind), _PER_PAGE), start=1):
            page = of_kind.iloc[start : start + _PER_PAGE]
            survey = stars[page["object_id"].iloc[0]].survey
            path = folder / f"{survey}_{kind}_{number}.png".replace("/", "-")
            _page_of_failures(page, stars, chosen).savefig(path, dpi=80)


def _page_of_failures(page: pd.DataFrame, stars: Mapping[str, Star], chosen: str) -> Figure:
    rows = -(-len(page) // _PER_ROW)
    figure = Figure(figsize=(13, 1.75 * rows), layout="constrained")
    axes = figure.subplots(rows, 2 * _PER_ROW, squeeze=False, sharex=True).reshape(-1, 2)
    for pair, (_, row) in zip(axes, page.iterrows(), strict=False):
        star = stars[row["object_id"]]
        _folded(pair[0], star, star.period, f"{star.object_id}\npublished {star.period:.6g} d")
        title = f"chosen {row[chosen]:.6g} d\nlog-likelihood {row['behind_published']:+.1f}"
        _folded(pair[1], star, row[chosen], title)
    for pair in axes[len(page) :]:
        for axis in pair:
            axis.set_axis_off()
    return figure


def _folded(axis: object, star: Star, period: float, title: str) -> None:
    start = min(c[0][0] for c in star.curves)
    faintest, brightest = [], []
    for (time, mag, magerr), band in zip(star.curves, star.bands, strict=True):
        phase = np.mod((time - start) / period, 1.0)
        low, high = np.percentile(mag - np.median(mag), (1, 99))
        faintest.append(high)
        brightest.append(low)
        for shift in (0, 1):
            label = band if shift == 0 else None
            axis.errorbar(phase + shift, mag - np.median(mag), magerr, fmt=".", ms=2, lw=0.3,
                          color=f"C{sorted(set(star.bands)).index(band)}", label=label)  # fmt: skip
    margin = 0.2 * (max(faintest) - min(brightest))
    axis.set_ylim(max(faintest) + margin, min(brightest) - margin)
    axis.set_title(title, fontsize=7)
    axis.tick_params(labelsize=6)
