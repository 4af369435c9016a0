"""Pictures of two sets of models: heat maps of their scores, precision and recall, reliability."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from jobs.reports.comparison import Compared
from jobs.reports.svg import ACCENT, MUTED, WARM, Picture, dots, draw
from models.evaluation.reliability import reliability
from models.evaluation.two_models import score_map

BINS = 20
_COLUMNS = 5
# Opacity of a cell by its count: one path for each, where a cell of its own takes 160 bytes.
_SHADES = (0.12, 0.25, 0.42, 0.6, 0.8, 1.0)
# A share of fewer light curves is noise.
_FEWEST = 10


def score_maps(compared: Sequence[Compared], *, names: tuple[str, str]) -> Picture:
    """How many light curves have each pair of scores, label by label.

    References
    ----------
    Healy et al. (2024), ApJS 272, 14, figures 10 to 12.
    """
    return draw(
        "score-maps",
        partial(_panels, compared, paint=_paint_map, names=names),
        size=_size(compared),
        alt=f"Scores of {names[0]} against those of {names[1]} for {len(compared)} labels; the "
        "table has the agreement in numbers.",
        caption=f"Light curves per pair of scores, darker for more (logarithmic). Weight on the "
        f"diagonal means that {names[0]} and {names[1]} agree; in the upper left and lower right "
        "corners one is sure of what the other denies: look at those stars first.",
    )


def reliabilities(compared: Sequence[Compared], *, names: tuple[str, str]) -> Picture:
    """Share of positives against score, label by label, for both sets."""
    return draw(
        "reliability",
        partial(_panels, compared, paint=_paint_reliability, names=names),
        size=_size(compared),
        alt=f"Share of positives against the score for {len(compared)} labels.",
        caption="Of the light curves with about that score, the share that has the label. On the "
        f"dashed line a score is a probability; below it the model is too sure. Tenths with fewer "
        f"than {_FEWEST} light curves are left out.",
    )


def precision_recall(compared: Sequence[Compared], *, names: tuple[str, str]) -> Picture:
    """Precision and recall at the threshold, one set against the other, a dot per label."""
    return draw(
        "both-metrics",
        partial(_paint_metrics, compared, names),
        size=(8.6, 4.1),
        alt=f"Precision and recall of {names[1]} against {names[0]}.",
        caption=f"A dot per label. Above the dashed line {names[1]} is better, below it "
        f"{names[0]}.",
    )


def _size(compared: Sequence[Compared]) -> tuple[float, float]:
    return 9.4, 0.4 + 1.8 * math.ceil(len(compared) / _COLUMNS)


def _panels(
    compared: Sequence[Compared], figure: Figure, *, paint: object, names: tuple[str, str]
) -> None:
    rows = math.ceil(len(compared) / _COLUMNS)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, one in zip(panels, compared, strict=False):
        paint(axes, one)  # type: ignore[operator]
        axes.set(title=one.label, xlim=(0, 1), ylim=(0, 1))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    for axes in panels[len(compared) :]:
        axes.set_axis_off()
    axis = (f"score of {names[0]}", f"score of {names[1]}")
    if paint is _paint_reliability:
        axis = (f"score ({names[0]} blue, {names[1]} orange)", "share of positives")
    figure.supxlabel(axis[0], fontsize=8.5)
    figure.supylabel(axis[1], fontsize=8.5)


def _paint_map(axes: Axes, one: Compared) -> None:
    counts = score_map(one.first, one.second, n_bins=BINS)
    # Equal steps of the logarithm; the fullest cell has the last shade.
    levels = np.log(np.maximum(counts, 1)) / max(np.log(counts.max()), 1e-9)
    shade = np.minimum((levels * len(_SHADES)).astype(int), len(_SHADES) - 1)
    for number, opacity in enumerate(_SHADES):
        corners = np.argwhere((shade == number) & (counts > 0)) / BINS
        if len(corners):
            axes.add_artist(_squares(corners, 1 / BINS, opacity))
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.7, ls=(0, (3, 3)))


def _squares(corners: npt.NDArray[np.float64], side: float, opacity: float) -> PathPatch:
    around = side * np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    vertices = (corners[:, None] + around).reshape(-1, 2)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(corners)
    return PathPatch(Path(vertices, codes), facecolor=ACCENT, edgecolor="none", alpha=opacity)


def _paint_reliability(axes: Axes, one: Compared) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, lw=0.7, ls=(0, (3, 3)))
    for scores, colour in ((one.first, ACCENT), (one.second, WARM)):
        curve = reliability(one.target, scores)
        some = curve.count >= _FEWEST
        axes.plot(curve.predicted[some], curve.observed[some], color=colour, lw=0.9)
        dots(axes, curve.predicted[some], curve.observed[some], colour=colour, size=3.6)


def _paint_metrics(compared: Sequence[Compared], names: tuple[str, str], figure: Figure) -> None:
    panels = figure.subplots(1, 2)
    for axes, metric, colour in zip(panels, ("precision", "recall"), (ACCENT, WARM), strict=True):
        axes.plot([0, 1], [0, 1], color=MUTED, lw=0.8, ls=(0, (3, 3)))
        for one in compared:
            x, y = one.first_metrics[metric], one.second_metrics[metric]
            if np.isfinite([x, y]).all():
                axes.plot(x, y, "o", ms=4.2, color=colour)
                axes.annotate(one.label, (x, y), xytext=(3, 3), textcoords="offset points",
                              fontsize=7)  # fmt: skip
        axes.set(title=metric, xlabel=names[0], ylabel=names[1], xlim=(-0.02, 1.05),
                 ylim=(-0.02, 1.05))  # fmt: skip
