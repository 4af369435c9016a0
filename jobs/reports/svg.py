"""Pictures as inline SVG that takes its colours from the style sheet of the page.

An inline drawing follows the light or dark theme of the reader and stays sharp and small: ink and
data colours are written as CSS variables, and light curves as one path of dots.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from udfs.ragged import FloatArray

INK, RULE, PAPER = "#101112", "#d8dade", "#fefdfc"
ACCENT, WARM, MUTED = "#2463a6", "#c05a1e", "#868c95"
# By name of the band; g, r and i as in SCoPe. A band with another name takes one of the rest.
BANDS = {"g": "#28a745", "r": "#dc3545", "i": "#00415a"}
OTHER_BANDS = ("#7a4fb5", "#0f8f8a", "#a8780c")
_VARIABLES = {
    INK: "currentColor", RULE: "var(--rule)", PAPER: "var(--paper)",
    ACCENT: "var(--accent)", WARM: "var(--warm)", MUTED: "var(--muted)",
    BANDS["g"]: "var(--band-g)", BANDS["r"]: "var(--band-r)", BANDS["i"]: "var(--band-i)",
    **{colour: f"var(--band-other-{n})" for n, colour in enumerate(OTHER_BANDS, start=1)},
}  # fmt: skip
_STYLE = {
    "font.size": 9.0, "axes.titlesize": 9.5, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": MUTED, "axes.labelcolor": INK, "axes.titlecolor": INK, "text.color": INK,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "xtick.labelsize": 8.0, "ytick.labelsize": 8.0, "axes.labelsize": 8.5, "axes.linewidth": 0.8,
    "xtick.major.width": 0.8, "ytick.major.width": 0.8, "xtick.minor.visible": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": RULE, "grid.linewidth": 0.6,
    "legend.frameon": False, "legend.fontsize": 8.0, "figure.facecolor": "none",
    "axes.facecolor": "none", "axes.formatter.use_mathtext": False, "axes.unicode_minus": True,
    # Text stays text: it can be read aloud, searched and copied.
    "svg.fonttype": "none", "svg.hashsalt": "lambdasky", "path.simplify": False,
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A drawing with what to read from it.

    ``name`` is unique on its page; ``alt`` says what a reader who does not see it must know.
    """

    name: str
    svg: Markup
    caption: str


def draw(
    name: str,
    paint: Callable[[Figure], None],
    *,
    size: tuple[float, float],
    alt: str,
    caption: str,
) -> Picture:
    """Let ``paint`` fill a figure of ``size`` inches and keep it as inline SVG."""
    with rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure)
        text = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    return Picture(name, Markup(_inline(text.getvalue(), name, alt)), caption)


def dots(axes: Axes, x: FloatArray, y: FloatArray, *, colour: str, size: float = 2.6) -> None:
    """Scatter as one path of dots: 15 bytes a point, where a marker of its own takes 100."""
    _one_path(axes, x, y, y, colour=colour, width=size, opacity=0.75)


def error_bars(axes: Axes, x: FloatArray, y: FloatArray, err: FloatArray, *, colour: str) -> None:
    """Vertical bars from ``y - err`` to ``y + err`` as one path."""
    _one_path(axes, x, y - err, y + err, colour=colour, width=0.6, opacity=0.3)


def _one_path(
    axes: Axes,
    x: FloatArray,
    low: FloatArray,
    high: FloatArray,
    *,
    colour: str,
    width: float,
    opacity: float,
) -> None:
    if x.size == 0:
        return
    vertices = np.stack([x, low, x, high], axis=1).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, Path.LINETO], x.size)
    line = PathPatch(
        Path(vertices, codes), fill=False, edgecolor=colour, linewidth=width,
        capstyle="round", alpha=opacity,
    )  # fmt: skip
    # add_patch would walk over all points to move the limits of the axes.
    axes.add_artist(line)
    line.set_clip_path(axes.patch)
    line.set_in_layout(False)


def _inline(text: str, name: str, alt: str) -> str:
    """SVG file -> element for a page: own ids, the page's fonts and colours, short numbers."""
    body = text[text.index("<svg") :]
    view = re.search(r'viewBox="([^"]+)"', body)
    body = body[body.index(">") + 1 :]
    # A style element would hold for the whole page, and only shapes are ever referred to by id.
    body = re.sub(r"<!--.*?-->|<style.*?</style>|(?<=<g) id=\"[^\"]*\"", "", body, flags=re.DOTALL)
    body = re.sub(r"font-family: [^;\"]*;? ?| transform=\"rotate\(-0 [^\"]*\"", "", body)
    body = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", body).replace("xlink:href", "href")
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    body = re.sub(r' (d|x|y)="[^"]*"', _one_decimal, body)
    body = re.sub(r"M (\S+) (\S+) \nL \1 \2 ?\n", r"M\1 \2h0", body)
    body = re.sub(r"M (\S+) (\S+) \nL \1 (\S+) ?\n", r"M\1 \2V\3", body)
    body = re.sub(r"\s*\n\s*", "\n", body)
    head = f'<svg viewBox="{view.group(1) if view else ""}" role="img" aria-label="{escape(alt)}">'
    return head + body


def _one_decimal(attribute: re.Match[str]) -> str:
    """A tenth of a point is finer than a screen shows."""
    return re.sub(r"(\d+\.\d)\d+", r"\1", attribute.group(0))
