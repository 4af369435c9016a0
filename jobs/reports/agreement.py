"""Agreement along the label trees: of those with a label, how many have the label above it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.evaluation.consistency import nearest_above
from models.taxonomy import Taxonomy


@dataclass(frozen=True)
class Agreement:
    """Light curves above the threshold in ``child``, and those of them above it in ``parent``.

    References
    ----------
    Healy et al. (2024), ApJS 272, 14, section 5.2.
    """

    child: str
    parent: str
    n_child: int
    n_both: int

    @property
    def share(self) -> float | None:
        """Part of the children whose parent agrees; None without a child."""
        return self.n_both / self.n_child if self.n_child else None


def tree_pairs(taxonomy: Taxonomy, scored: Sequence[str]) -> list[tuple[str, str]]:
    """(child, parent) for the scored labels, in the order of the trees.

    The parent is the nearest label above that has scores itself.
    """
    return list(nearest_above(taxonomy, scored).items())


def count_agreement(
    scores: pd.DataFrame, pairs: Sequence[tuple[str, str]], *, threshold: Mapping[str, float]
) -> list[Agreement]:
    """Agreement in a frame with one column of scores per label; NaN where it was not scored.

    A light curve counts where both labels of the pair have scores.
    """
    found = []
    for child, parent in pairs:
        yes = (scores[child] > threshold[child]) & scores[parent].notna()
        both = yes & (scores[parent] > threshold[parent])
        found.append(Agreement(child, parent, int(yes.sum()), int(both.sum())))
    return found


def count_agreement_in_table(
    scores: DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    columns: Mapping[str, str],
    threshold: float,
) -> list[Agreement]:
    """The same for a table of any size, in one pass; ``columns`` maps label -> score column."""

    def above(label: str) -> Column:
        return F.col(columns[label]) > threshold

    sums = []
    for n, (child, parent) in enumerate(pairs):
        comparable = above(child) & F.col(columns[parent]).isNotNull()
        sums.append(F.count_if(comparable).alias(f"child_{n}"))
        sums.append(F.count_if(comparable & above(parent)).alias(f"both_{n}"))
    if not sums:
        return []
    row = scores.agg(*sums).first()
    assert row is not None  # an aggregate without groups has one row
    return [
        Agreement(child, parent, row[f"child_{n}"], row[f"both_{n}"])
        for n, (child, parent) in enumerate(pairs)
    ]
