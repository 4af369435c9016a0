"""Whether a candidate may take the place of the model that scores, by what is known of both."""

from dataclasses import dataclass

from models.registry import Model


@dataclass(frozen=True)
class Comparison:
    """Average precision of a candidate and of the model in production, on the same footing.

    Attributes
    ----------
    candidate, current : float or None
        None where undefined.
    rows
        Light curves that both predicted in their test parts; 0: the stored figures are compared,
        each from a test part of its own.
    """

    candidate: float | None
    current: float | None
    rows: int

    def __str__(self) -> str:
        where = f"on {self.rows:,} common test rows" if self.rows else "by the stored figures"
        shown = [f"{v:.4f}" if v is not None else "undefined" for v in self._figures]
        return f"average precision {shown[0]} against {shown[1]} {where}"

    @property
    def falls(self) -> bool:
        """Whether the candidate is worse than a known figure; without a figure it is."""
        if self.current is None:
            return False
        return self.candidate is None or self.candidate < self.current

    @property
    def _figures(self) -> tuple[float | None, float | None]:
        return self.candidate, self.current


def judge(
    candidate: Model, current: Model, found: Comparison, *, forced: str | None
) -> tuple[bool, str]:
    """Whether the candidate replaces the model in production, and why, in one line.

    It must not be worse. Where the model in production has no figure to hold it against, such as
    published networks, a figure of the candidate's own proves nothing: it stays out. Only what
    was imported gives way to what was imported: somebody fetched it to take that place, and no
    training will ever give either a figure.

    Parameters
    ----------
    forced : reason to promote it whatever the figures say
    """
    unknown = found.current is None
    if unknown and found.candidate is None and candidate.imported and current.imported:
        return True, "imported in place of an imported one; neither has an average precision"
    if not unknown and not found.falls:
        return True, str(found)
    if forced:
        return True, f"forced ({forced}) though {found}"
    if not unknown:
        return False, str(found)
    return False, (
        f"{found}: nothing compares it with {current.version} in production; judge both on the "
        "same examples, and if it is better, promote it with --force --reason WHY"
    )
