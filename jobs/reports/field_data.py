"""All that the page of one field shows, gathered from the warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.common.tables import Warehouse
from jobs.reports.agreement import Agreement, count_agreement_in_table, tree_pairs
from jobs.reports.field_tables import (
    LabelScores,
    Quarantined,
    TopSource,
    histogram_counts,
    label_scores,
    one_field,
    quarantine_counts,
    stage_counts,
    top_sources,
)
from jobs.reports.plots_light_curves import Star
from jobs.reports.stars import Wanted, read_stars
from models.taxonomy import Taxonomy
from udfs.schemas import scores_table

# Above this score a light curve has the label, as in SCoPe.
THRESHOLD = 0.7
# Labels drawn where no score is above the threshold.
FEW = 3


@dataclass(frozen=True)
class FieldData:
    """One field in counts and short lists.

    ``stages`` are (step, light curves); ``columns`` the score columns that hold any, of which
    ``drawn`` get pictures; ``agreements`` are per kind of model, ``histograms`` and ``best`` per
    score column, ``stars`` per source_id.
    """

    survey: str
    field: int
    stages: Sequence[tuple[str, int]]
    quarantined: Sequence[Quarantined]
    model_versions: Sequence[str]
    columns: Sequence[LabelScores]
    drawn: Sequence[LabelScores]
    agreements: Mapping[str, Sequence[Agreement]]
    histograms: Mapping[str, npt.NDArray[np.int64]]
    best: Mapping[str, Sequence[TopSource]]
    stars: Mapping[int, Star]

    def of_model(self, model: str) -> list[LabelScores]:
        """The columns of one kind of model."""
        return [column for column in self.columns if column.model == model]


def gather_field(
    warehouse: Warehouse, taxonomy: Taxonomy, *, survey: str, field: int, top: int
) -> FieldData:
    """Read one field that has scores; ``top`` sources per label."""
    table = scores_table(taxonomy.scored)
    scores = one_field(warehouse, table, survey=survey, field=field)
    assert scores is not None  # the field was found in this table
    scores.persist()
    try:
        columns = label_scores(scores, taxonomy.scored, threshold=THRESHOLD)
        drawn = _drawn(columns)
        best = top_sources(scores, columns, top)
        versions = scores.select("model_version").distinct().collect()
        return FieldData(
            survey=survey,
            field=field,
            stages=stage_counts(warehouse, scores, survey=survey, field=field),
            quarantined=quarantine_counts(warehouse, survey=survey, field=field),
            model_versions=sorted(row[0] for row in versions if row[0] is not None),
            columns=columns,
            drawn=drawn,
            agreements={
                model: count_agreement_in_table(
                    scores,
                    tree_pairs(taxonomy, [c.label for c in columns if c.model == model]),
                    columns={c.label: c.column for c in columns if c.model == model},
                    threshold=THRESHOLD,
                )
                for model in dict.fromkeys(c.model for c in columns)
            },
            histograms=histogram_counts(scores, columns),
            best=best,
            stars=read_stars(warehouse, _wanted(survey, field, [best[c.column] for c in drawn])),
        )
    finally:
        scores.unpersist()


def _drawn(columns: Sequence[LabelScores]) -> list[LabelScores]:
    above = [c for c in columns if c.n_above]
    return above or sorted(columns, key=lambda c: -c.best)[:FEW]


def _wanted(survey: str, field: int, best: Sequence[Sequence[TopSource]]) -> list[Wanted]:
    """Each top source once."""
    found = {
        source.source_id: Wanted(survey, field, source.source_id, source.object_id, source.period)
        for sources in best
        for source in sources
    }
    return list(found.values())
