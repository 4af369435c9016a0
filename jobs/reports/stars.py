"""Light curves of chosen stars, cleaned as the features were, ready to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from jobs.common.config import Survey, read_survey
from jobs.common.tables import Warehouse
from jobs.reports.plots_light_curves import BandCurve, Star
from udfs.cleaning import CleaningSettings, clean_epochs
from udfs.schemas import LIGHT_CURVES

_EPOCHS = ("hmjd", "mag", "magerr", "catflags")


@dataclass(frozen=True)
class Wanted:
    """A light curve to be drawn, with all bands of its star in the same field."""

    survey: str
    field: int
    source_id: int
    object_id: str | None
    period_day: float | None


def read_stars(warehouse: Warehouse, wanted: Sequence[Wanted]) -> dict[int, Star]:
    """source_id -> its star; without those whose light curves are not in the warehouse."""
    if not wanted or not warehouse.exists(LIGHT_CURVES):
        return {}
    stars = {}
    for survey in sorted({w.survey for w in wanted}):
        here = [w for w in wanted if w.survey == survey]
        rows, settings = _read(warehouse, survey, here), read_survey(survey)
        stars.update({w.source_id: _star(w, rows, settings) for w in here})
    return {source_id: star for source_id, star in stars.items() if star.curves}


def _read(warehouse: Warehouse, survey: str, wanted: Sequence[Wanted]) -> pd.DataFrame:
    names = [w.object_id for w in wanted if w.object_id is not None]
    sources = [w.source_id for w in wanted]
    return (
        warehouse.read(LIGHT_CURVES)
        .where((F.col("survey") == survey) & F.col("field").isin([w.field for w in wanted]))
        .where(F.col("object_id").isin(names) | F.col("source_id").isin(sources))
        .select("field", "source_id", "object_id", "filter", *_EPOCHS)
        .orderBy("filter", "source_id")
        .toPandas()
    )


def _star(wanted: Wanted, rows: pd.DataFrame, survey: Survey) -> Star:
    same = rows["source_id"] == wanted.source_id
    if wanted.object_id is not None:
        same |= rows["object_id"] == wanted.object_id
    here = rows[same & (rows["field"] == wanted.field)]
    curves = [
        _band_curve(survey.bands.get(str(number), f"filter {number}"), group, survey)
        for number, group in here.groupby("filter")
    ]
    name = wanted.object_id or f"source {wanted.source_id}"
    return Star(wanted.source_id, name, curves, wanted.period_day)


def _band_curve(band: str, rows: pd.DataFrame, survey: Survey) -> BandCurve:
    """All light curves of a star in one band, end to end."""
    time, mag, magerr, catflags = (np.concatenate(rows[name].tolist()) for name in _EPOCHS)
    time, mag, err, _ = clean_epochs(
        time, mag, magerr, catflags, np.array([0, time.size]),
        settings=CleaningSettings(
            min_gap_minutes=survey.cleaning.min_gap_minutes, max_hmjd=survey.cleaning.max_hmjd
        ),
    )  # fmt: skip
    return BandCurve(band, time, mag, err)
