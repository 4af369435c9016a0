"""Pictures of scores without truth: their histograms, and agreement along the trees."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from jobs.reports.agreement import Agreement
from jobs.reports.svg import ACCENT, WARM, Picture, draw

BINS = 20
_COLUMNS = 5


def agreement_picture(agreements: Sequence[Agreement], *, name: str) -> Picture | None:
    """One bar per pair of labels that has a light curve above the threshold; None if none has."""
    shown = [a for a in agreements if a.n_child]
    if not shown:
        return None
    return draw(
        name,
        partial(_paint_agreement, shown),
        size=(8.6, 0.8 + 0.21 * len(shown)),
        alt="; ".join(f"{a.child} to {a.parent} {a.share:.0%}" for a in shown),
        caption="Of the light curves with a score above the threshold in the first label, the "
        "share that is above it in the second one, which stands above it in the tree. A label "
        "without its parent contradicts the taxonomy: low bars point at models not to be trusted "
        "on these data.",
    )


def histograms(
    counts: Mapping[str, npt.NDArray[np.int64]],
    *,
    above: Mapping[str, int],
    name: str,
    threshold: float,
) -> Picture:
    """Small histograms of the scores of each label.

    ``counts`` are (BINS,) from 0 to 1; ``above`` is the number of scores above the threshold.
    """
    rows = math.ceil(len(counts) / _COLUMNS)
    top = sorted(above, key=lambda label: -above[label])[:5]
    return draw(
        name,
        partial(_paint_histograms, counts, threshold),
        size=(9.4, 0.3 + 1.22 * rows),
        alt=f"Most light curves above {threshold:g}: "
        + ", ".join(f"{label} {above[label]:,}" for label in top),
        caption="Scores of all light curves, per label, counts on a logarithmic scale; the line is "
        f"at {threshold:g}. A label that is rare in the sky should fall steeply to the right; a "
        "heap at both ends is a confident model, a heap in the middle an undecided one.",
    )


def _paint_agreement(agreements: Sequence[Agreement], figure: Figure) -> None:
    axes = figure.subplots()
    rows = np.arange(len(agreements))
    shares = [a.share or 0.0 for a in agreements]
    axes.barh(rows, shares, color=ACCENT, alpha=0.75, height=0.62)
    for row, a in zip(rows, agreements, strict=True):
        axes.text(1.015, row, f"{a.share:.0%} of {a.n_child:,}", va="center", fontsize=8)
    axes.set_yticks(rows, [f"{a.child} → {a.parent}" for a in agreements])
    axes.set(xlim=(0, 1.16), ylim=(len(agreements) - 0.5, -0.5))
    axes.set_xticks(np.linspace(0, 1, 6), [f"{share:.0%}" for share in np.linspace(0, 1, 6)])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _paint_histograms(
    counts: Mapping[str, npt.NDArray[np.int64]], threshold: float, figure: Figure
) -> None:
    rows = math.ceil(len(counts) / _COLUMNS)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    edges = np.linspace(0.0, 1.0, BINS + 1)
    for axes, (label, count) in zip(panels, counts.items(), strict=False):
        axes.stairs(count, edges, fill=True, color=ACCENT, alpha=0.6)
        axes.axvline(threshold, color=WARM, lw=0.9)
        axes.set_yscale("symlog", linthresh=1)
        axes.set(title=label, xlim=(0, 1))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(axis="x", visible=False)
    for axes in panels[len(counts) :]:
        axes.set_axis_off()
    last_row = (rows - 1) * _COLUMNS
    for axes in panels[max(len(counts) - _COLUMNS, 0) : last_row]:
        # A column that ends a row early shows its scale under its own last panel, where there is
        # room: the layout need not make any.
        axes.tick_params(labelbottom=True)
        axes.xaxis.set_in_layout(False)
    figure.supxlabel("score", fontsize=8.5)
    figure.supylabel("light curves", fontsize=8.5)
