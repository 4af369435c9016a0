import re

import numpy as np
from matplotlib.figure import Figure

from jobs.reports.svg import ACCENT, BANDS, dots, draw, error_bars


def painted(figure: Figure) -> None:
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1), title="0.123456 <b>")
    axes.plot([0, 1], [0, 1], color=ACCENT)
    dots(axes, np.array([0.25, 0.5, 0.75]), np.array([0.5, 0.5, 0.5]), colour=BANDS["g"])
    error_bars(axes, np.array([0.5]), np.array([0.5]), np.array([0.1]), colour=BANDS["r"])


def drawn(name: str = "here") -> str:
    return str(draw(name, painted, size=(4, 3), alt='a "quoted" <alt>', caption="c").svg)


def test_colours_come_from_the_style_sheet():
    svg = drawn()
    assert "var(--accent)" in svg and "var(--band-g)" in svg and "currentColor" in svg
    assert re.findall(r"#[0-9a-f]{6}", svg) == []


def test_text_stays_text_with_all_its_digits_and_is_escaped():
    svg = drawn()
    assert "0.123456 &lt;b&gt;" in svg
    assert "<alt>" not in svg and "&lt;alt&gt;" in svg


def test_nothing_reaches_outside_the_drawing():
    svg = drawn()
    assert "http" not in svg and "<style" not in svg and "font-family" not in svg


def test_ids_of_two_drawings_differ_and_are_all_defined():
    first, second = drawn("first"), drawn("second")
    ids = re.findall(r'\bid="([^"]+)"', first)
    assert len(ids) == len(set(ids)) > 0
    assert not set(ids) & set(re.findall(r'\bid="([^"]+)"', second))
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', first)) <= set(ids)


def test_three_points_are_one_path_of_dots_at_equal_distances():
    path = next(p for p in re.findall(r'<path d="([^"]*)"', drawn()) if p.count("h0") == 3)
    x, y = np.array(re.findall(r"M(\S+) (\S+?)h0", path), float).T
    assert np.ptp(y) == 0
    # Coordinates are cut to a tenth of a point.
    assert abs((x[2] - x[1]) - (x[1] - x[0])) <= 0.11 < x[1] - x[0]


def test_an_error_bar_is_a_vertical_line_centred_on_its_point():
    svg = drawn()
    dot_y = float(re.findall(r"M\S+ (\S+?)h0", svg)[0])
    low, high = next(
        (float(a), float(b))
        for a, b, style in re.findall(r'd="M\S+ (\S+?)V([\d.]+)"([^>]*)', svg)
        if "--band-r" in style
    )
    assert abs((low + high) / 2 - dot_y) <= 0.11
    assert abs(low - high) > 10
