"""Pictures of nights that were scored again: the scores before against those now."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jobs.reports.rescored_data import BINS, ScoreChange
from jobs.reports.svg import ACCENT, MUTED, WARM, Picture, dots, draw

_COLUMNS = 3
_PANEL_INCH = (3.1, 2.9)
# Dots of the emptiest and the fullest bins [points]; the largest fill a bin.
_SIZES = np.linspace(1.3, 4.2, 6)


def score_changes_picture(scores: Sequence[ScoreChange]) -> Picture:
    """Alerts per pair of scores, label by label."""
    rows = math.ceil(len(scores) / _COLUMNS)
    return draw(
        "changes",
        partial(_paint, scores),
        size=(_COLUMNS * _PANEL_INCH[0], rows * _PANEL_INCH[1]),
        alt=f"Scores now against scores before for {len(scores)} labels; the table has the changes "
        "in numbers.",
        caption="Alerts per pair of scores, a larger dot for more (logarithmic). On the dashed "
        "line nothing changed; orange alerts crossed the threshold, which is drawn thin.",
    )


def _paint(scores: Sequence[ScoreChange], figure: Figure) -> None:
    rows = math.ceil(len(scores) / _COLUMNS)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, one in zip(panels, scores, strict=False):
        _paint_one(axes, one)
    for axes in panels[len(scores) :]:
        axes.set_axis_off()
    figure.supxlabel("score before", fontsize=8.5)
    figure.supylabel("score now", fontsize=8.5)


def _paint_one(axes: Axes, one: ScoreChange) -> None:
    axes.set(title=one.label, xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.7, ls=(0, (3, 3)))
    for line in (axes.axhline, axes.axvline):
        line(one.threshold, color=MUTED, lw=0.5)
    filled = np.argwhere(one.counts > 0)
    if not len(filled):
        return
    before, now = (filled.T + 0.5) / BINS
    counts = one.counts[filled[:, 0], filled[:, 1]]
    # Equal steps of the logarithm.
    levels = np.log(counts) / max(float(np.log(counts.max())), 1e-9)
    step = np.minimum((levels * len(_SIZES)).astype(int), len(_SIZES) - 1)
    crossed = (before > one.threshold) != (now > one.threshold)
    for number, size in enumerate(_SIZES):
        for these, colour in ((~crossed, ACCENT), (crossed, WARM)):
            some = these & (step == number)
            dots(axes, before[some], now[some], colour=colour, size=float(size))
