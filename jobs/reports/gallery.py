"""Top stars label by label, each drawn once and only as long as the page stays small."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jobs.reports.plots_light_curves import Star, star_picture
from jobs.reports.svg import Picture

# Characters of all star pictures of a page; the rest of a page takes up to two million.
BUDGET = 3_000_000


@dataclass
class Gallery:
    """Draws the stars of a page; remembers which ones are on it."""

    stars: Mapping[int, Star]
    budget: int = BUDGET
    drawn: set[int] = field(default_factory=set)

    def show(self, source_ids: Sequence[int]) -> tuple[list[Picture], str]:
        """Pictures of the stars that are not on the page yet, and a sentence on the others."""
        known = [i for i in source_ids if i in self.stars]
        again = [self.stars[i].object_id for i in known if i in self.drawn]
        pictures = [p for i in known if i not in self.drawn and (p := self._draw(i)) is not None]
        left_out = [self.stars[i].object_id for i in known if i not in self.drawn]
        notes = [
            f"{words}: {', '.join(dict.fromkeys(names))}."
            for words, names in (
                ("Drawn under a label above", again),
                ("Not drawn, to keep the page small", left_out),
            )
            if names
        ]
        return pictures, " ".join(notes)

    def link(self, source_id: int) -> str:
        """Name of the picture of a light curve, empty where there is none."""
        return self.stars[source_id].picture_name if source_id in self.drawn else ""

    def _draw(self, source_id: int) -> Picture | None:
        picture = star_picture(self.stars[source_id])
        if len(picture.svg) > self.budget:
            return None
        self.budget -= len(picture.svg)
        self.drawn.add(source_id)
        return picture
