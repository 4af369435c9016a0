"""Pages: sections with pictures and sortable tables, rendered to one HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from jobs.common.version import code_version
from jobs.reports.svg import Picture


@dataclass(frozen=True)
class Cell:
    """One cell: what is shown, what it is sorted by (the text itself if None), where it leads.

    ``href`` is the name of a picture or section of the same page.
    """

    text: str
    key: float | str | None = None
    href: str = ""


@dataclass(frozen=True)
class Column:
    """Heading of a column; numbers are set flush right, and sorted from the largest at first."""

    title: str
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose headings sort it; long ones scroll inside the page."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Section:
    """A part of a page with an entry in the table of contents; ``level`` 3 stands below 2."""

    name: str
    title: str
    text: str = ""
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    level: int = 2


@dataclass(frozen=True)
class Page:
    """A whole report; ``facts`` are the lines under the title."""

    title: str
    summary: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section] = field(default_factory=tuple)


def render(page: Page) -> str:
    """The page as HTML that needs nothing else: no style sheet, script, font or image."""
    # Text is escaped wherever it comes from: object ids are other people's strings.
    environment = Environment(
        loader=PackageLoader("jobs.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, lambdasky {code_version()}"
    return environment.get_template("page.html.j2").render(page=page, made=made)


def number_cell(value: float | None, digits: int) -> Cell:
    """A number with so many decimals; a dash that sorts last where there is none."""
    if value is None or value != value:
        return Cell("–", float("-inf"))
    return Cell(f"{value:,.{digits}f}", value)


def count_cell(value: int | None) -> Cell:
    """A whole number; a dash where there is none."""
    return number_cell(value, 0)
