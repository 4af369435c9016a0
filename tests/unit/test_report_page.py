from html.parser import HTMLParser

import numpy as np
import pytest

from jobs.reports.gallery import Gallery
from jobs.reports.page import Cell, Column, Page, Section, Table, number_cell, render
from jobs.reports.plots_light_curves import BandCurve, Star, star_picture


class Elements(HTMLParser):
    """Start tags of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def values(self, name: str) -> list[str]:
        return [a[name] for _, a in self.found if a.get(name) is not None]


def star(source_id: int) -> Star:
    time = np.linspace(58300.0, 59300.0, 30)
    curve = BandCurve("r", time, 17 + np.sin(time), np.full(30, 0.05))
    return Star(source_id, f"star-{source_id}", [curve], 1.5)


@pytest.fixture(scope="module")
def html() -> str:
    table = Table(
        "numbers",
        "Some numbers",
        [Column("name"), Column("value", True)],
        [
            [Cell("<script>alert(1)</script>", href="star-1"), number_cell(1234.5, 1)],
            [Cell("b"), number_cell(None, 1)],
        ],
    )
    sections = [
        Section("one", "First", "Text & more", pictures=[star_picture(star(1))], tables=[table]),
        Section("two", "Second", level=3),
    ]
    return render(Page("A page", "What it says", [("Fact", "42")], sections))


def test_a_page_needs_nothing_from_outside(html):
    elements = Elements(html)
    assert "http" not in html
    assert elements.values("src") == []
    assert all(target.startswith("#") for target in elements.values("href"))
    assert not [tag for tag, _ in elements.found if tag in ("link", "iframe", "img")]


def test_every_link_leads_to_one_place(html):
    elements = Elements(html)
    ids = elements.values("id")
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in elements.values("href")} <= set(ids)


def test_text_from_tables_is_escaped(html):
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_every_picture_has_a_text_for_those_who_do_not_see_it(html):
    labels = [a.get("aria-label") for tag, a in Elements(html).found if tag == "svg"]
    assert labels == ["Light curve of star-1 in r, 30 clean epochs, period 1.5 d."]


def test_numbers_sort_by_value_and_gaps_last(html):
    assert Elements(html).values("data-key") == ["1234.5", "-inf"]


def test_a_star_is_drawn_once():
    gallery = Gallery({1: star(1), 2: star(2)})
    first, note = gallery.show([1, 5])
    assert [p.name for p in first] == ["star-1"] and note == ""
    second, note = gallery.show([1, 2])
    assert [p.name for p in second] == ["star-2"]
    assert "under a label above: star-1" in note
    assert gallery.link(2) == "star-2" and gallery.link(5) == ""


def test_pictures_stop_where_the_page_would_grow_too_large():
    one = len(star_picture(star(1)).svg)
    gallery = Gallery({n: star(n) for n in (1, 2, 3)}, budget=int(2.5 * one))
    pictures, note = gallery.show([1, 2, 3])
    assert len(pictures) == 2
    assert "Not drawn, to keep the page small: star-3." in note
    assert gallery.link(3) == ""
