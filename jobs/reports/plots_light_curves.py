"""A star: its light curve beside the same curve folded at its period."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jobs.reports.svg import BANDS, OTHER_BANDS, Picture, dots, draw, error_bars
from udfs.ragged import FloatArray

# JD 2458194.5, where SCoPe's pictures begin to count phases.
PHASE_ORIGIN_MJD = 58194.0


@dataclass(frozen=True)
class BandCurve:
    """The clean epochs of a star in one band: (n,) float64 time [MJD], mag and error."""

    band: str
    time: FloatArray
    mag: FloatArray
    err: FloatArray


@dataclass(frozen=True)
class Star:
    """A star to be drawn; ``period_day`` is None or NaN where none was found."""

    source_id: int
    object_id: str
    curves: Sequence[BandCurve]
    period_day: float | None

    @property
    def picture_name(self) -> str:
        """Name of its picture, for links to it."""
        return f"star-{self.source_id}"


def phase(time: FloatArray, period_day: float) -> FloatArray:
    """Phase in [0, 1) counted from JD 2458194.5, float64."""
    cycles = (time - PHASE_ORIGIN_MJD) / period_day
    return np.asarray(cycles - np.floor(cycles), dtype=np.float64)


def star_picture(star: Star) -> Picture:
    """Light curve on the left; phase -1 to 1, so each point twice, on the right."""
    n = sum(curve.time.size for curve in star.curves)
    bands = ", ".join(curve.band for curve in star.curves) or "no band"
    period = "no period" if not _has_period(star) else f"period {star.period_day:.6g} d"
    return draw(
        star.picture_name,
        partial(_paint, star),
        size=(9.4, 2.5),
        alt=f"Light curve of {star.object_id} in {bands}, {n:,} clean epochs, {period}.",
        caption=f"{star.object_id}: {n:,} clean epochs in {bands}, {period}. At the right period "
        "the points on the right line up along one curve; a cloud means that the period, or the "
        "label, is doubtful.",
    )


def _paint(star: Star, figure: Figure) -> None:
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    colours = _colours(star.curves)
    for curve in star.curves:
        colour = colours[curve.band]
        # The path of dots has no legend entry; a line without points lends it one.
        left.plot([], [], "o", ms=4, color=colour, label=curve.band)
        error_bars(left, curve.time, curve.mag, curve.err, colour=colour)
        dots(left, curve.time, curve.mag, colour=colour)
        if star.period_day is not None and _has_period(star):
            once = phase(curve.time, star.period_day)
            both = np.concatenate([once - 1.0, once])
            dots(right, both, np.tile(curve.mag, 2), colour=colour)
    _limits(left, star.curves)
    left.set(xlabel="HMJD [d]", ylabel="magnitude")
    left.ticklabel_format(axis="x", useOffset=False, style="plain")
    left.legend(loc="upper left", bbox_to_anchor=(0, 1.14), ncols=4, handletextpad=0.2)
    if _has_period(star):
        right.set_xticks([-1, -0.5, 0, 0.5, 1])
        right.set(xlim=(-1, 1), xlabel=f"phase, period {star.period_day:.6g} d")
    else:
        right.text(0.5, 0.5, "no period", ha="center", transform=right.transAxes)
        right.set_xticks([])


def _limits(axes: Axes, curves: Sequence[BandCurve]) -> None:
    """All points in view, bright on top. A path of dots does not move the limits by itself."""
    if not any(curve.time.size for curve in curves):
        return
    time = np.concatenate([curve.time for curve in curves])
    mag = np.concatenate([curve.mag for curve in curves])
    margin = 0.03 * (np.ptp(time) or 1.0)
    axes.set_xlim(time.min() - margin, time.max() + margin)
    margin = 0.06 * (np.ptp(mag) or 1.0)
    axes.set_ylim(mag.max() + margin, mag.min() - margin)


def _colours(curves: Sequence[BandCurve]) -> dict[str, str]:
    others = iter(OTHER_BANDS * len(curves))
    return {c.band: BANDS[c.band] if c.band in BANDS else next(others) for c in curves}


def _has_period(star: Star) -> bool:
    return star.period_day is not None and bool(np.isfinite(star.period_day) and star.period_day)
